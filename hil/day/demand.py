"""The trucks of a day: when they come, and with what packs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

HOURLY: Final = (8, 8, 6, 2, 4, 2, 8, 2, 2, 3, 3, 2, 7, 0, 2, 2, 1, 1, 1, 1, 0, 0, 1, 1)
"""Swaps an hour of a motorway service area, 67 a day, each of 410 kWh: pcpcchen-coder/HighwaySwapStationSim,
data/reference/august-service-profile.csv, area A."""
PACKS: Final = 3
FULL_PCT: Final = 95.0
TAKEN_PCT, SPREAD_PCT = 80.0, 4.0
"""What a truck has used of each pack since its last swap: three times 80 % of 171 kWh are 410 kWh."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One truck. at_s: since midnight. socs_pct, warmer_k: of each of its packs; warmer than the air."""

    at_s: float
    socs_pct: tuple[float, ...]
    warmer_k: tuple[float, ...]


def day(seed: int, from_h: float = 0.0, hours: float = 24.0) -> list[Arrival]:
    """The trucks of so many hours from `from_h` on, in order."""
    rng = random.Random(f"{seed} trucks")
    times_s = sorted((hour + rng.random()) * 3600.0 for hour, count in enumerate(HOURLY) for _ in range(count))
    trucks = [_truck(at_s, rng) for at_s in times_s]
    return [truck for truck in trucks if from_h * 3600.0 <= truck.at_s < (from_h + hours) * 3600.0]


def _truck(at_s: float, rng: random.Random) -> Arrival:
    used = FULL_PCT - TAKEN_PCT
    socs_pct = tuple(min(max(rng.gauss(used, SPREAD_PCT), 3.0), 40.0) for _ in range(PACKS))
    return Arrival(at_s, socs_pct, tuple(rng.uniform(0.0, 8.0) for _ in range(PACKS)))
