"""A log of one cell or pack for the offline estimator: `.npz` or `.csv` with t, I, V and optional T, valid, I_meter.

t in s, I in A (> 0 charges), V in V of one cell (a pack's mean cell), T in degC; valid: 0 where a frame is not to be
believed; V_cells_mV: n x cells (npz), or columns V_cell_0001_mV, .. (csv). What is missing says so by name.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.errors import StationError

Array = NDArray[np.float64]
NEEDED: Final = ("t", "I", "V")
OPTIONAL: Final = ("T", "valid", "I_meter")
CELL: Final = "V_cell_"


class LogError(StationError):
    """The log cannot be followed. Names what is missing or where time goes back."""


@dataclass(frozen=True, slots=True)
class Log:
    """frames: dt_s, A, V, degC, meter A."""

    t_s: Array
    frames: Array
    cells_v: Array | None


def read(path: Path) -> Log:
    """Raises LogError."""
    if path.suffix not in (".npz", ".csv"):
        raise LogError(
            "is no log this reads", where=str(path), value=path.suffix, limit=".npz or .csv; a candump log needs --dbc"
        )
    try:
        columns = _npz(path) if path.suffix == ".npz" else _csv(path)
    except (OSError, ValueError, KeyError, EOFError) as e:
        raise LogError("cannot be read", where=str(path), value=str(e)) from e
    return from_columns(columns, str(path))


def _npz(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as content:
        wanted = [k for k in (*NEEDED, *OPTIONAL, "V_cells_mV") if k in content.files]
        return {k: np.asarray(content[k], dtype=float) for k in wanted}


def _csv(path: Path) -> dict[str, Array]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        names = [name.strip() for name in next(reader, [])]
        wanted = [k for k, name in enumerate(names) if name in (*NEEDED, *OPTIONAL) or name.startswith(CELL)]
        rows = [_row(row, wanted, names, number) for number, row in enumerate(reader, 2)]
    table = dict(
        zip((names[k] for k in wanted), np.array(rows, dtype=float).reshape(len(rows), len(wanted)).T, strict=True)
    )
    cells = sorted(name for name in table if name.startswith(CELL))
    columns = {name: values for name, values in table.items() if not name.startswith(CELL)}
    if cells:
        columns["V_cells_mV"] = np.column_stack([table[name] for name in cells])
    return columns


def _row(row: list[str], wanted: list[int], names: list[str], number: int) -> list[float]:
    if len(row) != len(names):
        raise ValueError(f"line {number} has {len(row)} columns, not {len(names)}")
    try:
        return [float(row[k]) if row[k].strip() else math.nan for k in wanted]
    except ValueError as e:
        raise ValueError(f"line {number}: {e}") from e


def from_columns(columns: dict[str, Array], where: str) -> Log:
    """A log of columns named as in a file. Raises LogError for what is missing, does not fit or goes back in time."""
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise LogError(
            f"has no column {', '.join(missing)}",
            where=where,
            limit=f"{', '.join(NEEDED)} and optional {', '.join(OPTIONAL)}",
        )
    t_s = columns["t"]
    n = len(t_s)
    for name, values in columns.items():
        if values.shape[:1] != (n,) or (values.ndim != 1 and name != "V_cells_mV"):
            raise LogError(f"column {name} does not fit t", where=where, value=values.shape, limit=n)
    _rises(t_s, where)
    amps, volts = columns["I"].copy(), columns["V"].copy()
    bad = columns["valid"] == 0 if "valid" in columns else np.zeros(n, dtype=bool)
    amps[bad], volts[bad] = np.nan, np.nan
    nothing = np.full(n, np.nan)
    frames = np.column_stack(
        [np.diff(t_s, prepend=t_s[0]), amps, volts, columns.get("T", nothing), columns.get("I_meter", nothing)]
    )
    cells = columns.get("V_cells_mV")
    return Log(t_s, np.ascontiguousarray(frames), None if cells is None else np.ascontiguousarray(cells / 1e3))


def _rises(t_s: Array, where: str) -> None:
    if not len(t_s):
        raise LogError("has no rows", where=where)
    if not np.all(np.isfinite(t_s)):
        raise LogError("column t has a gap", where=f"{where}, row {int(np.flatnonzero(~np.isfinite(t_s))[0]) + 1}")
    back = np.flatnonzero(np.diff(t_s) < 0)
    if len(back):
        k = int(back[0]) + 1
        raise LogError(
            "time goes back", where=f"{where}, row {k + 1}", value=float(t_s[k]), limit=f">= {float(t_s[k - 1])}"
        )
