"""The class of an evacuation, motions by hand, and a guard that goes on from a recording."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Signal
from drivers.robot_protocol import BaySensors, EchoState, MotionClass, Opcode, RobotCommand, RobotMode, RobotStatus
from station_ctl.model.motion import Order
from station_ctl.model.places import bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation
from station_ctl.safety import table
from station_ctl.safety.classes import EVACUATE, motion_class, on_the_wire
from station_ctl.safety.guard import Guard
from tests.safety.test_inputs import OCCUPIED, UNLOCK, F, N, T, U, bad, good, guard, last, pack, robot, snapshot, truck
from tests.simulation.ground import station_config

ISOLATION = next(b.number for b in station_config().bay if b.isolation)
HOT = StationState(evacuation=Evacuation(bay(2), ISOLATION, None, "smoke"))
LIFT_HOT = RobotCommand(6, Opcode.LIFT_FROM, source=2)
PLACE_HOT = RobotCommand(6, Opcode.PLACE_TO, destination=ISOLATION)


def burning(smoke_clear: Signal = F, energised: Signal = F, mated: Signal = T) -> RobotStatus:
    bays = [*robot().bays]
    bays[1] = BaySensors(T, T, mated, smoke_clear, energised)
    return robot(bays=tuple(bays))


def test_the_class_of_an_evacuation_is_ours_and_goes_out_as_handling_a_bay() -> None:
    assert motion_class(LIFT_HOT, HOT.evacuation) == EVACUATE
    assert motion_class(PLACE_HOT, HOT.evacuation) == EVACUATE
    assert motion_class(LIFT_HOT) == motion_class(PLACE_HOT) == MotionClass.HANDLE_BAY
    assert motion_class(replace(LIFT_HOT, source=3), HOT.evacuation) == MotionClass.HANDLE_BAY
    assert motion_class(replace(PLACE_HOT, destination=3), HOT.evacuation) == MotionClass.HANDLE_BAY
    aboard = Evacuation(mount(2), ISOLATION, None, "smoke")
    assert motion_class(RobotCommand(6, Opcode.LIFT_FROM, source=2), aboard) == MotionClass.HANDLE_BAY
    assert motion_class(RobotCommand(6, Opcode.LIFT_FROM, source=102), aboard) == MotionClass.HANDLE_MOUNT
    assert on_the_wire(EVACUATE) == MotionClass.HANDLE_BAY
    assert on_the_wire(EVACUATE | MotionClass.TRAVEL) == MotionClass.HANDLE_BAY | MotionClass.TRAVEL
    assert on_the_wire(MotionClass.TRAVEL) == MotionClass.TRAVEL
    assert int(on_the_wire(MotionClass(511))) == 255


def test_smoke_stops_an_ordinary_lift_and_calls_for_an_evacuation() -> None:
    at, judge = snapshot(burning()), guard()
    assert any(line.startswith("smoke_in_bay") for line in judge.admit(at, StationState(), LIFT_HOT))
    assert judge.admit(at, HOT, LIFT_HOT) == ()
    assert judge.judge(at, HOT, reset=False, engaged=False).permits & EVACUATE


def test_an_evacuation_needs_evidence_that_is_measured() -> None:
    clear, judge = snapshot(burning(smoke_clear=T)), guard()
    (refusal,) = judge.admit(clear, HOT, LIFT_HOT)
    assert refusal.startswith("evacuation_not_called_for: ")
    assert judge.admit(clear, HOT, LIFT_HOT, {bay(2): "cell 12 fell by 0.4 V"}) == ()
    assert judge.admit(clear, HOT, LIFT_HOT, {bay(3): "cell 12 fell by 0.4 V"}) != ()
    for reading, enough in ((good(T), True), (good(T, 0.6), False), (good(U), False), (bad(Quality.UNTRUSTED), False)):
        told = replace(clear, packs={**clear.packs, bay(2): pack(0xB2, thermal_event=reading)})
        assert (judge.admit(told, HOT, LIFT_HOT) == ()) == enough
    for doubtful in (U, N):
        assert judge.admit(snapshot(burning(smoke_clear=doubtful)), HOT, LIFT_HOT) != ()
    again = replace(HOT, last=last(Opcode.LIFT_FROM, EchoState.STOPPED, source=2))
    gripped = snapshot(replace(burning(smoke_clear=T, mated=F), gripper_holding=T))
    assert judge.admit(gripped, again, LIFT_HOT) == ()
    assert judge.admit(gripped, HOT, LIFT_HOT) != ()


def test_a_burning_pack_is_lifted_once_its_supply_is_open_whatever_its_bms_says() -> None:
    at = snapshot(burning())
    for dying in (PackStatus(0xB2), pack(0xB2, contactor_closed=good(T), link_voltage_v=good(560.0))):
        assert guard().admit(replace(at, packs={**at.packs, bay(2): dying}), HOT, LIFT_HOT) == ()
    for energised in (T, U, N):
        (refusal,) = guard().admit(snapshot(burning(energised=energised)), HOT, LIFT_HOT)
        assert refusal.startswith("source_not_isolated: ")


def test_an_evacuation_is_no_way_round_people_or_a_full_isolation_bay() -> None:
    loaded = replace(burning(), gripper_holding=T, gripper_closed=T, load_kg=1800.0)
    assert guard().admit(snapshot(loaded), HOT, PLACE_HOT) == ()
    for changes, cause in (({"zone_clear": F}, "person_in_zone"), ({"load_kg": 3501.0}, "overload"),
                           ({"estop_released": F}, "emergency_stop"), ({"gripper_holding": F}, "gripper_not_ready"),
                           ({"bays": OCCUPIED}, "destination_occupied")):  # fmt: skip
        refusal = guard().admit(snapshot(replace(loaded, **changes)), HOT, PLACE_HOT)
        assert [line.partition(":")[0] for line in refusal] == [cause]
    elsewhere = replace(HOT, evacuation=Evacuation(bay(2), 4, None, "smoke"))
    (refusal,) = guard().admit(snapshot(loaded), elsewhere, replace(PLACE_HOT, destination=4))
    assert refusal.startswith("evacuation_not_called_for: ")


def test_one_motion_by_hand_needs_the_key_in_manual_and_the_enable_button() -> None:
    move, by_hand = RobotCommand(6, Opcode.MOVE_TO, destination=2), StationState(manual=Order(Opcode.MOVE_TO, bay(2)))
    at = snapshot(robot(mode=RobotMode.MANUAL, local_enable=T))
    assert guard().admit(at, by_hand, move) == ()
    for state, changes in ((by_hand, {"local_enable": F}), (by_hand, {"local_enable": U}), (StationState(), {}),
                           (by_hand, {"mode": RobotMode.PRODUCTION}), (by_hand, {"mode": None})):  # fmt: skip
        refusal = guard().admit(snapshot(replace(at.robot, **changes)), state, move)
        assert [line.partition(":")[0] for line in refusal] == ["not_in_production"]


def test_a_guard_goes_on_from_what_was_dumped() -> None:
    judge, state = guard(), StationState(pending=UNLOCK)
    judge.judge(snapshot(None, truck(link_voltage_v=good(71.0))), state, reset=False, engaged=False)
    again = Guard(table.load(), station_config())
    again.load(json.loads(json.dumps(judge.dump())))
    for link_v in (58.0, 54.0):
        at = snapshot(None, truck(link_voltage_v=good(link_v)))
        assert again.judge(at, state, reset=False, engaged=False) == judge.judge(at, state, reset=False, engaged=False)
    with pytest.raises(ValueError):
        again.load({"kernel": None, "first_out": None, "tripped": ""})
