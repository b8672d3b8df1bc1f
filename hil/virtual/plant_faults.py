"""Faults of the plant on the virtual ground: how each is made there, and how it is undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from drivers.errors import StationError
from hil.faults import plant_kinds as kinds
from hil.faults.catalogue import PlantFault
from hil.plant.world import World

Ask = Callable[..., Awaitable[dict[str, Any]]]


class PlantFaults:
    """Of one station. What cannot be done now (no pack there, no truck) is no fault of the run: nothing is done."""

    def __init__(self, world: World, ask: Ask) -> None:
        self.x_error_mm = 0.0
        self._world, self._ask = world, ask
        self._serials: dict[str, str] = {}

    async def make(self, fault: PlantFault) -> None:
        """Break it."""
        match fault:
            case kinds.PlantPack():
                await self._break_pack(fault)
            case kinds.PlantSensor():
                await self._try("sensor", name=fault.name, shows=fault.shows)
            case kinds.PlantLockJams():
                await self._try("jam_lock", mount=fault.mount)
            case kinds.PlantSmoke():
                await self._try("smoke", bay=fault.bay, clear=False)
            case kinds.PlantSupplyWeld():
                await self._try("supply_weld", bay=fault.bay)
            case kinds.PlantKeySwitch():
                await self._try("mode", mode=fault.mode)
            case kinds.PlantParking():
                self.x_error_mm = fault.x_error_mm

    async def undo(self, fault: PlantFault) -> None:
        """Mend it."""
        match fault:
            case kinds.PlantPack():
                serial = self._serials.pop(fault.kind, "")
                await self._try("pack_fault", serial=serial, fault=fault.fault, value=False)
            case kinds.PlantSensor():
                await self._try("sensor", name=fault.name, mended=True)
            case kinds.PlantLockJams():
                await self._try("jam_lock", mount=fault.mount, jammed=False)
            case kinds.PlantSmoke():
                await self._try("smoke", bay=fault.bay, clear=True)
            case kinds.PlantSupplyWeld():
                await self._try("supply_weld", bay=fault.bay, welded=False)
            case kinds.PlantKeySwitch():
                await self._try("mode", mode="production")
            case kinds.PlantParking():
                self.x_error_mm = 0.0

    async def _break_pack(self, fault: kinds.PlantPack) -> None:
        place = self._world.bays.get(fault.bay)
        if place is not None and place.pack is not None:
            self._serials[fault.kind] = place.pack.serial
            await self._try("pack_fault", serial=place.pack.serial, fault=fault.fault)

    async def _try(self, do: str, **arguments: object) -> None:
        try:
            await self._ask(do, **arguments)
        except StationError:
            return
