"""How good an estimate was: errors in % of charge, times to be within 5 and 2 % for good, coverage of the interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
UNSCORED_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Score:
    """Of one run; charge in %, times in minutes (inf: never)."""

    rmse: float
    mae: float
    worst: float
    last: float
    within_5_min: float
    within_2_min: float
    coverage: float
    width: float
    """Mean of the 5-95 % interval, % of charge."""


def score(t_s: Array, soc: Array, estimate: Array, low: Array, high: Array, *, known: bool) -> Score:
    """t_s: from docking (nothing before it is scored); of an unknown start the first 10 minutes are not either."""
    scored = t_s >= (0.0 if known else UNSCORED_S)
    error = (estimate - soc)[scored] * 100
    absolute = np.abs(estimate - soc) * 100
    inside = (soc >= low - 1e-9) & (soc <= high + 1e-9)
    return Score(
        float(np.sqrt(np.mean(error**2))),
        float(np.mean(np.abs(error))),
        float(np.max(np.abs(error))),
        float(error[-1]),
        _for_good(t_s, absolute, 5.0),
        _for_good(t_s, absolute, 2.0),
        float(np.mean(inside[scored])),
        float(np.mean((high - low)[scored]) * 100),
    )


def _for_good(t_s: Array, absolute: Array, within: float) -> float:
    outside = np.flatnonzero(absolute > within)
    if not len(outside):
        return 0.0
    return float("inf") if outside[-1] + 1 == len(t_s) else max(float(t_s[outside[-1] + 1]) / 60, 0.0)


def together(scores: Sequence[Score]) -> Score:
    """Means; of `worst` and the times the greatest."""

    def mean(name: str) -> float:
        return float(np.mean([getattr(s, name) for s in scores]))

    return Score(
        rmse=mean("rmse"),
        mae=mean("mae"),
        worst=max(s.worst for s in scores),
        last=max((s.last for s in scores), key=abs),
        within_5_min=max(s.within_5_min for s in scores),
        within_2_min=max(s.within_2_min for s in scores),
        coverage=mean("coverage"),
        width=mean("width"),
    )
