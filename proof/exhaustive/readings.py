"""What an input may read: all that makes a difference, and the neighbours of every limit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, product

from proof.oracle.document import Cause
from proof.oracle.rules import FALSE, NOT_AVAILABLE, TRUE, UNTRUSTED, Reading, Remembered

OLDEST_MS = 0xFFFFFFFF
DENORMAL = 5e-324
SAME, OTHER = 0, 7
"""Subjects: the one that is remembered, and another one."""

Point = tuple[Reading, tuple[Remembered, ...]]
"""A reading, and what each cause that watches the input remembers from before."""


def discrete_safe(cause: Cause) -> Iterator[Point]:
    """The required value, in turn fresh and at its age limit."""
    truth = TRUE if cause.required else FALSE
    return cycle([_fresh(Reading(truth, age_ms)) for age_ms in (0, cause.age_ms)])


def discrete_unsafe(cause: Cause) -> list[Point]:
    """The other truth, the two that are none, and the required value a moment or an age too old."""
    truth, other = (TRUE, FALSE) if cause.required else (FALSE, TRUE)
    bad = [Reading(value, cause.age_ms) for value in (other, UNTRUSTED, NOT_AVAILABLE)]
    return [_fresh(reading) for reading in (*bad, Reading(truth, cause.age_ms + 1), Reading(truth, OLDEST_MS))]


def analogue_safe(causes: Sequence[Cause]) -> Point:
    """A number within every limit that watches the input, with nothing remembered."""
    return Reading(_inside(causes), 0), tuple(Remembered(False, SAME) for _ in causes)


def analogue_all(causes: Sequence[Cause]) -> list[Point]:
    """Every limit and band edge with its neighbours, odd numbers, every age, with either memory and subject."""
    values = {value: None for cause in causes for value in _edges(cause)}
    special = (-0.0, DENORMAL, -DENORMAL, math.inf, -math.inf, math.nan)
    readings = [Reading(value, 0) for value in (*values, *special)]
    inside, age_ms = _inside(causes), causes[0].age_ms
    readings += [Reading(value, a) for value in (inside, math.nan) for a in (age_ms, age_ms + 1, OLDEST_MS)]
    readings += [Reading(causes[0].limit, age_ms + 1), Reading(_beyond(causes[0]), age_ms + 1)]
    readings += [reading._replace(subject=OTHER) for reading in readings]
    return _with_memories(readings, len(causes))


def analogue_few(causes: Sequence[Cause], bearing: Sequence[Cause]) -> list[Point]:
    """Those at which the answer changes: either side of the limits and band edges of `bearing`, unknown, too old."""
    readings = [Reading(value, 0) for cause in bearing for value in _turns(cause)]
    readings += [Reading(math.nan, 0), Reading(_inside(causes), causes[0].age_ms + 1)]
    memories = [tuple(Remembered(beyond, SAME) for _ in causes) for beyond in (False, True)]
    return [(reading, memory) for reading in readings for memory in memories]


def _edges(cause: Cause) -> list[float]:
    back = cause.limit + (cause.hysteresis if cause.at_least else -cause.hysteresis)
    return [near for edge in (cause.limit, back) for near in (edge, _next(edge, math.inf), _next(edge, -math.inf))]


def _turns(cause: Cause) -> list[float]:
    outward = -math.inf if cause.at_least else math.inf
    back = cause.limit + (cause.hysteresis if cause.at_least else -cause.hysteresis)
    return [cause.limit, _next(cause.limit, outward), back, _next(back, outward)]


def _next(value: float, towards: float) -> float:
    return math.nextafter(value, towards)


def _inside(causes: Sequence[Cause]) -> float:
    """Well inside of all limits."""
    return min(cause.limit for cause in causes) / 2 if not causes[0].at_least else 2 * causes[0].limit


def _beyond(cause: Cause) -> float:
    return cause.limit / 2 if cause.at_least else cause.limit * 2


def _with_memories(readings: Iterable[Reading], causes: int) -> list[Point]:
    memories = list(product((Remembered(False, SAME), Remembered(True, SAME)), repeat=causes))
    return [(reading, memory) for reading in readings for memory in memories]


def _fresh(reading: Reading) -> Point:
    return reading, (Remembered(False, SAME),)
