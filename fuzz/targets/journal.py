"""The journal's file: opened, read, written, closed; JournalError and nothing else, whatever is in it.

First byte 0: the rest is the database's file. 1: u16 length of the database, the database, its write-ahead log.
2: the JSON of the state in a good database. 3: the same as a BLOB, and a command's verdict. 4: edits of a state.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drivers.robot_protocol import Opcode, RobotCommand
from fuzz.edits import JSON, edited
from fuzz.files import file, gone
from fuzz.ground import run
from fuzz.judge import must
from fuzz.tape import Tape
from station_ctl.journal import Entry, Journal, JournalError
from station_ctl.journal_tables import STATE as STATE_JSON
from station_ctl.model.places import bay
from station_ctl.model.state import StationState
from station_ctl.model.visit import Authorisation, Evacuation, Exchange, Swap
from station_ctl.model.words import Event, PackML, Reason
from station_ctl.swap.machine import STEP
from station_ctl.swap.restart import recovered, stable

NOW = datetime(2026, 1, 31, 7, 5, 9, tzinfo=UTC)
COMMAND = RobotCommand(41, Opcode.LIFT_FROM, 101, 0, 0)
SWAP = Swap(
    "T-01-2026-01-31T07:05:09.123Z",
    "LTESTTRUCK0000001",
    "operator",
    80.0,
    "2026-01-31T07:05:09.123Z",
    (Exchange(1, "TRK1-00000001", None, 3, 1, "SIMP-00000001", 96.0), Exchange(2, "T", 9.5, 1, 2, "S", 94.5, True)),
    index=1,
    installed=(1,),
)
STATE = StationState(
    PackML.EXECUTE,
    "extract",
    swap=SWAP,
    evacuation=Evacuation(bay(2), 9, "SIMP-00000002", "hot", "extract"),
    authorisation=Authorisation("LTESTTRUCK0000001", "operator", 5.0, packs=2),
    given=COMMAND,
    sequence=41,
    quarantined={"TRK1-00000009": "insulation"},
)
WORDS = (
    b'"swap":null',
    b'"index":',
    b"NaN",
    b"1e999",
    b'"step":"',
    b"CREATE TABLE state",
    b"SQLite format 3\0",
    b"BLOB",
)


class _Here(Executor):
    """Works at once, in its caller."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as e:  # noqa: BLE001  # handed on to who awaits it
            done.set_exception(e)
        return done


def one(data: bytes) -> None:
    """Judge one file."""
    tape = Tape(data)
    kind = tape.byte() % 5
    if kind == 0:
        path = _lay(tape.rest(), b"")
    elif kind == 1:
        path = _lay(tape.some(tape.word()), tape.rest())
    elif kind == 4:
        path = _row(kind, json.dumps(edited(_DOCUMENT, tape, JSON)).encode())
    else:
        path = _row(kind, tape.rest())
    run(_live(path))


def _lay(database: bytes, log: bytes) -> Path:
    for name in ("journal.db", "journal.db-shm", "journal.db-wal"):
        gone(name)  # never written over: SQLite has them mapped where an input before has failed
    if log:
        file("journal.db-wal", log)
    return file("journal.db", database)


def _row(kind: int, text: bytes) -> Path:
    path = _lay(_GOOD, b"")
    content: object = text if kind == 3 else text.decode("utf-8", "surrogateescape")
    with closing(sqlite3.connect(path)) as db, db:
        try:
            db.execute("UPDATE state SET json = ?", (content,))
            db.execute("UPDATE command SET verdict = ?", (content,))
        except UnicodeEncodeError:
            db.execute("UPDATE state SET json = CAST(? AS TEXT)", (text,))
    return path


async def _live(path: Path) -> None:
    """A whole life on that file."""
    journal = Journal(path, _Here())
    try:
        await journal.open()
        found = await journal.restore()
        state = recovered(found)
        _judge(state)
        await journal.seen("fuzz-00000001")
        await journal.append(Entry(state, COMMAND, [Event("x", "info", "x", {"n": 1.5})], SWAP))
        must(await journal.restore() == stable(state), "what was written is read as another state")
        await journal.record("fuzz-00000002", "hold", "{}", "panel", NOW)
        must(await journal.seen("fuzz-00000002") == "{}", "a verdict was recorded, and is not there")
    except JournalError as e:
        must(bool(e.what and e.where), "a refusal that says nothing")
    finally:
        with suppress(JournalError):
            await journal.close()


def _judge(state: StationState) -> None:
    must(state.packml is PackML.ABORTED, f"a restart ended {state.packml}")
    must(state.step in STEP, f"step {state.step!r} is none")
    must(state.pending is None and state.reason is not None, "something is pending, or nothing is said")
    if state.swap is not None:
        must(state.swap.exchange.mount in (1, 2, 3), "an exchange at a mount there is not")


def _written(states: tuple[StationState, ...], page: int, *, keep_log: bool) -> tuple[bytes, bytes]:
    path = _lay(b"", b"")

    async def write() -> None:
        journal = Journal(path, _Here())
        if page != 4096:
            with closing(sqlite3.connect(path)) as db:
                db.execute(f"PRAGMA page_size = {page}")
                db.execute("VACUUM")
        await journal.open()
        for state in states:
            await journal.append(Entry(state, COMMAND, [Event("x", "info", "y", {"a": 1.5})], SWAP))
        await journal.record("fuzz-00000001", "hold", '{"verdict":"completed"}', "panel", NOW)
        if keep_log:
            kept.append(path.read_bytes())
            kept.append(path.with_name("journal.db-wal").read_bytes())
        await journal.close()

    kept: list[bytes] = []
    run(write())
    return (kept[0], kept[1]) if keep_log else (path.read_bytes(), b"")


_DOCUMENT = json.loads(STATE_JSON.dump_json(stable(STATE)))
_GOOD = _written((STATE,), 512, keep_log=False)[0]


def seeds() -> Iterator[bytes]:
    """Journals that the production code wrote, cut short too; and the JSON of states."""
    yield b"\0" + _GOOD
    yield b"\0" + _GOOD[:1024]
    yield b"\0"
    yield b"\0" + _written((StationState(), STATE), 4096, keep_log=False)[0]
    database, log = _written((STATE, StationState()), 512, keep_log=True)
    yield b"\1" + len(database).to_bytes(2, "little") + database + log

    for state in (STATE, StationState(reason=Reason("a", "b")), StationState(PackML.HELD, "lock", swap=SWAP)):
        for kind in (b"\2", b"\3"):
            yield kind + STATE_JSON.dump_json(stable(state))
    yield from (bytes([4, n, 0, n % 49, 0, n]) for n in range(0, 250, 3))
