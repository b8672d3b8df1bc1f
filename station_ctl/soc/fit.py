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

from station_ctl.soc import curves
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.fit_problem import Problem
from station_ctl.soc.fit_runs import FitError, Run

Array = NDArray[np.float64]
ROBUST_MV: Final = 5.0
ENOUGH: Final = 1e-3
"""Part of the cost that a step has to save, else the search is over."""


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
    rounds: int = 60,
) -> tuple[CellType, list[Left]]:
    """The type with its terms at these temperatures, and what is left. first: name, capacity, curves, trust and limits.

    slow: also a resistor with a capacitor (cells whose voltage creeps for tens of seconds). rounds: at most, of each of
    the two searches.
    """
    if not runs:
        raise FitError("no runs", where=first.name)
    problem = Problem(first, tuple(runs), tuple(at_c), slow)
    # every millivolt alike first: a robust search takes the strong pulses for outliers, and then their ohms for nothing
    x = least_squares(problem.residuals, problem.usual, max_nfev=rounds, ftol=ENOUGH).x
    x = least_squares(problem.residuals, x, max_nfev=rounds, ftol=ENOUGH, loss="soft_l1", f_scale=ROBUST_MV).x
    found = problem.type(x)
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
