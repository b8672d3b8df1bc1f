"""How a multi-packet message breaks on the bus (J1939-21)."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from drivers.can_frame import Frame
from drivers.j1939 import GLOBAL_ADDRESS, TP_CM, parse_id
from drivers.transport_wire import BAM, BAM_GAP_S, RTS, Abort, abort_frame, pgn_of

OVERTAKEN_S = 1.5 * BAM_GAP_S
"""A packet that is late by this comes after the next one, of a broadcast too."""


class Sessions:
    """The transport sessions that nodes have begun, and what was done to them."""

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self._groups: dict[tuple[int, int], int] = {}
        self._aborted: set[tuple[int, int]] = set()
        self._late: set[tuple[int, int]] = set()

    def follow(self, frame: Frame) -> tuple[int, int]:
        """The parameter group a frame is about, and its packet's number (0: no data packet)."""
        _, pgn, destination, source = parse_id(frame.can_id)
        key, data = (source, destination), frame.data
        if pgn == TP_CM and len(data) == 8 and data[0] in (RTS, BAM):
            self._groups[key] = pgn_of(data)
            self._aborted.discard(key)
        return self._groups.get(key, 0), data[0] if pgn != TP_CM and data else 0

    def broken(
        self, packet: Frame, how: Literal["missing", "reordered", "aborted"], hit: bool, destination: int
    ) -> tuple[tuple[float, Frame], ...]:
        """What comes of a data packet. A broadcast cannot be aborted: its packet is missing then."""
        source = parse_id(packet.can_id).source
        key = (source, destination)
        if how == "reordered":
            return ((self._late_s(key, hit), packet),)
        if how == "aborted" and destination != GLOBAL_ADDRESS:
            return self._abort(key, packet, hit)
        if not hit:
            return ((0.0, packet),)
        self._counters["missing"] += 1
        return ()

    def _late_s(self, key: tuple[int, int], hit: bool) -> float:
        """How late a packet comes; never two in a row, or they would be in order again."""
        if not hit or key in self._late:
            self._late.discard(key)
            return 0.0
        self._late.add(key)
        self._counters["reordered"] += 1
        return OVERTAKEN_S

    def _abort(self, key: tuple[int, int], packet: Frame, hit: bool) -> tuple[tuple[float, Frame], ...]:
        if key in self._aborted:
            return ()
        if not hit:
            return ((0.0, packet),)
        self._aborted.add(key)
        self._counters["aborted"] += 1
        return ((0.0, abort_frame(*key, self._groups.get(key, 0), Abort.RESOURCES)),)
