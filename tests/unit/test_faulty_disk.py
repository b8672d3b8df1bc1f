"""The disk that fails, and what a power cut within a write leaves of a SQLite file."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hil.faults.catalogue import DiskFault, FaultError, parse
from hil.faults.disk import Disk, copy_as_cut, tear
from hil.faults.wal import last_transaction
from station_ctl.journal import Entry, Journal, JournalError
from station_ctl.model.state import StationState
from tests.support import run


def fault_of(kind: str, **parameters: Any) -> DiskFault:
    fault = parse({"kind": f"disk.{kind}", **parameters}, "test")
    assert isinstance(fault, DiskFault)
    return fault


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER, text TEXT)")
        yield db


def put(db: sqlite3.Connection, n: int) -> None:
    db.execute("INSERT INTO t VALUES (?, ?)", (n, "x" * 6000))


def rows(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in db.execute("SELECT n FROM t ORDER BY n")]


def test_a_good_disk_does_it_at_once_and_hands_over_errors() -> None:
    disk = Disk()
    assert disk.submit(divmod, 7, 2).result(timeout=0) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        disk.submit(divmod, 7, 0).result(timeout=0)
    assert disk.operations == 2 and not disk.counters


def test_a_full_disk_fails_after_so_many_and_so_often() -> None:
    disk, done = Disk(), list[int]()
    disk.submit(done.append, 0)
    disk.set(fault_of("full", after_operations=2, count=2))
    outcomes = [disk.submit(done.append, n).exception(timeout=0) for n in range(1, 7)]
    assert [str(e) if e else None for e in outcomes] == [None, None, *["database or disk is full"] * 2, None, None]
    assert isinstance(outcomes[2], sqlite3.OperationalError) and done == [0, 1, 2, 5, 6]
    assert disk.counters == {"full": 2} and not disk.active


@pytest.mark.parametrize(("written", "left"), [(False, []), (True, [1])])
def test_a_failed_sync_says_so_whatever_was_written(written: bool, left: list[int]) -> None:
    disk, done = Disk(), list[int]()
    disk.set(fault_of("sync_failed", written=written))
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        disk.submit(done.append, 1).result(timeout=0)
    disk.clear()
    assert done == left and disk.submit(len, done).result(timeout=0) == len(left)


def test_torn_write_ends_in_a_power_cut_and_loses_only_what_was_not_confirmed(tmp_path: Path) -> None:
    path, cuts = tmp_path / "journal.db", list[str]()
    disk = Disk(3, lambda: cuts.append("cut"), path)
    with database(path) as db:
        for n in range(3):
            disk.submit(put, db, n).result(timeout=0)
        disk.set(fault_of("torn_write", after_operations=1))
        disk.submit(put, db, 3).result(timeout=0)
        assert disk.submit(db.execute, "SELECT 1").result(timeout=0).fetchone() == (1,)  # a read tears nothing
        torn = disk.submit(put, db, 4)
        assert cuts == ["cut"] and not torn.done()
        copy_as_cut(path, tmp_path / "left.db")
    assert disk.tear(tmp_path / "left.db")
    assert rows(tmp_path / "left.db") == [0, 1, 2, 3]
    assert disk.counters == {"torn": 1} and not disk.is_on(fault_of("torn_write"))


def test_the_journal_says_what_the_disk_said_and_goes_on_once_it_can(tmp_path: Path) -> None:
    async def main() -> None:
        disk = Disk()
        journal = Journal(tmp_path / "journal.db", disk)
        await journal.open()
        disk.set(fault_of("full"))
        with pytest.raises(JournalError, match="database or disk is full"):
            await journal.append(Entry(StationState(step="extract")))
        disk.clear()
        assert await journal.restore() is None
        await journal.append(Entry(StationState(step="stow")))
        restored = await journal.restore()
        assert restored is not None and restored.step == "stow"
        await journal.close()

    run(main())


def test_torn_write_needs_to_know_the_file() -> None:
    with pytest.raises(FaultError, match="path"):
        Disk().set(fault_of("torn_write"))


def test_any_tear_gives_the_transactions_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with database(path) as db:
        for n in range(20):
            put(db, n)
        db.execute("PRAGMA wal_checkpoint")  # from here on the log is begun anew over its old frames
        put(db, 20)
        put(db, 21)
        copy_as_cut(path, tmp_path / "whole.db")
    assert rows(tmp_path / "whole.db") == list(range(22))
    with database(path) as db:
        put(db, 22)
        for seed in range(30):
            left = tmp_path / f"{seed}.db"
            copy_as_cut(path, left)
            assert tear(left, random.Random(seed))
            assert rows(left) == list(range(22))


def test_a_log_that_is_none_is_not_torn(tmp_path: Path) -> None:
    assert not tear(tmp_path / "none.db", random.Random(1))
    assert last_transaction(b"") is None and last_transaction(bytes(4000)) is None
    (tmp_path / "bad.db-wal").write_bytes(b"\x37\x7f\x06\x82" + random.Random(1).randbytes(9000))
    assert not tear(tmp_path / "bad.db", random.Random(1))
