"""A fault at every operation: a swap with its n-th input or output failed, or the controller killed there.

For n = 1, 2, ... until a swap runs to its end without reaching n.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Literal

from hil.soak.case import Case, Outcome
from hil.soak.many import quiet
from hil.soak.people import People
from hil.soak.run import run
from hil.virtual.io import KINDS
from hil.virtual.station import VirtualStation

What = Literal["fail", "kill", "kill_after", "kill_anywhere"]
"""fail: the operation. kill: the controller, at a write to its journal, before it is done; kill_after: when it is done,
and before anything follows from it; kill_anywhere: at any operation.
"""
CASE = Case(seed=1, duration_s=300.0, speed=200.0, faults=False, trucks=1, mounts=1, bays=2)
"""One pack, two bays; the plant so quick that a swap takes some 12 s, most of it what a swap takes at any speed."""
GRIPPED_KG = 500.0
LOOKS_S = 4.0
"""Handshake of every pack after a restart, and what the retained messages take."""


@dataclass(frozen=True, slots=True)
class One:
    """What came of one n. reached: the operation, '' if the swap was over before."""

    number: int
    reached: str
    outcome: Outcome


@dataclass(slots=True)
class Every:
    """What came of all. ended: how the swaps ended, by kind of operation."""

    runs: list[One] = field(default_factory=list)

    @property
    def failed(self) -> list[One]:
        """Runs with a violation, or whose truck did not leave, or that did not leave one record in the journal."""
        return [r for r in self.runs if r.outcome.violations or r.outcome.ended or _counts(r.outcome) != (1, 1)]

    def reached(self) -> Counter[str]:
        """How many operations of each kind were hit."""
        return Counter(r.reached.split()[0] for r in self.runs if r.reached)


def _counts(outcome: Outcome) -> tuple[int, int]:
    return outcome.trucks, outcome.swaps


def one(number: int, what: What) -> One:
    """A swap with its n-th operation hit."""
    armed: list[VirtualStation] = []

    def arm(station: VirtualStation, people: People) -> None:
        armed.append(station)
        if what != "fail":
            _kills(station, people)
        journal = what in ("kill", "kill_after")
        station.cabling.io.choose(number, ("journal",) if journal else KINDS, after=what == "kill_after")

    outcome = run(CASE, arm)
    return One(number, armed[0].cabling.io.reached, outcome)


def _kills(station: VirtualStation, people: People) -> None:
    looks: list[asyncio.Task[None]] = []

    def die() -> None:
        people.away = True
        station.injector.power_cut()
        looks.append(asyncio.get_running_loop().create_task(_look(station, people), name="looks after the restart"))

    station.cabling.io.on_reached = die


async def _look(station: VirtualStation, people: People) -> None:
    """After the restart, and before anybody acts: the station stands, and its messages name what is where."""
    before = station.plc.plc.retained.motions_started
    await asyncio.sleep(LOOKS_S)
    state, wrong = station.operator.state, list(_misnamed(station))
    station.findings.judge("a restart names what is where", not wrong, lambda: "; ".join(wrong))
    stands = state is not None and state.packml == "Aborted"
    station.findings.judge("a restart waits for a person", stands, lambda: str(state))
    moved = station.plc.plc.retained.motions_started - before
    station.findings.judge("a restart moves nothing", moved == 0, lambda: f"{moved} motions")
    people.away = False


def _misnamed(station: VirtualStation) -> Iterator[str]:
    """Where the retained messages say something else than the plant."""
    operator, world = station.operator, station.world
    for number, place in world.bays.items():
        said = operator.bays[number]
        serial = place.pack.serial if place.pack is not None else None
        if (said.occupied == "true", said.serial) != (serial is not None, serial):
            yield f"bay {number} holds {serial}, said is {said.occupied} {said.serial}"
    mounts = {part.mount: part.serial for part in operator.truck.mounts} if operator.truck is not None else {}
    for number, place in world.lane.mounts.items():
        serial = place.pack.serial if place.pack is not None and place.mated else None
        if number not in mounts:
            yield f"mount {number} of a truck that stands here is not named"
        elif mounts[number] != serial:
            yield f"mount {number} holds {serial}, said is {mounts[number]}"
    load_kg = operator.state.robot.load_kg if operator.state is not None else None
    if (world.robot.pack is not None) != ((load_kg or 0.0) > GRIPPED_KG):
        yield f"the robot holds {world.robot.pack and world.robot.pack.serial}, said is {load_kg} kg"
    swap = station.controller.service.runner.state.swap if station.controller.service is not None else None
    text = operator.state.reason.text if operator.state is not None and operator.state.reason is not None else ""
    if swap is not None and swap.id not in text:
        yield f"the open swap {swap.id} is not named: {text}"


def every(what: What, workers: int, stride: int, on_done: Callable[[One], None]) -> Every:
    """n = 1, 1 + stride, ... until a swap is over before its n-th operation."""
    found, numbers = Every(), itertools.count(1, stride)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=quiet) as pool:
        running = {pool.submit(one, next(numbers), what) for _ in range(workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for run_ in [future.result() for future in done]:
                found.runs.append(run_)
                on_done(run_)
            if all(r.reached for r in found.runs):
                running |= {pool.submit(one, next(numbers), what) for _ in done}
    found.runs.sort(key=lambda r: r.number)
    return found
