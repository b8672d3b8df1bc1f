"""Modbus/TCP frames and the registers in them (Modbus application protocol 1.1b3; messaging on TCP/IP 1.0b)."""

from __future__ import annotations

import random
import struct

from drivers.register_codec import Block
from drivers.register_points import Point

MBAP_BYTES = 6  # transaction, protocol, length; the length counts what follows
LARGEST_ADU = 260
READ, WRITE = 3, 16
AT_READ, AT_WRITE = 9, 13  # where the registers begin in the answer to FC03, in a request FC16


def function_of(frame: bytes) -> int:
    """The function a frame asks for or answers, an exception's too; 0 if it is too short to say."""
    return frame[7] & 0x7F if len(frame) > 7 else 0


def exception_answer(request: bytes, code: int) -> bytes:
    """The answer to a request with this exception code, as from the device."""
    return request[:4] + b"\x00\x03" + request[6:7] + bytes((function_of(request) | 0x80, code))


class Image:
    """One block of a register map in the frames that carry the whole of it."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self._words = struct.Struct(f">{block.count}H")
        self._points = {p.name: p for p in block.points}
        self._fields = [(p.at, p) for p in block.points if p.signal]
        self._fields += [(g.at + n, p) for g in block.groups for n in range(g.count) for p in g.points if p.signal]
        of_signals = {(at, bit) for at, p in self._fields for bit in _bits(p)}
        self._others = [p for p in ((w, b) for w in range(block.count) for b in range(16)) if p not in of_signals]

    def in_read(self, frame: bytes) -> bool:
        """Whether this is the answer to a read of the block; the address is not in it, the length has to tell."""
        size = self._words.size
        return len(frame) == AT_READ + size and frame[7] == READ and frame[8] == size

    def in_write(self, frame: bytes) -> bool:
        """Whether this is a request to write the block."""
        if len(frame) != AT_WRITE + self._words.size or frame[7] != WRITE:
            return False
        return int.from_bytes(frame[8:10], "big") == self.block.address

    def words(self, frame: bytes) -> list[int]:
        """The registers at the end of such a frame."""
        return list(self._words.unpack_from(frame, len(frame) - self._words.size))

    def put(self, frame: bytes, words: list[int]) -> bytes:
        """The frame with other registers."""
        return frame[: -self._words.size] + self._words.pack(*words)

    def get(self, words: list[int], name: str) -> int:
        """The wire integer of a point of one register."""
        point = self._points[name]
        return (words[point.at] & point.mask) >> point.bit

    def set(self, words: list[int], name: str, raw: int) -> None:
        """Put the wire integer of a point of one register."""
        point = self._points[name]
        words[point.at] = (words[point.at] & ~point.mask) | (raw << point.bit) & point.mask

    def flip(self, words: list[int], bits: int, any_signal: bool, rng: random.Random) -> int:
        """Turn so many bits over; without any_signal none that makes a signal TRUE or FALSE. How many were turned."""
        places = list(self._others)
        for at, point in self._fields:
            if any_signal:
                places += [(at, bit) for bit in _bits(point)]
            elif point.width == 2 and (words[at] & point.mask) >> point.bit < 2:
                places.append((at, point.bit + 1))
        turned = rng.sample(places, bits)
        for at, bit in turned:
            words[at] ^= 1 << bit
        return len(turned)


def _bits(point: Point) -> range:
    return range(point.bit, point.bit + point.width)
