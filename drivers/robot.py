"""The swap robot's PLC as the station sees it: a status that is polled, a command block that is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drivers.errors import BadData, DeviceError, DeviceRefused, MapMismatch, NoAnswer, StationError
from drivers.modbus import ModbusClient
from drivers.outage import Outage
from drivers.reading import Signal
from drivers.register_codec import Values
from drivers.registers import RegisterMap
from drivers.robot_decode import StatusDecoder, command_values
from drivers.robot_protocol import CommandBlock, RobotStatus

FORGET_S = 0.5
"""A status older than this is no status; the interlock stops believing it sooner (safety.plc_age_ms)."""


def _nobody(_: RobotStatus) -> None:
    """Nobody looks at every status."""


class Robot:
    """Polls the status block and writes the command block; knows nothing of swaps.

    status: the last decoded status, None while there is none to believe (link down, wrong map, over 0.5 s old).
    error:  why the last poll gave no status; None after a good one.
    """

    def __init__(
        self,
        client: ModbusClient,
        register_map: RegisterMap,
        *,
        poll_s: float = 0.02,
        on_danger: Callable[[], None],
        on_status: Callable[[RobotStatus], None] = _nobody,
    ) -> None:
        """on_status: called with every status that was read, before on_danger; whoever must miss none.

        Raises RegisterMapError if the map lacks a point that is needed here.
        """
        self.status: RobotStatus | None = None
        self.error: StationError | None = None
        self.bad_data = 0
        self._client, self._map, self._poll_s, self._on_danger = client, register_map, poll_s, on_danger
        self._on_status = on_status
        self._status_block, self._command_block = register_map.block("status"), register_map.block("command")
        self._decoder = StatusDecoder(register_map, client.name)
        self._wake = tuple(p.name for p in self._status_block.points if p.wake)
        self._checked_connection = 0  # the connection on which the PLC has shown the right map
        self._outage = Outage("no status", client.name)

    async def run(self) -> None:
        """Poll at the fixed period until cancelled; missed periods are left out, not caught up."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            await self.poll()
            due_s = max(due_s + self._poll_s, loop.time())
            await asyncio.sleep(due_s - loop.time())

    async def poll(self) -> None:
        """Read the status once; failures end up in `error`, nothing is raised."""
        connection = self._client.connection
        try:
            words = await self._client.read(self._status_block.address, self._status_block.count)
            now_s = asyncio.get_running_loop().time()
            values = self._status_block.decode(words)
            self._check_map(values)
            status = self._decoder.status(values, now_s)
        except (NoAnswer, DeviceRefused, BadData) as e:
            # One lost or broken answer says nothing new of the plant: the old status stays, and ages.
            self.bad_data += isinstance(e, BadData)
            self._failed(e, forget=self._too_old())
        except DeviceError as e:
            self._failed(e, forget=True)
        else:
            self._checked_connection = connection
            before, self.status, self.error = self.status, status, None
            self._on_status(status)
            self._outage.over()
            if before is not None and self._is_danger(before, status):
                self._on_danger()

    async def write(self, block: CommandBlock) -> None:
        """Write the whole command block in one transaction, once.

        Raises DeviceError: LinkDown, NoAnswer (it may have been taken: look at the echo), DeviceRefused, EncodingError,
        MapMismatch; and LinkDown or the poll's error before the PLC has shown the right map on this connection.
        """
        words = self._command_block.encode(command_values(block))
        if not self._checked_connection or self._checked_connection != self._client.connection:
            raise self._not_ready()
        await self._client.write(self._command_block.address, words)

    def _not_ready(self) -> DeviceError:
        if isinstance(self.error, DeviceError):
            return self.error
        return NoAnswer("nothing is written before the PLC has shown its map", where=self._client.name)

    def _failed(self, error: DeviceError, forget: bool) -> None:
        self.error = error
        if forget:
            self.status = None
            self._outage.say(error)
        if isinstance(error, MapMismatch):
            self._checked_connection = 0

    def _too_old(self) -> bool:
        return self.status is not None and asyncio.get_running_loop().time() - self.status.received_s > FORGET_S

    def _check_map(self, values: Values) -> None:
        got = values.points["map_id"], values.points["map_version"]
        if got != (self._map.map_id, self._map.version):
            raise MapMismatch(
                "the PLC speaks another register map",
                where=self._client.name,
                value="id {} version {}".format(*got),
                limit=f"id {self._map.map_id} version {self._map.version}",
                remedy="set robot.register_map to the PLC's map, or load the right program into the PLC",
            )

    def _is_danger(self, before: RobotStatus, now: RobotStatus) -> bool:
        lost = any(getattr(before, w) is Signal.TRUE and getattr(now, w) is not Signal.TRUE for w in self._wake)
        return lost or before.mounts != now.mounts
