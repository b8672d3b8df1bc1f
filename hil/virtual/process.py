"""One life of the controller as a process: what it asks of the disk, and its journal, watched."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from hil.faults.disk import Disk
from hil.virtual.io import Io
from station_ctl.journal import Entry, Journal, JournalError
from station_ctl.model.state import StationState


class Process(Executor):
    """One life of the controller as its disk sees it: once dead, nothing it asks for is done, or ever answered.

    failed: whether the disk has refused anything.
    """

    def __init__(self, disk: Disk, io: Io) -> None:
        self.dead = self.failed = False
        self._disk, self._io = disk, io

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As the disk's, while alive."""
        if self.dead:
            return Future()
        failed = self._io.fails("journal")
        if self.dead:  # it died at this very operation, before it was done
            return Future()
        outcome = _failed() if failed else self._disk.submit(fn, *args, **kwargs)
        self._io.done()
        if self.dead:  # it was done, and nobody is left to be told
            return Future()
        self.failed |= isinstance(outcome.exception(), sqlite3.Error) if outcome.done() else False
        return outcome

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is ever under way."""


class AtOnce(Executor):
    """Works for the black box in its caller, while the process lives; no fault of the journal's disk is spent on it."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The outcome of a call that is done at once; one that never comes if the process is dead."""
        outcome: Future[Any] = Future()
        if self._process.dead:
            return outcome
        try:
            outcome.set_result(fn(*args, **kwargs))
        except Exception as e:  # noqa: BLE001 - an executor hands over whatever its work raised
            outcome.set_exception(e)
        return outcome

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is ever under way."""


def _failed() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(sqlite3.OperationalError("disk I/O error"))
    return future


class WatchedJournal(Journal):
    """The production journal. ahead: the state written, or being written, since the last cycle ended.

    behind: an entry has failed since the last good one. synchronous: SQLite's level when it was opened.
    """

    ahead: StationState | None = None
    behind = False
    synchronous = 0

    def _open(self) -> None:
        super()._open()
        self.synchronous = int(self._database().execute("PRAGMA synchronous").fetchone()[0])

    async def append(self, entry: Entry) -> None:
        """As the journal's."""
        self.ahead = entry.state
        try:
            await super().append(entry)
        except JournalError:
            self.behind = True
            raise
        self.behind = False
