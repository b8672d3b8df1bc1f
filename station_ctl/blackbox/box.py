"""The black box: keeps every cycle in its ring, sees a trip, and has the ring written behind the cycle's back.

A trip opens a file. It is written at once, and again AFTER_S later, when it also holds what came after. A trip in that
time is added to the same file, which is written again at once and stays open longer, but at most LONGEST_S; the next
trip then opens another file. A disk that refuses is tried again every AFTER_S, as long. The file of a trip that nobody
has cleared yet is deleted for no other one's sake.
"""

from __future__ import annotations

import hashlib
import logging
from concurrent.futures import Executor
from importlib import resources

from station_ctl import __version__
from station_ctl.blackbox import file, store
from station_ctl.blackbox.ring import Ring
from station_ctl.blackbox.trip import PLANNED, trip, uncleared
from station_ctl.blackbox.writer import Counters, Open, Writer
from station_ctl.config import Config
from station_ctl.cycle import Cycle
from station_ctl.deciders import Deciders
from station_ctl.wall_clock import utc_text

log = logging.getLogger(__name__)

AFTER_S = 10.0
LONGEST_S = 60.0
TABLES = (
    ("safety", "cause_and_effect.toml"),
    ("charging", "charging.toml"),
    ("charging", "pack_limits.toml"),
    ("thermal", "limits.toml"),
)
TRIPS = 50  # of one file; more are not listed


class BlackBox:
    """Of one station. worker: packs and writes, one piece at a time, in order."""

    def __init__(self, config: Config, deciders: Deciders, worker: Executor) -> None:
        section, period_s = config.blackbox, config.station.period_ms / 1000
        most = round(2 * section.minutes * 60 / period_s)
        self._config = config
        self._writer = Writer(config, worker)
        self._ring = Ring(section.minutes * 60, most, deciders.dump, worker)
        self._before: Cycle | None = None
        self._open: Open | None = None
        self._evidence: Open | None = None  # the file of the first trip since somebody has cleared
        self._boot = True  # nobody has cleared since the start
        self._asked = ""
        self._now_s = 0.0
        self._table = table_sha256()
        self._off = False

    @property
    def counters(self) -> Counters:
        """What became of the files."""
        return self._writer.counters

    @property
    def trouble(self) -> str:
        """Why evidence may be missing, '' if the last file was written, or none had to be."""
        return self.counters.trouble

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
        tripped = trip(self._before, cycle)
        why, self._asked = tripped or self._asked, ""
        self._before = cycle
        if why:
            self._tripped(why)
        if tripped and self._evidence is None:
            self._evidence = self._open
        elif uncleared(cycle) is False:
            self._evidence, self._boot = None, False
        self._go_on()

    def ask(self, who: str) -> None:
        """A person wants the last minutes on disk; they are written with the next cycle."""
        self._asked = f"asked by {who}"

    async def close(self) -> None:
        """Write the last minutes before the service ends; a second of a slow disk is waited for."""
        last = Open(f"{self._config.station.id}-{PLANNED}", self._now_s, self._now_s, [f"{utc_text()} {PLANNED}"])
        last.path = self._writer.folder / f"{last.name}{store.SUFFIX}"  # only the last of these is of interest
        if self._open is not None:  # what came after its trip
            self._write(self._open)
        self._write(last)
        await self._writer.end(1.0)

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
        missed = self._writer.heard(self._now_s)
        if missed is not None and self._open is None and self._now_s - missed.since_s < LONGEST_S:
            self._open, missed.until_s = missed, self._now_s + AFTER_S
        opened = self._open
        if opened is None or self._writer.busy:
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
        self._writer.write(opened, head, self._ring.chunks(), self._now_s, self._evidence, self._boot)


def table_sha256() -> str:
    """Which tables the deciders of this release run: causes of motion and of charging, limits of the thermal watch."""
    data = [resources.files(f"station_ctl.{room}").joinpath(name).read_bytes() for room, name in TABLES]
    return hashlib.sha256(b"".join(data)).hexdigest()
