"""How fast a pack may be charged at its temperatures and state of charge: read from the data file, checked whole."""

from __future__ import annotations

import math
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers.errors import StationError
from drivers.pack_status import PackStatus

FILE = "pack_limits.toml"
CELLS_S = 30.0
"""Of single cells: BMV comes every 10 s."""
AGE_S = 2.0
"""Temperatures and charge that are older are not known; BSM and BCS come every 250 ms."""

Rate = Annotated[float, Field(ge=0.0, le=4.0)]


class PackLimitsError(StationError):
    """The pack limits cannot be used; the service does not start. Names file, key, value and limit."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def check(self, at: tuple[float, ...], rate: tuple[float, ...]) -> None:
        if len(at) != len(rate) or any(b <= a for a, b in pairwise(at)):
            raise ValueError("the points have to rise, with a rate for each")

    @staticmethod
    def between(at: tuple[float, ...], rate: tuple[float, ...], where: float) -> float:
        """The rate on straight lines between the points; 0 beyond them, and for NaN."""
        if not at[0] <= where <= at[-1]:
            return 0.0
        above = min(bisect_right(at, where), len(at) - 1)
        low, high = at[above - 1], at[above]
        return rate[above - 1] + (rate[above] - rate[above - 1]) * (where - low) / (high - low)


class _Temperature(_Part):
    at_c: tuple[Annotated[float, Field(ge=-40, le=70)], ...] = Field(min_length=2, max_length=32)
    rate: tuple[Rate, ...]

    @model_validator(mode="after")
    def _safe(self) -> _Temperature:
        self.check(self.at_c, self.rate)
        if self.rate[0] != 0.0 or self.rate[-1] != 0.0:
            raise ValueError("the rate has to be 0 at the coldest and at the hottest point")
        return self


class _Charge(_Part):
    at_pct: tuple[Annotated[float, Field(ge=0, le=100)], ...] = Field(min_length=2, max_length=32)
    rate: tuple[Rate, ...]

    @model_validator(mode="after")
    def _whole(self) -> _Charge:
        self.check(self.at_pct, self.rate)
        if (self.at_pct[0], self.at_pct[-1]) != (0.0, 100.0):
            raise ValueError("the points have to reach from 0 to 100 %")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    chemistry: int = Field(ge=0, le=255)
    cell_rated_v: float = Field(ge=1.0, le=5.0)
    cell_charged_v: float = Field(ge=1.0, le=5.0)
    temperature: _Temperature
    charge: _Charge


@dataclass(frozen=True, slots=True)
class PackLimits:
    """The limits of a pack type."""

    data: _File

    def current_a(self, pack: PackStatus, now_s: float) -> float:
        """Highest charge current; 0 where chemistry, capacity, temperatures or charge are not known.

        0 also once a cell is charged, by its own voltage (BMV): the rated voltage does not tell how many there are.
        """
        identity = pack.identity.value
        if identity is None or identity.chemistry != self.data.chemistry:
            return 0.0
        known = (pack.temperature_min_c, pack.temperature_max_c, pack.soc_pct)
        coldest_c, hottest_c, soc_pct = (r.good(now_s, AGE_S) for r in known)
        if coldest_c is None or hottest_c is None or soc_pct is None:
            return 0.0
        cells_v = pack.cell_voltages_v.good(now_s, CELLS_S)
        if cells_v and max(cells_v) >= self.data.cell_charged_v:
            return 0.0
        warmth, charge = self.data.temperature, self.data.charge
        rates = (
            warmth.between(warmth.at_c, warmth.rate, coldest_c),
            warmth.between(warmth.at_c, warmth.rate, hottest_c),
            charge.between(charge.at_pct, charge.rate, soc_pct),
        )
        return max(min(rates) * identity.rated_capacity_ah, 0.0)

    def voltage_v(self, pack: PackStatus) -> float:
        """Highest voltage of the pack; 0 while its rated voltage is not known."""
        identity = pack.identity.value
        if identity is None or not math.isfinite(identity.rated_voltage_v):
            return 0.0
        return max(identity.rated_voltage_v, 0.0) * self.data.cell_charged_v / self.data.cell_rated_v


def load() -> PackLimits:
    """The shipped limits. Raises PackLimitsError for the first key that is unknown, missing or out of bounds."""
    text = resources.files("station_ctl.charging").joinpath(FILE).read_text(encoding="utf-8")
    return parse(tomllib.loads(text))


def parse(document: dict[str, Any]) -> PackLimits:
    """Limits from their data. Raises PackLimitsError."""
    try:
        return PackLimits(_File.model_validate(document))
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        value = None if isinstance(first["input"], dict) else first["input"]
        raise PackLimitsError(
            f"{key}: {first['msg']}", where=FILE, value=value, remedy="mend the file; nothing was started"
        ) from e
