"""Bytes and times of the J1939-21 transport protocol."""

from __future__ import annotations

from enum import IntEnum

from drivers.can_frame import Frame
from drivers.j1939 import TP_CM, TP_DT, build_id

RTS, CTS, END, BAM, ABORT = 16, 17, 19, 32, 255
"""Control bytes of TP.CM: request and clear to send, end-of-message acknowledgement, broadcast announce, abort."""

MIN_BYTES, MAX_BYTES, PACKET_BYTES = 9, 1785, 7

T1_S = 0.75
"""Longest gap between two data packets at the receiver."""
T2_S = 1.25
"""Longest wait for data after a clear to send."""
T3_S = 1.25
"""Longest wait of the sender for a clear to send or the end-of-message acknowledgement."""
T4_S = 1.05
"""Longest wait of the sender after a clear to send of zero packets (hold)."""
BAM_GAP_S = 0.05
"""Pause between two packets of a broadcast; the standard allows 50..200 ms."""


class Abort(IntEnum):
    """Abort reasons of J1939-21."""

    BUSY = 1
    RESOURCES = 2
    TIMEOUT = 3
    BAD_SEQUENCE = 7
    DUPLICATE_SEQUENCE = 8
    TOO_LONG = 9
    OTHER = 250


def packets_of(size: int) -> int:
    """How many data packets carry `size` bytes."""
    return -(-size // PACKET_BYTES)


def pgn_of(data: bytes) -> int:
    """The parameter group that a control frame is about."""
    return int.from_bytes(data[5:8], "little") & 0x3FFFF


def control_frame(source: int, destination: int, head: bytes, pgn: int) -> Frame:
    """A TP.CM frame from its first five bytes; priority 7."""
    return Frame(build_id(7, TP_CM, source, destination), head + pgn.to_bytes(3, "little"))


def abort_frame(source: int, destination: int, pgn: int, reason: Abort) -> Frame:
    """Connection abort."""
    return control_frame(source, destination, bytes((ABORT, reason, 0xFF, 0xFF, 0xFF)), pgn)


def data_frame(source: int, destination: int, number: int, message: bytes) -> Frame:
    """Data packet `number` (from 1) of a message, filled up with 0xFF."""
    part = message[(number - 1) * PACKET_BYTES : number * PACKET_BYTES]
    return Frame(build_id(7, TP_DT, source, destination), bytes((number,)) + part.ljust(PACKET_BYTES, b"\xff"))
