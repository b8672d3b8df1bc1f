"""What a journal may say of the state it kept, and what is refused because no station can have been in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.robot_protocol import Opcode, RobotCommand
from station_ctl.journal import Entry, Journal, JournalError
from station_ctl.model.places import bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation, Exchange, Swap
from station_ctl.swap.kept import contradiction
from station_ctl.swap.machine import STEP
from station_ctl.swap.restart import stable
from tests.support import run

EXCHANGE = Exchange(1, "TRK1-00000001", 12.0, 3, 1, "SIMP-00000001", 96.0)
SWAP = Swap("S-1", "LTESTTRUCK0000001", "operator", 80.0, "2026-01-31T07:05:09.123Z", (EXCHANGE,), installed=(1,))
EVACUATION = Evacuation(bay(2), 9, "SIMP-00000002", "hot", "extract")
GOOD = StationState(
    step="extract", swap=SWAP, evacuation=EVACUATION, given=RobotCommand(41, Opcode.LIFT_FROM, 101), sequence=41
)


@pytest.mark.parametrize("step", list(STEP))
def test_every_step_there_is_can_have_been_kept(step: str) -> None:
    assert contradiction(replace(GOOD, step=step)) == ""


@pytest.mark.parametrize("changed", [{"sequence": None}, {"sequence": 0xFFFF}, {"evacuation": None}, {"swap": None}])
def test_what_may_be_missing_is_no_contradiction(changed: dict[str, Any]) -> None:
    assert contradiction(replace(GOOD, **changed)) == ""


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"step": "waitidg"}, "step 'waitidg' is none"),
        ({"sequence": 0x10000}, "last sequence number"),
        ({"sequence": -1}, "last sequence number"),
        ({"given": RobotCommand(0x10000, Opcode.HOME)}, "last order"),
        ({"given": RobotCommand(1, Opcode.JOG, parameter_1=10**30)}, "last order"),
        ({"swap": replace(SWAP, index=1)}, "exchange 2 of 1"),
        ({"swap": replace(SWAP, index=-1)}, "exchange 0 of 1"),
        ({"swap": replace(SWAP, exchanges=())}, "exchange 1 of 0"),
        ({"swap": replace(SWAP, exchanges=(replace(EXCHANGE, mount=4),))}, "exchange at mount 4"),
        ({"swap": replace(SWAP, exchanges=(replace(EXCHANGE, bay_in=0),))}, "a bay there is not"),
        ({"swap": replace(SWAP, exchanges=(replace(EXCHANGE, bay_out=25),))}, "a bay there is not"),
        ({"swap": replace(SWAP, exchanges=(replace(EXCHANGE, soc_in_pct=float("inf")),))}, "not finite"),
        ({"swap": replace(SWAP, installed=(1, 7))}, "a mount there is not"),
        ({"evacuation": replace(EVACUATION, isolation=0)}, "a place there is not"),
        ({"evacuation": replace(EVACUATION, source=mount(4))}, "a place there is not"),
        ({"step_since_s": float("nan")}, "not finite"),
    ],
)
def test_what_cannot_have_been_is_named(changed: dict[str, Any], what: str) -> None:
    assert what in contradiction(replace(GOOD, **changed))


def _opened(path: Path, *scripts: str) -> None:
    """Write a good journal, change it as asked (each script in a connection of its own), and try to read it."""

    async def write() -> None:
        journal = Journal(path)
        await journal.open()
        await journal.append(Entry(GOOD))
        assert await journal.restore() == stable(GOOD)
        await journal.close()

    async def read() -> None:
        journal = Journal(path)
        try:
            await journal.open()
            await journal.restore()
        finally:
            await journal.close()

    run(write())
    for script in scripts:
        with closing(sqlite3.connect(path)) as db:
            db.executescript(script)
            db.commit()
    run(read())


def _schema(old: str, new: str) -> str:
    return f"""PRAGMA writable_schema = ON;
        UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}') WHERE name = 'state'"""


def test_a_contradicting_state_is_a_journal_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"cannot have been.*step 'lokc' is none"):
        _opened(tmp_path / "j.db", """UPDATE state SET json = replace(json, '"extract"', '"lokc"')""")


def test_a_state_that_is_no_text_is_a_journal_error(tmp_path: Path) -> None:
    number = (_schema("json TEXT", "json INT"), "UPDATE state SET json = 5", _schema("json INT", "json TEXT"))
    with pytest.raises(JournalError, match="no text but 5"):
        _opened(tmp_path / "j.db", *number)


@pytest.mark.parametrize(
    ("old", "new"),
    [("id INTEGER PRIMARY", "id INTEGERuPRIMARY"), ("json TEXT NOT NULL", "json TEXT"), ("at_utc TEXT", "at_utd TEXT")],
)
def test_a_damaged_schema_is_a_journal_error(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(JournalError, match=r"is damaged.*table state is not as it was made"):
        _opened(tmp_path / "j.db", _schema(old, new))
