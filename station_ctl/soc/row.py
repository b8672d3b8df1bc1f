"""One moment of a pack of this station as the estimator wants it: current, voltage of the mean cell, temperature.

BMV is not used: told in steps of 10 mV, cells look apart by a tenth of their charge on the plateau.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from drivers.pack_status import PackStatus
from drivers.reading import Reading

BCS_OLDEST_S: Final = 1.0
SLOW_OLDEST_S: Final = 60.0
WARMTH_C: Final = (-60.0, 90.0)
"""A pack's mean temperature outside is none."""


class Row(NamedTuple):
    """One moment: A (> 0 charges), V of the mean cell, degC, A of the station's meter; NaN: not known."""

    t_s: float
    current_a: float
    cell_v: float
    temperature_c: float
    meter_a: float = math.nan


def row(status: PackStatus, t_s: float, cells_in_series: int) -> Row:
    """What a pack says at an event-loop time."""
    pack_v = good(status.pack_voltage_v, t_s, BCS_OLDEST_S)
    current_a = good(status.pack_current_a, t_s, BCS_OLDEST_S)
    return Row(t_s, current_a, pack_v / cells_in_series, _temperature_c(status, t_s))


def good(reading: Reading[float], t_s: float, oldest_s: float) -> float:
    """A reading that is good and fresh, else NaN."""
    value = reading.good(t_s, oldest_s)
    return math.nan if value is None else value


def _temperature_c(status: PackStatus, t_s: float) -> float:
    """Mean of the probes; without them of the warmest and the coldest point, or the one of these that is told."""
    ends = (good(end, t_s, SLOW_OLDEST_S) for end in (status.temperature_max_c, status.temperature_min_c))
    told = status.temperatures_c.good(t_s, SLOW_OLDEST_S) or [end for end in ends if math.isfinite(end)]
    mean_c = sum(told) / len(told) if told else math.nan
    return mean_c if WARMTH_C[0] < mean_c < WARMTH_C[1] else math.nan
