"""The limits of the thermal watch: read from their data file, held within bounds that no file may widen."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any, Final

from drivers.errors import StationError

Pair = tuple[float, float]
"""Ordinary, attentive."""
TRENDS: Final = 4
"""Slot lengths that run side by side."""

_BOUNDS: Final[dict[str, Pair]] = {
    "slot_s": (1.0, 120.0),
    "rise_ordinary_k": (2.0, 6.0),
    "rise_attentive_k": (2.0, 6.0),
    "confirmed": (3.0, 6.0),
    "hot_c": (55.0, 80.0),
    "spread_k": (8.0, 30.0),
    "cell_share": (0.6, 0.95),
    "jump_k": (1.0, 5.0),
    "jump_k_s": (1.0, 5.0),
    "doubt_s": (60.0, 900.0),
    "smoke_s": (0.0, 5.0),
    "gap_s": (1.0, 30.0),
    "unseen_s": (1.0, 60.0),
    "attentive_s": (7200.0, 604800.0),
}
"""Least and most of each limit: a thermal event would be seen too late, or a sound pack be evacuated."""


class LimitsError(StationError):
    """The limits are not usable; the service does not start."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Named as in limits.toml, which says what each means."""

    slot_s: tuple[float, ...]
    rise_ordinary_k: tuple[float, ...]
    rise_attentive_k: tuple[float, ...]
    confirmed: float
    hot_c: Pair
    spread_k: Pair
    cell_share: float
    jump_k: float
    jump_k_s: float
    doubt_s: float
    smoke_s: float
    gap_s: float
    unseen_s: Pair
    attentive_s: float

    def row(self) -> tuple[float, ...]:
        """The kernel's form."""
        rises = (*self.rise_ordinary_k, *self.rise_attentive_k)
        pairs = (*self.hot_c, *self.spread_k, *self.unseen_s)
        jump = (self.jump_k, self.jump_k_s, self.doubt_s, self.gap_s)
        return (*self.slot_s, *rises, *pairs, self.confirmed, *jump, self.cell_share, self.smoke_s)


def load() -> Limits:
    """The shipped limits. Raises LimitsError naming the key."""
    text = resources.files("station_ctl.thermal").joinpath("limits.toml").read_text(encoding="utf-8")
    return parse(tomllib.loads(text))


def parse(document: dict[str, Any]) -> Limits:
    """Limits from their data.

    Raises LimitsError for a key that is missing, unknown, of the wrong form or out of bounds, and where attentive is
    looser than ordinary.
    """
    names = [field.name for field in fields(Limits)]
    for name in sorted(set(names) ^ set(document)):
        raise LimitsError("is missing or unknown", where=f"limits.toml, {name}", remedy="mend the file")
    limits = Limits(**{name: _value(name, document[name]) for name in names})
    for name in ("hot_c", "spread_k", "unseen_s"):
        ordinary, attentive = getattr(limits, name)
        _refuse_looser(name, ordinary, attentive)
    for ordinary_k, attentive_k in zip(limits.rise_ordinary_k, limits.rise_attentive_k, strict=True):
        _refuse_looser("rise_attentive_k", ordinary_k, attentive_k)
    return limits


def _value(name: str, value: Any) -> Any:
    count = TRENDS if name in ("slot_s", "rise_ordinary_k", "rise_attentive_k") else 2
    if name not in ("slot_s", "rise_ordinary_k", "rise_attentive_k", "hot_c", "spread_k", "unseen_s"):
        return _number(name, value)
    if not isinstance(value, list) or len(value) != count:
        raise LimitsError(f"is not a list of {count} numbers", where=f"limits.toml, {name}", value=value)
    return tuple(_number(name, entry) for entry in value)


def _number(name: str, value: Any) -> float:
    low, high = _BOUNDS[name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise LimitsError("is no number", where=f"limits.toml, {name}", value=value)
    if not low <= value <= high:
        raise LimitsError("is out of bounds", where=f"limits.toml, {name}", value=value, limit=f"{low:g}..{high:g}")
    return float(value)


def _refuse_looser(name: str, ordinary: float, attentive: float) -> None:
    if attentive > ordinary:
        raise LimitsError("attentive is looser", where=f"limits.toml, {name}", value=attentive, limit=f"{ordinary:g}")
