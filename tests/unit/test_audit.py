"""The bench's own judgement: commands executed once or provably never, trucks served right, bars held or not."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.robot_protocol import Opcode, RobotCommand
from hil.endurance import as_dict, summary
from hil.measure import audit
from hil.measure.figures import Figure, Section, quantile
from hil.measure.groups import cause
from hil.measure.stop import section
from hil.measure.trucks import Tally
from hil.rig.processes import RigError
from station_ctl.journal import Entry, Journal
from station_ctl.model.state import StationState
from station_ctl.model.visit import Exchange, Swap
from station_ctl.model.words import Event, PackML

HOME, MOVE = (int(Opcode.HOME), 0, 0, 0, 0, 0), (int(Opcode.MOVE_TO), 0, 3, 0, 0, 0)


def intent(sequence: int, order: tuple[int, ...] = HOME) -> audit.Intent:
    return audit.Intent(f"2026-01-01T00:00:{sequence:02d}.000Z", sequence, order)


def notes(*intents: audit.Intent, withdrawn_at: tuple[str, ...] = ()) -> audit.Notes:
    return audit.Notes(intents, withdrawn_at, {})


def motion(sequence: int, opcode: str = "HOME", started: int = 1) -> dict[str, Any]:
    return {"sequence": sequence, "opcode": opcode, "started": started, "outcome": "DONE"}


def test_what_ran_once_is_good() -> None:
    verdict = audit.commands([motion(1), motion(2, "MOVE_TO")], notes(intent(1), intent(2, MOVE)))
    assert (verdict.executed, verdict.withdrawn, verdict.faults) == (2, 0, ())


def test_what_ran_twice_is_named() -> None:
    assert "command 1 HOME ran 2 times" in audit.commands([motion(1, started=2)], notes(intent(1))).faults


def test_what_ran_without_an_intent_is_named() -> None:
    assert "without an intent" in audit.commands([motion(9)], notes()).faults[0]


def test_a_number_given_out_twice_is_named() -> None:
    found = audit.commands([motion(1)], notes(intent(1), intent(1))).faults
    assert found == ("sequence number 1 was given out 2 times",)


@pytest.mark.parametrize(
    ("kept", "faults"),
    [
        (notes(intent(1), intent(2, MOVE)), 1),  # another order followed: nobody knows what became of it
        (notes(intent(1), intent(2, MOVE), withdrawn_at=("2026-01-01T00:00:01.500Z",)), 0),
        (notes(intent(1), intent(2, MOVE), withdrawn_at=("2026-01-01T00:00:02.500Z",)), 1),  # withdrew another one
        (notes(intent(1), intent(2)), 1),  # the first was ordered anew, the second is lost
    ],
)
def test_what_never_ran_has_to_have_been_withdrawn(kept: audit.Notes, faults: int) -> None:
    ran = [motion(2, "MOVE_TO")] if kept.intents[1].order == MOVE else []
    assert len(audit.commands(ran, kept).faults) == faults


def test_ordered_anew_under_the_next_number_bars_the_old_one() -> None:
    verdict = audit.commands([motion(2)], notes(intent(1), intent(2)))
    assert (verdict.executed, verdict.withdrawn, verdict.faults) == (1, 1, ())


def test_a_reset_moves_nothing_and_is_not_looked_for() -> None:
    reset = audit.Intent("2026-01-01T00:00:01.000Z", 1, (int(Opcode.RESET), 0, 0, 0, 0, 0))
    assert audit.commands([], notes(reset)) == audit.Verdict(0, 0, ())


BEFORE = {"bays": {"1": "SIMP-00000001", "2": None}}
AFTER = {
    "bays": {"1": None, "2": "TRK1-00000001"},
    "departed": [{"vin": "V", "packs": {"1": "SIMP-00000001"}}],
}
RECORD = {
    "aborted": False,
    "backed_out": False,
    "exchanges": [{"serial_out": "TRK1-00000001", "serial_in": "SIMP-00000001"}],
}


def test_a_truck_served_right_has_no_fault() -> None:
    assert audit.visit("V", ["TRK1-00000001"], BEFORE, AFTER, [RECORD]) == []


@pytest.mark.parametrize(
    ("after", "records", "says"),
    [
        ({**AFTER, "departed": []}, [RECORD], "left the station 0 times"),
        ({**AFTER, "departed": [{"vin": "V", "packs": {}}]}, [RECORD], "left with 0 packs"),
        ({**AFTER, "departed": [{"vin": "V", "packs": {"1": "TRK1-00000001"}}]}, [RECORD], "no charged pack"),
        ({**AFTER, "bays": {"1": None, "2": None}}, [RECORD], "is in no bay"),
        (AFTER, [], "0 records"),
        (AFTER, [RECORD, RECORD], "2 records"),
        (AFTER, [{**RECORD, "backed_out": True}], "backed out"),
        (AFTER, [{**RECORD, "exchanges": []}], "recorded out []"),
    ],
)
def test_a_truck_served_wrong_is_named(after: dict[str, Any], records: list[dict[str, Any]], says: str) -> None:
    assert any(says in fault for fault in audit.visit("V", ["TRK1-00000001"], BEFORE, after, records))


def test_the_journal_is_read_as_the_controller_writes_it(tmp_path: Path) -> None:
    async def write() -> None:
        journal = Journal(tmp_path / "journal.db")
        await journal.open()
        command = RobotCommand(7, Opcode.MOVE_TO, destination=3)
        exchange = Exchange(1, "TRK1-00000001", 12.0, 2, 1, "SIMP-00000001", 95.0)
        swap = Swap("S", "V", "test", 80.0, "2026-01-01T00:00:00.000Z", (exchange,))
        holding = StationState(packml=PackML.HOLDING, step="carry_to_bay")
        await journal.append(Entry(holding, command, (Event("state.holding", "warning", ""),), swap))
        await journal.close()

    asyncio.run(write())
    found = audit.read_journal(tmp_path / "journal.db")
    assert [(i.sequence, i.order) for i in found.intents] == [(7, MOVE)]
    assert len(found.withdrawals) == 1
    assert found.records["V"][0]["exchanges"][0]["serial_in"] == "SIMP-00000001"


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1.0))
def test_a_quantile_is_one_of_the_values_and_exceeded_by_few(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(v <= found for v in values) >= share * len(values) - 1e-6


def test_no_value_holds_no_bar() -> None:
    assert math.isnan(quantile([], 0.5))
    assert not Figure("nothing", math.nan, "ms", 5.0).held


def test_a_bar_is_strict_unless_it_says_otherwise() -> None:
    assert not Figure("lateness", 5.0, "ms", 5.0).held
    assert Figure("overruns", 0, "", 0, inclusive=True).held
    assert "NOT HELD" in Figure("overruns", 1, "", 0, inclusive=True).text()


def test_a_danger_without_a_stop_fails_the_section() -> None:
    stopped = {"kind": "zone_clear", "stopped_after_s": 0.02}
    contactor = {"kind": "contactor", "stopped_after_s": 0.001}
    assert section([stopped, contactor], 1.0, 4.0).held
    assert not section([stopped, contactor, {"kind": "contactor", "stopped_after_s": None}], 1.0, 4.0).held
    assert not section([stopped], 1.0, 4.0).held  # none of a kind proves nothing
    assert not section([{"kind": "zone_clear", "stopped_after_s": 0.0511}, contactor], 1.0, 4.0).held


def test_a_section_is_plain_values() -> None:
    found = Section("s", "says")
    found.add("none", math.nan, "ms", 1.0)
    assert found.as_dict()["figures"] == [{"name": "none", "value": None, "unit": "ms", "bar": 1.0, "held": False}]


def test_the_summary_names_faults_and_the_seed() -> None:
    text = summary(Tally(swaps=1, faults=["command 1 HOME ran 2 times"]), 1, 42)
    assert "executed twice                         1" in text and "seed 42" in text and "WRONG: command 1" in text


def test_the_cause_of_a_failed_group_is_what_a_person_understands() -> None:
    wanted = RigError("no swap record", where="operator")
    group = BaseExceptionGroup("", [asyncio.CancelledError(), ExceptionGroup("", [KeyError("x"), wanted])])
    assert cause(group) is wanted
    only = ExceptionGroup("", [KeyError("x")])
    assert cause(only) is only


def test_a_tally_is_plain_values_for_json() -> None:
    tally = Tally(swaps=1)
    tally.wire["cut"] += 1
    assert json.loads(json.dumps(as_dict(tally, 1, 42)))["wire"] == {"cut": 1}
