"""The journal's file: its tables, what one cycle writes into them, and what is read again. Synchronous.

Every function works on an open connection and raises sqlite3.Error if the file does not take it.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from drivers.robot_protocol import RobotCommand
from station_ctl.alarms.record import Record, Remembered, State, Transition
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.model.words import Event
from station_ctl.sqlite_check import differing

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

STATE = TypeAdapter(StationState)
"""The state as JSON. A key that an older release did not write reads as the field's default: the safe side."""
_COMMAND = TypeAdapter(RobotCommand)
_EVENT = TypeAdapter(Event)
_SWAP = TypeAdapter(Swap)
_ALARM = TypeAdapter(Record)


def opened(path: Path) -> sqlite3.Connection:
    """Open or make the file: written ahead, and each commit waits for the disk. OSError for an unusable path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def brought_up(db: sqlite3.Connection) -> tuple[str, str] | None:
    """Bring the schema up to date; what the file is instead of a journal and how that shows, None if it is one."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA busy_timeout = 2000")
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if not 0 <= found <= VERSION:
        return "is of a newer release", f"schema {found}, this release knows {VERSION}"
    for version, script in enumerate(_UPGRADES[found:], found + 1):
        db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {version}; COMMIT;")
    table = differing(db, _UPGRADES)
    return ("is damaged", f"table {table} is not as it was made") if table else None


def remembered(db: sqlite3.Connection) -> Remembered:
    """Alarms as they stood. One that cannot be read is told anew when its condition stands: the safe side."""
    number = db.execute("SELECT coalesce(max(number), 0) FROM alarm_log").fetchone()[0]
    records = []
    for identifier, text in db.execute("SELECT id, json FROM alarm ORDER BY rowid"):
        try:
            records.append(_ALARM.validate_json(text))
        except ValidationError as e:
            log.warning("the journal's alarm %s cannot be read: %s", identifier, e.errors()[0]["msg"])
    return Remembered(tuple(records), number)


def write(
    db: sqlite3.Connection,
    at: str,
    state: StationState,
    intent: RobotCommand | None,
    events: Sequence[Event],
    finished: Swap | None,
    alarms: Sequence[Transition],
) -> None:
    """One cycle's entry, whole or not at all. at: the wall clock's label."""
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?)", (at, STATE.dump_json(state).decode()))
        if intent is not None:
            row = (at, intent.sequence, state.step, _COMMAND.dump_json(intent).decode())
            db.execute("INSERT INTO intent (at_utc, sequence, step, json) VALUES (?, ?, ?, ?)", row)
        rows = [(at, e.code, e.severity, _EVENT.dump_json(e).decode()) for e in events]
        db.executemany("INSERT INTO event (at_utc, code, severity, json) VALUES (?, ?, ?, ?)", rows)
        _write_alarms(db, alarms)
        if finished is not None:
            swap = (finished.id, at, _SWAP.dump_json(finished).decode())
            db.execute("INSERT OR REPLACE INTO swap VALUES (?, ?, ?)", swap)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _write_alarms(db: sqlite3.Connection, transitions: Sequence[Transition]) -> None:
    for t in transitions:
        text = _ALARM.dump_json(t.record).decode()
        row = (t.number, t.at, t.record.id, t.trigger, t.before, t.after, t.by, text)
        db.execute("INSERT OR IGNORE INTO alarm_log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        if t.after is State.NORMAL:
            db.execute("DELETE FROM alarm WHERE id = ?", (t.record.id,))
        else:
            db.execute("INSERT OR REPLACE INTO alarm VALUES (?, ?, ?)", (t.record.id, t.at, text))


def write_command(db: sqlite3.Connection, row: tuple[str, str, str, str, str]) -> None:
    """Write or replace a command's verdict (id, at, verb, issuer, verdict); the oldest are forgotten."""
    sql = "INSERT INTO command (id, at_utc, verb, issuer, verdict) VALUES (?, ?, ?, ?, ?)"
    # an update keeps the row's place in the window; a replaced row would push older commands out
    db.execute(f"{sql} ON CONFLICT (id) DO UPDATE SET at_utc = excluded.at_utc, verdict = excluded.verdict", row)
    db.execute("DELETE FROM command WHERE rowid <= (SELECT max(rowid) FROM command) - ?", (COMMANDS_KEPT,))
