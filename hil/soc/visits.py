"""What is drawn for a set of held-out runs: who comes to the station, from where, and how it is charged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from hil.soc.porous.truth import FRESH, Aged, Duty, Step

FULL_A: Final = 302.0
HARDEST_A: Final = (-330.0, 226.0)
DOCKING: Final = "Rest for 2 minutes"
STRETCH_S: Final = 90.0
STANDS: Final = 0.12
"""Of so many stretches of a drive the truck stands in this part."""
LEAST: Final = 0.03
"""No history begins emptier."""
LOSSES: Final = {
    "lithium80": (0.2, 0.0),
    "lithium85": (0.15, 0.0),
    "lithium90": (0.1, 0.0),
    "graphite80": (0.0, 0.2),
    "graphite85": (0.0, 0.15),
    "graphite90": (0.0, 0.1),
    "graphite95": (0.0, 0.05),
    "both82": (0.08, 0.1),
}
"""Lithium and graphite lost, parts of the fresh."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A run to be made: what nobody saw, what was seen on the road, what was seen in the bay.

    away, again: what nobody saw then, and the next charge in the bay, for which there is a record.
    """

    name: str
    kind: str
    soc: float
    ambient_c: float
    before: tuple[Step, ...] = ()
    road: tuple[Step, ...] = ()
    bay: tuple[Step, ...] = ()
    away: tuple[Step, ...] = ()
    again: tuple[Step, ...] = ()
    aged: Aged = FRESH
    known: bool = False


def duty(random: np.random.Generator, minutes: float, mean_a: float, step_s: float = 1.0) -> Duty:
    """A truck's current: power that wanders within half a minute and between hills, with recuperation."""
    n = int(minutes * 60 / step_s) + 1
    amps = np.full(n, mean_a)
    for tau_s, sd_a in ((12.0, 90.0), (150.0, 60.0)):
        keep = np.exp(-step_s / tau_s)
        noise, wander = random.normal(0, sd_a * np.sqrt(1 - keep * keep), n), 0.0
        for k in range(n):
            wander = keep * wander + noise[k]
            amps[k] += wander
    stretch = int(STRETCH_S / step_s)
    amps[random.random(n // stretch + 1).repeat(stretch)[:n] < STANDS] = 0.0
    return Duty(np.clip(amps, *HARDEST_A), step_s)


def to_the_knee(rate_a: float) -> tuple[str, ...]:
    """A full charge and ten minutes of rest."""
    return DOCKING, f"Charge at {rate_a:.1f} A until 3.65 V", "Hold at 3.65 V until 15 A", "Rest for 10 minutes"


def rate_at(random: np.random.Generator, ambient_c: float) -> float:
    """What a charger gives at this temperature, A."""
    low, high = (0.2, 0.3) if ambient_c < 2 else (0.35, 0.5) if ambient_c < 12 else (0.5, 1.0)
    return float(random.uniform(low, high)) * FULL_A


def histories(random: np.random.Generator) -> Iterator[tuple[tuple[Step, ...], float]]:
    """What nobody saw, and how much charge it takes, in turn: a drive, a charge, a rest after either."""
    while True:
        yield (duty(random, 40, -90.0),), 0.2
        yield ("Charge at 151 A for 20 minutes",), -0.17
        yield (duty(random, 25, -90.0), f"Rest for {random.uniform(1, 8):.1f} hours"), 0.13
        yield ("Charge at 151 A for 20 minutes", f"Rest for {random.uniform(1, 8):.1f} hours"), -0.17


def visits(random: np.random.Generator) -> Iterator[Visit]:
    """All but the pack."""
    history = histories(random)
    for k, ambient_c in enumerate(np.linspace(-6, 38, 7) + random.uniform(-3, 3, 7)):
        before, taken = next(history)
        rate_a = rate_at(random, ambient_c)
        full = to_the_knee(rate_a)
        bay = full if k % 3 else (DOCKING, f"Charge at {rate_a:.1f} A for {0.35 * FULL_A / rate_a * 60:.0f} minutes")
        soc = max(float(random.uniform(0.1, 0.5)) + taken, LEAST)
        yield Visit(f"bay{k}_{ambient_c:.0f}C", "bay", soc, float(ambient_c), before, bay=bay)
    for name, (lithium, graphite) in LOSSES.items():
        before, taken = next(history)
        ambient_c, lost = float(random.uniform(8, 38)), lithium + graphite
        aged = Aged(lithium, graphite, 1 + lost * float(random.uniform(0.5, 2.0)))
        bay, again = (to_the_knee(rate_at(random, ambient_c)) for _ in range(2))
        soc = max(float(random.uniform(0.08, 0.4)) + taken, LEAST)
        away = (duty(random, float(random.uniform(60, 130)), -90.0),)
        yield Visit(name, "aged", soc, ambient_c, before, bay=bay, away=away, again=again, aged=aged)
    for k in range(2):
        road = (duty(random, 150, -60.0),)
        yield Visit(f"drive{k}", "drive", 0.9, float(random.uniform(2, 35)), road=road, known=True)
    yield Visit(
        "drive10Hz", "drive10Hz", 0.8, float(random.uniform(2, 35)), road=(duty(random, 30, -90.0, 0.1),), known=True
    )
    loops = ("Charge at 120 A for 12 minutes", "Rest for 5 minutes", "Discharge at 120 A for 12 minutes") * 6
    yield Visit("minor", "minor", float(random.uniform(0.35, 0.55)), float(random.uniform(10, 30)), bay=loops)
    warm_c = float(random.uniform(10, 30))
    yield Visit(
        "visit", "visit", 0.85, warm_c, (duty(random, 20, -90.0),), (duty(random, 60, -90.0),), to_the_knee(200.0)
    )
