"""The local ground: broker, plant and controller as processes of their own, on real sockets, in wall time."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from hil.faults.catalogue import Fault
from hil.rig.plant_process import Plant
from hil.rig.processes import RigError
from hil.rig.setting import Setting
from hil.rig.station import Rig, rig
from hil.scenario.model import Station
from hil.scenario.site import Switched

CAN_KINDS = ("loss", "stuck_counter", "frozen", "wrong_dlc", "untrusted", "babble", "conflict", "broken_transport")
"""What the bench can do to a bus from its own end; the controller's CAN device is not ours to take away."""
CAPABILITIES = frozenset(
    {
        *("truth", "kill", "plc_power", "chargers", "fault.modbus", "fault.people", "fault.plc"),
        *("fault.broker.outage", "fault.controller.kill", *(f"fault.can.{kind}" for kind in CAN_KINDS)),
    }
)


async def ask_plant(plant: Plant, do: str, arguments: dict[str, object]) -> dict[str, Any]:
    """One request to a plant that is a process. Raises RigError if it is refused, or no answer comes."""
    try:
        return await plant.ask(do, **arguments)
    except TimeoutError as e:
        raise RigError("the plant does not answer", where=do) from e


class LocalGround:
    """A rig of hil.rig.station in the shape that scenarios are played on."""

    name = "local"
    capabilities = CAPABILITIES

    def __init__(self, station: Rig) -> None:
        self._station = station
        self.operator = station.operator
        broker = station.broker
        self._faults = Switched(
            self, {"broker.outage": (broker.stop, broker.start), "controller.kill": (self.kill, self.start)}
        )

    async def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """One request to the plant. Raises RigError if it is refused or the plant is gone."""
        return await ask_plant(self._station.plant, do, arguments)

    async def inject(self, fault: Fault) -> None:
        """Switch a fault on. Raises StationError if it cannot be done here."""
        await self._faults.inject(fault)

    async def heal(self, kind: str | None = None) -> None:
        """Switch faults of a kind off; None: all of them."""
        await self._faults.heal(kind)

    async def kill(self) -> None:
        """SIGKILL, as a power cut of the station's PC."""
        self._station.controller.kill()
        await self._station.controller.stop()

    async def start(self) -> None:
        """Start the service again and wait for its READY=1. Raises RigError if that does not come."""
        await self._station.controller.start()


@contextlib.asynccontextmanager
async def ground(station: Station, seed: int) -> AsyncIterator[LocalGround]:
    """A station on this machine while the context lasts. Raises StationError if a part of it does not come up."""
    setting = Setting(
        speed=station.speed,
        seed=seed,
        wire_faults=True,
        packs_soc_pct=station.packs_soc_pct,
        grid_kw=station.grid_kw,
        soc=station.soc,
    )
    async with rig(setting) as there:
        yield LocalGround(there)
