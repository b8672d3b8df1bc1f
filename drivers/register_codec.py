"""Words on the wire to values and back, for one block of registers; compiled once, then quick."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from crccheck.crc import CrcModbus  # type: ignore[import-untyped]

from drivers.errors import BadData
from drivers.register_points import FORMAT_OF_TYPE, LIMITS_OF_TYPE, WORDS_OF_TYPE, EncodingError, Group, Point, Value

R = TypeVar("R")

_CRC_OF_BYTE = tuple(CrcModbus.calc(bytes([byte]), initvalue=0) for byte in range(256))
"""What one byte does to the checksum: a table is ten times quicker than bit by bit."""


class Values(NamedTuple):
    """A decoded block. An element of a group is a tuple in the order of Group.names."""

    points: dict[str, Value]
    groups: dict[str, tuple[tuple[Value, ...], ...]]


class Block:
    """A block of holding registers that is read or written in one transaction."""

    def __init__(
        self,
        name: str,
        address: int,
        count: int,
        points: Sequence[Point],
        groups: Sequence[Group],
        *,
        low_word_first: bool = False,
        checksum: bool = False,
    ) -> None:
        self.name = name
        self.address = address
        self.count = count
        self.points = tuple(points)
        self.groups = tuple(groups)
        self.checksum = checksum
        self.low_word_first = low_word_first
        self._words = struct.Struct(f">{count}H")
        self._numbers = sorted((p for p in points if p.type != "bits"), key=lambda p: p.at)
        self._layout = struct.Struct(_layout(self._numbers, count))
        wide = [p.at for p in self._numbers if WORDS_OF_TYPE[p.type] == 2]
        self._order = _order(count, wide) if low_word_first else None
        # Words made of bit fields repeat from poll to poll: their decoding is remembered. The masks and the
        # bounds keep noise on the wire from filling the memory.
        bits = [p for p in points if p.type == "bits"]
        self._fields = [(at, _fields([p for p in bits if p.at == at])) for at in sorted({p.at for p in bits})]
        self._elements = [(g, _element(g.points)) for g in groups]
        self._straight = [(i, p.name) for i, p in enumerate(self._numbers) if _plain(p)]
        self._judged = [(i, p.name, p.scale, p.low, p.high) for i, p in enumerate(self._numbers) if not _plain(p)]

    def decode(self, words: Sequence[int]) -> Values:
        """Decode the whole block. Raises BadData if the number of words is another."""
        if len(words) != self.count:
            raise BadData("wrong number of registers", where=self.name, value=len(words), limit=self.count)
        ordered = words if self._order is None else [words[i] for i in self._order]
        raws = self._layout.unpack(self._words.pack(*ordered))
        points: dict[str, Value] = {name: raws[i] for i, name in self._straight}
        for i, name, scale, low, high in self._judged:
            value = raws[i] * scale
            points[name] = value if low <= value <= high else None
        for at, decode in self._fields:
            points.update(decode(words[at]))
        groups = {g.name: tuple(map(decode, words[g.at : g.at + g.count])) for g, decode in self._elements}
        return Values(points, groups)

    def encode(
        self, points: Mapping[str, Value], groups: Mapping[str, Sequence[Sequence[Value]]] | None = None
    ) -> tuple[int, ...]:
        """Encode the whole block, with its checksum if it has one; words without a point are 0.

        Raises EncodingError if a point is missing or a value does not fit.
        """
        words = [0] * self.count
        for point in self.points:
            if self.checksum and point.name == "checksum":
                continue
            if point.name not in points:
                raise EncodingError(f"{point.name} is missing", where=self.name)
            self._put(words, point, point.at, points[point.name])
        for group in self.groups:
            self._put_group(words, group, (groups or {}).get(group.name, ()))
        return self.seal(words) if self.checksum else tuple(words)

    def seal(self, words: Sequence[int]) -> tuple[int, ...]:
        """The words with the checksum over all others in the last one."""
        return (*words[:-1], crc16_modbus(words[:-1]))

    def sealed(self, words: Sequence[int]) -> bool:
        """Whether the checksum in the last word is right (always, for a block that has none)."""
        return not self.checksum or words[-1] == crc16_modbus(words[:-1])

    def _put_group(self, words: list[int], group: Group, elements: Sequence[Sequence[Value]]) -> None:
        if len(elements) != group.count:
            raise EncodingError(
                f"{group.name} needs every element", where=self.name, value=len(elements), limit=group.count
            )
        for n, element in enumerate(elements):
            for point, value in zip(group.points, element, strict=True):
                self._put(words, point, group.at + n, value)

    def _put(self, words: list[int], point: Point, at: int, value: Value) -> None:
        raw = point.raw(value, self.name)
        if WORDS_OF_TYPE[point.type] == 2:
            high, low = (raw >> 16) & 0xFFFF, raw & 0xFFFF
            words[at : at + 2] = (low, high) if self._order is not None else (high, low)
        elif point.type == "bits":
            words[at] |= raw << point.bit
        else:
            words[at] = raw & 0xFFFF


def crc16_modbus(words: Sequence[int]) -> int:
    """CRC-16/MODBUS over the words' bytes, high byte first."""
    crc = 0xFFFF
    for byte in struct.pack(f">{len(words)}H", *words):
        crc = crc >> 8 ^ _CRC_OF_BYTE[(crc ^ byte) & 0xFF]
    return crc


def _plain(point: Point) -> bool:
    lowest, highest = LIMITS_OF_TYPE[point.type]
    return point.scale == 1 and point.low <= lowest and point.high >= highest


def _layout(numbers: Sequence[Point], count: int) -> str:
    layout, at = ">", 0
    for point in numbers:
        layout += "xx" * (point.at - at) + FORMAT_OF_TYPE[point.type]
        at = point.at + WORDS_OF_TYPE[point.type]
    return layout + "xx" * (count - at)


def _order(count: int, wide: Sequence[int]) -> list[int]:
    order = list(range(count))
    for at in wide:
        order[at], order[at + 1] = at + 1, at
    return order


def _fields(points: Sequence[Point]) -> Callable[[int], dict[str, Value]]:
    """Decodes a word of bit fields to {name: value}; the same word to the same dict, which is not to be changed."""
    names = [p.name for p in points]
    return _remembered(points, lambda values: dict(zip(names, values, strict=True)))


def _element(points: Sequence[Point]) -> Callable[[int], tuple[Value, ...]]:
    """Decodes a word of bit fields to their values, in order."""
    return _remembered(points, tuple)


def _remembered(points: Sequence[Point], make: Callable[[Iterable[Value]], R]) -> Callable[[int], R]:
    """Decodes a word of bit fields to what `make` makes of their values, remembering the words it has seen."""
    mask = functools.reduce(lambda m, p: m | p.mask, points, 0)

    @functools.lru_cache(maxsize=256)
    def decode(word: int) -> R:
        return make(p.value((word & p.mask) >> p.bit) for p in points)

    return lambda word: decode(word & mask)
