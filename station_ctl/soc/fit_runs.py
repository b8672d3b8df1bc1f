"""Measurements that a type is fitted to: runs of one cell whose charge is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drivers.errors import StationError

Array = NDArray[np.float64]


class FitError(StationError):
    """The measurements cannot make a type."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement of one cell: time, A (> 0 charges), V, degC, charge. branch: where it comes from, -1 or +1."""

    name: str
    frames: Array
    voltage_v: Array
    branch: float


def read_run(path: Path) -> Run:
    """`.npz` with t, I, V, T, soc. Raises FitError."""
    try:
        with np.load(path) as content:
            t, amps, volts, warm, soc = (np.asarray(content[k], dtype=float) for k in ("t", "I", "V", "T", "soc"))
    except (OSError, KeyError, ValueError) as e:
        raise FitError("is no run of t, I, V, T and soc", where=str(path), value=str(e)) from e
    steps = np.diff(t, prepend=t[0])
    if np.any(steps < 0) or not all(np.all(np.isfinite(a)) for a in (t, amps, volts, warm, soc)):
        raise FitError("time goes back, or a value is missing", where=str(path))
    return Run(
        path.stem, np.ascontiguousarray(np.column_stack([steps, amps, warm, soc])), volts, 1.0 if soc[0] > 0.5 else -1.0
    )
