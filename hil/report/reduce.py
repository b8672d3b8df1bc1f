"""Samples made few: stretches of one value, and lines within half a pixel of the real ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Generic, TypeVar

from hil.record import Sample

V = TypeVar("V")
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stretch(Generic[V]):
    """A value that stood from one moment to another."""

    value: V
    from_s: float
    until_s: float

    @property
    def lasted_s(self) -> float:
        """How long it stood."""
        return self.until_s - self.from_s


def stretches(samples: Sequence[Sample], key: Callable[[Sample], V], end_s: float) -> list[Stretch[V]]:
    """Run-length form of a property of the samples; each stands until the next differs, the last one until end_s."""
    starts = [(value, next(group).at_s) for value, group in groupby(samples, key)]
    ends = [*(from_s for _, from_s in starts[1:]), end_s][: len(starts)]
    return [Stretch(value, from_s, until_s) for (value, from_s), until_s in zip(starts, ends, strict=True)]


def without_slivers(found: Sequence[Stretch[V]], least_s: float) -> list[Stretch[V]]:
    """The same with stretches shorter than least_s given to the one before: what no eye can see."""
    kept: list[Stretch[V]] = []
    for one in found:
        if kept and (one.lasted_s < least_s or one.value == kept[-1].value):
            kept[-1] = Stretch(kept[-1].value, kept[-1].from_s, one.until_s)
        else:
            kept.append(one)
    return kept


def joined(found: Iterable[Stretch[V]], gap_s: float) -> list[Stretch[V]]:
    """Stretches of one value with gaps shorter than gap_s closed: a short one stays, a gap that no eye can see goes."""
    kept: list[Stretch[V]] = []
    for one in found:
        if kept and one.from_s - kept[-1].until_s < gap_s:
            kept[-1] = Stretch(one.value, kept[-1].from_s, one.until_s)
        else:
            kept.append(one)
    return kept


def drawable(value: float) -> bool:
    """Whether a value can be put on an axis: finite, and of a size that something in a station can have."""
    return abs(value) < 1e12


def line(points: Sequence[Point], tolerance: float = 0.4) -> list[Point]:
    """Points, in order of x, of a line that a person cannot tell from the one given. Not drawable ones are left out."""
    return within(list(_columns([p for p in points if drawable(p[0]) and drawable(p[1])])), tolerance)


def within(points: Sequence[Point], tolerance: float) -> list[Point]:
    """A subset, ends included, whose line is nowhere further than tolerance (in y) from any of the points.

    The cone method: slopes from the last point kept that pass all points since; a point outside them ends the piece.
    """
    if len(points) < 3:
        return list(points)
    kept, low, high = [points[0]], -math.inf, math.inf
    for before, point in pairwise(points):
        if not low <= _slope(kept[-1], point, 0.0) <= high:
            kept.append(before)
            low, high = -math.inf, math.inf
        low = max(low, _slope(kept[-1], point, -tolerance))
        high = min(high, _slope(kept[-1], point, tolerance))
    return [*kept, points[-1]]


def _slope(start: Point, end: Point, off: float) -> float:
    return (end[1] + off - start[1]) / max(end[0] - start[0], 1e-9)


def _columns(points: Sequence[Point]) -> Iterator[Point]:
    """Of each pixel's column first, lowest, highest and last point: all that is visible of it."""
    for _, group in groupby(points, key=lambda p: int(p[0])):
        column = list(group)
        if len(column) <= 4:
            yield from column
            continue
        heights = [y for _, y in column]
        places = {0, heights.index(min(heights)), heights.index(max(heights)), len(column) - 1}
        yield from (column[i] for i in sorted(places))
