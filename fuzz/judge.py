"""What is asked of values that came out of a decoder, whatever went in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from drivers.reading import Quality, Reading, Signal


class Wrong(AssertionError):
    """An invariant that does not hold: a finding."""


def must(holds: bool, what: str) -> None:
    """Raise Wrong with `what` unless it holds."""
    if not holds:
        raise Wrong(what)


def readings(status: object, now_s: float) -> None:
    """Every Reading of a status dataclass: quality and value agree, numbers are finite, none is from the future."""
    for field in fields(status):  # type: ignore[arg-type]
        for reading in _readings_in(getattr(status, field.name)):
            _reading(field.name, reading, now_s)


def _readings_in(value: object) -> Iterable[Reading[Any]]:
    if isinstance(value, Reading):
        return (value,)
    return tuple(v for v in value if isinstance(v, Reading)) if isinstance(value, tuple) else ()


def _reading(name: str, reading: Reading[Any], now_s: float) -> None:
    must(isinstance(reading.quality, Quality), f"{name}: quality {reading.quality!r}")
    must(reading.received_s <= now_s, f"{name}: received at {reading.received_s}, it is {now_s}")
    if reading.quality is Quality.NOT_AVAILABLE:
        must(reading.value is None, f"{name}: not available, and yet {reading.value!r}")
        return
    must(reading.value is not None or reading.quality is Quality.UNTRUSTED, f"{name}: good without a value")
    if isinstance(reading.value, Signal) and reading.quality is Quality.GOOD:
        must(reading.value in (Signal.FALSE, Signal.TRUE), f"{name}: good, and yet {reading.value!r}")
    finite(name, reading.value)


def finite(name: str, value: object) -> None:
    """Numbers, also those in a tuple, are finite."""
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, float):
            must(math.isfinite(number), f"{name}: {number}")
