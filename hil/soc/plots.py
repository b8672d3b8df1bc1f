"""`python -m hil.soc.plots FOLDER OUT.png`: what the estimator said over each held-out run, with its interval."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hil.soc.bench import Ours
from hil.soc.runs import CASES, read
from station_ctl.soc import cell_type


def main() -> int:
    """Entry point: folder of runs, picture to write."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    ours, runs = Ours(cell_type.load("lfp-302ah-177s")), list(read(folder, CASES[0]))
    figure: Any = Figure(figsize=(16, 3.2 * math.ceil(len(runs) / 4)), layout="constrained")
    axes = figure.subplots(math.ceil(len(runs) / 4), 4, squeeze=False).ravel()
    for axis, run in zip(axes, runs, strict=False):
        t_s, a = ours.follow(run)
        hours = t_s / 3600
        axis.fill_between(hours, a[:, 1] * 100, a[:, 3] * 100, alpha=0.3, label="5-95 %")
        axis.plot(hours, a[:, 11] * 100, "k", linewidth=1, label="truth")
        axis.plot(hours, a[:, 0] * 100, linewidth=1, label="estimate")
        axis.set(title=run.name, xlabel="h after docking", ylabel="charge, %", ylim=(-5, 108))
    axes[0].legend()
    for axis in axes[len(runs) :]:
        axis.set_visible(False)
    figure.savefig(out, dpi=80)
    return 0


if __name__ == "__main__":
    sys.exit(main())
