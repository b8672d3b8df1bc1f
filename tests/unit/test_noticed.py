"""What the PLC's echo makes of the last motion: a rejected one never happened, a half-done one stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import EchoState, Opcode, RobotCommand, RobotStatus
from station_ctl.model.motion import LastMotion
from station_ctl.model.state import StationState
from station_ctl.swap.noticed import noticed
from station_ctl.swap.resume import _stands_by
from tests.simulation.thermal_ground import swapping
from tests.support import run

LIFT = RobotCommand(7, Opcode.LIFT_FROM, 101)
HALF = LastMotion(LIFT, EchoState.STOPPED, Signal.TRUE)


def standing() -> RobotStatus:
    """A status block of a PLC that stands, with a pack in the gripper."""
    found: list[RobotStatus] = []

    async def main() -> None:
        ground = await swapping()
        robot = ground.runner._read(ground.now_s).robot
        assert robot is not None
        found.append(replace(robot, gripper_holding=Signal.TRUE))

    run(main())
    return found[0]


STANDING = standing()


def after(state: StationState, command: RobotCommand, echo: EchoState, **changes: Signal) -> StationState:
    """The state once `command` was given and the PLC echoes `echo` of it."""
    given = replace(state, given=command, sequence=command.sequence)
    robot = replace(STANDING, echo_sequence=command.sequence, echo_state=echo, **changes)  # type: ignore[arg-type]
    return noticed(given, robot)


def after_reset(state: StationState) -> StationState:
    """The state once a RESET, which is no motion, is what the PLC echoes."""
    robot = replace(STANDING, echo_sequence=50, echo_state=EchoState.DONE)
    return noticed(replace(state, sequence=50), robot)


@pytest.mark.parametrize("last", [None, HALF, LastMotion(LIFT, EchoState.DONE, Signal.FALSE)])
@pytest.mark.parametrize("opcode", [Opcode.JOG, Opcode.MOVE_TO, Opcode.PLACE_TO, Opcode.CLAMP])
def test_what_the_plc_rejected_never_happened_not_even_after_a_reset(opcode: Opcode, last: LastMotion | None) -> None:
    state = after(StationState(last=last), RobotCommand(8, opcode, 0, 3), EchoState.REJECTED)
    assert state.rejected == 8
    assert after_reset(state).last == state.last == last


def test_a_command_that_was_never_seen_to_be_rejected_counts_as_broken_off() -> None:
    state = after_reset(StationState(last=HALF, given=RobotCommand(8, Opcode.PLACE_TO, 0, 3)))
    assert state.last is not None
    assert (state.last.command.sequence, state.last.ended) == (8, EchoState.STOPPED)


@pytest.mark.parametrize("opcode", [Opcode.JOG, Opcode.CLAMP, Opcode.LOCK])
@pytest.mark.parametrize("gripper", [Signal.TRUE, Signal.UNTRUSTED])
def test_a_half_done_lift_outlasts_what_does_not_end_it(opcode: Opcode, gripper: Signal) -> None:
    state = after(StationState(last=HALF), RobotCommand(8, opcode), EchoState.DONE, gripper_holding=gripper)
    assert state.last is not None
    assert (state.last.command, state.last.ended) == (LIFT, EchoState.STOPPED)
    known = state.last.full is Signal.TRUE  # a jog leaves the place: another pack may be put there
    assert known is (opcode is not Opcode.JOG)


@pytest.mark.parametrize(
    ("opcode", "gripper"),
    [(Opcode.JOG, Signal.FALSE), (Opcode.PLACE_TO, Signal.TRUE), (Opcode.MOVE_TO, Signal.TRUE)],
)
def test_a_half_done_lift_ends_with_an_empty_gripper_or_the_next_handling(opcode: Opcode, gripper: Signal) -> None:
    command = RobotCommand(8, opcode, 0, 3)
    state = after(StationState(last=HALF), command, EchoState.EXECUTING, gripper_holding=gripper)
    assert state.last is not None
    assert state.last.command == command


def test_a_motion_that_was_taken_up_is_not_made_undone_by_an_echo_that_lies() -> None:
    state = after(StationState(last=HALF), LIFT, EchoState.REJECTED)
    assert state.last == HALF
    assert state.rejected is None
    late = after(after(StationState(), LIFT, EchoState.REJECTED), LIFT, EchoState.EXECUTING)
    assert late.rejected is None
    assert late.last is not None
    assert late.last.ended is EchoState.EXECUTING


@pytest.mark.parametrize(("echo", "jogged"), [(EchoState.REJECTED, False), (EchoState.DONE, True)])
def test_a_jog_takes_the_robot_elsewhere_unless_it_was_rejected(echo: EchoState, jogged: bool) -> None:
    jog = RobotCommand(8, Opcode.JOG, parameter_1=50)
    assert _stands_by(after(StationState(last=HALF), jog, echo)) == (jog if jogged else LIFT)
