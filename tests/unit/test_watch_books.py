"""The watch over what is written down: it judges broken what is broken, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.mqtt_values import MqttMessage
from hil.faults.disk import Disk
from hil.soak.case import Case, Outcome
from hil.soak.every import Every, One
from hil.virtual.controller import FULL
from hil.virtual.io import Io
from hil.virtual.loop import VirtualLoop
from hil.virtual.process import Process, WatchedJournal
from hil.watch import books
from hil.watch.answers import Books, Life, Passed, Post, answers, verdicts
from hil.watch.findings import Findings
from hil.watch.records import Visit, records, told
from station_ctl.journal import Entry
from station_ctl.model.state import StationState
from station_ctl.model.visit import Authorisation, Exchange, Swap
from station_ctl.model.words import PackML
from station_ctl.swap.restart import recovered
from station_ctl.uplink.record_messages import ExchangePart, SwapRecord
from tests.support import run

VISIT = Visit("VIN-1", {1: "OLD"}, {1: "NEW"}, {"NEW": 5}, {"OLD": 2})
ROW: dict[str, Any] = {
    "id": "S-1",
    "vin": "VIN-1",
    "exchanges": [{"mount": 1, "serial_out": "OLD", "serial_in": "NEW", "bay_in": 2, "bay_out": 5}],
    "installed": [1],
    "backed_out": False,
    "aborted": False,
}
OWN: dict[str, Any] = ROW | {
    "exchanges": [{"mount": 1, "serial_out": "OLD", "serial_in": "OLD", "bay_in": 2, "bay_out": 2}],
    "backed_out": True,
}
SWAP = Swap("S-1", "VIN-1", "me", 90.0, "", (Exchange(1, "OLD", 12.0, 2, 5, "NEW", 95.0),))
ONE_LIFE = (Life(0.0, 100.0),)


def broken(judge: Callable[[Findings], None]) -> set[str]:
    findings = Findings(lambda: 0.0)
    judge(findings)
    assert findings.checks
    return {violation.invariant for violation in findings.violations}


def exchanged(**changes: object) -> dict[str, Any]:
    return ROW | {"exchanges": [ROW["exchanges"][0] | changes]}


@pytest.mark.parametrize(
    ("visits", "rows"),
    [
        ([VISIT], [ROW]),
        ([replace(VISIT, left={1: "OLD"})], [OWN]),
        ([replace(VISIT, left={1: "OLD"})], [OWN | {"installed": []}]),
        ([VISIT, VISIT], [ROW, ROW | {"id": "S-2"}]),
        ([replace(VISIT, came={1: "OLD", 2: "X"}, left={1: "NEW", 2: "Y"})], [ROW | {"aborted": True}]),
    ],
)
def test_true_records_hold(visits: list[Visit], rows: list[dict[str, Any]]) -> None:
    assert broken(lambda f: records(f, visits, rows, None)) == set()


@pytest.mark.parametrize(
    "row",
    [
        exchanged(serial_in="OLD", serial_out="NEW"),
        exchanged(bay_in=3),
        exchanged(bay_out=3),
        exchanged(mount=2) | {"installed": [2]},
        OWN,
    ],
)
def test_a_record_that_says_something_else_than_the_plant_is_found(row: dict[str, Any]) -> None:
    assert "a swap record that is not true" in broken(lambda f: records(f, [VISIT], [row], None))


def test_a_backed_out_swap_that_is_recorded_as_completed_is_found() -> None:
    back = replace(VISIT, left={1: "OLD"})
    found = broken(lambda f: records(f, [back], [OWN | {"backed_out": False}], None))
    assert found == {"a swap record that is not true"}


@pytest.mark.parametrize("rows", [[], [ROW, ROW | {"id": "S-2"}]])
def test_a_swap_without_a_record_or_with_two_is_found_unless_it_is_still_open(rows: list[dict[str, Any]]) -> None:
    assert "a swap not recorded exactly once" in broken(lambda f: records(f, [VISIT], rows, "VIN-2"))
    findings = Findings(lambda: 0.0)
    records(findings, [VISIT], rows, "VIN-1")
    assert not findings.violations


@pytest.mark.parametrize(
    ("serial", "found"), [("NEW", set()), ("OTHER", {"a swap record told that is not in the journal"})]
)
def test_what_is_published_is_what_the_journal_holds(serial: str, found: set[str]) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    part = ExchangePart(
        mount=1, bay_in=2, bay_out=5, serial_out="OLD", soc_out_pct=1, serial_in=serial, soc_in_pct=95, accepted=True
    )
    record = SwapRecord(
        swap_id="S-1",
        vin="VIN-1",
        authorised_by="me",
        outcome="completed",
        exchanges=(part,),
        started=now,
        ended=now,
        duration_s=1.0,
        waits_s={},
        steps_s={},
    )
    assert broken(lambda f: told(f, [record], [ROW])) == found


def post(*passed: tuple[Passed, str, str]) -> Post:
    """Commands (delivered, id, '') and answers (taken or confirmed, id, verdict), one each second."""
    clock = iter(range(1000))
    found = Post(lambda: float(next(clock)))
    for what, key, verdict in passed:
        topic = "swap/v1/s/cmd/hold" if what == "delivered" else "swap/v1/s/reply/me"
        found.note(what, MqttMessage(topic, json.dumps({"verdict": verdict}).encode(), correlation=key.encode()))
    return found


def said(*verdicts_: str) -> list[tuple[Passed, str, str]]:
    return [(what, "a", verdict) for verdict in verdicts_ for what in ("taken", "confirmed")]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("times", "verdicts_", "found"),
    [
        (1, ("accepted", "completed"), set()),
        (2, ("accepted", "completed", "completed"), set()),
        (1, ("accepted", "completed", "completed"), {"a verdict published too often"}),
        (1, ("rejected", "rejected"), {"a verdict published too often"}),
        (1, ("completed",), {"a verdict out of order"}),
        (1, ("completed", "accepted"), {"a verdict out of order"}),
    ],
)
def test_answers_at_the_broker(times: int, verdicts_: tuple[str, ...], found: set[str]) -> None:
    passed = post(*[("delivered", "a", "")] * times, *said(*verdicts_))
    assert broken(lambda f: answers(f, passed, ONE_LIFE)) == found


def test_a_publication_repeated_for_want_of_its_confirmation_counts_once() -> None:
    passed = post(("delivered", "a", ""), ("taken", "a", "rejected"), *said("rejected"))
    assert broken(lambda f: answers(f, passed, ONE_LIFE)) == set()


LEFT = {"a command left without its last verdict"}


@pytest.mark.parametrize(
    ("verb", "verdict", "state", "life", "found"),
    [
        ("hold", "completed", StationState(), Life(0.0, 100.0), set()),
        ("hold", "accepted", StationState(packml=PackML.HELD), Life(0.0, 100.0), LEFT),
        ("hold", "accepted", StationState(packml=PackML.HOLDING), Life(0.0, 100.0), set()),
        ("hold", "accepted", StationState(packml=PackML.HELD), Life(0.0, 100.0, cut=True), set()),
        ("hold", "accepted", StationState(packml=PackML.HELD), Life(0.0, 100.0, disk_failed=True), set()),
        ("authorise", "accepted", StationState(), Life(0.0, 100.0), LEFT),
        ("authorise", "accepted", StationState(swap=SWAP), Life(0.0, 100.0), set()),
        ("back_out", "accepted", StationState(), Life(0.0, 100.0), LEFT),
    ],
)
def test_last_verdicts_in_the_journal(
    verb: str, verdict: str, state: StationState, life: Life, found: set[str]
) -> None:
    passed, journal = post(("delivered", "a", ""), *said("accepted")), Books({"a": (verb, verdict)}, [], None)
    assert broken(lambda f: verdicts(f, passed, journal, [life], state, 90.0)) == found


def test_a_command_that_a_newer_one_has_superseded_is_not_under_way_even_if_the_service_was_killed() -> None:
    passed = post(("delivered", "a", ""), *said("accepted"), ("delivered", "b", ""), ("taken", "b", "accepted"))
    journal = Books({"a": ("hold", "accepted"), "b": ("hold", "completed")}, [], None)
    killed = Life(0.0, 100.0, cut=True)
    assert broken(lambda f: verdicts(f, passed, journal, [killed], StationState(), 90.0)) == LEFT


def test_a_command_that_was_obeyed_is_in_the_journal() -> None:
    passed = post(("delivered", "a", ""), *said("accepted", "completed"))
    found = broken(lambda f: verdicts(f, passed, Books({}, [], None), ONE_LIFE, StationState(), 90.0))
    assert found == {"a command obeyed that is not in the journal"}


SEEN = StationState(PackML.EXECUTE, "extract", swap=SWAP, authorisation=Authorisation("VIN-1", "me", 1.0), sequence=7)


@pytest.mark.parametrize(
    "lost",
    [{"swap": None}, {"sequence": None}, {"step": "waiting"}, {"authorisation": None}, {"quarantined": {"OLD": "hot"}}],
)
def test_a_restart_that_has_lost_something_is_found(lost: dict[str, Any]) -> None:
    assert broken(lambda f: books.replayed(f, SEEN, None, recovered(SEEN))) == set()
    started = replace(recovered(SEEN), **lost)
    assert broken(lambda f: books.replayed(f, SEEN, None, started)) == {"the journal gives another state"}


def test_an_entry_that_was_being_written_may_be_what_a_restart_finds() -> None:
    ahead = replace(SEEN, step="carry_to_bay", sequence=8)
    assert broken(lambda f: books.replayed(f, SEEN, ahead, recovered(ahead))) == set()
    assert broken(lambda f: books.replayed(f, SEEN, ahead, recovered(SEEN))) == set()
    assert broken(lambda f: books.replayed(f, SEEN, None, recovered(ahead))) == {"the journal gives another state"}


def test_an_unused_authorisation_is_not_asked_for_and_a_restart_has_to_wait() -> None:
    idle = replace(SEEN, swap=None)
    assert broken(lambda f: books.replayed(f, idle, None, recovered(idle))) == set()
    acts = replace(recovered(SEEN), packml=PackML.EXECUTE)
    assert broken(lambda f: books.replayed(f, SEEN, None, acts)) == {"a restart that does not wait"}


def test_a_journal_is_read_back_when_nobody_writes_any_more(tmp_path: Path) -> None:
    async def write() -> tuple[int, StationState | None]:
        journal = WatchedJournal(tmp_path / "j.db", Process(Disk(), Io()))
        await journal.open()
        await journal.append(Entry(SEEN, finished=replace(SWAP, installed=(1,))))
        await journal.record("a", "hold", json.dumps({"verdict": "accepted"}), "me", datetime(2026, 1, 1, tzinfo=UTC))
        await journal.close()
        return journal.synchronous, journal.ahead

    assert run(write()) == (FULL, SEEN)
    found = Books.read(tmp_path / "j.db")
    assert (found.commands, found.swap_vin) == ({"a": ("hold", "accepted")}, "VIN-1")
    assert broken(lambda f: records(f, [VISIT], found.swaps, None)) == set()


@pytest.mark.parametrize(("after", "kept"), [(False, None), (True, SEEN.sequence)])
def test_a_process_dies_before_or_after_its_write(tmp_path: Path, after: bool, kept: int | None) -> None:
    async def die_and_look() -> int | None:
        io = Io()
        process = Process(Disk(), io)
        journal = WatchedJournal(tmp_path / "j.db", process)
        await journal.open()
        died = asyncio.Event()

        def die() -> None:
            process.dead = True
            died.set()

        io.on_reached = die
        io.choose(1, ("journal",), after=after)
        writing = asyncio.create_task(journal.append(Entry(SEEN)), name="write")
        async with asyncio.timeout(20.0):
            await died.wait()
        await asyncio.sleep(0.05)
        assert io.reached and not writing.done()  # who died hears nothing any more
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        process.dead = False
        state = await journal.restore()
        await journal.close()
        return state.sequence if state is not None else None

    assert run(die_and_look()) == kept


class _Ear(asyncio.Protocol):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def data_received(self, data: bytes) -> None:
        self.heard.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.heard.append(type(exc))


@pytest.mark.parametrize(("power", "heard"), [(True, [b"sent", ConnectionResetError]), (False, [ConnectionResetError])])
def test_what_was_sent_before_a_power_cut_arrives_and_of_a_cut_cable_does_not(power: bool, heard: list[object]) -> None:
    async def cut() -> list[object]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        network, ear = loop.network, _Ear()
        network.listen(lambda: ear, "plc", 502)
        wire, _ = await network.connect(_Ear, "plc", 502)
        wire.write(b"sent")
        (network.lose_power if power else network.cut)("plc", 502)
        wire.write(b"never")
        await asyncio.sleep(1.0)
        return ear.heard

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(cut()) == heard


@pytest.mark.parametrize(("trucks", "swaps", "bad"), [(1, 1, False), (1, 0, True), (1, 2, True), (0, 1, True)])
def test_a_swap_of_every_has_to_leave_one_record(trucks: int, swaps: int, bad: bool) -> None:
    run_ = One(1, "journal 1", Outcome(Case(1), trucks=trucks, swaps=swaps))
    assert bool(Every([run_]).failed) is bad
