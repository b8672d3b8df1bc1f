"""The open-circuit curve from a slow cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from station_ctl.soc import fit
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.fit_runs import FitError, Run
from station_ctl.soc.type_sections import Curve

Array = NDArray[np.float64]


def curve_from_cycle(cycle: Run, model: CellType) -> Curve:
    """Both branches from a slow cycle: its two legs, less what the model says the current costs."""
    free = model.model_copy(update={"curve": _level(model.curve)})
    costs = fit.voltage(free, cycle) - fit.curves_at(free, cycle.frames[:, 3])
    soc, amps = cycle.frames[:, 3], cycle.frames[:, 1]
    grid = np.array(model.curve.soc)
    legs = [_leg(soc[m], (cycle.voltage_v - costs)[m], grid) for m in (amps < 0, amps > 0)]
    low, high = np.minimum(*legs), np.maximum(*legs)
    return model.curve.model_copy(update={"discharge_v": tuple(map(float, low)), "charge_v": tuple(map(float, high))})


def _leg(soc: Array, volts: Array, grid: Array) -> Array:
    if len(soc) < 50:
        raise FitError("the slow cycle has no charge or no discharge", where="slow cycle", value=len(soc))
    order = np.argsort(soc)
    smooth = np.interp(grid, soc[order], volts[order])
    rising: Array = np.maximum.accumulate(smooth) + np.arange(len(grid)) * 1e-6
    return rising


def _level(curve: Curve) -> Curve:
    middle = tuple((a + b) / 2 for a, b in zip(curve.discharge_v, curve.charge_v, strict=True))
    return curve.model_copy(update={"discharge_v": middle, "charge_v": middle})
