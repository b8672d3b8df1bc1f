"""The black box: keeps every cycle in its ring, sees a trip, and has the ring written behind the cycle's back.

A trip opens a file. It is written at once, and again AFTER_S later, when it also holds what came after. A trip in that
time is added to the same file, which is written again at once and stays open longer, but at most LONGEST_S; the next
trip then opens another file. A disk that refuses is tried again every AFTER_S, as long.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from station_ctl import __version__
from station_ctl.blackbox import file, store
from station_ctl.blackbox.ring import Ring
from station_ctl.blackbox.trip import PLANNED, trip
from station_ctl.config import Config
from station_ctl.cycle import Cycle, Deciders
from station_ctl.wall_clock import utc_text

log = logging.getLogger(__name__)

AFTER_S = 10.0
LONGEST_S = 60.0
TABLES = (("safety", "cause_and_effect.toml"), ("charging", "charging.toml"), ("thermal", "limits.toml"))
TRIPS = 50  # of one file; more are not listed


@dataclass(slots=True)
class Open:
    """The file of a trip while it may still grow. path: None until the worker has found a name."""

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


class BlackBox:
    """Of one station. worker: packs and writes, one piece at a time, in order."""

    def __init__(self, config: Config, deciders: Deciders, worker: Executor) -> None:
        section, period_s = config.blackbox, config.station.period_ms / 1000
        most = round(2 * section.minutes * 60 / period_s)
        self.counters = Counters()
        self._config, self._worker = config, worker
        self._folder = Path(section.folder) if section.folder else Path(config.station.journal).parent / "blackbox"
        self._ring = Ring(section.minutes * 60, most, deciders.dump, worker)
        self._before: Cycle | None = None
        self._open: Open | None = None
        self._under_way: Open | None = None
        self._writing: Future[None] | None = None
        self._asked = ""
        self._now_s = 0.0
        self._table = table_sha256()
        self._off = False

    @property
    def lost(self) -> int:
        """Cycles not kept."""
        return self._ring.lost

    def cycle(self, cycle: Cycle) -> None:
        """Keep a cycle, and have the ring written if it is a trip. For Runner.on_end: does not raise, does not wait."""
        if self._off:
            return
        try:
            self._keep(cycle)
        except Exception as e:  # a defect of the recorder is none of the station
            log.exception("the black box failed; it is off until the next start")
            self.counters.failed += 1
            self.counters.trouble = f"off: {type(e).__name__}: {e}"
            self._off = True

    def _keep(self, cycle: Cycle) -> None:
        if cycle.seen is not None:
            self._now_s = cycle.seen.snapshot.now_s
        self._ring.add(cycle, self._now_s)
        why, self._asked = trip(self._before, cycle) or self._asked, ""
        self._before = cycle
        if why:
            self._tripped(why)
        if self._open is not None or self._writing is not None:
            self._go_on()

    def ask(self, who: str) -> None:
        """A person wants the last minutes on disk; they are written with the next cycle."""
        self._asked = f"asked by {who}"

    async def close(self) -> None:
        """Write the last minutes before the service ends; a second of a slow disk is waited for."""
        last = Open(f"{self._config.station.id}-{PLANNED}", self._now_s, self._now_s, [f"{utc_text()} {PLANNED}"])
        last.path = self._folder / f"{last.name}{store.SUFFIX}"  # only the last of these is of interest
        if self._open is not None:  # what came after its trip
            self._write(self._open)
        self._write(last)
        if self._writing is not None:
            await asyncio.wait([asyncio.wrap_future(self._writing)], timeout=1.0)
            self._written()
        self._worker.shutdown(wait=False)

    def _tripped(self, why: str) -> None:
        if self._open is not None and self._open.why[-1].endswith(why):  # the same trip, told a cycle later
            return
        if self._open is None:
            name = f"{self._config.station.id}-{utc_text().replace(':', '')}"
            self._open = Open(name, self._now_s, 0.0)
        self._open.due = True
        self._open.until_s = min(self._now_s + AFTER_S, self._open.since_s + LONGEST_S)
        if len(self._open.why) < TRIPS:
            self._open.why.append(f"{utc_text()} {why}")

    def _go_on(self) -> None:
        """What is under way, what is due, and what is over."""
        if self._writing is not None and self._writing.done():
            self._written()
        opened = self._open
        if opened is None or self._writing is not None:
            return
        over = self._now_s >= opened.until_s
        if opened.due or over:
            opened.due = False
            self._write(opened)
            self._open = None if over else opened

    def _write(self, opened: Open) -> None:
        head = file.Head(
            format=file.FORMAT,
            release=__version__,
            station=self._config.station.id,
            at_utc=utc_text(),
            why=tuple(opened.why),
            config=self._config.model_dump(mode="json"),
            table_sha256=self._table,
            fields=self._ring.fields,
        )
        self._under_way = opened
        self._writing = self._worker.submit(self._to_disk, opened, head, self._ring.chunks())

    def _to_disk(self, opened: Open, head: file.Head, chunks: Sequence[Future[bytes]]) -> None:
        """In the worker, after all chunks were packed by it."""
        path = opened.path or store.unused(self._folder, opened.name)
        packed = [chunk.result(0) for chunk in chunks if chunk.exception(0) is None]
        self.counters.unpacked = len(chunks) - len(packed)
        store.write(path, file.make(head, packed))
        opened.path = path
        section = self._config.blackbox
        store.prune(self._folder, path, section.files, section.size_mb)

    def _written(self) -> None:
        """Hear how the writing went; the cycle goes on in any case."""
        done, self._writing = self._writing, None
        error = done.exception() if done is not None and done.done() else TimeoutError("the disk does not answer")
        if error is None:
            self.counters.written += 1
            self.counters.trouble = ""
            return
        self.counters.failed += 1
        self.counters.trouble = f"{type(error).__name__}: {error}"
        log.error("black box not written in %s: %s", self._folder, self.counters.trouble)
        opened = self._under_way
        if self._open is None and opened is not None and self._now_s - opened.since_s < LONGEST_S:
            self._open, opened.until_s = opened, self._now_s + AFTER_S


def table_sha256() -> str:
    """Which tables the deciders of this release run: causes of motion and of charging, limits of the thermal watch."""
    data = [resources.files(f"station_ctl.{room}").joinpath(name).read_bytes() for room, name in TABLES]
    return hashlib.sha256(b"".join(data)).hexdigest()
