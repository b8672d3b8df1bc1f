"""Rules that the sections of a pack type's file share: what a number may be, rows that rise, points near enough."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

CLOSEST: Final = 1e-4
FARTHEST: Final = 0.055
PLATEAU_END: Final = 0.06
"""Before knee_from: from here the plateau is gone on straight below the knee."""

Volt = Annotated[float, Field(ge=1.5, le=4.5)]
Share = Annotated[float, Field(gt=0, lt=1)]
Degrees = Annotated[tuple[Annotated[float, Field(ge=-60, le=90)], ...], Field(min_length=2, max_length=64)]


def rising(name: str, values: tuple[float, ...]) -> None:
    """ValueError unless each is above the one before."""
    for k in range(1, len(values)):
        if values[k] <= values[k - 1]:
            raise ValueError(f"{name}: does not rise at value {k + 1} ({values[k]} after {values[k - 1]})")


def near(name: str, soc: tuple[float, ...], knee_from: float) -> None:
    """ValueError for points so far apart that the curve between them is not measured, or too few before the knee."""
    for low, high in pairwise(soc):
        if not CLOSEST <= high - low <= FARTHEST:
            raise ValueError(f"{name}: {high} after {low}; {CLOSEST} to {FARTHEST} apart is needed")
    if sum(knee_from - PLATEAU_END <= z <= knee_from for z in soc) < 2:
        raise ValueError(f"{name}: has no two values from {knee_from - PLATEAU_END:.3g} to knee_from ({knee_from})")


class Section(BaseModel):
    """Common rules of all sections."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
