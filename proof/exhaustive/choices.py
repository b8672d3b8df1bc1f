"""Readings as they stand in the kernel's input block, each with what the oracle says they do."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import cycle
from typing import NamedTuple

from proof.exhaustive import readings
from proof.oracle.document import Cause, Document, Input
from proof.oracle.rules import NOTHING, Effect, Reading, effect_of, is_active, mask, remembered, together


class Choice(NamedTuple):
    """One reading of one input: where its bytes go, what is remembered before and after, and what it does."""

    writes: tuple[tuple[slice, bytes], ...]
    before: int
    effect: Effect
    after: int
    said: str


Options = list[Iterator[Choice]]
"""What one input may read. Each is taken in turn; those that take turns with one another are one iterator."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in the input block: discrete values, their ages, numbers, their ages, their subjects."""

    discrete: int
    analogue: int

    @property
    def size(self) -> int:
        """Bytes of a block."""
        return self.discrete * 5 + self.analogue * 16

    def writes(self, entry: Input, reading: Reading) -> tuple[tuple[slice, bytes], ...]:
        """The reading as bytes and their places."""
        if not entry.analogue:
            age = self.discrete + 4 * entry.place
            value = struct.pack("<B", int(reading.value))
            return _put(entry.place, value), _put(age, struct.pack("<I", reading.age_ms))
        values = self.discrete * 5
        ages = values + 8 * self.analogue
        subjects = ages + 4 * self.analogue
        return (
            _put(values + 8 * entry.place, struct.pack("<d", reading.value)),
            _put(ages + 4 * entry.place, struct.pack("<I", reading.age_ms)),
            _put(subjects + 4 * entry.place, struct.pack("<I", reading.subject)),
        )


class Choices:
    """What every input may read while one class of motion is under way."""

    def __init__(self, document: Document, layout: Layout, moving: str) -> None:
        self._document, self._layout, self._moving = document, layout, moving
        self._watching = {name: [c for c in document.causes if c.input == name] for name in document.inputs}

    def safe(self, name: str) -> Options:
        """Nothing wrong."""
        causes = self._watching[name]
        if self._document.inputs[name].analogue:
            return [cycle([self._choice(name, readings.analogue_safe(causes))])]
        return [map(self._of(name), readings.discrete_safe(causes[0]))]

    def two(self, name: str) -> Options:
        """Safe and not safe; what is not safe goes through all that is not."""
        return [*self.safe(name), cycle([self._choice(name, p) for p in readings.discrete_unsafe(self._cause(name))])]

    def five(self, name: str) -> Options:
        """Safe, false for true, untrusted, not available, and too old."""
        bad = [self._choice(name, point) for point in readings.discrete_unsafe(self._cause(name))]
        return [*self.safe(name), *(cycle([choice]) for choice in bad[:3]), cycle(bad[3:])]

    def few(self, name: str) -> Options:
        """The numbers at which the answer for this class changes."""
        bearing = [cause for cause in self._watching[name] if self._moving in cause.classes]
        points = readings.analogue_few(self._watching[name], bearing)
        return [cycle([self._choice(name, point)]) for point in points]

    def all(self, name: str) -> Options:
        """Every number and age that may make a difference."""
        return [cycle([self._choice(name, point)]) for point in readings.analogue_all(self._watching[name])]

    def _cause(self, name: str) -> Cause:
        """The one cause of a discrete input: two that require different truths would make no input safe."""
        (cause,) = self._watching[name]
        return cause

    def _of(self, name: str) -> Callable[[readings.Point], Choice]:
        known: dict[readings.Point, Choice] = {}
        return lambda point: known.get(point) or known.setdefault(point, self._choice(name, point))

    def _choice(self, name: str, point: readings.Point) -> Choice:
        reading, memories = point
        watching = list(zip(self._watching[name], memories, strict=True))
        acting = [cause for cause, before in watching if is_active(cause, reading, before)]
        effects = [effect_of(cause, self._document, self._moving) for cause in acting]
        return Choice(
            self._layout.writes(self._document.inputs[name], reading),
            mask(cause.number for cause, before in watching if before.beyond),
            reduce(together, effects, NOTHING),
            mask(cause.number for cause, before in watching if remembered(cause, reading, before).beyond),
            f"{name} = {reading.value!r}, {reading.age_ms} ms old, of {reading.subject}, beyond before: "
            f"{[before.beyond for _, before in watching]}",
        )


def _put(at: int, data: bytes) -> tuple[slice, bytes]:
    return slice(at, at + len(data)), data
