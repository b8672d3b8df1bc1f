"""The blocks of a black box file: each carries its kind, its length and its own checksum; a mark finds it again."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

MAGIC = b"station-ctl black box\n"
MARK = b"\x00\xb1BX"
HEAD, CHUNK, TAIL = b"H", b"C", b"T"
FRAME = struct.Struct(">cII")  # kind, length of the payload, CRC-32 of kind and payload


def block(kind: bytes, content: object) -> bytes:
    """A block with this content."""
    payload = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 6)
    return MARK + FRAME.pack(kind, len(payload), zlib.crc32(kind + payload)) + payload


Block = tuple[int, tuple[bytes, bytes]]
"""Where it begins; its kind and payload."""


def blocks(data: bytes) -> tuple[list[Block], list[str]]:
    """Every block whose checksum holds; and where bytes are that belong to none."""
    found: list[Block] = []
    damage: list[str] = []
    at = len(MAGIC) if data.startswith(MAGIC) else 0
    while at < len(data):
        start = data.find(MARK, at)
        whole = _framed(data, start) if start >= 0 else None
        told = bool(damage) and damage[-1].endswith("cannot be read")
        if (start != at or whole is None) and not told:
            damage.append(f"from byte {at} something cannot be read")
        if start < 0:
            break
        if whole is None:
            at = start + 1
            continue
        found.append((start, whole))
        at = start + len(MARK) + FRAME.size + len(whole[1])
    return found, damage


def _framed(data: bytes, start: int) -> tuple[bytes, bytes] | None:
    """Kind and payload of the block at a mark, None if it does not hold."""
    begin = start + len(MARK) + FRAME.size
    if begin > len(data):
        return None
    kind, length, crc = FRAME.unpack_from(data, start + len(MARK))
    payload = data[begin : begin + length]
    return (kind, payload) if len(payload) == length and zlib.crc32(kind + payload) == crc else None


def unpacked(payload: bytes, limit: int) -> Any:
    """The content of a block. Raises ValueError for more than `limit` bytes of it, zlib.error, or for no JSON."""
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(payload, limit)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError(f"does not unpack within {limit} bytes")
    return json.loads(text)
