"""The station in memory with packs that have a thermal event."""

from __future__ import annotations

from typing import Any

from drivers.reading import Signal
from hil.plant.pack import Pack
from tests.simulation.ground import VIN, Ground

ISOLATION = 6
"""The isolation bay of the ground's configuration."""


class HotGround(Ground):
    """A ground whose packs can be set on fire, and whose people know what to do."""

    def pack(self, serial: str) -> Pack:
        """The pack with this serial, wherever it is."""
        return next(p for p in self.world.packs() if p.serial == serial)

    def heat(self, serial: str) -> None:
        """Its BMS reports a thermal event from now on."""
        self.pack(serial).faults.thermal_event = Signal.TRUE

    def bay_of(self, serial: str) -> int | None:
        """The bay it stands in."""
        return next((n for n, p in self.world.bays.items() if p.pack and p.pack.serial == serial), None)

    @property
    def code(self) -> str:
        """Code of the reason why the station stands or waits."""
        return self.state.reason.code if self.state.reason else ""

    @property
    def text(self) -> str:
        """Its sentence."""
        return self.state.reason.text if self.state.reason else ""

    async def cycles(self, count: int) -> None:
        """So many periods."""
        for _ in range(count):
            await self.cycle()

    async def stands(self, seconds: float = 120.0) -> None:
        """It has come to rest and waits for a person."""
        await self.until(lambda: self.state.packml in ("Held", "Stopped", "Aborted"), seconds)

    async def clear_and_reset(self) -> None:
        """What a person does after an abort."""
        await self.reaches("Aborted", 10.0)
        self.send("clear")
        await self.reaches("Stopped", 5.0)
        self.send("reset")


async def swapping(packs: int = 1, **settings: Any) -> HotGround:
    """A station with an authorised truck driving in."""
    ground = HotGround(**settings)
    await ground.ready()
    ground.arrive(packs)
    ground.send("authorise", vin=VIN)
    return ground


async def idle(**settings: Any) -> HotGround:
    """A station that waits for a truck."""
    ground = HotGround(**settings)
    await ground.ready()
    return ground
