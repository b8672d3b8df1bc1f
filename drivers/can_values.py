"""From what a CAN message says to readings: two-bit signals, numbers, and counters that prove the sender alive."""

from __future__ import annotations

from typing import Any

from drivers.dbc import Sample
from drivers.reading import Quality, Reading, Signal

Readings = dict[str, Reading[Any]]
"""Field name of a status -> its reading."""

STUCK_AFTER_FRAMES = 3
"""Frames in a row with the same counter after which their values are not believed."""

_SIGNALS: tuple[tuple[Signal | None, Quality], ...] = (
    (Signal.FALSE, Quality.GOOD),
    (Signal.TRUE, Quality.GOOD),
    (Signal.UNTRUSTED, Quality.UNTRUSTED),
    (None, Quality.NOT_AVAILABLE),
)


def number(sample: Sample, unit: str, now_s: float) -> Reading[float]:
    """A measured number; the value is None if it is not available."""
    value, quality = sample
    return Reading(None if quality is Quality.NOT_AVAILABLE else value, quality, now_s, unit)


def signal(sample: Sample, now_s: float) -> Reading[Signal]:
    """A two-bit signal in SAE J1939-71 and GB/T 27930 coding; the value is None if it is not available."""
    state, quality = _SIGNALS[int(sample[0])]
    return Reading(state, quality, now_s)


def untrusted(readings: Readings) -> Readings:
    """The same values, none of them believed."""
    return {key: _doubt(reading) for key, reading in readings.items()}


def _doubt(reading: Reading[Any]) -> Reading[Any]:
    if reading.quality is Quality.NOT_AVAILABLE:
        return reading
    value = Signal.UNTRUSTED if isinstance(reading.value, Signal) else reading.value
    return reading._replace(value=value, quality=Quality.UNTRUSTED)


class CounterWatch:
    """Watches a message's rolling counter: one that stands still shows a sender that repeats an old frame."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._repeats = 0

    def stuck(self, counter: float) -> bool:
        """Take the counter of the next frame; True once it has not advanced for three frames, until it does."""
        self._repeats = self._repeats + 1 if counter == self._last else 0
        self._last = counter
        return self._repeats >= STUCK_AFTER_FRAMES
