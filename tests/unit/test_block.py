"""The command block: one motion's permit and lease, or none at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.robot_protocol import MotionClass, Opcode, RobotCommand
from station_ctl import block
from station_ctl.model.look import Decision
from station_ctl.model.places import bay
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation
from station_ctl.model.words import ACTING, PackML
from station_ctl.safety.classes import ALL_CLASSES, EVACUATE
from tests.safety.test_inputs import robot

OPEN = Decision(ALL_CLASSES, False, 0, None, {})
LATCHED = Decision(MotionClass(0), True, 1, "person_in_zone", {})
MOVE = RobotCommand(6, Opcode.MOVE_TO, destination=3)


def made(state: StationState, decision: Decision = OPEN) -> Any:
    return block.make(state, decision, robot(), 42, 500)


def test_a_pending_motion_gets_its_own_permit_and_no_other() -> None:
    block_ = made(StationState(packml=PackML.EXECUTE, pending=MOVE))
    assert (block_.permits, block_.lease_ms, block_.stop_category) == (MotionClass.TRAVEL, 500, 0)
    assert block_.command == MOVE


def test_the_plc_knows_an_evacuation_as_handling_a_bay() -> None:
    lift = RobotCommand(6, Opcode.LIFT_FROM, source=2)
    hot = StationState(packml=PackML.EXECUTE, pending=lift, evacuation=Evacuation(bay(2), 6, None, "smoke"))
    assert made(hot).permits == MotionClass.HANDLE_BAY
    assert made(hot, replace(OPEN, permits=EVACUATE)).permits == MotionClass.HANDLE_BAY
    smoke = replace(OPEN, permits=ALL_CLASSES & ~EVACUATE)
    assert (made(hot, smoke).permits, made(hot, smoke).lease_ms) == (MotionClass(0), 0)
    assert made(replace(hot, evacuation=None), replace(OPEN, permits=EVACUATE)).permits == MotionClass(0)


def test_without_a_motion_nothing_is_permitted_and_the_lease_is_nought() -> None:
    block_ = made(StationState(packml=PackML.EXECUTE))
    assert (block_.permits, block_.lease_ms) == (MotionClass(0), 0)
    assert block_.command == RobotCommand(robot().echo_sequence, Opcode.NONE)


@pytest.mark.parametrize("state", [s for s in PackML if s not in ACTING])
def test_no_state_but_an_acting_one_permits_anything(state: PackML) -> None:
    block_ = made(StationState(packml=state, pending=MOVE))
    assert (block_.permits, block_.lease_ms) == (MotionClass(0), 0)


def test_a_latch_stops_with_its_category_whatever_the_state() -> None:
    for packml in PackML:
        block_ = made(StationState(packml=packml, pending=MOVE), LATCHED)
        assert (block_.permits, block_.lease_ms, block_.stop_category) == (MotionClass(0), 0, 1)


def test_a_hold_is_category_2_and_an_abort_category_1() -> None:
    assert made(StationState(packml=PackML.HOLDING)).stop_category == 2
    assert made(StationState(packml=PackML.ABORTING)).stop_category == 1


@given(st.integers(0, 0xFFFF), st.integers(-20000, 20000))
def test_the_next_sequence_is_newer_than_both_ours_and_the_plcs(echo: int, offset: int) -> None:
    ours = (echo + offset) % 0x10000
    at = replace(robot(), echo_sequence=echo)
    following = block.next_sequence(StationState(sequence=ours), at)
    assert block.newer(following, echo)
    assert offset <= 0 or block.newer(following, ours)
    assert block.next_sequence(StationState(), at) == (echo + 1) % 0x10000
