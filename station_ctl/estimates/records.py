"""The packs' records on disk, read and written behind the cycle's back, in order, by one worker."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from concurrent.futures import Executor, Future
from pathlib import Path

from station_ctl.soc import record
from station_ctl.soc.record import Record

log = logging.getLogger(__name__)

MOST_WAITING = 64
"""Records that wait for a slow disk; one more is not written but counted, and its pack's turn comes again."""


class Records:
    """One folder. failed: records not written since the start; trouble: what the disk said last, '' once it took one.

    worker: does one piece after the other, in order; it belongs to this object.
    """

    def __init__(self, folder: Path, pack_type: str, worker: Executor) -> None:
        self.folder, self._type, self._worker = folder, pack_type, worker
        self._waiting: deque[Future[None]] = deque()
        self.failed = 0
        self.trouble = ""

    def load(self, serial: str) -> Future[Record | str]:
        """Begin to read a pack's record; the outcome is the record, or why there is none."""
        return self._worker.submit(record.load, self.folder, serial, self._type)

    def save(self, kept: Record) -> None:
        """Have a record written. Does not wait and does not raise."""
        self.look()
        if len(self._waiting) >= MOST_WAITING:
            self._lost("the disk does not answer")
            return
        self._waiting.append(self._worker.submit(record.save, self.folder, kept))

    def look(self) -> None:
        """How the writing went."""
        while self._waiting and self._waiting[0].done():
            error = self._waiting.popleft().exception()
            if error is not None:
                self._lost(f"{type(error).__name__}: {error}")
            else:
                self.trouble = ""

    async def close(self, timeout_s: float) -> None:
        """Wait for what is to be written, so long at most, and let the worker go."""
        if self._waiting:
            await asyncio.wait([asyncio.wrap_future(one) for one in self._waiting], timeout=timeout_s)
        self.look()
        self._worker.shutdown(wait=False)

    def _lost(self, why: str) -> None:
        self.failed += 1
        if why != self.trouble:
            log.error("a pack's record was not written in %s: %s", self.folder, why)
        self.trouble = why
