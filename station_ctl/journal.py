"""What must survive a power cut: the station's state, intents, events, swap records, commands. SQLite, WAL, FULL.

All access is in one worker thread of its own, so a commit never blocks the control cycle's loop; a caller that awaits
an append knows it is on disk. Readers of another process may open the file read-only at any time.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from drivers.errors import StationError
from drivers.robot_protocol import RobotCommand
from station_ctl.alarms.record import Record, Remembered, State, Transition
from station_ctl.model import Event, PackML, Parking, Reason, StationState, Swap
from station_ctl.sqlite_check import differing
from station_ctl.swap.kept import contradiction
from station_ctl.wall_clock import utc_text

VERSION = 2
COMMANDS_KEPT = 10_000

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), at_utc TEXT NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS intent (
    id INTEGER PRIMARY KEY, at_utc TEXT NOT NULL, sequence INTEGER NOT NULL, step TEXT NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, at_utc TEXT NOT NULL, code TEXT NOT NULL, severity TEXT NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS swap (swap_id TEXT PRIMARY KEY, at_utc TEXT NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS command (
    id TEXT PRIMARY KEY, at_utc TEXT NOT NULL, verb TEXT NOT NULL, issuer TEXT NOT NULL, verdict TEXT NOT NULL);
"""
_ALARMS = """
CREATE TABLE IF NOT EXISTS alarm (id TEXT PRIMARY KEY, at_utc TEXT NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alarm_log (
    number INTEGER PRIMARY KEY, at_utc TEXT NOT NULL, id TEXT NOT NULL, cause TEXT NOT NULL, before TEXT NOT NULL,
    after TEXT NOT NULL, by TEXT NOT NULL, json TEXT NOT NULL);
"""
_UPGRADES = (_SCHEMA, _ALARMS)
"""What leads from each version of the schema to the next."""

_STATE = TypeAdapter(StationState)
_COMMAND = TypeAdapter(RobotCommand)
_EVENT = TypeAdapter(Event)
_SWAP = TypeAdapter(Swap)
_ALARM = TypeAdapter(Record)

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


def stable(state: StationState) -> StationState:
    """The part of the state that outlives a restart: no times, no reasons, nothing pending."""
    return replace(
        state,
        reason=None,
        manual=None,
        pending=None,
        last=None,
        motions_seen=None,
        step_since_s=0.0,
        state_since_s=0.0,
        refused_since_s=None,
        done_since_s=None,
        parking=Parking(),
        charging={},
        shutting_down=False,
    )


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
            state = _STATE.validate_json(row[0])
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
        await self._run(lambda: self._record(row))

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
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._db = db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA busy_timeout = 2000")
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if not 0 <= found <= VERSION:
            raise self._error("is of a newer release", f"schema {found}, this release knows {VERSION}")
        for version, script in enumerate(_UPGRADES[found:], found + 1):
            db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {version}; COMMIT;")
        if table := differing(db, _UPGRADES):
            raise self._error("is damaged", f"table {table} is not as it was made")
        self.alarms = self._remembered(db)

    def _remembered(self, db: sqlite3.Connection) -> Remembered:
        """Alarms as they stood. One that cannot be read is told anew when its condition stands: the safe side."""
        number = db.execute("SELECT coalesce(max(number), 0) FROM alarm_log").fetchone()[0]
        records = []
        for identifier, text in db.execute("SELECT id, json FROM alarm ORDER BY rowid"):
            try:
                records.append(_ALARM.validate_json(text))
            except ValidationError as e:
                log.warning("%s: alarm %s cannot be read: %s", self._path, identifier, e.errors()[0]["msg"])
        return Remembered(tuple(records), number)

    def _append(self, entry: Entry) -> None:
        at = utc_text()
        state, intent, swap = stable(entry.state), entry.intent, entry.finished
        db = self._database()
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?)", (at, _STATE.dump_json(state).decode()))
            if intent is not None:
                row = (at, intent.sequence, state.step, _COMMAND.dump_json(intent).decode())
                db.execute("INSERT INTO intent (at_utc, sequence, step, json) VALUES (?, ?, ?, ?)", row)
            rows = [(at, e.code, e.severity, _EVENT.dump_json(e).decode()) for e in entry.events]
            db.executemany("INSERT INTO event (at_utc, code, severity, json) VALUES (?, ?, ?, ?)", rows)
            _write_alarms(db, entry.alarms)
            if swap is not None:
                db.execute(
                    "INSERT OR REPLACE INTO swap VALUES (?, ?, ?)", (swap.id, at, _SWAP.dump_json(swap).decode())
                )
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    def _record(self, row: tuple[str, str, str, str, str]) -> None:
        db = self._database()
        sql = "INSERT INTO command (id, at_utc, verb, issuer, verdict) VALUES (?, ?, ?, ?, ?)"
        # an update keeps the row's place in the window; a replaced row would push older commands out
        db.execute(f"{sql} ON CONFLICT (id) DO UPDATE SET at_utc = excluded.at_utc, verdict = excluded.verdict", row)
        db.execute("DELETE FROM command WHERE rowid <= (SELECT max(rowid) FROM command) - ?", (COMMANDS_KEPT,))


def _write_alarms(db: sqlite3.Connection, transitions: Sequence[Transition]) -> None:
    for t in transitions:
        text = _ALARM.dump_json(t.record).decode()
        row = (t.number, t.at, t.record.id, t.trigger, t.before, t.after, t.by, text)
        db.execute("INSERT OR IGNORE INTO alarm_log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        if t.after is State.NORMAL:
            db.execute("DELETE FROM alarm WHERE id = ?", (t.record.id,))
        else:
            db.execute("INSERT OR REPLACE INTO alarm VALUES (?, ?, ?)", (t.record.id, t.at, text))


def recovered(state: StationState | None) -> StationState:
    """The state to start in: always Aborted until a person confirms, with what was open still open."""
    if state is None:
        return StationState(reason=Reason("first_start", "first start: a person has to clear before anything moves"))
    return replace(
        stable(state),
        packml=PackML.ABORTED,
        authorisation=state.authorisation if state.swap else None,  # how old an unused one is, is no longer known
        reason=Reason("restarted", _what_was_open(state)),
    )


def _what_was_open(state: StationState) -> str:
    swap, evacuation = state.swap, state.evacuation
    hot = ""
    if evacuation is not None:
        pack = f"pack {evacuation.serial or 'of unknown serial'} of {evacuation.source}"
        hot = f" An evacuation of {pack} to isolation bay {evacuation.isolation} is open ({evacuation.why})."
    if swap is None:
        where = f" in step {state.step}" if evacuation else ""
        return f"controller restarted{where}; no swap was open.{hot} A person has to clear before anything moves"
    done = ", ".join(f"mount {n}" for n in swap.installed) or "none"
    under_way = f"mount {swap.exchange.mount}: {swap.exchange.serial_out} out, {swap.exchange.serial_in} in"
    return (
        f"controller restarted in step {state.step} of swap {swap.id} ({under_way}; done: {done}).{hot} "
        "A person has to clear before anything moves"
    )
