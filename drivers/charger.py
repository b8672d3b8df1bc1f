"""A bay's charger as the station sees it: a status that is polled, a set point that is kept up while it is wanted."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress

from drivers.charger_decode import STATUS_POINTS, decoded
from drivers.charger_status import OFF, ChargerMode, ChargerStatus, SetPoint
from drivers.errors import BadData, DeviceError, NoAnswer, StationError
from drivers.modbus import ModbusClient
from drivers.polled import Polled, require
from drivers.register_document import RegisterMapError
from drivers.register_points import EncodingError, Point
from drivers.registers import RegisterMap

FORGET_S = 0.5
"""A status older than this is no status."""
WANT_S = 0.3
"""A want holds so long; if none comes after it, the controller's cycle is dead and the driver writes OFF."""
LEASE_S = 0.4
"""The charger's lease ends so long after the last want, if this process is dead too: before the supply's (500 ms at
the most), so that the contactor opens without current."""

COMMAND_POINTS = ("counter", "lease_ms", "mode", "current_a", "voltage_v", "power_w")


class Charger:
    """Polls one charger's status, and writes what is wanted of it; knows nothing of bays and packs.

    write_error: why the last write came to nothing, or may have; None after one that was answered.
    counter:     of the last command sent; the status's echo_counter shows the same once it has been taken.
    """

    def __init__(
        self,
        client: ModbusClient,
        register_map: RegisterMap,
        unit: int = 1,
        *,
        poll_s: float = 0.1,
        lease_s: float = LEASE_S,
    ) -> None:
        """unit: the charger's Modbus unit on the client's connection, which several may share. lease_s: WANT_S..1.

        Raises RegisterMapError if the map lacks a point that is needed here, or its ranges leave out OFF (all 0);
        ValueError for a lease out of range.
        """
        if not WANT_S <= lease_s <= 1.0:
            raise ValueError(f"lease_s {lease_s:g}: {WANT_S:g}..1")
        self.write_error: DeviceError | None = None
        self.counter = 0
        self._client, self._unit, self._poll_s, self._lease_s = client, unit, poll_s, lease_s
        self._polled = Polled(client, register_map, unit, decoded, forget_s=FORGET_S)
        self._command = register_map.block("command")
        require(register_map, register_map.block("status"), ("map_id", "map_version", *STATUS_POINTS))
        require(register_map, self._command, COMMAND_POINTS)
        self._points = {p.name: p for p in self._command.points}
        self._can_be_off(register_map)
        self._wanted, self._wanted_s = OFF, -math.inf
        self._told: SetPoint | None = None  # as sent last; None: nothing yet
        self._counted_on = 0  # the connection on which `counter` has been compared with the charger's
        self._wake = asyncio.Event()

    def _can_be_off(self, register_map: RegisterMap) -> None:
        try:
            self._words(OFF, 0, 0)
        except EncodingError as e:
            raise RegisterMapError("command cannot say OFF", where=register_map.source, value=e.what) from e

    @property
    def status(self) -> ChargerStatus | None:
        """The last status, None while there is none to believe (link down, wrong map, over 0.5 s old)."""
        return self._polled.status

    @property
    def error(self) -> StationError | None:
        """Why the last poll gave no status; None after a good one."""
        return self._polled.error

    def want(self, set_point: SetPoint, now_s: float) -> None:
        """What is wanted now (event-loop time): written with the next poll, at once if it is less than what was told.

        It holds for WANT_S. Raises EncodingError for a value out of the map's range; then OFF is wanted.
        """
        try:
            self._words(set_point, 0, 0)
        except EncodingError:
            self._keep(OFF, now_s)
            raise
        self._keep(set_point, now_s)

    def _keep(self, set_point: SetPoint, now_s: float) -> None:
        self._wanted, self._wanted_s = set_point, now_s
        if self._told is not None and set_point.less_than(self._told):
            self._wake.set()

    async def run(self) -> None:
        """Poll and write until cancelled; missed periods are left out, not caught up."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            self._wake.clear()
            if loop.time() >= due_s:
                await self.poll()
                due_s = max(due_s + self._polled.rest_s(self._poll_s), loop.time())
            await self.tell()
            await self._pause(due_s)

    async def poll(self) -> None:
        """Read the status once; failures end up in `error`, nothing is raised."""
        await self._polled.poll()

    async def tell(self) -> None:
        """Write once what is wanted now, if there is anything to say and the charger has shown its map.

        A write that was not answered is not repeated: the status is read, and says whether it was taken.
        """
        if not self._polled.shown or self._polled.silent or self._all_said():
            return
        answered = self.write_error is None
        try:
            await self._client.write_made(self._command.address, self._made, unit=self._unit)
        except (NoAnswer, BadData) as e:
            self.write_error = e
            await self.poll()
            taken = self.status is not None and self.status.echo_counter == self.counter
            if answered and not taken and self.error is None:
                self._wake.set()  # it was lost: what is wanted by now is said anew; next time with the next poll
        except DeviceError as e:
            self.write_error = e
        else:
            self.write_error = None

    def _all_said(self) -> bool:
        """Nothing was ever wanted, or nobody wants anything any more and the charger has taken OFF."""
        if self._wanted_s == -math.inf:
            return True
        status = self.status
        off = self._told is not None and self._told.mode is ChargerMode.OFF
        return not self._fresh() and off and status is not None and status.echo_counter == self.counter

    def _fresh(self) -> bool:
        return asyncio.get_running_loop().time() < self._wanted_s + WANT_S

    def _made(self) -> tuple[int, ...]:
        """The command as it is right in this instant."""
        told = self._wanted if self._fresh() else OFF
        left_s = self._wanted_s + self._lease_s - asyncio.get_running_loop().time()
        lease_ms = 0 if told.mode is ChargerMode.OFF else max(0, math.floor(left_s * 1e3))
        words = self._words(told, self._next_counter(), lease_ms)
        self._told = told
        return words

    def _next_counter(self) -> int:
        """One more than the last one sent; after a new connection than the charger's, if that is ahead."""
        status = self.status
        if status is not None and self._counted_on != self._client.connection:
            first, self._counted_on = self._counted_on == 0, self._client.connection
            if first or 1 <= (status.echo_counter - self.counter) & 0xFFFF <= 0x7FFF:
                self.counter = status.echo_counter
        self.counter = (self.counter + 1) & 0xFFFF
        return self.counter

    def _words(self, told: SetPoint, counter: int, lease_ms: int) -> tuple[int, ...]:
        limits = {name: _floored(self._points[name], getattr(told, name)) for name in COMMAND_POINTS[3:]}
        return self._command.encode({"counter": counter, "lease_ms": lease_ms, "mode": int(told.mode), **limits})

    async def _pause(self, due_s: float) -> None:
        """Until it is time to poll, the last want has run out, or less is wanted (not for one who does not answer)."""
        loop = asyncio.get_running_loop()
        ends_s = self._wanted_s + WANT_S
        if self._polled.silent:
            await asyncio.sleep(due_s - loop.time())
            return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(due_s, ends_s) if ends_s > loop.time() else due_s):
                await self._wake.wait()


def _floored(point: Point, value: float) -> float:
    """What the wire can carry of it: never more than wanted."""
    if not math.isfinite(value):
        return value
    return math.floor(value / point.scale + 1e-6) * point.scale
