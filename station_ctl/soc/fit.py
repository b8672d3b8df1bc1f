"""From pulse tests and a slow cycle to a cell type: the terms of the model by least squares, and how well it fits.

The open-circuit curves come first (from a slow cycle, or measured apart); then the terms at each temperature, all runs
together, with a weak pull towards straight Arrhenius lines and a common cell's dynamics. What is left over per run and
temperature is the report; `fit_trust` makes of it how far the estimator will believe the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from station_ctl.kernel import soc as kernel
from station_ctl.soc import curves
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.fit_runs import FitError, Run
from station_ctl.soc.type_sections import Terms

Array = NDArray[np.float64]
FROM_SOC: Final = 0.04
"""Below, the bottom's slope makes any error of the charge one of volts."""
ROBUST_MV: Final = 5.0
STRAIGHT: Final = 20.0
"""Pull towards Arrhenius lines, in residuals of 1 mV per change of slope (in ln per 1000/K)."""
COMMON: Final = 3.0
"""Pull of the dynamics to a common cell's, in residuals of 1 mV per ln: what no run tells stays what is usual."""
_START: Final = {
    "lag_gain": (0.045, 3300.0),
    "lag_s": (113.0, 3600.0),
    "ohm_v": (0.048, 120.0),
    "exchange_c": (0.64, -5600.0),
}
"""Values at 25 degC and their slope against 1/T: a common large LFP cell."""
_BOUNDS: Final = {
    "lag_gain": (1e-6, 2.9),
    "lag_s": (1.0, 36000.0),
    "ohm_v": (1e-6, 2.9),
    "exchange_c": (1e-6, 900.0),
    "slow_v": (1e-6, 2.9),
    "slow_s": (0.1, 3600.0),
}
"""Of each term: what a type may have (`type_sections.Terms`), so that what is found can be written."""
_SLOW: Final = {"slow_v": (0.027, 5200.0), "slow_s": (26.0, 2000.0)}
_GLOBAL: Final = {"fast_gain": 0.5, "fast_s": 0.1, "branch_gain": 17.0, "knee_lag": 0.12}
_LEAST: Final = np.log([1e-5, 1e-5, 1.1, 1e-5])
_MOST: Final = np.log([3.0, 0.9, 100.0, 1.0])
"""Of each of these: the fast lag is the faster one, and the phosphate lags no further than the graphite."""


@dataclass(frozen=True, slots=True)
class Left:
    """What the fit leaves of one run: mV rms and mean from 5 to 93 % charge; % of charge rms on the top knee."""

    name: str
    temperature_c: float
    rms_mv: float
    mean_mv: float
    knee_pct: float


def fit(
    first: CellType,
    runs: Sequence[Run],
    at_c: Sequence[float],
    *,
    slow: bool = False,
    rounds: int = 15,
    begin: CellType | None = None,
) -> tuple[CellType, list[Left]]:
    """The type with its terms at these temperatures, and what is left. first: name, capacity, curves, trust and limits.

    slow: also a resistor with a capacitor (cells whose voltage creeps for tens of seconds). begin: a type that was
    fitted to nearly the same runs, with these temperatures among its own; without: a common large LFP cell.
    """
    if not runs:
        raise FitError("no runs", where=first.name)
    problem = _Problem(first, tuple(runs), tuple(at_c), slow)
    solved = least_squares(
        problem.residuals, problem.start(begin), max_nfev=rounds, loss="soft_l1", f_scale=ROBUST_MV, x_scale=0.3
    )
    found = problem.type(solved.x)
    return found, [left(found, run) for run in runs]


def left(cell_type: CellType, run: Run) -> Left:
    """What the type leaves of a run, be it fitted to it or not."""
    error_mv = (voltage(cell_type, run) - run.voltage_v) * 1e3
    soc = run.frames[:, 3]
    middle = (soc > 0.05) & (soc < 0.93)
    knee = soc >= 0.93
    slope = _slope_mv_per_pct(cell_type, soc[knee])
    steep = slope > 10
    return Left(
        run.name,
        float(np.mean(run.frames[:, 2])),
        _rms(error_mv[middle]),
        float(np.mean(error_mv[middle])) if middle.any() else math.nan,
        _rms((error_mv[knee] / np.maximum(slope, 1))[steep]),
    )


