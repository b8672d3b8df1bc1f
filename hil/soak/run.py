"""One seed: a station with truck after truck and faults of every kind, and what came of it."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from drivers.robot_protocol import MotionClass
from hil.faults.catalogue import Fault
from hil.faults.draw import draw
from hil.plant.lane import Driving
from hil.record import Event, Sample, Span, Violation
from hil.soak.log import Log
from hil.soak.people import People, look_again
from hil.virtual.config import BAYS, station_config
from hil.virtual.loop import VirtualLoop
from hil.virtual.station import VirtualStation
from station_ctl.uplink.messages import Message, ReplyMessage, StateMessage, SwapRecord

CHARGED_PCT = 95.0
LONGEST_VISIT_S = 400.0
"""With every fault healed a truck leaves within this time, or the station names what a person has to do."""
SERVICE = frozenset({"pack_not_verified", "gripper_full", "wrong_pack", "other_pack_aboard", "self_test_failed"})
"""Reasons that name work at the plant itself, which the person at the console cannot do (their remedy says so)."""
SETTLES_S = 5.0
FAULT_EVERY_S = 8.0
"""On average; a truck is here for 15 to 30 s at twenty times the plant's speed."""
LANE_FREE_S = 1.5


@dataclass(frozen=True, slots=True)
class Case:
    """What a run is made from; the same case gives the same run. duration_s is the run's own time.

    trucks: over after so many. mounts: packs on each truck; None: 1 to 3, drawn. bays: ordinary ones; three of them are
    empty at first, if there are more than that, else all but one.
    """

    seed: int
    duration_s: float = 300.0
    speed: float = 20.0
    faults: bool = True
    trucks: int = 1_000_000
    mounts: int | None = None
    bays: int = BAYS


@dataclass(slots=True)
class Outcome:
    """What came of a case. ended: why it ended before its time, '' if it did not."""

    case: Case
    trucks: int = 0
    swaps: int = 0
    simulated_s: float = 0.0
    cpu_s: float = 0.0
    round_trips: int = 0
    motions: int = 0
    ended: str = ""
    hash: str = ""
    violations: list[Violation] = field(default_factory=list)
    faults: list[Span] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    stood: Counter[str] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


Arm = Callable[[VirtualStation, People], None]
"""Called with the station when it is up and idle, before the first truck, and with its people."""


def _unarmed(_: VirtualStation, __: People) -> None:
    """Nothing but the drawn faults."""


def run(case: Case, arm: Arm = _unarmed) -> Outcome:
    """Run a case from its beginning to its end, in this process."""
    began_s = time.process_time()
    with (
        tempfile.TemporaryDirectory(prefix="soak-", dir=_fast_folder()) as folder,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        outcome = runner.run(_run(case, Path(folder), arm))
    outcome.cpu_s = time.process_time() - began_s
    return outcome


def _fast_folder() -> str | None:
    """Memory, where there is some: what a disk does wrong is a fault of the run, not of this machine."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


async def _run(case: Case, folder: Path, arm: Arm) -> Outcome:
    loop = asyncio.get_running_loop()
    log, outcome = Log(loop.time), Outcome(case)

    def seen(_: str, message: Message) -> None:
        match message:
            case StateMessage():
                log.add("state", f"{message.packml}/{message.step} {message.reason.code if message.reason else ''}")
                outcome.stood.update([_standing(message)] if message.packml in ("Held", "Aborted") else ())
            case SwapRecord() | ReplyMessage():
                kind = "record" if isinstance(message, SwapRecord) else "verdict"
                log.add(kind, message.model_dump_json())

    config = station_config(folder, bays=case.bays)
    stock: list[float | None] = [CHARGED_PCT] * max(1, case.bays - 3)
    async with VirtualStation(config, seed=case.seed, speed=case.speed, packs_soc=stock, on_message=seen) as station:
        await _Busy(case, station, log, outcome).run(arm)
        station.close_books(unsure=True)
        outcome.round_trips = station.plc.requests
    _fill(outcome, station, log)
    return outcome


def _standing(message: StateMessage) -> str:
    return f"{message.packml}: {message.reason.code if message.reason else ''}"


def _fill(outcome: Outcome, station: VirtualStation, log: Log) -> None:
    outcome.simulated_s = station.loop.time()
    outcome.motions = station.plc.plc.retained.motions_started
    outcome.swaps = len({record.swap_id for record in station.operator.records})
    outcome.violations, outcome.checks = station.findings.violations, station.findings.checks
    outcome.faults = station.injector.spans
    for violation in outcome.violations:
        log.add("violation", f"{violation.invariant}: {violation.text}")
    outcome.events, outcome.hash = log.events, log.hash


class _Busy:
    """Truck after truck until the time is over, while faults come and go."""

    def __init__(self, case: Case, station: VirtualStation, log: Log, outcome: Outcome) -> None:
        self._case, self._station, self._log, self._outcome = case, station, log, outcome
        self._rng = random.Random(f"{case.seed} busy")
        self._people = People(station, log.add)
        self._healed_s = 0.0

    async def run(self, arm: Arm) -> None:
        """Raises nothing: what goes wrong is in the outcome."""
        await self._power_up()
        arm(self._station, self._people)
        case, loop = self._case, self._station.loop
        drawn = draw(
            random.Random(f"{case.seed} faults"), case.duration_s, self._station.capabilities, every_s=FAULT_EVERY_S
        )
        plan = drawn if case.faults else []
        faults = asyncio.create_task(self._inject(plan), name="faults")
        try:
            while loop.time() < case.duration_s and not self._outcome.ended and self._outcome.trucks < case.trucks:
                await self._visit()
            while self._people.away:
                await look_again()
        finally:
            self._station.io.spare()  # what follows is the end of the run, not of the controller
            faults.cancel()
            await asyncio.gather(faults, return_exceptions=True)
            self._outcome.people = self._people.counts

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
        await station.ask("truck_arrives", vin=vin, mounts=mounts, soc_pct=12.0, serials=serials)
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
        state, robot, watch = self._people.state, self._station.world.robot, self._station.watch
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
        named = state is not None and state.packml in ("Held", "Aborted", "Suspended") and reason in SERVICE
        if not named:
            text = state.reason.text if state is not None and state.reason else "no reason given"
            self._station.findings.tell("liveness", f"{self._outcome.ended}: {text}")
