"""SAE J1939-21 transport protocol for one node, without I/O: frames and times in, messages and frames out.

Messages of 9..1785 bytes go point to point (RTS, CTS, data, end-of-message acknowledgement) or to all (BAM). A sequence
that breaks is dropped whole, with a reason; the sender's next period brings a new one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from drivers.can_frame import Frame
from drivers.j1939 import GLOBAL_ADDRESS, TP_CM, TP_DT, parse_id
from drivers.transport_receive import Reception, parse_request
from drivers.transport_send import Transmission
from drivers.transport_wire import ABORT, BAM, CTS, END, RTS, Abort, abort_frame, pgn_of

__all__ = ["Failure", "Message", "Output", "Transport"]


class Message(NamedTuple):
    """A message that arrived whole. destination is GLOBAL_ADDRESS for a broadcast."""

    pgn: int
    source: int
    destination: int
    data: bytes


class Failure(NamedTuple):
    """A sequence that broke. peer: the other node's address; reason: one clause for logs."""

    peer: int
    pgn: int
    reason: str


@dataclass(slots=True)
class Output:
    """What one call brought: frames to send in this order, messages complete, sequences broken."""

    frames: list[Frame] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class Transport:
    """The transport sessions of the node `address`.

    max_sessions: how many receptions may run at once (one for each source, point to point and broadcast apart);
    one more is refused with abort reason 2. Sends to one destination go one after the other; max_queued may wait.
    """

    def __init__(self, address: int, *, max_sessions: int = 64, max_queued: int = 8) -> None:
        self._address = address
        self._max_sessions = max_sessions
        self._max_queued = max_queued
        self._receptions: dict[tuple[int, int], Reception] = {}
        self._transmissions: dict[int, list[Transmission]] = {}

    @property
    def sessions(self) -> int:
        """Receptions under way."""
        return len(self._receptions)

    @property
    def next_s(self) -> float:
        """When `poll` will next have something to do; inf while nothing is under way."""
        deadlines_s = [reception.deadline_s for reception in self._receptions.values()]
        return min(deadlines_s + [queue[0].due_s for queue in self._transmissions.values()], default=math.inf)

    def receive(self, frame: Frame, now_s: float) -> Output:
        """Take one frame from the bus; frames that are not transport or not for this node do nothing."""
        out = Output()
        _, pgn, destination, source = parse_id(frame.can_id)
        if destination not in (self._address, GLOBAL_ADDRESS) or pgn not in (TP_CM, TP_DT):
            return out
        if len(frame.data) != 8:
            out.failures.append(Failure(source, pgn, f"transport frame of {len(frame.data)} bytes, not 8"))
        elif pgn == TP_DT:
            self._data(frame.data, source, destination, now_s, out)
        else:
            self._control(frame.data, source, destination, now_s, out)
        return out

    def send(self, pgn: int, destination: int, data: bytes, now_s: float) -> Output:
        """Begin to send `data` (9..1785 bytes) to a node, or to all with GLOBAL_ADDRESS.

        The first frame comes back at once, or later from `receive`/`poll` when others are before it; a full queue
        gives a Failure. Raises ValueError for a length the protocol cannot carry.
        """
        out = Output()
        queue = self._transmissions.setdefault(destination, [])
        if len(queue) > self._max_queued:
            out.failures.append(Failure(destination, pgn, "too many messages wait for this node"))
            return out
        queue.append(Transmission(self._address, destination, pgn, data))
        if len(queue) == 1:
            out.frames += queue[0].start(now_s)
        return out

    def forget(self, peer: int) -> None:
        """Drop all sessions with a node that went away."""
        self._transmissions.pop(peer, None)
        for key in [key for key in self._receptions if key[0] == peer]:
            del self._receptions[key]

    def poll(self, now_s: float) -> Output:
        """Time-outs and paced sending; call every 50 ms or so."""
        out = Output()
        for key, reception in list(self._receptions.items()):
            if now_s >= reception.deadline_s:
                self._break(key, reception, "time-out waiting for data", Abort.TIMEOUT, out)
        for destination in list(self._transmissions):
            self._poll_queue(destination, now_s, out)
        return out

    def _poll_queue(self, destination: int, now_s: float, out: Output) -> None:
        current = self._transmissions[destination][0]
        frames, failure = current.poll(now_s)
        out.frames += frames
        if failure:
            out.failures.append(Failure(destination, current.pgn, failure))
        if current.done:
            self._next(destination, now_s, out)

    def _next(self, destination: int, now_s: float, out: Output) -> None:
        queue = self._transmissions[destination]
        del queue[0]
        if queue:
            out.frames += queue[0].start(now_s)
        else:
            del self._transmissions[destination]

    def _control(self, data: bytes, source: int, destination: int, now_s: float, out: Output) -> None:
        kind = data[0]
        if kind in (RTS, BAM):
            if (kind == BAM) == (destination == GLOBAL_ADDRESS):
                self._request(data, source, destination, now_s, out)
            else:
                out.failures.append(Failure(source, pgn_of(data), "RTS to all or BAM to one node"))
        elif kind in (CTS, END, ABORT) and destination == self._address:
            self._answer(data, source, now_s, out)
        else:
            out.failures.append(Failure(source, pgn_of(data), f"unknown transport control {kind}"))

    def _request(self, data: bytes, source: int, destination: int, now_s: float, out: Output) -> None:
        key, pgn = (source, destination), pgn_of(data)
        running = self._receptions.get(key)
        refusal = parse_request(data)
        if running is not None and running.pgn != pgn and destination != GLOBAL_ADDRESS:
            refusal = (Abort.BUSY, "a second message while one is under way")
        elif running is None and len(self._receptions) >= self._max_sessions:
            refusal = (Abort.RESOURCES, "too many messages at once")
        if refusal is not None:
            out.failures.append(Failure(source, pgn, refusal[1]))
            if destination != GLOBAL_ADDRESS:
                out.frames.append(abort_frame(self._address, source, pgn, refusal[0]))
            return
        if running is not None:
            out.failures.append(Failure(source, running.pgn, "begun anew before it was complete"))
        self._receptions[key] = reception = Reception(data, self._address, source, destination, now_s)
        out.frames += reception.clear_to_send(now_s)

    def _data(self, data: bytes, source: int, destination: int, now_s: float, out: Output) -> None:
        key = (source, destination)
        reception = self._receptions.get(key)
        if reception is None:
            out.failures.append(Failure(source, 0, "data without a request"))
            return
        failure = reception.take(data, now_s)
        if failure is not None:
            self._break(key, reception, failure[1], failure[0], out)
            return
        out.frames += reception.clear_to_send(now_s)
        if reception.complete:
            del self._receptions[key]
            out.messages.append(Message(reception.pgn, source, destination, reception.data))

    def _answer(self, data: bytes, source: int, now_s: float, out: Output) -> None:
        pgn = pgn_of(data)
        if data[0] == ABORT:
            running = self._receptions.get((source, self._address))
            if running is not None and running.pgn == pgn:
                del self._receptions[(source, self._address)]
                out.failures.append(Failure(source, pgn, f"aborted by the sender, reason {data[1]}"))
                return
        current = next(iter(self._transmissions.get(source, ())), None)
        if current is None or current.pgn != pgn or current.destination != source:
            out.failures.append(Failure(source, pgn, "answer to nothing that was sent"))
            return
        frames, failure = current.answer(data, now_s)
        out.frames += frames
        if failure:
            out.failures.append(Failure(source, pgn, failure))
        if current.done:
            self._next(source, now_s, out)

    def _break(self, key: tuple[int, int], reception: Reception, reason: str, abort: Abort, out: Output) -> None:
        source, destination = key
        del self._receptions[key]
        out.failures.append(Failure(source, reception.pgn, reason))
        if destination != GLOBAL_ADDRESS:
            out.frames.append(abort_frame(self._address, source, reception.pgn, abort))
