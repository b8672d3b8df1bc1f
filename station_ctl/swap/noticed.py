"""What the PLC's echo says of our last motion: taken up, rejected, done, or broken off in the middle. Pure."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import EchoState, Opcode, RobotCommand, RobotStatus
from station_ctl.model.motion import LastMotion
from station_ctl.model.state import StationState
from station_ctl.safety.from_plc import occupied

HANDLES = (Opcode.LIFT_FROM, Opcode.PLACE_TO)
"""Motions that take a pack from its place or fill it."""
_SUPERSEDES = (*HANDLES, Opcode.MOVE_TO, Opcode.HOME)
"""What ends a half-done lift or placement; the gate lets a travel begin only once the pack has left its place."""


def plc_forgot(state: StationState, robot: RobotStatus | None) -> bool:
    """True if the PLC's own count of motions is behind what we have seen: it was restarted without its memory."""
    return robot is not None and state.motions_seen is not None and robot.motions_started < state.motions_seen


def noticed(state: StationState, robot: RobotStatus | None) -> StationState:
    """The state with what the PLC's echo says of our last motion."""
    if robot is None:
        return state
    if state.motions_seen != robot.motions_started:
        state = replace(state, motions_seen=robot.motions_started)
    given = state.given
    if given is None or robot.echo_sequence not in (given.sequence, state.sequence):
        return state
    ours = robot.echo_sequence == given.sequence
    if ours and robot.echo_state is EchoState.REJECTED:
        return _rejected(state, given)
    if ours and state.rejected is not None:
        state = replace(state, rejected=None)
    return state if state.rejected == given.sequence else _taken_up(state, given, robot, ours)


def _rejected(state: StationState, given: RobotCommand) -> StationState:
    """Nothing moved: what was half done before still is. An echo that says so of what was taken up lies."""
    refused = state.last is None or state.last.command != given
    return replace(state, rejected=given.sequence) if refused and state.rejected != given.sequence else state


def _taken_up(state: StationState, given: RobotCommand, robot: RobotStatus, ours: bool) -> StationState:
    """ours: the echo is of `given` itself, not of a RESET after it."""
    last = state.last
    if last is None or last.command != given:
        if last is not None and given.opcode not in _SUPERSEDES and _half_done(last, robot):
            return replace(state, last=_still_half_done(last, given))
        last = LastMotion(given)
    ended = robot.echo_state if ours else last.ended or EchoState.STOPPED
    if ended is not last.ended:
        place = given.source or given.destination
        last = LastMotion(given, ended, occupied(robot, place) if place else Signal.NOT_AVAILABLE)
    return state if last is state.last else replace(state, last=last)


def _half_done(last: LastMotion, robot: RobotStatus) -> bool:
    """True if a pack may still hang between its place and the robot."""
    handled = last.command.opcode in HANDLES and last.ended is not EchoState.DONE
    return handled and robot.gripper_holding is not Signal.FALSE


def _still_half_done(last: LastMotion, given: RobotCommand) -> LastMotion:
    """A jog leaves the place: what fills it from then on need not be the robot's own pack."""
    return replace(last, full=Signal.NOT_AVAILABLE) if given.opcode is Opcode.JOG else last
