"""One end of a TCP connection in memory: it keeps the order of its bytes, takes time, and ends as the real ones do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hil.faults.modbus import Passage

LATENCY_S = 0.0003
"""One way on a station's own switch (a round trip of 0.6 ms was measured there, without the PLC's answer time)."""
IN_ORDER_S = 1e-6
"""asyncio's timers that are due at the same instant come in any order; bytes do not."""
Address = tuple[str, int]


class Transport(asyncio.Transport):
    """One end of a connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any, own: Address, other: Address) -> None:
        super().__init__({"peername": other, "sockname": own, "socket": None})
        self.peer: Transport | None = None
        self.passes: Callable[[bytes, float], Passage] | None = None
        self._loop, self._protocol = loop, protocol
        self._closing = False
        self._free_s = 0.0  # when the last bytes sent arrive: later ones do not overtake them
        self._paused = False
        self._held: list[bytes] = []

    def write(self, data: Any) -> None:
        """Send; what is written to a connection that has ended is lost, as on a real one."""
        if self._closing or not data:
            return
        frame, now_s = bytes(data), self._loop.time()
        if self.passes is None:
            self._forward(frame, now_s)
            return
        passage = self.passes(frame, now_s)
        for delay_s, what in passage.forward:
            self._forward(what, now_s + delay_s)
        for what in passage.back:
            self._loop.call_at(now_s + LATENCY_S, self._receive, what)
        if passage.cut:
            self.abort()

    def _forward(self, frame: bytes, from_s: float) -> None:
        peer = self.peer
        if peer is not None:
            self._free_s = max(self._free_s + IN_ORDER_S, from_s + LATENCY_S)
            self._loop.call_at(self._free_s, peer._receive, frame)  # noqa: SLF001  # the other end of the same wire

    def _receive(self, frame: bytes) -> None:
        if self._closing:
            return
        if self._paused:
            self._held.append(frame)
        else:
            self._protocol.data_received(frame)

    def close(self) -> None:
        """End in order: the other end gets what is under way, then the end."""
        if not self._closing:
            peer = self.peer
            self._end(None)
            if peer is not None:
                self._loop.call_at(max(self._free_s + IN_ORDER_S, self._loop.time() + LATENCY_S), peer._ended)  # noqa: SLF001

    def abort(self) -> None:
        """End at once, on both sides: what was under way is lost."""
        peer = self.peer
        self._end(None)
        if peer is not None:
            peer._end(ConnectionResetError("connection reset by peer"))  # noqa: SLF001

    def lose_power(self) -> None:
        """This end is gone at once; what it has sent still arrives, then the other end fails."""
        peer = self.peer
        self._end(None)
        if peer is not None:
            why = ConnectionResetError("connection reset by peer")
            arrived_s = max(self._free_s + IN_ORDER_S, self._loop.time() + LATENCY_S)
            self._loop.call_at(arrived_s, peer._end, why)  # noqa: SLF001

    def _ended(self) -> None:
        if not self._closing:
            self._protocol.eof_received()
            self._end(None)

    def _end(self, why: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, why)

    def is_closing(self) -> bool:
        """Whether this end has ended."""
        return self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Who gets the bytes from now on."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who gets the bytes."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def pause_reading(self) -> None:
        """Keep what arrives."""
        self._paused = True

    def resume_reading(self) -> None:
        """Hand on what was kept, and what comes."""
        self._paused = False
        held, self._held = self._held, []
        for frame in held:
            self._receive(frame)

    def is_reading(self) -> bool:
        """Whether bytes are handed on."""
        return not self._paused and not self._closing

    def get_write_buffer_size(self) -> int:
        """Nothing waits on this side."""
        return 0

    def can_write_eof(self) -> bool:
        """Half-closed connections are not used here."""
        return False
