"""Truck after truck until the time is over, while faults come and go and people put right what stops."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from drivers import tasks
from drivers.robot_protocol import MotionClass
from hil.faults.catalogue import Fault
from hil.faults.draw import draw
from hil.plant.lane import Driving
from hil.record import Sample
from hil.soak.case import Case, Outcome
from hil.soak.log import Log
from hil.soak.people import People, look_again
from hil.virtual.station import VirtualStation

LONGEST_VISIT_S = 400.0
"""With every fault healed a truck leaves within this time, or the station names what a person has to do."""
SERVICE = {
    "pack_not_verified": ("plant.pack", "can"),
    "wrong_pack": ("can",),
    "other_pack_aboard": ("can", "plant"),
    "no_charged_pack": ("plant.pack", "can"),
    "gripper_full": ("controller", "disk", "people.button"),
    "self_test_failed": ("plant", "can"),
}
"""Reasons that name work which the person at the console cannot do, and the faults that can have led there."""
SETTLES_S = 5.0
FAULT_EVERY_S = 8.0
"""On average; a truck is here for 15 to 30 s at twenty times the plant's speed."""
LANE_FREE_S = 1.5

Arm = Callable[[VirtualStation, People], None]
"""Called with the station when it is up and idle, before the first truck, and with its people."""


class Busy:
    """Leads one run and fills its outcome."""

    def __init__(self, case: Case, station: VirtualStation, log: Log, outcome: Outcome) -> None:
        self._case, self._station, self._log, self._outcome = case, station, log, outcome
        self._rng = random.Random(f"{case.seed} busy")
        self._people = People(station, log.add, random.Random(f"{case.seed} people"))
        self._healed_s = 0.0

    async def run(self, arm: Arm) -> None:
        """Raises nothing: what goes wrong is in the outcome."""
        await self._power_up()
        arm(self._station, self._people)
        case, loop = self._case, self._station.loop
        self._outcome.plan = self._plan()
        faults = asyncio.create_task(self._inject(self._outcome.plan), name="faults")
        try:
            while loop.time() < case.duration_s and not self._outcome.ended and self._outcome.trucks < case.trucks:
                await self._visit()
            while self._people.away:
                await look_again()
        finally:
            self._station.cabling.io.spare()  # what follows is the end of the run, not of the controller
            await tasks.end(faults)
            self._outcome.people = self._people.counts

    def _plan(self) -> list[tuple[float, Fault]]:
        case, rng = self._case, random.Random(f"{self._case.seed} faults")
        if case.plan is not None:
            return list(case.plan)
        if not case.faults:
            return []
        return draw(rng, case.duration_s, self._station.capabilities, every_s=FAULT_EVERY_S)

    async def _power_up(self) -> None:
        while self._people.state is None or self._people.state.packml != "Idle":
            await self._people.act()
            await look_again()

    async def _inject(self, plan: list[tuple[float, Fault]]) -> None:
        loop = self._station.loop
        for at_s, fault in plan:
            await asyncio.sleep(max(0.0, at_s - loop.time()))
            said = fault.model_dump_json(exclude_defaults=True)
            self._log.add("fault", f"{fault.kind} {said}")
            self._healed_s = max(self._healed_s, loop.time() + (fault.lasts_s or 0.0))
            await self._station.inject(fault)

    async def _visit(self) -> None:
        station, number = self._station, self._outcome.trucks + 1
        vin, mounts = f"LZZ5CLSB8NA{number:06d}", self._case.mounts or self._rng.randint(1, 3)
        serials = [f"TRK{n}-{number:08d}" for n in range(1, mounts + 1)]
        await station.ask("charge")
        await asyncio.sleep(LANE_FREE_S)
        badly = {"x_error_mm": station.injector.plant.x_error_mm} if station.injector.plant.x_error_mm else {}
        await station.ask("truck_arrives", vin=vin, mounts=mounts, soc_pct=12.0, serials=serials, **badly)
        self._people.new_truck(vin)
        self._log.add("truck", f"{vin} with {mounts}")
        began_s = station.loop.time()
        while station.world.lane.driving is not Driving.AWAY:
            await self._people.act()
            self._sample()
            await look_again()
            if station.loop.time() > max(began_s, self._healed_s + SETTLES_S) + LONGEST_VISIT_S:
                self._stuck()
                return
        self._outcome.trucks += 1

    def _sample(self) -> None:
        """How everything stands, for the report."""
        state, robot, watch = self._people.state, self._station.world.robot, self._station.watched.controller
        self._outcome.samples.append(
            Sample(
                at_s=round(self._station.loop.time(), 3),
                packml=state.packml if state else "",
                step=state.step if state else "",
                x_mm=round(robot.x.position_mm),
                y_mm=round(robot.y.position_mm),
                z_mm=round(robot.z.position_mm),
                load_kg=round(robot.load_kg),
                permits=tuple(c.name or "" for c in MotionClass if c & watch.permits),
                causes=tuple(watch.decision.active) if watch.decision is not None else (),
            )
        )

    def _stuck(self) -> None:
        state = self._people.state
        reason = state.reason.code if state is not None and state.reason else ""
        self._outcome.ended = f"{state.packml if state else '?'}/{state.step if state else '?'}: {reason}"
        causes = SERVICE.get(reason, ())
        explained = any(span.name.startswith(causes) for span in self._station.injector.spans) if causes else False
        if not explained:
            text = state.reason.text if state is not None and state.reason else "no reason given"
            self._station.findings.tell("liveness", f"{self._outcome.ended}: {text}")
