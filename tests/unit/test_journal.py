"""What the journal keeps through a crash, a power cut, a full or broken disk, and what it refuses to open."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.robot_protocol import Opcode, RobotCommand
from station_ctl import journal_tables
from station_ctl.alarms.record import Record, Remembered, State, Transition, Trigger
from station_ctl.journal import Entry, Journal, JournalError
from station_ctl.journal_tables import VERSION
from station_ctl.model.state import StationState
from station_ctl.model.visit import Authorisation, Exchange, Parking, Swap
from station_ctl.model.words import Event, PackML, Reason
from station_ctl.swap.restart import recovered, stable
from tests.support import run

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
    Reason("moving", "robot: LIFT_FROM mount 2"),
    PackML.EXECUTE,
    SWAP,
    authorisation=Authorisation("LTESTTRUCK0000001", "operator", 5.0, packs=2, soc_promised_pct=80.0),
    pending=COMMAND,
    sequence=41,
    step_since_s=12.0,
    done_since_s=1.0,
    parking=Parking(1, (1.0, None, 0.1), 3.0, True),
    quarantined={"TRK1-00000009": "insulation"},
)
NOW = datetime(2026, 1, 31, 7, 5, 9, tzinfo=UTC)


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Journal]:
    journal = Journal(path)
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def test_details_of_an_event_may_be_whole_numbers(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            details = {"bms_pct": 42, "soc_pct": 74.7, "wrong": True, "why": None}
            await journal.append(Entry(STATE, None, [Event("soc.bms_doubted", "warning", "x", details)]))

    run(main())
    assert rows(tmp_path / "journal.db", "SELECT code FROM event") == [("soc.bms_doubted",)]


def test_what_was_appended_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.db"

    async def main() -> None:
        async with opened(path) as journal:
            assert await journal.restore() is None
            await journal.append(Entry(STATE, COMMAND, [Event("step.extract", "info", "old pack", {"from": "unlock"})]))
        async with opened(path) as journal:
            found = await journal.restore()
        assert found == stable(STATE)
        assert found is not None and found.sequence == 41 and found.pending is None
        assert found.reason is None and found.parking == Parking() and found.swap == SWAP

    run(main())
    assert rows(path, "SELECT sequence, step FROM intent") == [(41, "extract")]
    assert rows(path, "SELECT code, severity FROM event") == [("step.extract", "info")]
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


def test_a_swap_record_is_written_once_and_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "j.db") as journal:
            for _ in range(2):
                await journal.append(Entry(STATE, finished=SWAP))
            await journal.append(Entry(StationState()))

    run(main())
    ((identifier, text),) = rows(tmp_path / "j.db", "SELECT swap_id, json FROM swap")
    assert identifier == SWAP.id and "TRK1-00000001" in str(text)


def test_an_entry_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "j.db"

    async def main() -> None:
        async with opened(path) as journal:
            await journal.append(Entry(StationState()))
            with contextlib.closing(sqlite3.connect(path)) as db:
                db.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'disk full'); END")
            with pytest.raises(JournalError, match="disk full"):
                await journal.append(Entry(STATE, COMMAND, [Event("x", "info", "x")], SWAP))
            assert await journal.restore() == stable(StationState())
            with contextlib.closing(sqlite3.connect(path)) as db:
                db.execute("DROP TRIGGER full")
            await journal.append(Entry(STATE, COMMAND, [Event("x", "info", "x")], SWAP))
            assert await journal.restore() == stable(STATE)

    run(main())
    assert [rows(path, f"SELECT count(*) FROM {t}") for t in ("intent", "event", "swap")] == [[(1,)]] * 3


DIE_IN_TRANSACTION = """
import asyncio, os, signal, sys
from pathlib import Path
from station_ctl.journal import Entry, Journal
from station_ctl.model.state import StationState
async def main():
    journal = Journal(Path(sys.argv[1]))
    await journal.open()
    await journal.append(Entry(StationState(step="extract")))
    db = journal._db
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE state SET json = 'half written'")
    db.execute("INSERT INTO swap VALUES ('half', '', '{}')")
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def test_killed_in_mid_transaction_the_last_whole_entry_stands(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    done = subprocess.run([sys.executable, "-c", DIE_IN_TRANSACTION, str(path)], timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL

    async def main() -> None:
        async with opened(path) as journal:
            found = await journal.restore()
            assert found is not None and found.step == "extract"
            await journal.append(Entry(STATE))

    run(main())
    assert rows(path, "SELECT count(*) FROM swap") == [(0,)]


def test_a_journal_of_a_newer_release_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(JournalError, match=f"newer release.*schema {VERSION + 1}, this release knows {VERSION}"):
        run(Journal(path).open())
    assert rows(path, "SELECT name FROM sqlite_master") == []


@pytest.mark.parametrize("text", ["no json", "{}[", '{"packml": "Dancing"}', '{"packml": "Idle", "step": 7}'])
def test_a_state_that_cannot_be_read_is_said(text: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "j.db") as journal:
            with contextlib.closing(sqlite3.connect(tmp_path / "j.db")) as db:
                db.execute("INSERT INTO state VALUES (1, '', ?)", (text,))
                db.commit()
            with pytest.raises(JournalError, match="holds a state that cannot be read"):
                await journal.restore()

    run(main())


def test_a_file_that_is_no_journal_or_cannot_be_written_is_said(tmp_path: Path) -> None:
    broken, folder = tmp_path / "broken.db", tmp_path / "folder.db"
    broken.write_bytes(b"this is no database at all, and long enough to be one" * 50)
    folder.mkdir()
    for path in (broken, folder, tmp_path / "broken.db" / "j.db"):
        with pytest.raises(JournalError, match="cannot be used"):
            run(Journal(path).open())


def test_a_reader_beside_it_never_stops_the_writer(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path / "j.db") as journal:
            with contextlib.closing(sqlite3.connect(tmp_path / "j.db")) as db:
                db.execute("BEGIN")
                db.execute("SELECT * FROM state").fetchall()
                for sequence in (42, 43, 44):  # one that waits for the reader is refused after busy_timeout
                    await journal.append(Entry(replace(STATE, sequence=sequence), None, [Event("x", "warning", "x")]))
                assert db.execute("SELECT * FROM event").fetchall() == []  # the reader's own view, open all the while
            assert (await journal.restore()).sequence == 44

    run(main())
    assert rows(tmp_path / "j.db", "SELECT count(*) FROM event") == [(3,)]


def test_command_log_keeps_the_last_verdict_of_the_newest_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_tables, "COMMANDS_KEPT", 5)

    async def main() -> None:
        async with opened(tmp_path / "j.db") as journal:
            for number in range(8):
                for verdict in ("lost", "accepted", "completed"):
                    at = NOW + timedelta(seconds=number)
                    await journal.record(f"command-{number}", "hold", verdict, "operator", at)
            seen = [await journal.seen(f"command-{number}") for number in range(8)]
            assert seen == [None] * 3 + ["completed"] * 5

    run(main())
    assert rows(tmp_path / "j.db", "SELECT at_utc, issuer FROM command LIMIT 1") == [
        ("2026-01-31T07:05:12.000+00:00", "operator")
    ]


def test_recovery_starts_aborted_and_says_what_was_open() -> None:
    first = recovered(None)
    assert first.packml is PackML.ABORTED and first.reason is not None and first.reason.code == "first_start"
    idle = recovered(StationState(PackML.IDLE))
    assert idle.packml is PackML.ABORTED and idle.reason is not None and "no swap was open" in idle.reason.text
    found = recovered(STATE)
    assert found.packml is PackML.ABORTED and found.swap == SWAP and found.pending is None
    assert found.reason is not None and found.reason.code == "restarted"
    for words in ("step extract", SWAP.id, "mount 2: T out, S in", "done: mount 1", "has to clear"):
        assert words in found.reason.text


def _transition(number: int, after: State, **fields: object) -> Transition:
    record = Record("plc.faulted", text="fault code 7", **fields)  # type: ignore[arg-type]
    return Transition(number, Trigger.SHELVE, State.UNACKNOWLEDGED, after, "2026-01-31T07:05:09.123Z", "li", record)


def test_alarms_are_remembered_with_their_log_and_none_is_doubled(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    shelved = _transition(7, State.SHELVED, standing=True, acked=False, shelved_until="2026-01-31T08:05Z")

    async def main() -> None:
        async with opened(path) as journal:
            assert journal.alarms == Remembered()
            await journal.append(Entry(STATE, alarms=[shelved]))
            await journal.append(Entry(STATE, alarms=[shelved, _transition(8, State.NORMAL)]))
            await journal.append(Entry(STATE, alarms=[replace(shelved, number=9)]))
        async with opened(path) as journal:
            assert journal.alarms == Remembered((shelved.record,), 9)

    run(main())
    assert rows(path, "SELECT number, id, cause, before, after, by FROM alarm_log WHERE number < 9") == [
        (7, "plc.faulted", "shelve", "unacknowledged", "shelved", "li"),
        (8, "plc.faulted", "shelve", "unacknowledged", "normal", "li"),
    ]


def test_a_journal_of_the_release_before_is_brought_up_to_date_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "j.db"

    async def main() -> None:
        async with opened(path) as journal:
            await journal.append(Entry(STATE, finished=SWAP))
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.executescript("DROP TABLE alarm; DROP TABLE alarm_log; PRAGMA user_version = 1;")
        async with opened(path) as journal:
            assert await journal.restore() == stable(STATE)
            await journal.append(Entry(STATE, alarms=[_transition(1, State.SHELVED)]))

    run(main())
    assert rows(path, "PRAGMA user_version") == [(2,)]
    assert rows(path, "SELECT count(*) FROM swap") == rows(path, "SELECT count(*) FROM alarm_log") == [(1,)]


def test_an_alarm_that_cannot_be_read_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "j.db"

    async def main() -> None:
        async with opened(path) as journal:
            await journal.append(Entry(STATE, alarms=[_transition(1, State.SHELVED)]))
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE alarm SET json = '{'")
            db.commit()
        async with opened(path) as journal:
            assert journal.alarms == Remembered((), 1)

    run(main())
    assert "plc.faulted cannot be read" in caplog.text
