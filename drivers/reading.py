"""Values as they come from the plant: each with quality, time of receipt and unit."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Signal(IntEnum):
    """A two-state signal with its two ways of not knowing (SAE J1939-71 and GB/T 27930 two-bit coding).

    Only TRUE is true and only FALSE is false; UNTRUSTED (10: the sender doubts its own value) and
    NOT_AVAILABLE (11, or never received) satisfy no condition.
    """

    FALSE = 0
    TRUE = 1
    UNTRUSTED = 2
    NOT_AVAILABLE = 3


class Quality(IntEnum):
    """How far a value may be believed, apart from its age."""

    GOOD = 0
    UNTRUSTED = 1
    NOT_AVAILABLE = 2


class Reading(NamedTuple, Generic[T]):
    """One measured value.

    value:      the value in `unit`, or None if it was never received or not available.
    quality:    see Quality.
    received_s: event-loop time of receipt in seconds (-inf: never).
    unit:       symbol of the unit, '' for none.
    """

    value: T | None
    quality: Quality
    received_s: float
    unit: str = ""

    def age_s(self, now_s: float) -> float:
        """Seconds since receipt; inf if never received."""
        return now_s - self.received_s

    def good(self, now_s: float, max_age_s: float) -> T | None:
        """The value if it is good and fresh, else None."""
        fresh = self.quality is Quality.GOOD and self.age_s(now_s) <= max_age_s
        return self.value if fresh else None


NEVER: Reading[Any] = Reading(None, Quality.NOT_AVAILABLE, -math.inf)
"""The reading of something that has not been heard yet."""
