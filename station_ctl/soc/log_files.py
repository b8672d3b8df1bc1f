"""Files that hold a log: `.npz` as numpy.savez writes it, `.csv` with commas between columns and decimal points.

Objects in a `.npz` are never unpickled; columns that nobody asked for are passed over.
"""

from __future__ import annotations

import csv
import math
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import numpy as np

from station_ctl.soc.log import NEEDED, OPTIONAL, Array, Log, LogError, from_columns, need

_CELL: Final = re.compile(r"V_cell_\d+_mV")
LONGEST_LINE: Final = 1 << 20
"""Characters: a file of one endless line is not kept in memory to find that out."""
MOST_BYTES: Final = 1 << 31
"""Of one array, unpacked."""


def read(path: Path) -> Log:
    """Raises LogError."""
    if path.suffix.lower() not in (".npz", ".csv"):
        raise LogError(
            "is no log this reads", where=str(path), value=path.suffix, limit=".npz or .csv; a candump log needs --dbc"
        )
    if path.suffix.lower() == ".npz":
        return from_columns(arrays(path, (*NEEDED, *OPTIONAL, "V_cells_mV")), str(path))
    with _refusing(path):
        columns = _csv(path)
    return from_columns(columns, str(path))


def arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Those of a `.npz` that it has. Raises LogError."""
    with _refusing(path):
        return _npz(path, names)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Whatever a damaged file makes its reader say is a LogError."""
    try:
        yield
    except UnicodeDecodeError as e:
        raise LogError("is no text in UTF-8", where=str(path), value=f"byte {e.start}", remedy="save it so") from e
    except (OSError, ValueError, KeyError, EOFError, csv.Error, zipfile.BadZipFile, zlib.error, RuntimeError) as e:
        raise LogError("cannot be read", where=str(path), value=str(e)) from e
    except MemoryError as e:
        raise LogError("is too large for this computer's memory", where=str(path), remedy="cut the log") from e


def lines(file: TextIO) -> Iterator[str]:
    """Its lines; one beyond LONGEST_LINE in pieces."""
    return iter(lambda: file.readline(LONGEST_LINE), "")


def _npz(path: Path, names: Sequence[str]) -> dict[str, Array]:
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            raise ValueError("it is no zip archive as numpy.savez writes it")
        file.seek(0)
        with np.load(file, allow_pickle=False) as content:
            wanted = [k for k in names if k in content.files]
            for name in wanted:
                size = content.zip.getinfo(f"{name}.npy").file_size
                if size > MOST_BYTES:
                    raise LogError(f"column {name} is too large", where=str(path), value=size, limit=MOST_BYTES)
            return {name: _numbers(content, name, str(path)) for name in wanted}


def _numbers(content: np.lib.npyio.NpzFile, name: str, where: str) -> Array:
    try:
        values = content[name]
    except ValueError as e:  # objects, which are refused unread, or a damaged header
        raise LogError(f"column {name} cannot be read", where=where, value=str(e), limit="an array of numbers") from e
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
        kind = getattr(values, "dtype", "no array")
        raise LogError(f"column {name} is not of numbers", where=where, value=str(kind), limit="real numbers")
    return np.asarray(values, dtype=float)


def _csv(path: Path) -> dict[str, Array]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(lines(file))
        names = [name.strip() for name in next(reader, [])]
        need(names, str(path))
        wanted = [k for k, name in enumerate(names) if name in (*NEEDED, *OPTIONAL) or _CELL.fullmatch(name)]
        twice = sorted({names[k] for k in wanted if names.count(names[k]) > 1})
        if twice:
            raise LogError(f"has column {', '.join(twice)} more than once", where=f"{path}, line 1")
        rows = [_row(row, wanted, names, str(path), reader.line_num) for row in reader if row]
    table = dict(
        zip((names[k] for k in wanted), np.array(rows, dtype=float).reshape(len(rows), len(wanted)).T, strict=True)
    )
    cells = sorted(name for name in table if _CELL.fullmatch(name))
    columns = {name: values for name, values in table.items() if name not in cells}
    if cells:
        columns["V_cells_mV"] = np.column_stack([table[name] for name in cells])
    return columns


def _row(row: list[str], wanted: list[int], names: list[str], where: str, number: int) -> list[float]:
    if len(row) != len(names):
        what = f"line {number} has {len(row)} columns, not {len(names)}"
        raise LogError(what, where=where, remedy="columns are separated by commas")
    return [_number(row[k], names[k], f"{where}, line {number}") for k in wanted]


def _number(text: str, name: str, where: str) -> float:
    try:
        return float(text) if text.strip() else math.nan
    except ValueError as e:
        limit = "a number with a decimal point, or nothing"
        raise LogError(f"column {name} is no number", where=where, value=text[:60], limit=limit) from e
