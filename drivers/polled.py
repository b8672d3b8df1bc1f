"""A device's status block that is read again and again: its last status, or why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from drivers.errors import BadData, DeviceError, DeviceRefused, MapMismatch, NoAnswer, StationError
from drivers.modbus import ModbusClient
from drivers.outage import Outage
from drivers.register_codec import Block, Values
from drivers.register_document import RegisterMapError
from drivers.register_points import Value
from drivers.registers import RegisterMap

LONGEST_REST_S = 5.0
"""A device that does not answer is asked so seldom: on a shared connection each try costs the others a time-out."""


class Received(Protocol):
    """Any status."""

    @property
    def received_s(self) -> float:
        """Event-loop time of receipt."""


S = TypeVar("S", bound=Received)
Decode = Callable[[dict[str, Value], float, float, str], S]
"""Makes a status of a block's points, the time of receipt, when `heartbeat` last moved, and where the device is."""


class Polled(Generic[S]):
    """Reads one unit's status block when told, checks its map, and keeps what came of it.

    status: the last decoded status, None while there is none to believe (link down, wrong map, older than forget_s).
    error:  why the last poll gave no status; None after a good one.
    """

    def __init__(
        self, client: ModbusClient, register_map: RegisterMap, unit: int, decode: Decode[S], *, forget_s: float
    ) -> None:
        self.status: S | None = None
        self.error: StationError | None = None
        self.where = f"{client.name} unit {unit}"
        self._client, self._map, self._unit, self._decode, self._forget_s = client, register_map, unit, decode, forget_s
        self._block = register_map.block("status")
        self._checked_connection = 0  # the connection on which the device has shown the right map
        self._outage = Outage(f"no status of unit {unit}", self.where)
        self._heartbeat: Value = None
        self._heartbeat_changed_s = 0.0
        self._unheard = 0

    @property
    def shown(self) -> bool:
        """Whether the device has shown the right map on the present connection."""
        return self._checked_connection != 0 and self._checked_connection == self._client.connection

    @property
    def silent(self) -> bool:
        """Whether it left more than one request in a row without an answer."""
        return self._unheard > 1

    def rest_s(self, period_s: float) -> float:
        """How long to wait before the next request: a period, and longer and longer for who does not answer."""
        return max(period_s, min(period_s * 2.0 ** min(self._unheard - 1, 10), LONGEST_REST_S))

    async def poll(self) -> None:
        """Read the status once; failures end up in `error`, nothing is raised."""
        connection = self._client.connection
        try:
            words = await self._client.read(self._block.address, self._block.count, unit=self._unit)
            status = self._made(self._block.decode(words), asyncio.get_running_loop().time())
        except (NoAnswer, DeviceRefused, BadData) as e:
            # One lost or broken answer says nothing new of the device: the old status stays, and ages.
            self._unheard += not isinstance(e, BadData)
            self._failed(e, forget=self._too_old())
        except DeviceError as e:
            self._failed(e, forget=True)
        else:
            self._checked_connection, self._unheard = connection, 0
            self.status, self.error = status, None
            self._outage.over()

    def _made(self, values: Values, now_s: float) -> S:
        points = values.points
        got = points["map_id"], points["map_version"]
        if got != (self._map.map_id, self._map.version):
            raise MapMismatch(
                "another register map is spoken",
                where=self.where,
                value="id {} version {}".format(*got),
                limit=f"id {self._map.map_id} version {self._map.version}",
                remedy="set register_map to the device's map, and look whether address and unit are the right ones",
            )
        if points["heartbeat"] != self._heartbeat:
            self._heartbeat, self._heartbeat_changed_s = points["heartbeat"], now_s
        return self._decode(points, now_s, self._heartbeat_changed_s, self.where)

    def _failed(self, error: DeviceError, forget: bool) -> None:
        self.error = error
        if forget:
            self.status = None
            self._outage.say(error)
        if isinstance(error, MapMismatch):
            self._checked_connection = 0

    def _too_old(self) -> bool:
        return self.status is None or asyncio.get_running_loop().time() - self.status.received_s > self._forget_s


def require(register_map: RegisterMap, block: Block, points: Sequence[str], groups: Sequence[str] = ()) -> None:
    """Raises RegisterMapError if the block lacks one of these, or has a group where a point is needed or vice versa."""
    lacking = [name for name in points if name not in {p.name for p in block.points}]
    lacking += [f"group {name}" for name in groups if name not in {g.name for g in block.groups}]
    if lacking:
        raise RegisterMapError(f"{block.name} lacks {', '.join(lacking)}", where=register_map.source)


def whole(points: dict[str, Value], names: Sequence[str], where: str) -> dict[str, Any]:
    """The points, of which each named here must be within its range. Raises BadData."""
    missing = next((name for name in names if points[name] is None), None)
    if missing is not None:
        raise BadData(f"{missing} is out of the map's range", where=where)
    return dict(points)
