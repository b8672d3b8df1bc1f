"""Has black box files written behind the cycle's back, one at a time, and hears how it went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path

from station_ctl import whole_file
from station_ctl.blackbox import file, store
from station_ctl.blackbox.trip import PLANNED
from station_ctl.config import Config

log = logging.getLogger(__name__)

SLOW_S = 10.0
"""A disk that has not answered for so long is trouble, even if it does later."""


@dataclass(slots=True)
class Open:
    """A file while it may still grow. path: None until the worker has found a name. Times are event-loop seconds."""

    name: str
    since_s: float
    until_s: float
    why: list[str] = field(default_factory=list)
    due: bool = True
    path: Path | None = None


@dataclass(slots=True)
class Counters:
    """Files written and not written since the start; chunks that could not be packed (a defect).

    trouble: what the disk said last, '' once a file was written.
    """

    written: int = 0
    failed: int = 0
    unpacked: int = 0
    trouble: str = ""


class Writer:
    """Writes one file at a time; `heard` tells of the one that did not come about. worker: does it, in order."""

    def __init__(self, config: Config, worker: Executor) -> None:
        section = config.blackbox
        self.folder = Path(section.folder) if section.folder else Path(config.station.journal).parent / "blackbox"
        self.counters = Counters()
        self._section, self._worker = section, worker
        self._planned = f"{config.station.id}-{PLANNED}{store.SUFFIX}"
        self._of: Open | None = None
        self._writing: Future[None] | None = None
        self._since_s = 0.0
        self._earlier: Path | None = None
        self._looked = False

    @property
    def busy(self) -> bool:
        """Whether a file is being written."""
        return self._writing is not None

    def write(
        self,
        opened: Open,
        head: file.Head,
        chunks: Sequence[Future[bytes]],
        now_s: float,
        evidence: Open | None,
        boot: bool,
    ) -> None:
        """Begin to write. evidence: the file of the trip that nobody has cleared yet, it is not deleted; boot: nor is
        the last one of the life before, for nobody has cleared since the start.
        """
        self._of, self._since_s = opened, now_s
        self._writing = self._worker.submit(self._to_disk, opened, head, chunks, evidence, boot)

    def heard(self, now_s: float) -> Open | None:
        """Look how the writing goes; the file that could not be written, in the look that finds it so."""
        if self._writing is None:
            return None
        if not self._writing.done():
            if now_s - self._since_s > SLOW_S:
                self.counters.trouble = f"the disk has not answered for {SLOW_S:g} s"
            return None
        done, self._writing = self._writing, None
        return self._of if self._failed(done.exception()) else None

    async def end(self, timeout_s: float) -> None:
        """Wait for what is being written, so long at most, and let the worker go."""
        if self._writing is not None:
            await asyncio.wait([asyncio.wrap_future(self._writing)], timeout=timeout_s)
            done, self._writing = self._writing, None
            self._failed(done.exception() if done.done() else TimeoutError("the disk does not answer"))
        self._worker.shutdown(wait=False)

    def _failed(self, error: BaseException | None) -> bool:
        if error is None:
            self.counters.written += 1
            self.counters.trouble = ""
            return False
        self.counters.failed += 1
        self.counters.trouble = f"{type(error).__name__}: {error}"
        log.error("black box not written in %s: %s", self.folder, self.counters.trouble)
        return True

    def _to_disk(
        self, opened: Open, head: file.Head, chunks: Sequence[Future[bytes]], evidence: Open | None, boot: bool
    ) -> None:
        """In the worker, after all chunks were packed by it."""
        if not self._looked:  # before the first file of this life
            self._earlier, self._looked = store.newest(self.folder, self._planned), True
        path = opened.path or store.unused(self.folder, opened.name)
        packed = [chunk.result(0) for chunk in chunks if chunk.exception(0) is None]
        self.counters.unpacked = len(chunks) - len(packed)
        whole_file.write(path, file.make(head, packed))
        opened.path = path
        kept = (path, evidence.path if evidence else None, self._earlier if boot else None)
        store.prune(self.folder, [one for one in kept if one is not None], self._section.files, self._section.size_mb)
