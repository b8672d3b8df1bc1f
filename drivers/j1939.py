"""SAE J1939-21 identifiers and the names every layer above the bus shares. No I/O."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

GLOBAL_ADDRESS = 0xFF
TP_CM = 0xEC00
"""Transport protocol, connection management."""
TP_DT = 0xEB00
"""Transport protocol, data transfer."""

_FIRST_PDU2 = 240  # PDU formats from here on are broadcast and take the low byte into the PGN


class MessageId(NamedTuple):
    """A 29-bit identifier taken apart.

    priority:    0 (highest) .. 7.
    pgn:         parameter group number, 0..0x3FFFF (reserved bit and data page included).
    destination: 0..255; GLOBAL_ADDRESS for every PDU2 message.
    source:      0..255.
    """

    priority: int
    pgn: int
    destination: int
    source: int


@lru_cache(maxsize=1024)
def parse_id(can_id: int) -> MessageId:
    """Take a 29-bit identifier apart (J1939-21, 5.2)."""
    pdu_specific, source = (can_id >> 8) & 0xFF, can_id & 0xFF
    pgn = (can_id >> 8) & 0x3FF00
    if (pgn >> 8) & 0xFF >= _FIRST_PDU2:
        return MessageId(can_id >> 26 & 7, pgn | pdu_specific, GLOBAL_ADDRESS, source)
    return MessageId(can_id >> 26 & 7, pgn, pdu_specific, source)


def build_id(priority: int, pgn: int, source: int, destination: int = GLOBAL_ADDRESS) -> int:
    """Put a 29-bit identifier together. The destination of a PDU2 group is ignored: it has none."""
    pdu1 = (pgn >> 8) & 0xFF < _FIRST_PDU2
    return priority << 26 | pgn << 8 | (destination << 8 if pdu1 else 0) | source
