"""`python -m hil.soc.held_out FOLDER --seed N`: runs to judge the estimator on, drawn anew for every seed, or --pulses.

Bay charges after a drive, a charge or a rest that nobody saw, aged cells, drives, minor loops, a pack of uneven cells
and a drive that is followed into the bay. The cell is `porous/`'s (extra `held-out`); `make bench-soc` judges them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hil.soc.porous.solve import run
from hil.soc.porous.truth import FRESH, Aged, Step, Truth, joined
from hil.soc.runs import write
from hil.soc.visits import DOCKING, Visit, visits
from station_ctl.soc import cell_type
from station_ctl.soc.cell_type import CellType

Array = NDArray[np.float64]
CELLS: Final = 12
PULSE: Final = (
    "Rest for 40 minutes",
    "Discharge at 302 A for 30 seconds",
    "Rest for 1 minute",
    "Charge at 226 A for 30 seconds",
    "Rest for 10 minutes",
)
PULSES: Final = {
    "dis": ("Discharge at 100 A for 1064 seconds", *PULSE),
    "chg": ("Charge at 100 A for 1064 seconds", *PULSE),
}


def play(like: CellType, visit: Visit) -> Iterator[tuple[str, Truth, dict[str, object]]]:
    """What was seen of it, and what is told about that: once, or twice for a pack that comes again."""
    parts = [visit.before or ("Rest for 1 minute",), visit.road, visit.bay, visit.away, visit.again]
    kept = [steps for steps in parts if steps]
    seen = run(like, kept, soc=visit.soc, ambient_c=visit.ambient_c, aged=visit.aged, charged_last=visit.known)
    first = joined(seen[1 : 1 + len([steps for steps in (visit.road, visit.bay) if steps])])
    docked_s = float("nan") if not visit.bay else seen[1].t_s[-1] + 1.0 if visit.road else 0.0
    yield visit.name, first, {"kind": visit.kind, "known_start": visit.known, "dock_at_s": docked_s}
    if visit.again:
        yield f"{visit.name}_again", seen[-1], {"kind": f"{visit.kind} again", "after": visit.name, "dock_at_s": 0.0}


def pack(like: CellType, random: np.random.Generator) -> tuple[Truth, Array]:
    """Twelve cells in series, 1 % apart in charge and 2 % in lithium; empty with the first, full with the first."""
    steps: list[tuple[Step, ...]] = [
        ("Rest for 1 minute",),
        (DOCKING, "Charge at 180 A for 90 minutes or until 3.65 V"),
    ]
    cells = []
    for _ in range(CELLS):
        aged = Aged(lithium=float(random.uniform(0, 0.04)), resistance=float(random.uniform(1, 1.1)))
        soc = 0.2 + float(random.normal(0, 0.01))
        cells.append(run(like, steps, soc=soc, ambient_c=22.0, aged=aged, charged_last=False)[1])
    first = min(cells, key=lambda cell: len(cell.t_s))  # it ends the charge of all
    of_all = slice(len(first.t_s) - 1)  # its last step is not a whole one
    above = np.min([cell.soc[of_all] * cell.capacity_ah for cell in cells], axis=0)
    below = np.min([(1 - cell.soc[of_all]) * cell.capacity_ah for cell in cells], axis=0)
    volts = np.array([cell.voltage_v[of_all] for cell in cells]).T
    amps, warm_c, whole_ah = first.current_a[of_all], first.temperature_c[of_all], above + below
    soc_of_all = above / whole_ah
    mean_ah = float(np.mean(whole_ah))
    return Truth(first.t_s[of_all], amps, volts.mean(axis=1), warm_c, soc_of_all, mean_ah), volts


def pulse_tests(like: CellType, folder: Path) -> None:
    """Of a fresh cell, both ways at -10 to 40 degC: what identifies a circuit, as sim_hppc_*.npz."""
    for ambient_c in (-10.0, 0.0, 10.0, 25.0, 40.0):
        for way, steps in PULSES.items():
            parts: list[tuple[Step, ...]] = [("Rest for 1 minute",), ("Rest for 10 minutes", *steps * 9)]
            soc = 0.98 if way == "dis" else 0.03
            seen = run(like, parts, soc=soc, ambient_c=ambient_c, aged=FRESH, charged_last=way == "dis")[1]
            write(folder, f"sim_hppc_{way}_{ambient_c:.0f}C", seen, about={"kind": "pulses", "seed": 0})


def sets(like: CellType, folder: Path, seed: int) -> None:
    """All runs of a seed."""
    random, began = np.random.default_rng(seed), time.monotonic()
    for k, visit in enumerate(visits(random)):
        for name, truth, about in play(like, visit):
            write(folder, name, truth, about={"seed": seed * 100 + k, **about})
            sys.stderr.write(f"{name}: {truth.soc[0]:.2f} to {truth.soc[-1]:.2f}, {time.monotonic() - began:.0f} s\n")
    truth, cells_v = pack(like, random)
    write(folder, "pack", truth, cells_v, {"kind": "pack", "seed": seed * 100 + 99, "dock_at_s": 0.0})


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--seed", type=int)
    what.add_argument("--pulses", action="store_true", help="pulse tests instead, that identify the peers' circuit")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    like = cell_type.load("lfp-302ah-177s")
    if arguments.pulses:
        pulse_tests(like, arguments.folder)
    else:
        sets(like, arguments.folder, arguments.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
