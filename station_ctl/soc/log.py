"""A log of one cell or pack for the offline estimator: columns t, I, V and optional T, valid, I_meter.

t in s, I in A (> 0 charges), V in V of one cell (a pack's mean cell), T in degC; valid: 0 (or nothing) where a frame is
not to be believed; V_cells_mV: n x cells (npz), or columns V_cell_0001_mV, .. (csv). What is missing says so by name.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.errors import StationError

Array = NDArray[np.float64]
NEEDED: Final = ("t", "I", "V")
OPTIONAL: Final = ("T", "valid", "I_meter")
MOST_CELLS: Final = 512
LAST_S: Final = 1e16
"""Beyond, a double holds no seconds."""


class LogError(StationError):
    """The log cannot be followed. Names what is missing or where time goes back."""


@dataclass(frozen=True, slots=True)
class Log:
    """frames: dt_s, A, V, degC, meter A."""

    t_s: Array
    frames: Array
    cells_v: Array | None


def need(names: Collection[str], where: str) -> None:
    """Raises LogError, with what there is, if a column is missing."""
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise LogError(
            f"has no column {', '.join(missing)}",
            where=where,
            value=[name[:40] for name in names][:12],
            limit=f"{', '.join(NEEDED)} and optional {', '.join(OPTIONAL)}; a .csv with commas between them",
        )


def from_columns(columns: dict[str, Array], where: str) -> Log:
    """A log of columns named as in a file. Raises LogError for what is missing, does not fit or goes back in time."""
    need(columns, where)
    t_s = columns["t"]
    if t_s.ndim != 1:
        raise LogError("column t is no row of numbers", where=where, value=t_s.shape, limit="one time for each frame")
    n = len(t_s)
    for name, values in columns.items():
        dimensions = 2 if name == "V_cells_mV" else 1
        if values.ndim != dimensions or len(values) != n:
            raise LogError(
                f"column {name} does not fit t",
                where=where,
                value=values.shape,
                limit=f"{n} x cells" if dimensions == 2 else n,
            )
    _rises(t_s, where)
    amps, volts = columns["I"].copy(), columns["V"].copy()
    valid = columns.get("valid", np.ones(n))
    bad = (valid == 0) | np.isnan(valid)
    amps[bad], volts[bad] = np.nan, np.nan
    nothing = np.full(n, np.nan)
    frames = np.column_stack(
        [np.diff(t_s, prepend=t_s[0]), amps, volts, columns.get("T", nothing), columns.get("I_meter", nothing)]
    )
    cells = columns.get("V_cells_mV")
    if cells is not None and not 1 <= cells.shape[1] <= MOST_CELLS:
        raise LogError(
            "V_cells_mV is of no pack", where=where, value=f"{cells.shape[1]} cells", limit=f"1 to {MOST_CELLS}"
        )
    return Log(t_s, np.ascontiguousarray(frames), None if cells is None else np.ascontiguousarray(cells / 1e3))


def _rises(t_s: Array, where: str) -> None:
    if not len(t_s):
        raise LogError("has no rows", where=where)
    no_time = ~(np.abs(t_s) < LAST_S)
    if np.any(no_time):
        k = int(np.flatnonzero(no_time)[0])
        raise LogError("column t has a gap", where=f"{where}, row {k + 1}", value=float(t_s[k]), limit="a time in s")
    back = np.flatnonzero(np.diff(t_s) < 0)
    if len(back):
        k = int(back[0]) + 1
        raise LogError(
            "time goes back",
            where=f"{where}, row {k + 1}",
            value=float(t_s[k]),
            limit=f">= {float(t_s[k - 1])}",
            remedy="sort the log, or cut it where the clock was set",
        )