def voltage(cell_type: CellType, run: Run) -> Array:
    """The model's voltage for a run, by the compiled kernel."""
    volts = np.empty(len(run.frames))
    curves.kernel_type(cell_type).predict(run.frames, run.branch, 1.0, volts)
    return volts


def curves_at(cell_type: CellType, soc: Array) -> Array:
    """The middle curve at these charges, V."""
    c = cell_type.curve
    middle: Array = np.interp(soc, c.soc, (np.array(c.discharge_v) + np.array(c.charge_v)) / 2)
    return middle


def _slope_mv_per_pct(cell_type: CellType, soc: Array) -> Array:
    return (curves_at(cell_type, soc + 0.0025) - curves_at(cell_type, soc - 0.0025)) / 0.5 * 1e3


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else math.nan


class _Problem:
    """Parameters are logarithms: first the terms, temperature by temperature, then the global ones."""

    def __init__(self, first: CellType, runs: tuple[Run, ...], at_c: tuple[float, ...], slow: bool) -> None:
        self.first, self.runs, self.at_c = first, runs, at_c
        self.names = list(_START) + (list(_SLOW) if slow else [])
        plateau, knee = curves.tables(first)
        self.plateau, self.knee = np.array(plateau), np.array(knee)
        self.wanted = [run.frames[:, 3] > FROM_SOC for run in runs]
        self.least, self.most = np.log([_BOUNDS[name] for name in self.names]).T
        self.against = 1e3 / (np.array(at_c) + 273.15)

    def start(self, begin: CellType | None) -> Array:
        """Where the search begins: a common large LFP cell, or this type."""
        if begin is not None:
            at = [begin.terms.at_c.index(t) for t in self.at_c]
            terms = [math.log(max(getattr(begin.terms, n)[k], 1e-6)) for k in at for n in self.names]
            return np.array(terms + [math.log(max(getattr(begin.dynamics, n), 1e-6)) for n in _GLOBAL])
        known = _START | _SLOW
        inverse_k = [1 / (t + 273.15) - 1 / 298.15 for t in self.at_c]
        terms = [math.log(known[n][0]) + known[n][1] * a for a in inverse_k for n in self.names]
        return np.array(terms + [math.log(v) for v in _GLOBAL.values()])

    def type(self, x: Array) -> CellType:
        """The type with these parameters, not checked."""
        table = np.exp(np.clip(x[: -len(_GLOBAL)].reshape(len(self.at_c), -1), self.least, self.most))
        values = {name: tuple(map(float, table[:, k])) for k, name in enumerate(self.names)}
        values.setdefault("slow_v", (0.0,) * len(self.at_c))
        values.setdefault("slow_s", (20.0,) * len(self.at_c))
        globals_ = dict(zip(_GLOBAL, map(float, np.exp(np.clip(x[-len(_GLOBAL) :], _LEAST, _MOST))), strict=True))
        dynamics = self.first.dynamics.model_copy(update=globals_)
        return self.first.model_copy(
            update={
                "terms": Terms.model_construct(None, at_c=self.at_c, **values),
                "dynamics": dynamics,
            }
        )

    def residuals(self, x: Array) -> Array:
        """mV of each run, weighed to 1000 samples, and the pulls."""
        parts = self._misses(self.type(x))
        table = x[: -len(_GLOBAL)].reshape(len(self.at_c), -1)
        slopes = np.diff(table, axis=0) / np.diff(self.against)[:, None]
        parts.append(STRAIGHT * np.diff(slopes, axis=0).ravel())
        parts.append(COMMON * (x[-len(_GLOBAL) :] - np.log(list(_GLOBAL.values()))))
        return np.nan_to_num(np.concatenate(parts), nan=1e3, posinf=1e3, neginf=-1e3)

    def _misses(self, found: CellType) -> list[Array]:
        """mV of each run, weighed to 1000 samples. Terms that no kernel takes are only a bad step of the search."""
        try:
            terms = np.array(curves.terms(found.terms))
            cell = kernel.CellType(curves.row(found), self.plateau, self.knee, terms, curves.FIRST, curves.STEP)
        except ValueError:
            return [np.full(int(wanted.sum()), 1e3) for wanted in self.wanted]
        parts = []
        for run, wanted in zip(self.runs, self.wanted, strict=True):
            volts = np.empty(len(run.frames))
            cell.predict(run.frames, run.branch, 1.0, volts)
            parts.append((volts - run.voltage_v)[wanted] * 1e3 / math.sqrt(wanted.sum() / 1000))
        return parts
