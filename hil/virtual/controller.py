"""The production service on the virtual ground, with the life of a process: it is started, stopped, and killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from drivers import tasks
from drivers.systemd import Notifier
from hil.faults.disk import copy_as_cut
from hil.virtual.cabling import Cabling
from hil.virtual.network import Network
from hil.virtual.process import AtOnce, Process, WatchedJournal
from hil.watch.answers import Life
from station_ctl.config import Config
from station_ctl.journal import JournalError
from station_ctl.service import serve
from station_ctl.swap.restart import recovered
from station_ctl.wires import Wires
from station_ctl.wiring import Service, build

FULL = 2
"""SQLite's PRAGMA synchronous: each commit waits until the disk has it."""
BY_ITSELF = "the service ended by itself"
RESTART_S = 1.0
"""systemd's RestartSec of the service, and what its start takes."""


class Controller:
    """The service of one station. lives: each of its starts. tell: what was found wrong with it.

    on_start is called with each service before it runs.
    """

    def __init__(
        self,
        config: Config,
        network: Network,
        cabling: Cabling,
        on_start: Callable[[Service], None],
        tell: Callable[[str, str], None],
    ) -> None:
        self.service: Service | None = None
        self.lives: list[Life] = []
        self._config, self._network, self._cabling = config, network, cabling
        self._on_start, self._tell = on_start, tell
        self._process = Process(cabling.disk, cabling.io)
        self.journal = WatchedJournal(self._path)
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._starting = False

    @property
    def _path(self) -> Path:
        return Path(self._config.station.journal)

    @property
    def starts(self) -> int:
        """Its lives so far."""
        return len(self.lives)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._task is not None and not self._task.done()

    def reconfigure(self, config: Config) -> None:
        """Somebody edits station.toml: the next start reads this. The journal's path stays."""
        self._config = config

    async def start(self) -> None:
        """Start from what the journal holds; tried again every second while the disk refuses, as systemd does."""
        if self.alive or self._starting:
            return
        self._starting = True
        self._ended()
        try:
            await self._start()
        finally:
            self._starting = False

    async def _start(self) -> None:
        while True:
            self._process = Process(self._cabling.disk, self._cabling.io)
            journal = WatchedJournal(self._path, self._process)
            try:
                await journal.open()
                restored = await journal.restore()
                break
            except JournalError:
                await asyncio.sleep(RESTART_S)
        if journal.synchronous != FULL:
            self._tell("the journal does not wait for its disk", f"synchronous = {journal.synchronous}")
        self.lives.append(Life(asyncio.get_running_loop().time()))
        process = self._process
        wires = Wires(
            lambda s: self._cabling.segments[s.name].renew(),
            self._cabling.broker.session,
            f"boot-{self.starts}",
            lambda: AtOnce(process),
        )
        self.service = build(self._config, journal, recovered(restored), Notifier(""), wires)
        self._on_start(self.service)
        self.journal = journal
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(serve(self.service, self._stop), name=f"service {self.starts}")

    def power_lost(self) -> None:
        """From this instant nothing of this life reaches the disk; `kill` has to follow."""
        self._process.dead = True

    async def kill(self, *, tear: bool = False) -> None:
        """A power cut of the station's PC. Every way out is cut first, so that no clean-up reaches a wire or the disk.

        tear: the last write to the journal was only half done.
        """
        self._ended()
        task, self._task, self.service = self._task, None, None
        if task is None:
            return
        self._process.dead = True
        self._over(cut=True)
        for segment in self._cabling.segments.values():
            segment.renew()
        self._cabling.broker.kill(f"station-{self._config.station.id}")
        self._network.lose_power(self._config.robot.host, self._config.robot.port)
        await tasks.end(task)
        await self._leave_disk(tear)

    async def _leave_disk(self, tear: bool) -> None:
        """The files as they are at this instant, without the tidying up that closing does."""
        cut = self._path.with_name("cut.db")
        copy_as_cut(self._path, cut)
        self._process.dead = False
        await self.journal.close()
        if tear:
            self._cabling.disk.tear(cut)
        copy_as_cut(cut, self._path)

    async def stop(self) -> None:
        """SIGTERM: it ends in order."""
        self._ended()
        task, self._task, self.service = self._task, None, None
        if task is None:
            return
        self._stop.set()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tell(BY_ITSELF, repr(error))
        self._over(cut=False)
        await self.journal.close()

    def _ended(self) -> None:
        """If the service has ended with nobody asking for it, tell so."""
        task = self._task
        if task is None or not task.done():
            return
        self._tell(BY_ITSELF, "cancelled" if task.cancelled() else repr(task.exception()))
        self._over(cut=True)
        self._task = None

    def _over(self, *, cut: bool) -> None:
        life = self.lives[-1]
        life.ended_s, life.cut = asyncio.get_running_loop().time(), cut
        life.disk_failed = self._process.failed
