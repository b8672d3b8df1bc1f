"""The cells of a pack: 177 LFP cells of 302 Ah in series, their rested voltage and their resistance."""

from __future__ import annotations

import math
from bisect import bisect_right

CELLS = 177
TEMPERATURE_POINTS = 30
CAPACITY_AH = 302.0
NOMINAL_CELL_V = 3.2
NOMINAL_KWH = 171.0

RESISTANCE_OHM = 0.06
"""Of the whole pack at 25 degC, at once."""
SLOW_OHM = 0.03
SLOW_S = 45.0
"""What comes on top by diffusion, and its time constant."""

# Rested cell voltage of LFP over state of charge: steep ends, two flat plateaus.
_OCV_SOC_PCT = (0.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 60.0, 70.0, 90.0, 97.0, 99.0, 100.0)
_OCV_V = (2.60, 2.95, 3.10, 3.20, 3.25, 3.28, 3.29, 3.30, 3.33, 3.34, 3.36, 3.42, 3.55)

SPREAD_V = tuple(0.004 * math.sin(1.7 * n) for n in range(CELLS))
"""By how much each cell differs from the mean."""
PROFILE_K = tuple(1.5 * math.sin(math.pi * n / (TEMPERATURE_POINTS - 1)) for n in range(TEMPERATURE_POINTS))
"""By how much each probe is warmer than the ends: the middle of the pack is the warmest."""


def ocv_v(soc_pct: float) -> float:
    """Rested voltage of one cell at 0..100 %."""
    soc_pct = min(max(soc_pct, 0.0), 100.0)
    i = min(bisect_right(_OCV_SOC_PCT, soc_pct), len(_OCV_V) - 1)
    x0, x1, y0, y1 = _OCV_SOC_PCT[i - 1], _OCV_SOC_PCT[i], _OCV_V[i - 1], _OCV_V[i]
    return y0 + (y1 - y0) * (soc_pct - x0) / (x1 - x0)


def resistance_ohm(temperature_c: float) -> float:
    """Of the whole pack: about half as much again for each 20 K colder (LFP between -20 and 45 degC)."""
    return RESISTANCE_OHM * math.exp(0.02 * (25.0 - min(max(temperature_c, -30.0), 60.0)))
