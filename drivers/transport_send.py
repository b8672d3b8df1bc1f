"""Sending side of one J1939-21 transport session."""

from __future__ import annotations

import math

from drivers.can_frame import Frame
from drivers.j1939 import GLOBAL_ADDRESS
from drivers.transport_wire import (
    ABORT,
    BAM,
    BAM_GAP_S,
    CTS,
    MAX_BYTES,
    MIN_BYTES,
    RTS,
    T3_S,
    T4_S,
    Abort,
    abort_frame,
    control_frame,
    data_frame,
    packets_of,
)

_BURST = 8
"""Most packets we send on one clear to send: fits the transmit queue of a CAN interface (ten by default)."""

_MAX_GRANTS_PER_PACKET = 2
"""A receiver that asks for the same packets more often is given up."""

Step = tuple[list[Frame], str]
"""Frames to send, and why the session failed ('' while it has not)."""


class Transmission:
    """One message on its way out; `poll` has nothing to do before due_s.

    Raises ValueError for a length the protocol cannot carry.
    """

    def __init__(self, source: int, destination: int, pgn: int, data: bytes) -> None:
        if not MIN_BYTES <= len(data) <= MAX_BYTES:
            raise ValueError(f"transport carries {MIN_BYTES}..{MAX_BYTES} bytes, not {len(data)}")
        self.pgn, self.destination = pgn, destination
        self.done = False
        self._source, self._data = source, data
        self._packets = packets_of(len(data))
        self._broadcast = destination == GLOBAL_ADDRESS
        self._next = 1
        self._grants = 0
        self.due_s = math.inf

    def start(self, now_s: float) -> list[Frame]:
        """The request to send, or the broadcast announcement."""
        size, last = len(self._data), 0xFF if self._broadcast else min(_BURST, self._packets)
        self.due_s = now_s + (BAM_GAP_S if self._broadcast else T3_S)
        kind = BAM if self._broadcast else RTS
        head = bytes((kind, size & 0xFF, size >> 8, self._packets, last))
        return [control_frame(self._source, self.destination, head, self.pgn)]

    def poll(self, now_s: float) -> Step:
        """The next broadcast packet when it is due; the end by time-out of a receiver that does not answer."""
        if now_s < self.due_s:
            return [], ""
        if not self._broadcast:
            self.done = True
            return [abort_frame(self._source, self.destination, self.pgn, Abort.TIMEOUT)], "the receiver is silent"
        frame = data_frame(self._source, self.destination, self._next, self._data)
        self._next += 1
        self.due_s = now_s + BAM_GAP_S
        self.done = self._next > self._packets
        return [frame], ""

    def answer(self, control: bytes, now_s: float) -> Step:
        """Take the receiver's CTS, end-of-message acknowledgement or abort."""
        if control[0] == CTS:
            return self._granted(control[1], control[2], now_s)
        self.done = True
        if control[0] == ABORT:
            return [], f"aborted by the receiver, reason {control[1]}"
        return [], "" if self._next > self._packets else "acknowledged before it was sent"

    def _granted(self, count: int, first: int, now_s: float) -> Step:
        if count == 0:
            self.due_s = now_s + T4_S
            return [], ""
        self._grants += 1
        if not 1 <= first <= self._packets or self._grants > _MAX_GRANTS_PER_PACKET * self._packets:
            self.done = True
            return [abort_frame(self._source, self.destination, self.pgn, Abort.OTHER)], f"packet {first} was asked for"
        last = min(first + min(count, _BURST) - 1, self._packets)
        self._next = last + 1
        self.due_s = now_s + T3_S
        return [data_frame(self._source, self.destination, n, self._data) for n in range(first, last + 1)], ""
