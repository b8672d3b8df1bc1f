"""Section `soc` of the bench: what the charge estimator costs, beside an EKF in NumPy and filterpy's UKF."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from hil.measure.figures import Section
from hil.soc import peers
from hil.soc.runs import Array, Run
from station_ctl.kernel import soc as kernel
from station_ctl.soc import cell_type, curves
from station_ctl.soc.cell_type import CellType

FULL = 168
"""Hypotheses of a bank that knows nothing yet."""
PACKS, PER_S = 20, 10
FRAME = (0.1, 30.0, 3.29, 25.0, math.nan)
"""dt_s, A, V of a cell, degC, no meter."""


def measure(calls: int) -> Section:
    """The best of several: other work on the machine makes nothing faster. calls: frames timed at once."""
    found = cell_type.load("lfp-302ah-177s")
    section = Section("soc", f"the charge estimator; a full bank is {FULL} hypotheses of 8 states")
    section.add("one frame: charge, 2 lags, branch", _frame_s(found, calls) * 1e9, "ns", 60, inclusive=True)
    look_s, answer_s = _look_s(found), _answer_s(found)
    section.add("one hypothesis in a look", look_s / FULL * 1e9, "ns", 150, inclusive=True)
    section.add("one look, full bank", look_s * 1e6, "us", 25, inclusive=True)
    section.add("the answer, full bank", answer_s * 1e6, "us")
    section.add(f"{PACKS} packs at {PER_S} Hz, of one core", _share(found) * 100, "%", 2)
    run, circuit = _short_run(), _circuit(found)
    section.add("EKF with 2 RC in NumPy, an update", _best_s(lambda: peers.ekf(circuit, run, 0.5, 0.3)) / 300e-6, "us")
    section.add("filterpy's UKF, an update", _best_s(lambda: peers.ukf(circuit, run, 0.5, 0.3)) / 300e-6, "us")
    return section


def _best_s(work: Callable[[], object], times: int = 3) -> float:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def _estimator(found: CellType) -> kernel.Estimator:
    return kernel.Estimator(curves.kernel_type(found), [h.row() for h in found.health])


def _frame_s(found: CellType, calls: int) -> float:
    """A frame that ends no window."""
    endless = found.model_copy(update={"trust": found.trust.model_copy(update={"window_s": 1e8})})
    frames = np.tile(FRAME, (calls, 1))
    frames[:, 1] += np.sin(np.arange(calls))
    none, last, pack = np.empty((1, 11)), np.array([0], dtype=np.int64), _estimator(endless)
    return _best_s(lambda: pack.run(frames, none, last), 20) / calls


def _look_s(found: CellType) -> float:
    """A step that ends a window while every hypothesis lives."""

    def one() -> float:
        pack = _estimator(found)
        return _best_s(lambda: pack.step(5.0, *FRAME[1:]), 1)

    return min(one() for _ in range(50))


def _answer_s(found: CellType) -> float:
    return _best_s(_estimator(found).estimate, 50)


def _share(found: CellType) -> float:
    """Seconds of computing for a second of all packs, over ten seconds."""
    packs = [_estimator(found) for _ in range(PACKS)]
    batch, answers = np.tile(FRAME, (PACKS, 1)), np.zeros((PACKS, 11))

    def ten_seconds() -> None:
        for k in range(10 * PER_S):
            batch[:, 1] = 30 + k % 7
            kernel.step_all(packs, batch, answers)

    return _best_s(ten_seconds) / 10


def _short_run() -> Run:
    half: Array = np.full(300, 0.5)
    frames = np.tile((5.0, *FRAME[1:]), (300, 1))
    return Run("cost", "cost", frames, np.linspace(0.0, 1495.0, 300), half, 300.0, 0.0, None)


def _circuit(found: CellType) -> peers.Circuit:
    """Any resistances do: they change no time."""
    c = found.curve
    low, high = np.array(c.discharge_v), np.array(c.charge_v)
    ohm: Array = np.log(np.full((2, 3), 3e-4))
    return peers.Circuit(
        np.array(c.soc), (low + high) / 2, (high - low) / 2, np.array(c.entropy_v_per_k), np.array([0.0, 40.0]), ohm,
        found.capacity_ah, found.dynamics.branch_gain,
    )  # fmt: skip
