"""What a register map says of one value and of a repeated group of values, and their wire integers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.errors import DeviceError
from drivers.reading import Signal

Value = int | float | None
"""A decoded point: a number, a Signal, or None where the number is out of the map's range."""
WORDS_OF_TYPE = {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "bits": 1}
FORMAT_OF_TYPE = {"u16": "H", "i16": "h", "u32": "I", "i32": "i"}
LIMITS_OF_TYPE = {
    "u16": (0, 2**16 - 1),
    "i16": (-(2**15), 2**15 - 1),
    "u32": (0, 2**32 - 1),
    "i32": (-(2**31), 2**31 - 1),
}


class EncodingError(DeviceError):
    """A value is missing or does not fit its point; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value in a block; `at` is its word offset there, `low` and `high` bound it in `unit`."""

    name: str
    at: int
    type: str
    bit: int = 0
    width: int = 16
    scale: float = 1
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    signal: bool = False
    wake: bool = False

    @property
    def mask(self) -> int:
        """The bits of its word that belong to this point."""
        return ((1 << self.width) - 1) << self.bit

    def value(self, raw: int) -> Value:
        """The value of a wire integer; None out of range, UNTRUSTED for a signal that is."""
        if self.signal:
            return Signal(raw) if self.low <= raw <= self.high else Signal.UNTRUSTED
        value = raw if self.scale == 1 else raw * self.scale
        return value if self.low <= value <= self.high else None

    def raw(self, value: Value, where: str) -> int:
        """The wire integer of a value. Raises EncodingError."""
        lowest, highest = LIMITS_OF_TYPE.get(self.type, (0, (1 << self.width) - 1))
        if value is None or not math.isfinite(value) or not self.low <= value <= self.high:
            raise EncodingError(f"{self.name} does not fit", where=where, value=value, limit=f"{self.low}..{self.high}")
        raw = round(value / self.scale)
        if not lowest <= raw <= highest:
            raise EncodingError(f"{self.name} does not fit its {self.type}", where=where, value=value)
        return raw


@dataclass(frozen=True, slots=True)
class Group:
    """A repeated group: element n (1-based) is the word `at + n - 1`; an element's points all lie in that word."""

    name: str
    at: int
    count: int
    points: tuple[Point, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The points of an element, in the order in which decoded elements hold them."""
        return tuple(p.name for p in self.points)
