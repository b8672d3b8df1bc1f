"""Faults on the virtual ground: each kind is switched on where it belongs, and healed when its time is over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from drivers import tasks
from drivers.errors import StationError
from hil.faults import catalogue as c
from hil.faults import site_kinds as site
from hil.faults.catalogue import Fault
from hil.plant.world import World
from hil.record import Span
from hil.rig.operator import Operator
from hil.virtual.cabling import Cabling
from hil.virtual.controller import Controller
from hil.virtual.loop import VirtualLoop
from hil.virtual.plant_faults import PlantFaults
from hil.watch.findings import Findings

INPUTS = {"people.zone": "zone_clear", "people.estop": "estop_released", "people.doors": "doors_closed"}
INPUTS |= {"people.fire": "fire_clear"}
SETTLE_S = 0.02
RESTART_S = 1.0


class Clock(Protocol):
    """A wall clock that can jump."""

    jump_s: float


@dataclass(frozen=True, slots=True)
class Places:
    """Where faults are made. ask: one request to the plant."""

    loop: VirtualLoop
    wall: Clock
    cabling: Cabling
    world: World
    controller: Controller
    operator: Operator
    findings: Findings
    ask: Callable[..., Awaitable[dict[str, Any]]]


class Injector:
    """Switches faults of one station. spans: what was on, from when to when, for the record."""

    def __init__(self, places: Places) -> None:
        self.spans: list[Span] = []
        self.plant = PlantFaults(places.world, places.ask)
        self._places = places
        self._on: dict[str, tuple[Fault, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def somebody_in_danger(self) -> bool:
        """Whether an input that guards people is faulty: nobody with sense starts anything then."""
        return any(kind in INPUTS for kind in self._on)

    def is_on(self, fault: Fault) -> bool:
        """Whether it is this very fault that is on."""
        return self._on.get(fault.kind, (None,))[0] is fault

    async def start(self, fault: Fault) -> None:
        """Switch a fault on; it heals by itself after its lasts_s. Raises StationError if this ground cannot."""
        await self.stop(fault.kind)
        now_s = self._places.loop.time()
        self._on[fault.kind] = (fault, now_s)
        await self._switch(fault)
        if fault.lasts_s is not None:
            self._later(self._heal_after(fault), f"heals {fault.kind}")

    async def stop(self, kind: str | None = None) -> None:
        """Heal faults of a kind, or all."""
        for name in [k for k in self._on if kind in (None, k)]:
            fault, since_s = self._on.pop(name)
            self.spans.append(Span(name, _parameters(fault), round(since_s, 3), round(self._places.loop.time(), 3)))
            await self._restore(fault)

    async def end(self) -> None:
        """Heal everything and leave no task behind."""
        await tasks.end(*self._tasks)
        await self.stop()

    def torn(self) -> None:
        """Power went in the middle of a write: the controller is killed, a part of the write is on the disk."""
        self._later(self._torn(), "torn write")

    async def _torn(self) -> None:
        await self._places.controller.kill(tear=True)
        await asyncio.sleep(RESTART_S)
        await self._places.controller.start()

    def power_cut(self) -> None:
        """The controller's PC loses its power at this very instant; it is back, and the service up, a second later."""
        self._places.controller.power_lost()
        self._later(self._cut(), "power cut")

    async def _cut(self) -> None:
        await self._places.controller.kill()
        await asyncio.sleep(RESTART_S)
        await self._places.controller.start()

    async def _switch(self, fault: Fault) -> None:
        places = self._places
        match fault:
            case site.PlcReboot():
                self._later(self._reboot(fault), "reboots the PLC")
            case site.ControllerKill():
                await places.controller.kill()
            case site.WallClockJump():
                places.wall.jump_s = fault.jump_s
            case site.PeopleButton():
                self._later(self._press(fault), "presses a button")
            case _ if isinstance(fault, c.PlantFault):
                await self.plant.make(fault)
            case _ if fault.kind in INPUTS:
                await places.ask("sensor", name=INPUTS[fault.kind], shows=getattr(fault, "shows", "false"))
            case _:
                self._on_a_wire(fault)

    def _on_a_wire(self, fault: Fault) -> None:
        places = self._places
        if isinstance(fault, c.ModbusFault):
            places.cabling.modbus.set(fault)
            if places.cabling.modbus.cable_off:
                places.cabling.cut_modbus(places.loop.network)
        elif isinstance(fault, c.CanFault):
            for name, wire in places.cabling.can.items():
                if fault.bus in (None, name):
                    wire.set(fault)
        elif isinstance(fault, c.BrokerFault):
            places.cabling.broker_wire.set(fault)
            if places.cabling.broker_wire.outage:
                places.cabling.broker.outage()
        elif isinstance(fault, c.DiskFault):
            places.cabling.disk.set(fault)
        else:
            raise StationError("the virtual ground cannot do that", where=fault.kind)

    async def _restore(self, fault: Fault) -> None:
        places = self._places
        match fault:
            case site.PlcReboot():
                with contextlib.suppress(StationError):
                    await places.ask("power_return")
            case site.ControllerKill():
                if not places.controller.alive:
                    await places.controller.start()
            case site.WallClockJump():
                places.wall.jump_s = 0.0
            case _ if isinstance(fault, c.PlantFault):
                await self.plant.undo(fault)
            case _ if fault.kind in INPUTS:
                await places.ask("sensor", name=INPUTS[fault.kind], mended=True)
            case _:
                places.cabling.clear(fault.kind)

    async def _reboot(self, fault: site.PlcReboot) -> None:
        robot = self._places.world.robot
        while fault.in_move and not robot.active and self.is_on(fault):  # noqa: ASYNC110  # the plant tells nobody
            await asyncio.sleep(SETTLE_S)
        if self.is_on(fault):
            await self._places.ask("power_cut")

    async def _press(self, fault: site.PeopleButton) -> None:
        arguments = {"vin": "LZZ5CLSB8NA999999"} if fault.verb == "authorise" else {}
        with contextlib.suppress(StationError):
            await self._places.operator.send(fault.verb, timeout_s=5.0, wait=False, **arguments)

    async def _heal_after(self, fault: Fault) -> None:
        await asyncio.sleep(fault.lasts_s or 0.0)
        if self.is_on(fault):
            await self.stop(fault.kind)

    def _later(self, work: Awaitable[None], name: str) -> None:
        task = asyncio.ensure_future(work)
        if isinstance(task, asyncio.Task):
            task.set_name(name)
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._places.findings.tell("the bench failed", f"{task.get_name()}: {error!r}")


def _parameters(fault: Fault) -> str:
    said = fault.model_dump(exclude={"kind"}, exclude_defaults=True)
    return ", ".join(f"{k} {v}" for k, v in said.items())
