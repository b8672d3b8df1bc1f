"""DBC files as data: J1939 messages decoded to (value, quality) and encoded from values.

Raw values 0xFE.. (error) and 0xFF.. (not available) of a signal of 8 bits and more are marked by SAE J1939-71; a value
outside the range in the file is untrusted. Two-bit and four-bit signals are handed on as they are, their meaning is the
message's own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from drivers.dbc_file import database
from drivers.errors import BadData
from drivers.j1939 import parse_id
from drivers.reading import Quality

Sample = tuple[float, Quality]
"""A signal's value in its unit, and how far it may be believed. The value of one not available means nothing."""


@dataclass(frozen=True, slots=True)
class _Signal:
    start: int  # its lowest bit in the message, counted as in a little-endian number
    top: int  # all its bits one
    scale: float
    offset: float
    decimals: int | None  # None: a whole number
    raw_min: int
    raw_max: int
    first_absent: int

    def sample(self, bits: int) -> Sample:
        """Its sample out of the whole message's bits."""
        raw = bits >> self.start & self.top
        value: float = raw * self.scale + self.offset
        if self.decimals is not None:
            value = round(value, self.decimals)
        if raw >= self.first_absent:
            return value, Quality.NOT_AVAILABLE
        return value, Quality.GOOD if self.raw_min <= raw <= self.raw_max else Quality.UNTRUSTED

    def bits(self, value: float | None, message: str, key: str) -> int:
        """Its bits at their place in the message. Raises BadData for a value that they cannot hold."""
        if value is None:
            return self.top << self.start
        steps = value - self.offset
        raw = round(steps if self.scale == 1 else steps / self.scale)  # a division would lose bits of a 64-bit number
        if not 0 <= raw <= self.top:
            limit = f"{self.offset}..{self.top * self.scale + self.offset}"
            raise BadData("value does not fit", where=f"{message}.{key}", value=value, limit=limit)
        return raw << self.start


@dataclass(frozen=True, slots=True)
class MessageInfo:
    """What the DBC says about one message. period_s is 0 for one without a cycle time."""

    name: str
    pgn: int
    priority: int
    length: int
    period_s: float


class Catalogue:
    """The messages of one shipped DBC file, found by PGN (to decode) or by name (to encode).

    name: `pack` or `truck`, the file's name without its ending.
    """

    def __init__(self, name: str) -> None:
        text = resources.files("drivers").joinpath("dbc", f"{name}.dbc").read_text(encoding="utf-8")
        self.infos: dict[str, MessageInfo] = {}
        self._signals: dict[str, dict[str, _Signal]] = {}
        self._unused: dict[str, int] = {}  # bits of a message without a signal: sent as ones
        self._by_pgn: dict[int, str] = {}
        # most periodic messages repeat themselves: what was decoded lately is kept
        self._decoded = functools.lru_cache(maxsize=256)(self._decode)
        for message in database(text).messages:
            info = _info(message)
            self.infos[info.name] = info
            self._signals[info.name] = signals = {s.name: _signal(s, info.name) for s in message.signals}
            self._unused[info.name] = (1 << 8 * info.length) - 1 - sum(s.top << s.start for s in signals.values())
            self._by_pgn[info.pgn] = info.name

    def info_of(self, pgn: int) -> MessageInfo | None:
        """The message with this PGN, or None if the file has none."""
        name = self._by_pgn.get(pgn)
        return self.infos[name] if name is not None else None

    def decode(self, name: str, data: bytes) -> Mapping[str, Sample]:
        """All signals of the message. Bytes after its length are ignored, as J1939 asks of old receivers.

        Raises BadData if there are too few.
        """
        return self._decoded(name, data)

    def _decode(self, name: str, data: bytes) -> Mapping[str, Sample]:
        length = self.infos[name].length
        if len(data) < length:
            raise BadData("message too short", where=name, value=len(data), limit=f"{length} bytes")
        bits = int.from_bytes(data[:length], "little")
        return {key: signal.sample(bits) for key, signal in self._signals[name].items()}

    def encode(self, name: str, values: Mapping[str, float]) -> bytes:
        """The message's bytes. Signals left out are sent as not available (all bits one).

        Raises BadData for an unknown signal or one that its bits cannot hold.
        """
        signals, bits = self._signals[name], self._unused[name]
        if unknown := values.keys() - signals.keys():
            raise BadData("no such signal", where=name, value=sorted(unknown))
        for key, signal in signals.items():
            bits |= signal.bits(values.get(key), name, key)
        return bits.to_bytes(self.infos[name].length, "little")


@functools.cache
def catalogue(name: str) -> Catalogue:
    """The shipped DBC file `name`, loaded once."""
    return Catalogue(name)


def _info(message: Any) -> MessageInfo:
    parsed = parse_id(message.frame_id)
    period_s = (message.cycle_time or 0) / 1000.0
    return MessageInfo(message.name, parsed.pgn, parsed.priority, message.length, period_s)


def _signal(signal: Any, message: str) -> _Signal:
    if signal.byte_order != "little_endian" or signal.is_signed or signal.is_float:
        raise BadData("J1939-71 knows only unsigned signals, low byte first", where=f"{message}.{signal.name}")
    scale, offset, length = float(signal.scale), float(signal.offset), int(signal.length)
    whole = scale.is_integer() and offset.is_integer()
    top, marked = (1 << length) - 1, length >= 8
    raw_min, raw_max = 0, (0xFE << (length - 8)) - 1 if marked else top
    if signal.minimum is not None and signal.maximum is not None and signal.maximum > signal.minimum:
        raw_min = max(raw_min, round((signal.minimum - offset) / scale))
        raw_max = min(raw_max, round((signal.maximum - offset) / scale))
    return _Signal(
        start=int(signal.start),
        top=top,
        scale=int(scale) if whole else scale,
        offset=int(offset) if whole else offset,
        decimals=None if whole else max(0, math.ceil(-math.log10(scale))),
        raw_min=raw_min,
        raw_max=raw_max,
        first_absent=0xFF << (length - 8) if marked else top + 1,
    )
