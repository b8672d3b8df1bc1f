"""What `fit` searches: the parameters of the model as logarithms, and what a set of them leaves of the measurements."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from station_ctl.kernel import soc as kernel
from station_ctl.soc import curves
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.fit_runs import Run
from station_ctl.soc.type_sections import Terms

Array = NDArray[np.float64]
FROM_SOC: Final = 0.04
"""Below, the bottom's slope makes any error of the charge one of volts."""
STRAIGHT: Final = 20.0
"""Pull towards Arrhenius lines, in residuals of 1 mV per change of slope (in ln per 1000/K)."""
COMMON: Final = 3.0
"""Pull of each parameter to a common cell's, in residuals of 1 mV per ln: what no run tells stays what is usual."""
_TERMS: Final = {
    "lag_gain": (0.045, 3300.0),
    "lag_s": (113.0, 3600.0),
    "ohm_v": (0.048, 120.0),
    "exchange_c": (0.64, -5600.0),
}
"""Values at 25 degC and their slope against 1/T: a common large LFP cell."""
_SLOW: Final = {"slow_v": (0.027, 5200.0), "slow_s": (26.0, 2000.0)}
_BOUNDS: Final = {
    "lag_gain": (1e-6, 2.9),
    "lag_s": (1.0, 36000.0),
    "ohm_v": (1e-6, 2.9),
    "exchange_c": (1e-6, 900.0),
    "slow_v": (1e-6, 2.9),
    "slow_s": (0.1, 3600.0),
}
"""Of each term: what a type may have (`type_sections.Terms`), so that what is found can be written."""
_DYNAMICS: Final = {
    "fast_gain": (0.5, 1e-5, 3.0),
    "fast_s": (0.1, 1e-5, 0.9),
    "branch_gain": (17.0, 1.1, 100.0),
    "branch_s": (100.0, 1e-3, 3600.0),
    "knee_lag": (0.12, 1e-5, 1.0),
}
"""Usual, least and most: the fast lag is the faster one, and the phosphate lags no further than the graphite."""


class Problem:
    """Parameters are logarithms: first the terms, temperature by temperature, then the dynamics."""

    def __init__(self, first: CellType, runs: tuple[Run, ...], at_c: tuple[float, ...], slow: bool) -> None:
        self.first, self.runs, self.at_c = first, runs, at_c
        self.names = [*_TERMS, *(_SLOW if slow else ())]
        plateau, knee = curves.tables(first)
        self.plateau, self.knee = np.array(plateau), np.array(knee)
        self.wanted = [run.frames[:, 3] > FROM_SOC for run in runs]
        self.weights = [_weight(run, wanted, first) for run, wanted in zip(runs, self.wanted, strict=True)]
        self.bounds = np.log([_BOUNDS[name] for name in self.names]).T
        dynamics = np.log(list(_DYNAMICS.values())).T
        self.dynamics_bounds = dynamics[1:]
        self.against = 1e3 / (np.array(at_c) + 273.15)
        known = _TERMS | _SLOW
        inverse_k = [1 / (t + 273.15) - 1 / 298.15 for t in at_c]
        terms = [math.log(known[name][0]) + known[name][1] * a for a in inverse_k for name in self.names]
        self.usual = np.concatenate([terms, dynamics[0]])
        """Parameters of a common large LFP cell."""

    def type(self, x: Array) -> CellType:
        """The type with these parameters, not checked."""
        table = np.exp(np.clip(self._table(x), *self.bounds))
        values = {name: tuple(map(float, table[:, k])) for k, name in enumerate(self.names)}
        values.setdefault("slow_v", (0.0,) * len(self.at_c))
        values.setdefault("slow_s", (20.0,) * len(self.at_c))
        dynamics = np.exp(np.clip(x[-len(_DYNAMICS) :], *self.dynamics_bounds))
        return self.first.model_copy(
            update={
                "terms": Terms.model_construct(None, at_c=self.at_c, **values),
                "dynamics": self.first.dynamics.model_copy(
                    update=dict(zip(_DYNAMICS, map(float, dynamics), strict=True))
                ),
            }
        )

    def residuals(self, x: Array) -> Array:
        """mV of each run, weighed to 1000 samples at 25 degC, and the pulls."""
        slopes = np.diff(self._table(x), axis=0) / np.diff(self.against)[:, None]
        pulls = [STRAIGHT * np.diff(slopes, axis=0).ravel(), COMMON * (x - self.usual)]
        left = np.concatenate([*self._misses(self.type(x)), *pulls])
        found: Array = np.nan_to_num(left, nan=1e3, posinf=1e3, neginf=-1e3)
        return found

    def _table(self, x: Array) -> Array:
        table: Array = x[: -len(_DYNAMICS)].reshape(len(self.at_c), -1)
        return table

    def _misses(self, found: CellType) -> list[Array]:
        """mV of each run, weighed. Terms that no kernel takes are only a bad step of the search."""
        try:
            terms = np.array(curves.terms(found.terms))
            cell = kernel.CellType(curves.row(found), self.plateau, self.knee, terms, curves.FIRST, curves.STEP)
        except ValueError:
            return [np.full(int(wanted.sum()), 1e3) for wanted in self.wanted]
        parts: list[Array] = []
        for run, wanted, weight in zip(self.runs, self.wanted, self.weights, strict=True):
            volts = np.empty(len(run.frames))
            cell.predict(run.frames, run.branch, 1.0, volts)
            parts.append((volts - run.voltage_v)[wanted] * (1e3 * weight))
        return parts


def _weight(run: Run, wanted: NDArray[np.bool_], first: CellType) -> float:
    """Each run is worth as much, a cold one as much less as the type is believed less there."""
    cold_k = max(25.0 - float(np.mean(run.frames[:, 2])), 0.0)
    return math.sqrt(1000 / max(int(wanted.sum()), 1)) * math.exp(-first.trust.model_cold_per_k * cold_k)
