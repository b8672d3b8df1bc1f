"""`python -m hil.soc.left_out RUNS.. --like TYPE`: each measured run followed by a type that was fitted to the others.

`--ocv FILE.csv --capacity AH` first puts another cell's curve into the type: columns soc, ocv_discharge_branch_V,
ocv_charge_branch_V, docv_dT_V_per_K.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hil.soc.bench import Ours
from hil.soc.runs import Run
from hil.soc.score import Score, score
from station_ctl.soc import cell_type, fit, fit_runs, fit_trust
from station_ctl.soc.cell_type import CellType

Array = NDArray[np.float64]
COLUMNS: Final = {
    "discharge_v": "ocv_discharge_branch_V",
    "charge_v": "ocv_charge_branch_V",
    "entropy_v_per_k": "docv_dT_V_per_K",
}
KNOWN_SD: Final = 0.03
"""A known start is told so far off, and with this standard deviation."""


def of_cell(like: CellType, ocv: Path, capacity_ah: float) -> CellType:
    """The type with the curve of another cell; below 2.5 V belongs to it."""
    with ocv.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = {name: np.array([float(row[name]) for row in rows]) for name in ("soc", *COLUMNS.values())}
    grid = np.array(like.curve.soc)
    found = {name: np.interp(grid, told["soc"], told[column]) for name, column in COLUMNS.items()}
    for branch in ("discharge_v", "charge_v"):
        found[branch] = np.maximum.accumulate(found[branch]) + np.arange(len(grid)) * 1e-6
    curve = like.curve.model_copy(update={name: tuple(map(float, values)) for name, values in found.items()})
    limits = like.limits.model_copy(update={"cell_low_v": 2.0})
    sizes = {"capacity_ah": capacity_ah, "nominal_ah": capacity_ah}
    return like.model_copy(update={"curve": curve, "limits": limits, **sizes})


def fitted(like: CellType, runs: Sequence[fit_runs.Run]) -> CellType:
    """As `station-ctl soc fit --slow` makes it, terms at the temperatures of the runs."""
    at_c = sorted({round(float(np.mean(run.frames[:, 2])), 1) for run in runs})
    found, _ = fit.fit(like, runs, at_c, slow=True)
    return found.model_copy(update={"trust": fit_trust.believe(like, found, runs, slow=True)})


def followed(found: CellType, run: fit_runs.Run, *, meter: bool = False) -> Iterator[Score]:
    """From an unknown start, and from a known one. meter: a station's meter sees the current as well."""
    frames = run.frames
    steps_s, soc = frames[:, 0].copy(), frames[:, 3]
    t_s, metered = np.cumsum(steps_s), frames[:, 1] if meter else np.full(len(frames), np.nan)
    seen = np.ascontiguousarray(np.column_stack([steps_s, frames[:, 1], run.voltage_v, frames[:, 2], metered]))
    off = float(np.clip(soc[0] - KNOWN_SD, 0.0, 1.0))
    for start in (None, (off, KNOWN_SD)):
        at_s, answers = Ours(found).follow(Run(run.name, "left out", seen, t_s, soc, found.capacity_ah, 0.0, start))
        yield score(at_s, answers[:, 11], answers[:, 0], answers[:, 1], answers[:, 3], known=start is not None)


def table(like: CellType, runs: Sequence[fit_runs.Run], *, meter: bool) -> Iterator[str]:
    """Markdown, a row a run and start, as each is done."""
    yield "| run | start | RMSE | max | coverage | width |"
    yield "|---|---|---|---|---|---|"
    for run in runs:
        found = fitted(like, [other for other in runs if other is not run])
        for name, s in zip(("unknown", "known"), followed(found, run, meter=meter), strict=True):
            yield f"| {run.name} | {name} | {s.rmse:.2f} | {s.worst:.1f} | {s.coverage:.2f} | {s.width:.1f} |"


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="measured runs, .npz with t, I, V, T, soc")
    parser.add_argument("--like", default="lfp-302ah-177s")
    parser.add_argument("--ocv", type=Path)
    parser.add_argument("--capacity", type=float, default=0.0, help="Ah")
    parser.add_argument("--meter", action="store_true", help="a station's meter sees the current as well")
    arguments = parser.parse_args()
    like = cell_type.load(arguments.like)
    if arguments.ocv:
        like = of_cell(like, arguments.ocv, arguments.capacity)
    runs = [fit_runs.read_run(path, like) for path in arguments.runs]
    for line in table(like, runs, meter=arguments.meter):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
