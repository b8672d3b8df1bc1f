"""Receiving side of one J1939-21 transport session."""

from __future__ import annotations

from drivers.can_frame import Frame
from drivers.j1939 import GLOBAL_ADDRESS
from drivers.transport_wire import (
    BAM,
    CTS,
    END,
    MAX_BYTES,
    MIN_BYTES,
    T1_S,
    T2_S,
    Abort,
    control_frame,
    packets_of,
    pgn_of,
)

_WINDOW = 16
"""Most packets asked for in one clear to send: a long message does not hold the bus."""

Refusal = tuple[Abort, str]


def parse_request(data: bytes) -> Refusal | None:
    """Check an RTS or BAM frame; None if it can be served."""
    size, packets = int.from_bytes(data[1:3], "little"), data[3]
    if size > MAX_BYTES:
        return Abort.TOO_LONG, f"{size} bytes announced, {MAX_BYTES} is the most"
    if size < MIN_BYTES:
        return Abort.OTHER, f"{size} bytes announced, {MIN_BYTES} is the least"
    if packets != packets_of(size):
        return Abort.OTHER, f"{packets} packets announced for {size} bytes"
    return None


class Reception:
    """One message on its way in. request: the eight bytes of an RTS or BAM that parse_request found good."""

    def __init__(self, request: bytes, address: int, source: int, destination: int, now_s: float) -> None:
        self.pgn = pgn_of(request)
        self.deadline_s = now_s + T1_S
        self._size = int.from_bytes(request[1:3], "little")
        self._packets = request[3]
        self._window = min(_WINDOW, max(1, request[4])) if request[0] != BAM else 0
        self._address, self._source = address, source
        self._broadcast = destination == GLOBAL_ADDRESS
        self._granted = 0
        self._buffer = bytearray()
        self._received = 0

    @property
    def complete(self) -> bool:
        """True once the last packet is in."""
        return self._received == self._packets

    @property
    def data(self) -> bytes:
        """The message, without the filling of its last packet."""
        return bytes(self._buffer[: self._size])

    def take(self, packet: bytes, now_s: float) -> Refusal | None:
        """Take one data packet; a refusal ends the session."""
        number, expected = packet[0], self._received + 1
        if number != expected:
            if 0 < number < expected:
                return Abort.DUPLICATE_SEQUENCE, f"packet {number} came again, {expected} was due"
            return Abort.BAD_SEQUENCE, f"packet {number} came, {expected} was due"
        if not self._broadcast and number > self._granted:
            return Abort.BAD_SEQUENCE, f"packet {number} came before it was cleared to send"
        self._buffer += packet[1:]
        self._received = number
        self.deadline_s = now_s + T1_S
        return None

    def clear_to_send(self, now_s: float) -> list[Frame]:
        """What the sender must hear now: nothing, the next clear to send, or the end-of-message acknowledgement."""
        if self._broadcast or self._received < self._granted:
            return []
        if self.complete:
            head = bytes((END, self._size & 0xFF, self._size >> 8, self._packets, 0xFF))
            return [control_frame(self._address, self._source, head, self.pgn)]
        count = min(self._window, self._packets - self._received)
        self._granted += count
        self.deadline_s = now_s + T2_S
        head = bytes((CTS, count, self._received + 1, 0xFF, 0xFF))
        return [control_frame(self._address, self._source, head, self.pgn)]
