"""Measurements that a type is fitted to: runs of one cell whose charge is known."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.errors import StationError
from station_ctl.soc import log, log_files, plausible
from station_ctl.soc.cell_type import CellType

Array = NDArray[np.float64]
NEEDED: Final = ("t", "I", "V", "T", "soc")
FEWEST: Final = 50
SOC: Final = (-0.05, 1.05)
"""A measured charge that is counted drifts a little beyond."""


class FitError(StationError):
    """The measurements cannot make a type."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement of one cell: time, A (> 0 charges), V, degC, charge. branch: where it comes from, -1 or +1."""

    name: str
    frames: Array
    voltage_v: Array
    branch: float


def temperatures(text: str) -> list[float]:
    """Of `--at`: degC, three or more that rise. Raises FitError."""
    try:
        at_c = [float(part) for part in text.split(",")]
    except ValueError:
        at_c = []
    rising = all(low < high for low, high in pairwise(at_c))  # false for NaN
    if len(at_c) < 3 or not rising or not (at_c[0] >= -40 and at_c[-1] <= 85):
        raise FitError(
            "are no temperatures", where="--at", value=text, limit="three or more that rise, from -40 to 85 degC"
        )
    return at_c


def read_run(path: Path, of: CellType | None = None) -> Run:
    """`.npz` with t, I, V, T, soc, where `of` is given of a cell that can be of that type. Raises FitError."""
    try:
        columns = log_files.arrays(path, NEEDED)
        missing = [name for name in NEEDED if name not in columns]
        if missing:
            raise FitError(f"has no array {', '.join(missing)}", where=str(path), limit=", ".join(NEEDED))
        found = log.from_columns(columns, str(path))
        _whole(columns, str(path))
        if of:
            plausible.check(found, of, str(path))
    except log.LogError as e:
        raise FitError(e.what, where=e.where, value=e.value, limit=e.limit, remedy=e.remedy) from e
    steps, amps, volts, warm, _ = found.frames.T
    soc = columns["soc"]
    return Run(
        path.stem,
        np.ascontiguousarray(np.column_stack([steps, amps, warm, soc])),
        np.ascontiguousarray(volts),
        1.0 if soc[0] > 0.5 else -1.0,
    )


def _whole(columns: dict[str, Array], where: str) -> None:
    """Raises FitError for too few rows, a gap, and a charge in %."""
    soc = columns["soc"]
    if len(soc) < FEWEST:
        raise FitError("is too short", where=where, value=len(soc), limit=f">= {FEWEST} rows")
    for name, values in columns.items():
        lost = np.flatnonzero(~np.isfinite(values))
        if len(lost):
            raise FitError(f"array {name} has a gap", where=f"{where}, row {int(lost[0]) + 1}")
    if soc.min() < SOC[0] or soc.max() > SOC[1]:
        raise FitError("array soc is no charge", where=where, value=f"{soc.min():g} to {soc.max():g}", limit="0 to 1")
