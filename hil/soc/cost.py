"""`python -m hil.soc.cost PULSES`: what the estimator costs beside filterpy's UKF: best of several, on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hil.soc import peers
from hil.soc.runs import Run
from station_ctl.kernel import soc as kernel
from station_ctl.soc import cell_type, curves
from station_ctl.soc.fit import read_run

FULL = 164
"""Hypotheses of a bank that knows nothing yet."""


def best_s(work: Callable[[], object], times: int = 7) -> float:
    """Shortest time of several."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def main() -> int:
    """Entry point: folder of the pulse tests."""
    found = cell_type.load("lfp-302ah-177s")
    compiled, healths = curves.kernel_type(found), [(h.weight, h.capacity, h.sd) for h in found.health]
    slow_looks = curves.kernel_type(
        found.model_copy(update={"trust": found.trust.model_copy(update={"window_s": 1e9})})
    )
    n = 200_000
    frames = np.tile([0.1, 30.0, 3.29, 25.0, np.nan], (n, 1))
    frames[:, 1] += np.sin(np.arange(n))
    none, last = np.empty((1, 11)), np.array([0], dtype=np.int64)
    sample = best_s(lambda: kernel.Estimator(slow_looks, healths).run(frames, none, last), 3) / n

    def look() -> float:
        pack = kernel.Estimator(compiled, healths)
        return best_s(lambda: pack.step(5.0, 30.0, 3.29, 25.0), 1)

    whole = min(look() for _ in range(50))
    fresh = kernel.Estimator(compiled, healths)
    packs = [kernel.Estimator(compiled, healths) for _ in range(20)]
    batch, answers = np.tile([0.1, 30.0, 3.29, 25.0, np.nan], (20, 1)), np.zeros((20, 11))

    def ten_seconds() -> None:
        for k in range(100):
            batch[:, 1] = 30 + k % 7
            kernel.step_all(packs, batch, answers)

    share = best_s(ten_seconds) / 10
    circuit = peers.identify(found, [read_run(p) for p in sorted(Path(sys.argv[1]).glob("sim_hppc_dis_*.npz"))])
    half: peers.Array = np.full(300, 0.5)
    short = np.tile([5.0, 30.0, 3.29, 25.0, np.nan], (300, 1))
    run = Run("cost", "cost", short, np.linspace(0.0, 1495.0, 300), half, 300.0, 0.0, None)
    lines = (
        ("one frame, no look (charge, lags, branch)", sample * 1e9, "ns"),
        (f"one look, {FULL} hypotheses of 7 states", whole * 1e6, "us"),
        ("of that, one hypothesis: carry, straighten, weigh, correct", whole / FULL * 1e9, "ns"),
        ("the answer over the full bank", best_s(fresh.estimate, 50) * 1e6, "us"),
        ("20 packs at 10 Hz", share * 100, "% of a core"),
        ("2RC EKF in NumPy, an update", best_s(lambda: peers.ekf(circuit, run, 0.5, 0.3), 3) / 300 * 1e6, "us"),
        ("filterpy's UKF, an update", best_s(lambda: peers.ukf(circuit, run, 0.5, 0.3), 3) / 300 * 1e6, "us"),
    )
    for what, value, unit in lines:
        sys.stdout.write(f"{what}: {value:.3g} {unit}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
