"""`station-ctl soc estimate LOG --type TYPE`: the compiled estimator over a log, as a table and a picture."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
from numpy.typing import NDArray

from drivers.errors import StationError
from station_ctl.kernel import soc as kernel
from station_ctl.soc import curves
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.log import Log
from station_ctl.soc.pack import Grounds

Array = NDArray[np.float64]
HEADER: Final = "t,soc,soc_p05,soc_p95,capacity_ah,capacity_p05,capacity_p95,current_bias_a,reason"
_START = re.compile(r"^([0-9.]+)\s*(?:\+-|±)\s*([0-9.]+)$")


class StartError(StationError):
    """The start cannot be understood."""


def start(text: str) -> tuple[float, float] | None:
    """`unknown`, or `0.55+-0.03`. Raises StartError."""
    if text == "unknown":
        return None
    found = _START.match(text)
    try:
        soc, sd = (float(found[1]), float(found[2])) if found else (math.nan, math.nan)
    except ValueError:
        soc = sd = math.nan
    if not (0 <= soc <= 1 and 0 < sd <= 1):
        raise StartError("is no start", where="--start", value=text, limit="unknown, or a charge like 0.55+-0.03")
    return soc, sd


def follow(cell_type: CellType, log: Log, known: tuple[float, float] | None) -> Array:
    """`kernel.Estimator.estimate` after each frame, 11 columns."""
    cells = 0 if log.cells_v is None else log.cells_v.shape[1]
    healths = [h.row() for h in cell_type.health]
    pack = kernel.Estimator(curves.kernel_type(cell_type), healths, cells=cells)
    if known:
        pack.start(*known)
    answers = np.empty((len(log.frames), 11))
    if log.cells_v is None:
        pack.run(log.frames, answers, np.arange(len(log.frames), dtype=np.int64))
        return answers
    for k, frame in enumerate(log.frames):
        pack.step(*map(float, frame))
        pack.hear_cells(log.cells_v[k])
        answers[k] = pack.estimate()
    return answers


def write(file: TextIO, log: Log, answers: Array) -> None:
    """CSV, one line per frame."""
    file.write(HEADER + "\n")
    for t, a in zip(log.t_s, answers, strict=True):
        reason = Grounds(int(a[10])).name.lower()
        file.write(f"{t:.3f},{a[0]:.5f},{a[1]:.5f},{a[3]:.5f},{a[5]:.3f},{a[6]:.3f},{a[7]:.3f},{a[8]:.3f},{reason}\n")


def plot(path: Path, log: Log, answers: Array) -> None:
    """Charge with its interval, capacity and bias over hours, as PNG or as HTML with the picture in it."""
    import base64
    import io

    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(10, 8), layout="constrained")
    charge, capacity, bias = figure.subplots(3, 1, sharex=True)
    hours = (log.t_s - log.t_s[0]) / 3600
    for axis, low, mid, high, label in ((charge, 1, 0, 3, "charge, %"), (capacity, 6, 5, 7, "capacity, Ah")):
        factor = 100 if axis is charge else 1
        axis.fill_between(hours, answers[:, low] * factor, answers[:, high] * factor, alpha=0.3, label="5-95 %")
        axis.plot(hours, answers[:, mid] * factor)
        axis.set_ylabel(label)
        axis.legend()
    bias.plot(hours, answers[:, 8])
    bias.set_ylabel("current bias, A")
    bias.set_xlabel("h")
    kind = "png" if path.suffix == ".html" else path.suffix.removeprefix(".") or "png"
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind)
    if path.suffix == ".html":
        picture = base64.b64encode(buffer.getvalue()).decode()
        path.write_text(
            f'<!doctype html><meta charset="utf-8"><img alt="estimate" src="data:image/png;base64,{picture}">'
        )
    else:
        path.write_bytes(buffer.getvalue())
