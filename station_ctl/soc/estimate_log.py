"""`station-ctl soc estimate LOG --type TYPE`: the compiled estimator over a log, as a table and a picture."""

from __future__ import annotations

import base64
import html
import io
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
from station_ctl.soc.plausible import CELL_V, MOST_RATE_C

Array = NDArray[np.float64]
HEADER: Final = "t,soc,soc_p05,soc_p95,capacity_ah,capacity_p05,capacity_p95,current_bias_a,reason"
_COLOURS: Final = {
    Grounds.ANCHORED: "tab:green",
    Grounds.PLATEAU: "tab:gray",
    Grounds.COASTING: "tab:orange",
    Grounds.DOUBTFUL: "tab:red",
}
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


def plot(path: Path, title: str, log: Log, answers: Array) -> None:
    """Charge with its interval and grounds, capacity, bias, what was measured; as PNG, or HTML with the PNG in it."""
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(10, 11), layout="constrained")
    charge, capacity, bias, current = axes = figure.subplots(4, 1, sharex=True, height_ratios=(3, 2, 2, 2))
    hours = (log.t_s - log.t_s[0]) / 3600
    _band(charge, hours, answers[:, (1, 0, 3)] * 100, "charge, %")
    charge.set(ylim=(0, 102), title=title)
    for grounds, colour in _COLOURS.items():
        here = answers[:, 10] == grounds
        charge.fill_between(hours, 0, 2, where=here, step="post", color=colour, linewidth=0, label=grounds.name.lower())
    charge.legend(loc="upper left", bbox_to_anchor=(1, 1))
    _band(capacity, hours, answers[:, (6, 5, 7)], "capacity, Ah")
    bias.plot(hours, answers[:, 8])
    bias.set_ylabel("current bias, A")
    amps, volts_v = log.frames[:, 1], log.frames[:, 2]
    current.plot(hours, np.where(np.abs(amps) < MOST_RATE_C * answers[:, 5], amps, np.nan), linewidth=0.6)
    current.set(ylabel="current, A (> 0 charges)", xlabel="hours since the log's first row")
    volts = current.twinx()
    volts.plot(
        hours, np.where((volts_v > CELL_V[0]) & (volts_v < CELL_V[1]), volts_v, np.nan), color="C1", linewidth=0.8
    )
    volts.set_ylabel("cell voltage, V", color="C1")
    for axis in axes:
        axis.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    path.write_bytes(_page(title, buffer.getvalue()) if path.suffix == ".html" else buffer.getvalue())


def _band(axis: Any, hours: Array, low_mid_high: Array, label: str) -> None:
    low, mid, high = low_mid_high.T
    axis.fill_between(hours, low, high, alpha=0.3, label="5-95 %")
    axis.plot(hours, mid, label="estimate")
    axis.set_ylabel(label)


def _page(title: str, png: bytes) -> bytes:
    name, picture = html.escape(title), base64.b64encode(png).decode()
    return (
        f'<!doctype html><meta charset="utf-8"><title>{name}</title>'
        f'<img alt="estimate: {name}" style="max-width: 100%" src="data:image/png;base64,{picture}">'
    ).encode()
