"""The cells of a pack: 177 LFP cells of 302 Ah in series, their voltage and what a current does to it.

They are cells of the pack type that the estimator ships with, by its own model (docs/soc.md), so that a bench can show
the estimator at work. How good it is is judged on other cells: these are simpler than any real one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from station_ctl.soc import cell_type, curves

PACK_TYPE = "lfp-302ah-177s"
CELLS = 177
TEMPERATURE_POINTS = 30
CAPACITY_AH = 302.0
NOMINAL_CELL_V = 3.2
NOMINAL_KWH = 171.0

SPREAD_V = tuple(0.004 * math.sin(1.7 * n) for n in range(CELLS))
"""By how much each cell differs from the mean."""
PROFILE_K = tuple(1.5 * math.sin(math.pi * n / (TEMPERATURE_POINTS - 1)) for n in range(TEMPERATURE_POINTS))
"""By how much each probe is warmer than the ends: the middle of the pack is the warmest."""

_TYPE: Final = cell_type.load(PACK_TYPE)
_PLATEAU, _KNEE = curves.tables(_TYPE)
_FLAT_V, _ENTROPY_V_PER_K, _HALF_V = zip(*_PLATEAU, strict=True)
_TERMS: Final = tuple(zip(*curves.terms(_TYPE.terms), strict=True))
_LEAST_C: Final = 0.1
"""C-rate below which a pack's resistance counts as constant."""


class Terms(NamedTuple):
    """At one temperature. lag_per_c: of charge, for 1 C; exchange_c: exchange current (Butler-Volmer)."""

    temperature_c: float
    lag_per_c: float
    lag_s: float
    ohm_v: float
    exchange_c: float


def _at(values: Sequence[float], charge: float) -> float:
    return _between(values, (charge - curves.FIRST) / curves.STEP)


def _between(values: Sequence[float], place: float) -> float:
    place = min(max(place, 0.0), len(values) - 1.000001)
    k = int(place)
    return values[k] + (place - k) * (values[k + 1] - values[k])


def terms(temperature_c: float) -> Terms:
    """Between the temperatures that the type was measured at; the last ones beyond."""
    place = (temperature_c + 40.0) / 2.0
    return Terms(temperature_c, *(_between(column, place) for column in _TERMS[:4]))


def cell_v(soc: float, lag: float = 0.0, branch: float = 0.0, temperature_c: float = 25.0) -> float:
    """Voltage of one cell without current, at a charge of 0..1.

    lag: by how much the surface of its particles is ahead; 0 at rest. branch: -1 after a discharge, 1 after a charge.
    """
    warm_v = (temperature_c - 25.0) * _at(_ENTROPY_V_PER_K, soc + lag)
    knee_v = _at(_KNEE, 1.0 - soc - _TYPE.dynamics.knee_lag * lag)
    return _at(_FLAT_V, soc + lag) + warm_v + knee_v + branch * _at(_HALF_V, soc + lag)


def ocv_v(soc_pct: float) -> float:
    """Rested voltage of one cell at 0..100 % and 25 degC, between the two branches."""
    return cell_v(min(max(soc_pct, 0.0), 100.0) / 100.0)


def resistance_ohm(at: Terms, current_a: float) -> float:
    """Of the whole pack: what a current adds at once (ohmic drop and charge transfer), by that current."""
    rate = max(abs(current_a) / _TYPE.capacity_ah, _LEAST_C)
    thermal_v = 2.0 * 8.314 * (at.temperature_c + 273.15) / 96485.0
    drop_v = at.ohm_v * rate + thermal_v * math.asinh(rate / at.exchange_c)
    return CELLS * drop_v / (rate * _TYPE.capacity_ah)


class Lag:
    """How far the surface of the particles is ahead of their mean, and on which branch of its curve the voltage is.

    branch: -1 after a discharge (so it begins), 1 after a charge.
    """

    __slots__ = ("_fast", "_slow", "branch")

    def __init__(self) -> None:
        self._slow = self._fast = 0.0
        self.branch = -1.0

    @property
    def lag(self) -> float:
        """Parts of the charge."""
        return self._slow + self._fast

    def flow(self, current_a: float, at: Terms, dt_s: float) -> None:
        """So long flows this current; 0 A: what is left of the lag fades."""
        dynamics, rate = _TYPE.dynamics, current_a / _TYPE.capacity_ah
        self._slow = _follow(self._slow, at.lag_per_c * rate, dt_s / at.lag_s)
        goal = dynamics.fast_gain * at.lag_per_c * rate
        self._fast = _follow(self._fast, goal, dt_s / (dynamics.fast_s * at.lag_s))
        if rate:
            charge = dynamics.branch_gain * abs(rate) * dt_s / 3600.0
            self.branch = _follow(self.branch, math.copysign(1.0, rate), charge)
        elif abs(self.lag) < 2e-5:
            self._slow = self._fast = 0.0


def _follow(value: float, goal: float, passed: float) -> float:
    return goal + (value - goal) * math.exp(-passed)
