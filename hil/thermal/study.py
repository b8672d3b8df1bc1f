"""The two claims and what they rest on: seen before the pack's own alarm, and no sound pack evacuated."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hil.thermal.days import Station, judge
from hil.thermal.runaways import Outcome, draw, watch
from station_ctl.thermal.finding import Cause, Verdict
from station_ctl.thermal.limits import Limits

CLIMATE_C: Final = (-20.0, 38.0)
"""Mean of a day; its hottest hour is up to 9 K above, its coldest as much below."""
FAULTY: Final = 0.25
"""Share of stays with a broken sensor: some thousand times what the field sees."""

Tell = Callable[[str], None]


def easier(limits: Limits, share: float) -> Limits:
    """The same with each rise times `share`: what a detector would do that is not as sure of itself."""
    return replace(
        limits,
        rise_ordinary_k=tuple(k * share for k in limits.rise_ordinary_k),
        rise_attentive_k=tuple(k * share for k in limits.rise_attentive_k),
    )


def runaways(seeds: Iterable[int], limits: Limits, *, lists: bool = True) -> list[Outcome]:
    """Each seed's pack run away. lists: whether the BMS sends its cells' voltages."""
    return [watch(replace(draw(seed), lists=lists), limits) for seed in seeds]


def told(outcomes: Sequence[Outcome]) -> list[str]:
    """Figures of packs that ran away, one line each."""
    seen = [o for o in outcomes if o.detected_s is not None]
    by = Counter(str(Cause(o.causes).name) for o in seen)
    at_once = sum(o.case.alarm_s == 0 for o in outcomes)
    early_s = [o.ran_away_s - o.detected_s for o in seen if o.detected_s is not None]
    return [
        f"{len(outcomes)} packs, {at_once} of them with an alarm at the instant of running away",
        f"seen by the station's own watch before the pack's alarm: {len(seen)}; not: {len(outcomes) - len(seen)}",
        f"before the alarm:     {_spread([o.lead_s for o in seen])}",
        f"before running away:  {_spread(early_s)}",
        "seen by: " + ", ".join(f"{name} {count}" for name, count in by.most_common()),
    ]


def _spread(values_s: Sequence[float]) -> str:
    if not values_s:
        return "-"
    ordered = sorted(values_s)
    shares = (("least", 0.0), ("1 %", 0.01), ("10 %", 0.1), ("half", 0.5), ("most", 1.0))
    return ", ".join(f"{name} {ordered[round(share * (len(ordered) - 1))]:.0f} s" for name, share in shares)


@dataclass(slots=True)
class Days:
    """What came of so many station-days. suspects, blind, events: stays by what was broken ('sound': nothing)."""

    days: int = 0
    stays: Counter[str] = field(default_factory=Counter)
    samples: int = 0
    suspects: Counter[str] = field(default_factory=Counter)
    blind: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    spent_s: float = 0.0

    def told(self) -> list[str]:
        """The figures, one line each."""
        faulty = self.stays.total() - self.stays["sound"]
        return [
            f"{self.days} station-days, {self.stays.total()} stays of a pack, {self.samples / 1e6:.0f} million readings"
            f" (1 a second), {faulty} stays with a broken sensor, in {self.spent_s:.0f} s of one core",
            f"evacuations: {self.events.total()} {dict(+self.events) or ''}",
            f"stays with a suspicion: {_shares(self.suspects, self.stays)}",
            f"stays blind for a while: {_shares(self.blind, self.stays)}",
        ]


def _shares(some: Counter[str], of: Counter[str]) -> str:
    return ", ".join(f"{name} {some[name]} of {of[name]}" for name in sorted(of))


def days(count: int, seed: int, limits: Limits, tell: Tell | None = None) -> Days:
    """So many days of stations that nothing happens in. Each ten days are another station, from its own seed."""
    total, row, began_s = Days(), limits.row(), time.process_time()
    for day in range(count):
        if day % 10 == 0:
            station, climate = Station(seed + day, FAULTY), random.Random(f"climate {seed + day}")
        _day(total, station, climate.uniform(*CLIMATE_C), row)
        if tell is not None and day % 100 == 99:
            tell(f"  {day + 1} station-days, {total.events.total()} evacuations")
    total.spent_s = time.process_time() - began_s
    return total


def _day(total: Days, station: Station, mean_c: float, row: tuple[float, ...]) -> None:
    total.days += 1
    for stay in station.day(mean_c):
        answers, name = judge(stay, row), stay.fault or "sound"
        total.stays[name] += 1
        total.samples += len(answers)
        total.suspects[name] += int((answers[:, 0] == Verdict.SUSPECT).any())
        total.blind[name] += int(answers[:, 2].any())
        total.events[name] += int((answers[:, 0] == Verdict.EVENT).any())


def closest(count: int, seed: int, limits: Limits, shares: Sequence[float] = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4)) -> float:
    """The share of the rise limits at which the first sound pack would be evacuated; 0: at none of those tried."""
    for share in shares:
        if days(count, seed, easier(limits, share)).events.total():
            return share
    return 0.0
