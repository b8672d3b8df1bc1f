"""An energy meter: polled, never written. What it counts is taken as it stands; who compares two readings judges."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from drivers.errors import StationError
from drivers.meter_status import MeterDoubt, MeterStatus
from drivers.modbus import ModbusClient
from drivers.polled import Polled, require, whole
from drivers.reading import Quality, Reading
from drivers.register_points import Value
from drivers.registers import RegisterMap

FORGET_S = 3.0
"""A status older than this is no status."""

NEEDED = ("heartbeat", "serial", "status", "energy_in_wh", "energy_out_wh")
STATUS_POINTS = (*NEEDED, "voltage_v", "current_a", "power_w")

N = TypeVar("N", int, float)


class Meter:
    """Polls one meter; knows nothing of what it is fitted to."""

    def __init__(self, client: ModbusClient, register_map: RegisterMap, unit: int = 1, *, poll_s: float = 1.0) -> None:
        """unit: the meter's Modbus unit on the client's connection, which several may share.

        Raises RegisterMapError if the map lacks a point that is needed here.
        """
        self._poll_s = poll_s
        self._polled = Polled(client, register_map, unit, _decoded, forget_s=FORGET_S)
        require(register_map, register_map.block("status"), ("map_id", "map_version", *STATUS_POINTS))

    @property
    def status(self) -> MeterStatus | None:
        """The last status, None while there is none to believe (link down, wrong map, over 3 s old)."""
        return self._polled.status

    @property
    def error(self) -> StationError | None:
        """Why the last poll gave no status; None after a good one."""
        return self._polled.error

    async def run(self) -> None:
        """Poll until cancelled; missed periods are left out, not caught up."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            await self.poll()
            due_s = max(due_s + self._polled.rest_s(self._poll_s), loop.time())
            await asyncio.sleep(due_s - loop.time())

    async def poll(self) -> None:
        """Read the status once; failures end up in `error`, nothing is raised."""
        await self._polled.poll()


def _decoded(points: dict[str, Value], now_s: float, changed_s: float, where: str) -> MeterStatus:
    values = whole(points, NEEDED, where)
    doubts = MeterDoubt(values["status"])
    flow = bool(doubts & (MeterDoubt.VOLTAGE | MeterDoubt.CURRENT))
    energy = bool(doubts & MeterDoubt.ENERGY)
    return MeterStatus(
        received_s=now_s,
        heartbeat_changed_s=changed_s,
        heartbeat=values["heartbeat"],
        serial=values["serial"],
        doubts=doubts,
        voltage_v=_reading(values["voltage_v"], bool(doubts & MeterDoubt.VOLTAGE), now_s, "V"),
        current_a=_reading(values["current_a"], bool(doubts & MeterDoubt.CURRENT), now_s, "A"),
        power_w=_reading(values["power_w"], flow, now_s, "W"),
        energy_in_wh=_reading(values["energy_in_wh"], energy, now_s, "Wh"),
        energy_out_wh=_reading(values["energy_out_wh"], energy, now_s, "Wh"),
    )


def _reading(value: N | None, doubtful: bool, now_s: float, unit: str) -> Reading[N]:
    quality = Quality.UNTRUSTED if doubtful or value is None else Quality.GOOD
    return Reading(value, quality, now_s, unit)
