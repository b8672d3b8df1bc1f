"""The shipped type as the kernel has it, and frames of its own cell, for the estimator's tests."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import station_ctl.kernel.soc as kernel
from station_ctl.soc import cell_type, curves

Array = NDArray[np.float64]
TYPE = cell_type.load("lfp-302ah-177s")
KERNEL = curves.kernel_type(TYPE)
HEALTHS = [h.row() for h in TYPE.health]
NAN = math.nan
DT, AMPS, VOLTS, WARM, METER = range(5)


def estimator(**named: Any) -> kernel.Estimator:
    """One pack that nothing is known of."""
    return kernel.Estimator(KERNEL, HEALTHS, **named)


def frames_of(
    seconds: float, soc: float, current: Callable[[float], float], dt_s: float = 1.0, temperature_c: float = 20.0,
    docked: bool = False, branch: float = -1.0,
) -> tuple[Array, Array]:  # fmt: skip
    """Frames of the type's own cell: (dt_s, A, V, degC, meter A), and the charge after each."""
    n = int(seconds / dt_s)
    amps = np.array([current(k * dt_s) for k in range(n)], dtype=float)
    return of_currents(amps, soc, dt_s, temperature_c, docked=docked, branch=branch)


def of_currents(
    amps: Array, soc: float, dt_s: float = 1.0, temperature_c: float = 20.0, *, docked: bool = False,
    branch: float = -1.0,
) -> tuple[Array, Array]:  # fmt: skip
    """The same for currents that are given one by one."""
    n = len(amps)
    steps = np.full(n, dt_s)
    steps[0] = 0
    z = soc + np.cumsum((amps + np.r_[0, amps[:-1]]) / 2 * steps) / 3600 / TYPE.capacity_ah
    volts = np.empty(n)
    rows = np.ascontiguousarray(np.column_stack([steps, amps, np.full(n, temperature_c), z]))
    KERNEL.predict(rows, branch, 1.0, volts)
    meter = amps if docked else np.full(n, NAN)
    return np.ascontiguousarray(np.column_stack([steps, amps, volts, np.full(n, temperature_c), meter])), z
