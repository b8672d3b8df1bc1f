"""Where the energy of a day went, by the plant itself: what was drawn, what is in the packs now, what became heat."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from hil.plant import cells
from hil.plant.pack import Pack

_GRID_PCT: Final = 0.01
_OCV_V: Final = tuple(cells.ocv_v(i * _GRID_PCT) for i in range(10_001))
_UP_TO: Final = tuple(accumulate(((a + b) / 2.0 for a, b in pairwise(_OCV_V)), initial=0.0))
CLOSES: Final = 0.001
"""0.1 %: both balances have to close so well."""


def stored_wh(pack: Pack) -> float:
    """What is in a pack: the integral of its rested voltage over its charge, from empty on."""
    steps = pack.soc_pct / _GRID_PCT
    whole = min(int(steps), len(_OCV_V) - 2)
    part = (steps - whole) * (_OCV_V[whole] + pack.ocv_v) / 2.0
    return (_UP_TO[whole] + part) * _GRID_PCT / 100.0 * pack.capacity_ah * cells.CELLS


@dataclass(slots=True)
class Accounts:
    """In Wh since the day began. grid: integral of the true power at the connection point; grid_counted: by its meter.

    auxiliary, coolant, losses: beside the packs; losses of the chargers by their law, not as a difference. counted: by
    the bays' meters. heat: in the packs' resistance and diffusion. gained: into the packs, by their charge.
    """

    grid: float = 0.0
    grid_counted: float = 0.0
    auxiliary: float = 0.0
    coolant: float = 0.0
    losses: float = 0.0
    counted: float = 0.0
    heat: float = 0.0
    gained: float = 0.0

    @property
    def packs_error(self) -> float:
        """What the bays' meters counted against what the packs have, as a share."""
        return (self.counted - self.gained - self.heat) / max(self.counted, 1.0)

    @property
    def grid_error(self) -> float:
        """What came from the grid against all that it went into, as a share."""
        spent = self.gained + self.heat + self.losses + self.coolant + self.auxiliary
        return (self.grid - spent) / max(self.grid, 1.0)

    @property
    def grid_meter_error(self) -> float:
        """The grid meter against the integral of the true power, as a share."""
        return (self.grid_counted - self.grid) / max(self.grid, 1.0)

    @property
    def closed(self) -> bool:
        """All three."""
        return max(abs(self.packs_error), abs(self.grid_error), abs(self.grid_meter_error)) <= CLOSES
