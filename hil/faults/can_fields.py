"""Where the counters and the two-bit statuses stand in the frames of packs and truck, as the DBC files say."""

from __future__ import annotations

from functools import cache

from drivers.dbc import Catalogue, catalogue

FILES = ("pack", "truck")
COUNTER = "counter"
NOT_STATUSES = ("cell_voltage", "soc")
"""Two bits of BSM that say too high and too low: 10 is no error there."""


@cache
def counter_mask(pgn: int) -> int:
    """The bits of the rolling counter, the message read as one little-endian number; 0 if it has none."""
    return _masks(pgn).get(COUNTER, 0)


@cache
def status_masks(pgn: int) -> tuple[int, ...]:
    """The bits of each two-bit status, the message read as one little-endian number."""
    return tuple(m for name, m in _masks(pgn).items() if m.bit_count() == 2 and name not in NOT_STATUSES)


def merged(old: bytes, new: bytes, mask: int) -> bytes:
    """`old` with the bits of the mask from `new`; as long as `old`."""
    kept = int.from_bytes(old, "little") & ~mask
    taken = int.from_bytes(new, "little") & mask & ((1 << 8 * len(old)) - 1)
    return (kept | taken).to_bytes(len(old), "little")


def in_error(data: bytes, masks: tuple[int, ...]) -> bytes:
    """The message with 10, error, in these two-bit statuses; those it is too short for are left out."""
    raw, size = int.from_bytes(data, "little"), 8 * len(data)
    for mask in masks:
        if mask.bit_length() <= size:
            raw = (raw & ~mask) | (mask & (mask << 1))
    return raw.to_bytes(len(data), "little")


@cache
def _masks(pgn: int) -> dict[str, int]:
    for file in FILES:
        known = catalogue(file)
        info = known.info_of(pgn)
        if info is not None:
            return _masks_of(known, info.name, info.length)
    return {}


def _masks_of(known: Catalogue, name: str, length: int) -> dict[str, int]:
    """Left out, a signal is all ones; given what raw 0 means, all zeros: the difference is where it stands."""
    ones = int.from_bytes(known.encode(name, {}), "little")
    lowest = {signal: value for signal, (value, _) in known.decode(name, bytes(length)).items()}
    return {s: ones ^ int.from_bytes(known.encode(name, {s: value}), "little") for s, value in lowest.items()}
