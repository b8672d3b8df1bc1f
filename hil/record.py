"""What a run leaves behind: samples, events, faults, checks. Reports and golden streams are made from it alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sample:
    """The station at one instant; taken ten times a second of the run's own time.

    at_s:    since the run began. permits: names of the motion classes the last command block permitted.
    x_mm, y_mm, z_mm, load_kg: as the plant really is, not as a sensor says.
    """

    at_s: float
    packml: str
    step: str
    x_mm: float
    y_mm: float
    z_mm: float
    load_kg: float
    permits: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    kind: state, step, order (written to the PLC), command (begun by the robot), sent (by a person), verdict, alarm,
    stop, plant; in a soak also fault, truck, person, driver, record, violation.
    """

    at_s: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A fault or a state of the plant that lasted. until_s is None for one that was still there at the end."""

    name: str
    text: str
    from_s: float
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Something measured against its limit; limit None: only reported. `at_most` tells on which side the limit is."""

    name: str
    measured: float
    unit: str
    limit: float | None = None
    at_most: bool = True

    @property
    def held(self) -> bool:
        """Whether the limit was kept; True without one."""
        if self.limit is None:
            return True
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit


@dataclass(frozen=True, slots=True)
class Violation:
    """What must never happen, and did. invariant: its name in hil.invariants; or `expectation`, `liveness`."""

    at_s: float
    invariant: str
    text: str


@dataclass(slots=True)
class Record:
    """One run. duration_s is the run's own time, wall_s the wall's; histograms hold values in ms by name."""

    scenario: str
    title: str
    ground: Literal["virtual", "local", "rig"]
    seed: int
    began_utc: str
    versions: dict[str, str] = field(default_factory=dict)
    duration_s: float = 0.0
    wall_s: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    faults: list[Span] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    histograms: dict[str, list[float]] = field(default_factory=dict)
    log_hash: str = ""

    @property
    def passed(self) -> bool:
        """No violation, and every check within its limit."""
        return not self.violations and all(check.held for check in self.checks)
