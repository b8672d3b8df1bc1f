"""The ring: the last minutes of cycles, packed behind the cycle in chunks that can each be read alone.

Kept as Python objects, six thousand cycles would be a long walk for every garbage collection; packed, they are about
one or two megabytes of bytes. Packing is done by a worker, so a cycle pays for an append only.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import pairwise

from station_ctl.blackbox.blocks import CHUNK, block
from station_ctl.blackbox.codec import Codec
from station_ctl.blackbox.kinds import UNCHANGED
from station_ctl.cycle import Cycle
from station_ctl.deciders import Memory

CHUNK_CYCLES = 100
"""Cycles of one chunk: 5 s at the default period."""
MOST_BYTES = 32_000_000
"""Twenty times what five minutes of a station with fourteen packs take; whatever the wires do, not more is kept."""
BREATH = 8
"""After so many cycles the packing lets others run: about 2 ms."""
BEHIND = 12
"""A worker that is so many chunks behind (a minute) hangs: what comes then is not kept, and counted."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A chunk that is packed, or will be. until_s: event-loop time of its last cycle."""

    cycles: int
    until_s: float
    data: Future[bytes]


class Ring:
    """Keeps at least the last `kept_s` seconds, but never more than `most` cycles and MOST_BYTES.

    dump: what the deciders remember now. lost: cycles not kept, since the worker hung.
    """

    def __init__(self, kept_s: float, most: int, dump: Callable[[], Mapping[str, Memory]], worker: Executor) -> None:
        self._kept_s, self._most, self._dump, self._worker = kept_s, most, dump, worker
        self._codec = Codec()
        self._kind = self._codec.of(Cycle)
        self._chunks: deque[Packed] = deque()
        self._open: list[Cycle] = []
        self._memory = dump()
        self._number = 0
        self._now_s = 0.0
        self.lost = 0

    @property
    def fields(self) -> dict[str, list[str]]:
        """The schema of what is packed."""
        return self._codec.written

    def add(self, cycle: Cycle, now_s: float) -> None:
        """Keep one cycle, of this event-loop time. It must not be changed afterwards."""
        self._open.append(cycle)
        self._now_s = now_s
        if len(self._open) >= CHUNK_CYCLES:
            self._seal()

    def chunks(self) -> list[Future[bytes]]:
        """All that is kept; the worker has packed each of them before anything it is given after this call."""
        self._seal()
        return [packed.data for packed in self._chunks]

    def _seal(self) -> None:
        cycles, self._open = self._open, []
        if not cycles:
            return
        memory, self._memory = self._memory, self._dump()
        number, self._number = self._number, self._number + 1
        if sum(not packed.data.done() for packed in self._chunks) >= BEHIND:
            self.lost += len(cycles)
            return
        data = self._worker.submit(self._pack, number, memory, cycles)
        self._chunks.append(Packed(len(cycles), self._now_s, data))
        while self._now_s - self._chunks[0].until_s > self._kept_s or self._too_much():
            self._chunks.popleft()

    def _too_much(self) -> bool:
        packed = (chunk.data for chunk in self._chunks if chunk.data.done() and chunk.data.exception() is None)
        size = sum(len(data.result()) for data in packed)
        return sum(chunk.cycles for chunk in self._chunks) > self._most or size > MOST_BYTES

    def _pack(self, number: int, memory: Mapping[str, Memory], cycles: Sequence[Cycle]) -> bytes:
        """In the worker. It lets go every few ms, so that the control cycle does not wait for the interpreter."""
        written = [self._kind.write(cycles[0])]
        for index, (before, after) in enumerate(pairwise(cycles)):
            change = self._kind.change(before, after)
            written.append(None if change is UNCHANGED else change)
            if index % BREATH == 0:
                time.sleep(0)
        return block(CHUNK, {"number": number, "memory": memory, "cycles": written})
