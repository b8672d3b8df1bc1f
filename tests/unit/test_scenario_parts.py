"""Conditions, the story, the plant's truth, measures: the parts that a scenario is played with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from hil.faults.catalogue import FAULTS, parse
from hil.scenario import truths, virtual, words
from hil.scenario.conditions import When
from hil.scenario.local import CAN_KINDS
from hil.scenario.local import CAPABILITIES as LOCAL
from hil.scenario.measures import MEASURES, Findings, MeasureError
from hil.scenario.plant_words import NOT_HERE, VERBS
from hil.scenario.site import CannotDo, Switched
from hil.scenario.steps import MeasureStep
from hil.scenario.story import Story
from hil.sim_commands import COMMANDS
from station_ctl.uplink.alarm_parts import AlarmMessage
from station_ctl.uplink.message import Message
from station_ctl.uplink.record_messages import EventMessage
from station_ctl.uplink.state_messages import InterlockPart, Reason, RobotPart, StateMessage
from tests.support import run
from tests.uplink_examples import ALARM_PART, BAY


def test_the_plants_verbs_are_those_of_the_sim() -> None:
    assert {*VERBS, *NOT_HERE} == set(COMMANDS)


def test_grounds_name_only_known_capabilities() -> None:
    for able in (LOCAL, virtual.CAPABILITIES):
        assert able <= set(words.CAPABILITIES)
    assert {f"can.{kind}" for kind in CAN_KINDS} < set(FAULTS)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1.0 s", 1.0, "s"),
        ("250ms", 0.25, "s"),
        ("6 min", 360.0, "s"),
        ("3.5 t", 3500.0, "kg"),
        ("2 times", 2.0, "times"),
    ],
)
def test_quantities(text: str, value: float, unit: str) -> None:
    assert words.quantity(text) == words.Quantity(value, unit)


@pytest.mark.parametrize("text", ["1", "s", "1 parsec", "", "1 s s", 5])
def test_what_is_no_quantity(text: object) -> None:
    with pytest.raises(ValidationError):
        MeasureStep.model_validate({"measure": "swap_duration", "at_most": text})


def _state(**changes: Any) -> StateMessage:
    content: dict[str, Any] = {
        "packml": "Execute",
        "mode": "Production",
        "step": "unlock",
        "reason": Reason(code="moving", text="robot: UNLOCK mount 1"),
        "choices": ("hold", "abort"),
        "swap_id": None,
        "exchange": 1,
        "exchanges": 1,
        "progress_pct": 10.0,
        "robot": RobotPart(x_mm=0.0, y_mm=0.0, z_mm=0.0, load_kg=5.0, state="executing"),
        "interlock": InterlockPart(latched=False, first_out=None, active=("not_manual",)),
    }
    return StateMessage(**(content | changes))


class _Operator:
    """What a story needs of an operator."""

    def __init__(self) -> None:
        self.state: StateMessage | None = _state()
        self.alarms: dict[str, AlarmMessage] = {}
        self.records: list[Any] = []
        self.bays: dict[int, Any] = {}
        self.tell: Callable[[str, Message], None] = lambda kind, message: None

    def watch(self, seen: Callable[[str, Message], None]) -> None:
        self.tell = seen


def _story() -> tuple[Story, _Operator]:
    operator = _Operator()
    return Story(operator, lambda: 1.0), operator  # type: ignore[arg-type]  # what it uses is there


def test_a_story_keeps_what_snapshots_leave_out_and_is_read_on() -> None:
    story, operator = _story()
    went = EventMessage(code="step.extract", severity="info", text="lifted")
    aborted = EventMessage(code="state.aborted", severity="warning", text="gone", details={"to": "Aborted"})
    operator.tell("event", went)
    operator.tell("event", aborted)
    operator.tell("state", _state(packml="Held", step="stow", reason=Reason(code="repark", text="park again")))
    assert story.met(When(step="extract")) == 2
    assert story.met(When(packml="Aborted", says="gone")) == 3
    assert story.met(When(packml="Aborted", step="unlock")) is None
    story.read = 3
    assert story.met(When(step="unlock")) is None, "it was told before"
    assert story.now.meets(When(packml="Held", reason="repark", says="again", choice="hold", latched=False))
    assert story.now.meets(When(cause="not_manual", gone="person_in_zone"))
    assert not story.now.meets(When(gone="not_manual"))
    assert [(e.kind, e.text.split(":")[0]) for e in story.events] == [
        ("step", "step.extract"),
        ("state", "state.aborted"),
    ]


def test_alarms_hold_while_they_are_active() -> None:
    story, operator = _story()
    when = When(alarm="station.held")
    assert not story.holds(when)
    part = ALARM_PART.__dict__ | {"id": "station.held", "active": True}
    alarm = AlarmMessage(trigger="raise", by="station", **part)
    operator.alarms["station.held"] = alarm
    assert story.holds(when)
    operator.alarms["station.held"] = alarm.model_copy(update={"active": False})
    assert not story.holds(when) and story.holds(When(records=0)) and not story.holds(When(records=1))


def _truth(**changes: Any) -> dict[str, Any]:
    return {
        "bays": {"1": "SIMP-00000001", "2": None},
        "mounts": {"1": "TRK1-00000001"},
        "bays_locked": {"1": True, "2": False},
        "mounts_locked": {"1": True},
        "gripper": None,
        "robot": {"moving": False, "active": False},
        "truck": {"driving": "standing"},
        "departed": [],
        "plc": {"state": "READY", "stop_reason": "NONE", "motions_started": 3},
        "motions": [{"sequence": 1, "opcode": "CLAMP", "started": 1}],
        **changes,
    }


@pytest.mark.parametrize(
    ("holds", "when"),
    [
        (True, {"moving": False, "robot": "READY", "stop_reason": "NONE", "driving": "standing", "departed": 0}),
        (True, {"at": {"bay 1": "SIMP-00000001", "bay 2": "empty", "mount 1": "a pack", "robot": "empty"}}),
        (False, {"at": {"bay 2": "a pack"}}),
        (False, {"at": {"bay 9": "a pack"}}),
        (True, {"locked": {"mount 1": True, "bay 2": False}}),
        (False, {"locked": {"bay 2": True}}),
        (True, {"orders": {"CLAMP": 1, "UNLOCK": 0}}),
        (False, {"orders": {"CLAMP": 0}}),
        (False, {"left_with": {"mount 1": "TRK1-00000001"}}),
        (False, {"moving": True}),
    ],
)
def test_conditions_of_the_plant(holds: bool, when: dict[str, Any]) -> None:
    for truth in (_truth(), _truth(bays={1: "SIMP-00000001", 2: None}, bays_locked={1: True, 2: False})):
        assert truths.meets(truth, When.model_validate(when)) is holds


def test_a_motion_that_came_and_went_is_no_standing_still() -> None:
    assert truths.meets(_truth(), When(moving=False), begun_before=3)
    assert not truths.meets(_truth(), When(moving=False), begun_before=2)


def test_a_pack_twice_or_nowhere_is_found() -> None:
    packs_seen = truths.Packs()
    assert list(packs_seen.wrong(_truth())) == []
    assert list(packs_seen.wrong(_truth(gripper="SIMP-00000001"))) == ["pack SIMP-00000001 is in 2 places"]
    assert list(packs_seen.wrong(_truth(bays={"1": None}))) == ["pack SIMP-00000001 is nowhere"]
    gone = [{"vin": "x", "packs": {"1": "TRK1-00000001"}}]
    assert list(packs_seen.wrong(_truth(mounts={}, departed=gone))) == []
    twice = {"sequence": 7, "opcode": "UNLOCK", "started": 2}
    assert list(truths.twice(_truth(motions=[twice]))) == ["command 7 (UNLOCK) began 2 times"]


def test_measures_of_nothing_say_so() -> None:
    nothing = Findings({"visits": [], "dangers": [], "plc": {"motions_started": 4}}, [], [], None, 0.5, 1800.0)
    for name in (
        "estimate_outside",
        "swap_duration",
        "lane_time",
        "controller_added",
        "danger_to_withdrawal",
        "cycle_p99",
        "overruns",
    ):
        with pytest.raises(MeasureError):
            MEASURES[name].take(nothing)
    assert [MEASURES[name].take(nothing) for name in ("since", "highest_load", "motions")] == [0.5, 1800.0, 4.0]
    open_one = Findings({"dangers": [{"kind": "zone_clear", "stopped_after_s": None}]}, [], [], None, 0.0, 0.0)
    with pytest.raises(MeasureError, match="never answered"):
        MEASURES["danger_to_withdrawal"].take(open_one)


@pytest.mark.parametrize(("true_pct", "outside"), [(57.0, 0.0), (50.0, 5.0), (93.5, 3.5)])
def test_an_estimate_is_measured_by_how_far_the_truth_is_outside_of_it(true_pct: float, outside: float) -> None:
    told = BAY.model_copy(update={"serial": "A-1", "soc_p05_pct": 55.0, "soc_p95_pct": 90.0})
    silent = BAY.model_copy(update={"serial": "A-2", "soc_p05_pct": None, "soc_p95_pct": None})
    gone = told.model_copy(update={"serial": "A-3"})
    found = Findings({"packs": {"A-1": true_pct, "A-2": 1.0}}, [], [told, silent, gone], None, 0.0, 0.0)
    assert MEASURES["estimate_outside"].take(found) == outside


def test_an_event_is_a_moment_of_its_own() -> None:
    story, operator = _story()
    operator.tell("event", EventMessage(code="soc.arrival_final", severity="info", text="came with 84 %"))
    when = When(event="soc.arrival_final", says="84")
    assert story.met(when) is not None
    assert not story.now.meets(when)
    assert all(m.meets(When(says="robot: UNLOCK", reason="moving")) for m in story.moments[-2:]), "nothing changed"
    operator.tell("event", EventMessage(code="step.extract", severity="info", text="lifted"))
    assert story.now.meets(When(event="step.extract", step="extract"))
    operator.tell("event", EventMessage(code="soc.other", severity="info", text=""))
    assert not story.now.meets(When(event="step.extract"))


class _Plant:
    """Remembers what it was asked."""

    operator: Any = None

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, object]]] = []

    async def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        self.asked.append((do, arguments))
        return {"truth": {"robot": {"active": True}}}


def test_faults_go_where_they_are_made_and_all_are_healed() -> None:
    plant, calls = _Plant(), list[str]()

    async def note(what: str) -> None:
        calls.append(what)

    async def main() -> None:
        faults = Switched(plant, {"broker.outage": (lambda: note("off"), lambda: note("on"))})
        for data in (
            {"kind": "broker.outage"},
            {"kind": "can.loss", "source": 161},
            {"kind": "people.zone", "shows": "untrusted"},
            {"kind": "plc.reboot", "in_move": True},
        ):
            await faults.inject(parse(data, "test"))
        with pytest.raises(CannotDo):
            await faults.inject(parse({"kind": "disk.full"}, "test"))
        await faults.heal("people.zone")
        await faults.heal(None)
        await faults.heal(None)

    run(main())
    assert calls == ["off", "on"]
    assert [do for do, _ in plant.asked] == ["fault", "zone", "truth", "power_cut", "zone", "heal", "power_return"]
    assert plant.asked[1][1] == {"clear": "untrusted"} and plant.asked[4][1] == {"clear": True}
