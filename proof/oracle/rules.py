"""The rules of docs/cause-and-effect.md. Read this file beside the document: it is meant to be compared by eye."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from proof.oracle.document import Cause, Document

FALSE, TRUE, UNTRUSTED, NOT_AVAILABLE = 0, 1, 2, 3
_NO_STOP = 9


class Reading(NamedTuple):
    """What an input reads: one of the four above, or a number; how old it is; what a number is of."""

    value: float
    age_ms: int
    subject: int = 0


class Remembered(NamedTuple):
    """Hysteresis of one cause: the last fresh known value was beyond the limit, and what it was of."""

    beyond: bool
    subject: int


def is_active(cause: Cause, reading: Reading, before: Remembered) -> bool:
    """A cause is active when its safe condition is not measured."""
    if reading.age_ms > cause.age_ms:
        return True
    if cause.required is not None:
        return reading.value != (TRUE if cause.required else FALSE)
    return not _within(cause, reading, before)


def remembered(cause: Cause, reading: Reading, before: Remembered) -> Remembered:
    """Only a fresh known number is remembered."""
    if cause.required is not None or reading.age_ms > cause.age_ms or math.isnan(reading.value):
        return before
    return Remembered(not _within(cause, reading, before), reading.subject)


def _within(cause: Cause, reading: Reading, before: Remembered) -> bool:
    """Within the limit; once beyond it, for the same subject, inside by the hysteresis. A NaN is within nothing."""
    stays = before.beyond and before.subject == reading.subject
    inside_by = cause.hysteresis if stays else 0.0
    if cause.at_least:
        return reading.value >= cause.limit + inside_by
    return reading.value <= cause.limit - inside_by


Effect = tuple[int, int, int, int, int, int, int]
"""What some active causes do together. Masks: bit n is the n-th cause, or the n-th motion class.

(active causes, classes without a permit, classes that may not be started, causes that trip at rest, category of that
stop, causes that trip in motion, category of that stop)
"""
NOTHING: Effect = (0, 0, 0, 0, _NO_STOP, 0, _NO_STOP)


def effect_of(cause: Cause, document: Document, moving: str) -> Effect:
    """What one active cause does. moving: the class of motion that is under way, if one is."""
    bit = 1 << cause.number
    classes = mask(i for i, name in enumerate(document.classes) if name in cause.classes)
    withheld = 0 if cause.trips == "start" else classes
    at_rest = (bit, cause.category) if cause.trips == "always" else (0, _NO_STOP)
    stops = cause.trips == "always" or (cause.trips == "moving" and moving in cause.classes)
    in_motion = (bit, cause.category) if stops else (0, _NO_STOP)
    return bit, withheld, classes, *at_rest, *in_motion


def together(one: Effect, two: Effect) -> Effect:
    """Masks add up; the more urgent category (the lower number) counts."""
    a, b, c, d, e, f, g = one
    active, withheld, not_started, at_rest, rest_category, in_motion, motion_category = two
    return (
        a | active,
        b | withheld,
        c | not_started,
        d | at_rest,
        e if e < rest_category else rest_category,
        f | in_motion,
        g if g < motion_category else motion_category,
    )


Latch = tuple[bool, int, int, int]
"""Latched, category of the stop, which cause tripped it first (-1: none), the mask of all that did."""
OPEN: Latch = (False, 0, -1, 0)
BOOTED: Latch = (True, 1, -1, 0)

Answer = tuple[int, int, bool, int, int, int]
"""Active causes, permits, and the latch afterwards."""


class Oracle:
    """Answers of an interlock over one document."""

    def __init__(self, document: Document) -> None:
        self.classes = (1 << len(document.classes)) - 1
        self.blocking = mask(cause.number for cause in document.causes if cause.blocks_reset)

    def judge(self, effect: Effect, latch: Latch, moving: bool, reset: bool) -> Answer:
        """One cycle. reset: the reset line rises in this cycle."""
        active, withheld, _, at_rest, rest_category, in_motion, motion_category = effect
        trips, stop = (in_motion, motion_category) if moving else (at_rest, rest_category)
        latched, category, first, tripped = latch
        if latched and reset and not active & self.blocking:
            latched, category, first, tripped = OPEN
        if trips and latched:
            category, tripped = min(category, stop), tripped | trips
        elif trips:
            latched, category, first, tripped = True, stop, lowest(trips), trips
        return active, 0 if latched else self.classes & ~withheld, latched, category, first, tripped

    def may_start(self, effect: Effect, latch: Latch) -> tuple[int, int]:
        """Active causes, and the classes of which a motion may be started."""
        return effect[0], 0 if latch[0] else self.classes & ~effect[2]


def mask(numbers: Iterable[int]) -> int:
    """The mask with these bits."""
    return sum(1 << number for number in numbers)


def lowest(bits: int) -> int:
    """The number of the lowest bit: causes stand in the order of their priority."""
    return (bits & -bits).bit_length() - 1
