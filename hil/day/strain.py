"""Whether a pack is charged beyond what its type and its BMS allow: the plant's own values against the type's table."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from hil.plant import cells
from hil.plant.pack import Pack
from station_ctl.charging import pack_limits
from station_ctl.charging.supervision import OVER_A, OVER_SHARE

WINDOW: Final = 4
"""A limit that falls has to be obeyed within so many looks of half a second: a status' age, a late command, a ramp."""
DISOBEYED_WINDOW: Final = 7
"""... by a charger that does not obey: a second more until that is told (supervision's OVER_S), and the end's way."""
TOLERANCE_A: Final = 1.0
CELL_LIMIT_V: Final = 3.65
_COLDEST_K, _HOTTEST_K = min(cells.PROFILE_K), max(cells.PROFILE_K)
_TABLE = pack_limits.load().data
"""As it is shipped."""


@cache
def type_a(soc_pct: int, coldest_c: int, hottest_c: int) -> float:
    """What the type's table allows a pack of this charge and these temperatures, in whole steps as a BMS tells them."""
    warmth, charge = _TABLE.temperature, _TABLE.charge
    cold, hot = (warmth.between(warmth.at_c, warmth.rate, c) for c in (coldest_c, hottest_c))
    return min(cold, hot, charge.between(charge.at_pct, charge.rate, soc_pct)) * cells.CAPACITY_AH


@dataclass(slots=True)
class Worst:
    """The nearest that anything came to its limit, over all packs.

    over: what was beyond it, the first few in words. borne_looks: at a charger that does not obey, beyond the pack's
    limit by no more than supervision bears: while the limit falls, that is not told from an inaccurate charger.
    """

    type_share: float = 0.0
    bms_share: float = 0.0
    voltage_v: float = 0.0
    cell_v: float = 0.0
    hottest_c: float = -math.inf
    coldest_c: float = math.inf
    over_looks: int = 0
    borne_looks: int = 0
    over: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Something is beyond its limit."""
        self.over_looks += 1
        if len(self.over) < 5:
            self.over.append(what)


class Strain:
    """Of the pack in one bay. `allow` once a cycle, `see` at every step of the plant."""

    def __init__(self, number: int, worst: Worst) -> None:
        self._number, self._worst = number, worst
        self._type_a: deque[float] = deque(maxlen=DISOBEYED_WINDOW)
        self._bms_a: deque[float] = deque(maxlen=DISOBEYED_WINDOW)
        self._most = self._bears = (0.0, 0.0)

    def allow(self, pack: Pack) -> None:
        """Take note of what is allowed now."""
        coldest, hottest = round(pack.temperature_c + _COLDEST_K), round(pack.temperature_max_c)
        self._type_a.append(type_a(round(pack.soc_pct), coldest, hottest))
        self._bms_a.append(pack.current_demand_a)
        self._most = _most(self._type_a, WINDOW), _most(self._bms_a, WINDOW)
        self._bears = max(self._type_a), max(self._bms_a)

    def renew(self) -> None:
        """Another pack."""
        self._type_a.clear()
        self._bms_a.clear()

    def see(self, pack: Pack, voltage_v: float, at_s: float, disobeyed: bool = False) -> None:
        """A pack into which current flows; disobeyed: its charger gives something else than it is told."""
        worst, current_a = self._worst, pack.current_a
        for name, most_a, bears_a in zip(("type", "BMS"), self._most, self._bears, strict=True):
            if current_a <= most_a + TOLERANCE_A:
                continue
            if disobeyed and current_a <= bears_a * (1.0 + OVER_SHARE) + OVER_A:
                worst.borne_looks += 1
            else:
                worst.note(f"{at_s:.1f} s: bay {self._number}: {current_a:.1f} A, {name} allows {most_a:.1f} A")
        if most_a := self._most[0]:
            worst.type_share = max(worst.type_share, current_a / most_a)
        if most_a := self._most[1]:
            worst.bms_share = max(worst.bms_share, current_a / most_a)
        cell_v = pack.cell_voltage_max_v
        worst.voltage_v, worst.cell_v = max(worst.voltage_v, voltage_v), max(worst.cell_v, cell_v)
        if cell_v > CELL_LIMIT_V:
            worst.note(f"{at_s:.1f} s: bay {self._number}: a cell at {cell_v:.3f} V, at most {CELL_LIMIT_V} V")
        worst.hottest_c = max(worst.hottest_c, pack.temperature_c + _HOTTEST_K)
        worst.coldest_c = min(worst.coldest_c, pack.temperature_c + _COLDEST_K)


def _most(allowed: Sequence[float], looks: int) -> float:
    return max(allowed[n] for n in range(-min(looks, len(allowed)), 0))
