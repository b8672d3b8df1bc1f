"""Going on after a hold: where the step left off, or a little before it, as something may have been changed."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import MOUNT_CODE_BASE, Opcode, RobotCommand, RobotStatus
from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.words import Reason
from station_ctl.safety.from_plc import occupied
from station_ctl.swap import evacuate
from station_ctl.swap.changes import at, go
from station_ctl.swap.machine import STEP, SWAP


def resume(state: StationState, robot: RobotStatus | None, asked: Reason, now_s: float) -> StationState:
    """Back to the phase it left. Past the last verification that is done again: somebody may have changed something."""
    missed = _missed(state, robot)
    state = replace(go(state, "unhold", now_s, asked), pending=None, step_since_s=now_s)
    if missed or _elsewhere(state):
        state = at(state, SWAP.follow(state.step, "return"), now_s)
        return replace(state, reason=asked, resume_to=STEP[state.step].phase)
    clamped = robot is not None and robot.wheels_clamped is Signal.TRUE  # open clamps: the gate of RELEASE judges alone
    if not clamped or not SWAP.allows(state.step, "verify_again"):
        return state
    state = at(state, SWAP.follow(state.step, "verify_again"), now_s)
    return replace(state, reason=asked, resume_to=STEP[state.step].phase)


def _elsewhere(state: StationState) -> bool:
    """True if the step handles a place and the robot's last motion was not there: it is approached anew."""
    if not SWAP.allows(state.step, "return"):
        return False
    place, last = _handled(state), _stands_by(state)
    if place is None or last is None:
        return place is not None
    return place.code not in (last.source, last.destination, last.mount + MOUNT_CODE_BASE)


def _stands_by(state: StationState) -> RobotCommand | None:
    """The motion that tells where the robot stands: the last one the PLC took up, as far as that is known."""
    given, last = state.given, state.last
    if last is None or given is None:
        return given
    jogged = given.opcode is Opcode.JOG and given.sequence != state.rejected
    return given if jogged else last.command


def _missed(state: StationState, robot: RobotStatus | None) -> bool:
    """True if the PLC refused to handle a place that reads as if nobody had begun: the robot may not stand there."""
    if state.reason is None or state.reason.code != "command_rejected" or not SWAP.allows(state.step, "return"):
        return False
    place, last = _handled(state), state.given
    if robot is None or place is None or last is None:
        return False
    begins = {Opcode.LIFT_FROM: (Signal.FALSE, Signal.TRUE), Opcode.PLACE_TO: (Signal.TRUE, Signal.FALSE)}
    return (robot.gripper_holding, occupied(robot, place.code)) == begins.get(last.opcode)


def _handled(state: StationState) -> Place | None:
    """The place that the step lifts from, fills, locks or unlocks."""
    evacuation = state.evacuation
    if evacuation is not None:
        if state.step == "evacuate_set_down":
            return bay(evacuate.aside(state))
        return evacuation.source if state.step == "evacuate_lift" else bay(evacuation.isolation)
    if state.swap is None:
        return None
    exchange = state.swap.exchange
    return {"stow": bay(exchange.bay_in), "fetch": bay(exchange.bay_out)}.get(state.step, mount(exchange.mount))
