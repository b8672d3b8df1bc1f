"""`python -m hil.soc.bench FOLDER PULSES`: ours beside the EKF and the UKF over a folder of held-out runs."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hil.soc import peers
from hil.soc.runs import CASES, Run, Sensors, read
from hil.soc.score import Score, score, together
from station_ctl.kernel import soc as kernel
from station_ctl.soc import cell_type, curves
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.fit_runs import read_run

Array = NDArray[np.float64]
KNEE: Final = 0.98
HALF: Final = 1.645
"""sd to the 5 and 95 % points of a Gaussian."""
Judge = Callable[[Run], list[Score]]


class Ours:
    """The compiled estimator over runs."""

    def __init__(self, of: CellType) -> None:
        self.type = of
        self.kernel = curves.kernel_type(self.type)
        self.healths = [h.row() for h in self.type.health]
        self.records: dict[str, tuple[Any, Any]] = {}
        """What is kept of a pack when it leaves, by its run."""

    def follow(self, run: Run, every_s: float = 10.0) -> tuple[Array, Array]:
        """Times and `estimate` at them."""
        return self.followed(run, every_s)[1:]

    def followed(self, run: Run, every_s: float = 10.0) -> tuple[kernel.Estimator, Array, Array]:
        """The estimator at the end, times and `estimate` at them. A pack that comes again has its record."""
        healths, kept = self.records[run.after] if run.after else (self.healths, None)
        pack = kernel.Estimator(self.kernel, healths, kept, 0 if run.cells_v is None else run.cells_v.shape[1])
        if run.start:
            pack.start(*run.start)
        wanted = np.unique(np.searchsorted(run.t_s, np.arange(run.t_s[0], run.t_s[-1], every_s)))
        wanted = np.unique(np.append(wanted, len(run.t_s) - 1)).astype(np.int64)
        answers = np.empty((len(wanted), 11))
        if run.cells_v is None:
            pack.run(run.frames, answers, wanted)
        else:
            _with_cells(pack, run, answers, wanted)
        self.records[run.name] = pack.keep()
        return pack, run.t_s[wanted] - run.docked_s, np.column_stack([answers, run.soc[wanted]])

    def judge(self, run: Run) -> list[Score]:
        """One score: the start is what the run says."""
        t_s, a = self.follow(run)
        return [score(t_s, a[:, 11], a[:, 0], a[:, 1], a[:, 3], known=run.start is not None)]


def _with_cells(pack: kernel.Estimator, run: Run, answers: Array, wanted: NDArray[np.int64]) -> None:
    place = {int(k): n for n, k in enumerate(wanted)}
    cells_v = np.ascontiguousarray(run.cells_v)
    for k, frame in enumerate(run.frames):
        pack.step(*map(float, frame))
        pack.hear_cells(cells_v[k])
        if k in place:
            answers[place[k]] = pack.estimate()


def peer(circuit: peers.Circuit, method: Callable[..., Array]) -> Judge:
    """A peer over all its starting guesses."""

    def judge(run: Run) -> list[Score]:
        starts = [(run.start[0], run.start[1])] if run.start else [(s, 0.3) for s in peers.STARTS]
        found = []
        for start, sd in starts:
            out = method(circuit, run, start, sd)
            soc, width = out[:, 0], HALF * out[:, 1]
            known = run.start is not None
            found.append(score(run.t_s - run.docked_s, run.soc, soc, soc - width, soc + width, known=known))
        found.sort(key=lambda s: s.rmse)
        return found

    return judge


def table(folder: Path, judges: dict[str, Judge], cases: tuple[Sensors, ...]) -> str:
    """Markdown: one row for each estimator, sensor case and kind of run."""
    lines = [
        "| estimator | sensors | runs | RMSE | worst run | max | 5 % in min | 2 % in min | coverage | width |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, judge in judges.items():
        for sensors in cases:
            kinds: dict[str, list[list[Score]]] = {}
            for run in read(folder, sensors):
                kinds.setdefault(run.kind, []).append(judge(run))
            lines.extend(_row(name, sensors.name, kind, of) for kind, of in sorted(kinds.items()))
            sys.stderr.write(f"{name}, {sensors.name}\n")
    return "\n".join(lines) + "\n"


def _row(name: str, sensors: str, kind: str, of: list[list[Score]]) -> str:
    middle = together([scores[len(scores) // 2] for scores in of])
    every = [s for scores in of for s in scores]
    worst_run = max(s.rmse for s in every)
    worst, coverage = max(s.worst for s in every), float(np.mean([s.coverage for s in every]))
    slowest = max(s.within_5_min for s in every), max(s.within_2_min for s in every)
    shown = f"{middle.rmse:.2f} | {worst_run:.2f} | {worst:.1f} | {slowest[0]:.0f} | {slowest[1]:.0f}"
    return f"| {name} | {sensors} | {kind} ({len(of)}) | {shown} | {coverage:.2f} | {middle.width:.1f} |"


def charges(ours: Ours, folder: Path, sensors: Sensors) -> str:
    """Markdown: what is known once a charge in the bay has come to the knee."""
    lines = ["| run | end | arrival | capacity | bias, A |", "|---|---|---|---|---|"]
    for run in read(folder, sensors):
        pack, _, answers = ours.followed(run)
        if run.soc[-1] >= KNEE and not math.isnan(run.frames[-1, 4]):
            last, docked = answers[-1], int(np.searchsorted(run.t_s, run.docked_s))
            found = last[0] - last[11], pack.arrival()[0] - run.soc[docked], last[5] / run.capacity_ah - 1
            off = " | ".join(f"{100 * one:+.2f} %" for one in found)
            lines.append(f"| {run.name} | {off} | {last[8] - sensors.bias_a:+.2f} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="held-out runs (.npz with .json)")
    parser.add_argument(
        "pulses", type=Path, help="folder of the pulse tests sim_hppc_*.npz that identify the peers' circuit"
    )
    parser.add_argument("--type", default="lfp-302ah-177s")
    parser.add_argument("--ours-only", action="store_true")
    arguments = parser.parse_args()
    ours = Ours(cell_type.load(arguments.type))
    began = time.monotonic()
    text = charges(ours, arguments.folder, CASES[1]) + "\n" + table(arguments.folder, {"this": ours.judge}, CASES)
    if not arguments.ours_only:
        circuit = peers.identify(ours.type, [read_run(p) for p in sorted(arguments.pulses.glob("sim_hppc_*.npz"))])
        beside = {"EKF 2RC": peer(circuit, peers.ekf), "UKF (filterpy)": peer(circuit, peers.ukf)}
        text += "\n".join(table(arguments.folder, beside, CASES[:1]).splitlines()[2:]) + "\n"
    sys.stdout.write(text)
    sys.stderr.write(f"{time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
