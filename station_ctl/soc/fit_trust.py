"""How far the estimator may believe a fitted type: set from what the fit leaves, and never further than `--like` did.

A model that was fitted to a temperature is better there than between two. So each temperature of the terms but the
outermost two is left out once, and its runs are judged by a type that has not seen them; a run between the temperatures
of the terms is judged by the type itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from station_ctl.soc import curves, fit
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.fit_runs import Run
from station_ctl.soc.type_sections import Trust

Array = NDArray[np.float64]
NEAR_K: Final = 5.0
"""A run that is so near to a temperature of the terms is of that temperature."""
SLOW_S: Final = 120.0
"""What is slower is the error that wanders, what is faster the swing's. As the kernel's `pace.eta`."""
LOOKS: Final = 8.0
"""Looks at one swing are not independent: what is left of it counts so many times. Found by coverage: 7 to 12, over the
runs of the shipped type and a measured cell's."""
KNEE_FROM_C: Final = 0.0
"""In colder cells an error of the overpotential looks like one of the knee's place."""
_LEAST_SWING_V: Final = 0.005
_MOST_COLD_PER_K: Final = 0.1


class Error(NamedTuple):
    """Of one run, 5-93 % charge: slow error in V rms; part of the overpotential's swing that is left (nan: it swings
    too little); rms error of charge on the top knee (nan: never there)."""

    temperature_c: float
    slow_v: float
    swing_share: float
    knee: float


def believe(first: CellType, found: CellType, runs: Sequence[Run], *, slow: bool = False) -> Trust:
    """The trust of a type that `fit.fit` found: `first.trust`, where these runs are not worse.

    found: the fit over all runs. slow: as for the fit.
    """
    errors = [error(_judge(first, found, runs, run, slow=slow), run) for run in runs]
    like = first.trust
    sd_v, cold_per_k = _over_cold(errors, like)
    knees = [e.knee for e in errors if e.temperature_c >= KNEE_FROM_C and not math.isnan(e.knee)]
    swings = [e.swing_share for e in errors if not math.isnan(e.swing_share)]
    return Trust.model_validate(
        like.model_dump()
        | {
            "model_sd_v": min(sd_v, 0.05),
            "model_cold_per_k": cold_per_k,
            "knee_sd": min(max([like.knee_sd, *knees]), 0.2),
            "swing_share": min(max([like.swing_share, *(LOOKS * share for share in swings)]), 10.0),
        }
    )


def _judge(first: CellType, found: CellType, runs: Sequence[Run], run: Run, *, slow: bool) -> CellType:
    """A type that knows nothing of the run's temperature, where one can be made."""
    at_c = found.terms.at_c
    here = min(at_c, key=lambda t: abs(t - _warmth(run)))
    if abs(here - _warmth(run)) > NEAR_K or here in (at_c[0], at_c[-1]):
        return found
    others = [one for one in runs if abs(_warmth(one) - here) > NEAR_K]
    left_out, _ = fit.fit(first, others, [t for t in at_c if t != here], slow=slow)
    return left_out


def _warmth(run: Run) -> float:
    return float(np.mean(run.frames[:, 2]))


def error(cell_type: CellType, run: Run) -> Error:
    """What the type leaves of a run."""
    volts, rested = np.empty(len(run.frames)), np.empty(len(run.frames))
    kernel_type = curves.kernel_type(cell_type)
    kernel_type.predict(run.frames, run.branch, 1.0, volts)
    kernel_type.predict(run.frames, run.branch, 0.0, rested)
    left_v, swing_v = volts - run.voltage_v, volts - rested
    middle = (run.frames[:, 3] > 0.05) & (run.frames[:, 3] < 0.93)
    slow_v, swing_v = _slow(left_v, run), swing_v - _slow(swing_v, run)
    swings = middle.any() and _rms(swing_v[middle]) > _LEAST_SWING_V
    share = _rms((left_v - slow_v)[middle]) / _rms(swing_v[middle]) if swings else math.nan
    return Error(_warmth(run), _rms(slow_v[middle]), share, fit.left(cell_type, run).knee_pct / 100)


def _slow(values: Array, run: Run) -> Array:
    """First-order mean over SLOW_S; steps of a run are taken as alike (their mean)."""
    keep = math.exp(-float(np.mean(run.frames[1:, 0])) / SLOW_S)
    found: Array = lfilter([1 - keep], [1, -keep], values, zi=[keep * values[0]])[0]
    return found


def _over_cold(errors: Sequence[Error], like: Trust) -> tuple[float, float]:
    """(sd at 25 degC in V, growth per K below) of a line that no run is above, nor the other type's at the runs."""
    cold_k = np.array([max(25.0 - e.temperature_c, 0.0) for e in errors])
    before = math.log(like.model_sd_v) + like.model_cold_per_k * cold_k
    logs = np.maximum(np.log(np.maximum([e.slow_v for e in errors], 1e-9)), before)
    if np.all(logs == before):
        return like.model_sd_v, like.model_cold_per_k
    steep = float(np.polyfit(cold_k, logs, 1)[0]) if np.ptp(cold_k) > NEAR_K else like.model_cold_per_k
    steep = min(max(steep, 0.0), _MOST_COLD_PER_K)
    return float(np.exp(np.max(logs - steep * cold_k))), steep


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else 0.0
