"""Distributions of latency and jitter: logarithmic where the values spread, the figures written on."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hil.measure.figures import quantile
from hil.report.markup import Markup, amount, join, px, tag
from hil.report.reduce import drawable

_WIDTH_PX, _PLOT_PX, _TOP_PX, _LEFT_PX = 385.0, 120.0, 48.0, 44.0
_BINS = 48
_SPREAD = 20.0
"""From this ratio of the largest to the median on, the axis is logarithmic."""
_FINEST_MS = 1e-6
_MARKS = ((0.5, "p50"), (0.99, "p99"), (1.0, "max"))


@dataclass(frozen=True, slots=True)
class Axis:
    """Values in ms to pixels. `low` is above 0 if the axis is logarithmic."""

    low: float
    high: float
    log: bool

    def share(self, value_ms: float) -> float:
        """Where a value is on the axis, 0..1; values outside are at its ends."""
        value_ms = min(max(value_ms, self.low), self.high)
        if self.log:
            return math.log(value_ms / self.low) / math.log(self.high / self.low)
        return (value_ms - self.low) / (self.high - self.low)

    def value(self, share: float) -> float:
        """The value at a share of the axis, 0..1."""
        if self.log:
            return self.low * math.exp(math.log(self.high / self.low) * share)
        return self.low + (self.high - self.low) * share

    def x(self, value_ms: float) -> float:
        """The pixel of a value."""
        return _LEFT_PX + self.share(value_ms) * (_WIDTH_PX - _LEFT_PX - 12)

    def ticks(self) -> Iterator[float]:
        """Round values: decades (with 2 and 5 if there are few) or about five even ones."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            factors = (1, 2, 5) if last - first <= 3 else (1,)
            found = (f * 10.0**decade for decade in range(first, last + 1) for f in factors)
        else:
            step = _round_up((self.high - self.low) / 6)
            found = (i * step for i in range(math.ceil(self.low / step), int(self.high / step) + 1))
        yield from (value for value in found if self.low <= value <= self.high)


def histogram(name: str, values_ms: Sequence[float]) -> Markup:
    """One figure; nothing without a value. The count's axis is logarithmic, so that one outlier is seen."""
    values = sorted(round(v, 6) for v in values_ms if drawable(v))
    if not values:
        return Markup()
    axis = axis_of(values)
    height_px = _TOP_PX + _PLOT_PX + 34
    inner = join(_counts(values, axis), _ticks(axis), *_marks(values, axis))
    caption = tag("figcaption", tag("b", name), f" {amount(len(values))} {'value' if len(values) == 1 else 'values'}")
    size = {"viewBox": f"0 0 {px(_WIDTH_PX)} {px(height_px)}", "width": px(_WIDTH_PX), "height": px(height_px)}
    return tag("figure", caption, tag("svg", inner, class_="histogram", **size))


def axis_of(ordered_ms: Sequence[float]) -> Axis:
    """The axis for values in order: logarithmic if the largest is far from the median and none is below 0."""
    low, high, median = ordered_ms[0], ordered_ms[-1], quantile(ordered_ms, 0.5)
    positive = next((v for v in ordered_ms if v > 0), 0.0)
    if low >= 0 and median >= _FINEST_MS and high / median > _SPREAD:
        return Axis(max(positive, median / 100), high, True)
    bottom = 0.0 if 0 <= low < 0.5 * high else low
    least = max(_FINEST_MS, abs(high) * 1e-6)
    return Axis(bottom, high, False) if high - bottom > least else Axis(low - least, low + least, False)


def bins(ordered_ms: Sequence[float], axis: Axis) -> list[int]:
    """How many values fall into each of 48 even parts of the axis."""
    places = [bisect_left(ordered_ms, axis.value(part / _BINS)) for part in range(1, _BINS)]
    return [after - before for before, after in pairwise([0, *places, len(ordered_ms)])]


def _counts(values: Sequence[float], axis: Axis) -> Markup:
    counts = bins(values, axis)
    top = math.log10(max(counts) + 1)
    wide = (_WIDTH_PX - _LEFT_PX - 12) / _BINS
    drawn = []
    for i, count in enumerate(counts):
        if count:
            tall = math.log10(count + 1) / top * _PLOT_PX
            at = {"x": _LEFT_PX + i * wide, "y": _TOP_PX + _PLOT_PX - tall, "width": wide - 0.8, "height": tall}
            drawn.append(tag("rect", tag("title", amount(count)), class_="bar", **at))
    return join(_count_lines(top), *drawn)


def _count_lines(top: float) -> Markup:
    decades = [10**n for n in range(int(top) + 1) if 10**n + 1 <= 10**top + 1e-9]
    drawn = []
    for count in decades:
        y = _TOP_PX + _PLOT_PX * (1 - math.log10(count + 1) / top)
        drawn.append(tag("line", x1=_LEFT_PX, x2=_WIDTH_PX - 12, y1=y, y2=y, class_="grid"))
        drawn.append(tag("text", amount(count), x=_LEFT_PX - 6, y=y + 3.5, text_anchor="end", class_="tick"))
    return join(*drawn)


def _ticks(axis: Axis) -> Markup:
    base = _TOP_PX + _PLOT_PX
    drawn = [tag("line", x1=_LEFT_PX, x2=_WIDTH_PX - 12, y1=base, y2=base, class_="base")]
    for value in axis.ticks():
        drawn.append(tag("line", x1=axis.x(value), x2=axis.x(value), y1=base, y2=base + 4, class_="base"))
        drawn.append(tag("text", f"{value:g}", x=axis.x(value), y=base + 15, text_anchor="middle", class_="tick"))
    words = "ms, logarithmic" if axis.log else "ms"
    drawn.append(tag("text", words, x=_WIDTH_PX - 12, y=base + 29, text_anchor="end", class_="tick"))
    drawn.append(tag("text", "count", x=_LEFT_PX - 6, y=_TOP_PX - 12, text_anchor="end", class_="tick"))
    return join(*drawn)


def _marks(values: Sequence[float], axis: Axis) -> Iterator[Markup]:
    for row, (share, label) in enumerate(_MARKS):
        value = quantile(values, share)
        x, y = axis.x(value), 37.0 - row * 13
        left_side = x - _LEFT_PX > 90
        yield tag("line", x1=x, x2=x, y1=y - 8, y2=_TOP_PX + _PLOT_PX, class_="quantile")
        at = {"x": x - 4 if left_side else x + 4, "y": y, "text_anchor": "end" if left_side else "start"}
        yield tag("text", f"{label} {amount(value, 'ms')}", class_="on halo", **at)


def _round_up(step: float) -> float:
    decade = 10.0 ** math.floor(math.log10(step))
    return next(f * decade for f in (1, 2, 5, 10) if f * decade >= step * 0.999)
