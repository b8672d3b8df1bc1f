"""What is told to the porous cell and what it tells: plain values, that need no PyBaMM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Aged:
    """What a cell has lost, in parts of the fresh; graphite with the lithium that is in it when the cell is full."""

    lithium: float = 0.0
    graphite: float = 0.0
    resistance: float = 1.0
    """Diffusion and charge transfer slower, contact worse by this."""


FRESH: Final = Aged()


@dataclass(frozen=True, slots=True)
class Duty:
    """A current that is followed, A every step_s, > 0 charging."""

    amps: Array
    step_s: float


Step = str | Duty
"""A string is PyBaMM's: `Charge at 151 A until 3.65 V`, `Rest for 10 minutes`."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Of one run at every step: s, A (> 0 charging), V, degC, charge 0..1."""

    t_s: Array
    current_a: Array
    voltage_v: Array
    temperature_c: Array
    soc: Array
    capacity_ah: float


def joined(parts: list[Truth]) -> Truth:
    """One after another, a second between."""
    begins = np.cumsum([0.0, *(part.t_s[-1] + 1.0 for part in parts[:-1])])
    t_s = np.concatenate([begin + part.t_s for begin, part in zip(begins, parts, strict=True)])
    names = ("current_a", "voltage_v", "temperature_c", "soc")
    rest = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Truth(t_s, **rest, capacity_ah=parts[0].capacity_ah)
