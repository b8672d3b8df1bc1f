"""What must survive a power cut: the station's state, intents, events, swap records, commands. SQLite, WAL, FULL.

All access is in one worker thread of its own, so a commit never blocks the control cycle's loop; a caller that awaits
an append knows it is on disk. Readers of another process may open the file read-only at any time.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from drivers.errors import StationError
from drivers.robot_protocol import RobotCommand
from station_ctl import journal_tables
from station_ctl.alarms.record import Remembered, Transition
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.model.words import Event
from station_ctl.swap.kept import contradiction
from station_ctl.swap.restart import stable
from station_ctl.wall_clock import utc_text

T = TypeVar("T")


class JournalError(StationError):
    """The journal cannot be opened, read or written; nothing may move on an intent that is not journalled."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one cycle has to write, in one transaction. alarms: in order; one that is there already is not doubled."""

    state: StationState
    intent: RobotCommand | None = None
    events: Sequence[Event] = ()
    finished: Swap | None = None
    alarms: Sequence[Transition] = ()


class Journal:
    """The journal file. `open` first, `close` last; between them every method may be called from the loop."""

    def __init__(self, path: Path, worker: Executor | None = None) -> None:
        """worker: works on the file, one piece at a time, in order; by default a thread of the journal's own."""
        self.alarms = Remembered()
        """What `open` found of the alarms."""
        self._path = path
        self._worker = worker or ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._db: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open or make the file. Raises JournalError for an unusable path, a broken file or a newer schema."""
        await self._run(self._open)

    async def close(self) -> None:
        """Finish what is under way and close the file."""
        await self._run(lambda: self._database().close())
        self._worker.shutdown(wait=True)

    async def append(self, entry: Entry) -> None:
        """Write one cycle's entry; on return it is on disk. Raises JournalError (then nothing of it was written)."""
        await self._run(lambda: self._append(entry))

    async def restore(self) -> StationState | None:
        """The last state written, None in a new file. Raises JournalError if it cannot be read."""
        row = await self._run(lambda: self._database().execute("SELECT json FROM state").fetchone())
        if row is None:
            return None
        if not isinstance(row[0], str | bytes):
            raise self._error("holds a state that cannot be read", f"it is no text but {row[0]!r}")
        try:
            state = journal_tables.STATE.validate_json(row[0])
        except ValidationError as e:
            raise self._error("holds a state that cannot be read", e.errors()[0]["msg"]) from e
        if wrong := contradiction(state):
            raise self._error("holds a state that cannot have been", wrong)
        return state

    async def seen(self, id: str) -> str | None:
        """The verdict recorded last for a command, as JSON; None: never seen."""
        sql = "SELECT verdict FROM command WHERE id = ?"
        row = await self._run(lambda: self._database().execute(sql, (id,)).fetchone())
        return str(row[0]) if row else None

    async def record(self, id: str, verb: str, verdict_json: str, issuer: str, at: datetime) -> None:
        """Write or replace a command's verdict; the oldest beyond 10,000 are forgotten."""
        row = (id, at.astimezone(UTC).isoformat(timespec="milliseconds"), verb, issuer, verdict_json)
        await self._run(lambda: journal_tables.write_command(self._database(), row))

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        except (sqlite3.Error, OSError, UnicodeError) as e:  # the last: damage that names its own bytes
            raise self._error("cannot be used", e) from e

    def _error(self, what: str, cause: object) -> JournalError:
        remedy = "check the disk and the file's owner; a broken file is to be moved aside, not deleted"
        return JournalError(what, where=str(self._path), value=str(cause), remedy=remedy)

    def _database(self) -> sqlite3.Connection:
        if self._db is None:
            raise self._error("is not open", "closed")
        return self._db

    def _open(self) -> None:
        self._db = db = journal_tables.opened(self._path)
        if wrong := journal_tables.brought_up(db):
            raise self._error(*wrong)
        self.alarms = journal_tables.remembered(db)

    def _append(self, entry: Entry) -> None:
        state, db = stable(entry.state), self._database()
        journal_tables.write(db, utc_text(), state, entry.intent, entry.events, entry.finished, entry.alarms)
