"""What a soak's run is made from, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hil.faults.catalogue import Fault
from hil.record import Event, Sample, Span, Violation
from hil.virtual.config import BAYS

GRID_KW = 400.0


@dataclass(frozen=True, slots=True)
class Case:
    """What a run is made from; the same case gives the same run. duration_s is the run's own time.

    trucks: over after so many. mounts: packs on each truck; None: 1 to 3, drawn. bays: ordinary ones; three of them are
    empty at first, if there are more than that, else all but one. grid_kw: given, they have chargers, and the station
    this limit. soc: the charge estimator is on, and the cells keep the run's time. plan: faults and when they begin;
    None: drawn.
    """

    seed: int
    duration_s: float = 300.0
    speed: float = 20.0
    faults: bool = True
    trucks: int = 1_000_000
    mounts: int | None = None
    bays: int = BAYS
    grid_kw: float | None = None
    soc: bool = False
    plan: tuple[tuple[float, Fault], ...] | None = None


def drawn(seed: int, duration_s: float, speed: float) -> Case:
    """The case of a seed.

    In every third one the bays have chargers, which share less than two of them would draw; in every second of those
    the estimator follows the packs.
    """
    return Case(seed, duration_s, speed, grid_kw=GRID_KW if seed % 3 == 0 else None, soc=seed % 6 == 0)


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
    plan: list[tuple[float, Fault]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
