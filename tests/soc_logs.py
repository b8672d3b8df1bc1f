"""A short log of a drive, as columns and as a CSV text."""

from __future__ import annotations

from typing import Any

import numpy as np

from station_ctl.soc import log

N = 400


def columns() -> dict[str, Any]:
    """A drive with a step of the current every fifth second."""
    t = np.arange(N, dtype=float)
    amps = np.repeat(np.random.default_rng(7).normal(-80, 90, N // 5), 5)
    return {"t": t, "I": amps, "V": 3.28 + amps * 2e-4, "T": np.full(N, 21.0)}


def text_of(found: dict[str, Any], *, between: str = ",", end: str = "\n") -> str:
    rows = [between.join(found), *(between.join(f"{v:.6g}" for v in row) for row in zip(*found.values(), strict=True))]
    return end.join(rows) + end


def sound() -> log.Log:
    return log.from_columns(columns(), "a")
