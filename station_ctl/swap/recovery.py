"""The way back up: Clearing after a person's `clear`, Resetting after `reset`, and what an open swap makes of it."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import Opcode, RobotState, RobotStatus
from station_ctl.model.motion import Order
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation, Swap
from station_ctl.model.words import PackML, Reason
from station_ctl.swap import leaving, manual, motions, people
from station_ctl.swap.changes import PHASES, abort, at, go
from station_ctl.swap.look import Give, Hold, Look, wait
from station_ctl.swap.machine import STEP
from station_ctl.swap.result import Result as Result

NEEDS_RESET = (RobotState.FAULTED, RobotState.EMERGENCY_STOPPED)
"""States that the PLC leaves by RESET only."""
CLEAR_WITHIN_S = 3.0
"""A clear that has not opened the latch by then has failed: back to Aborted, saying why."""
LET_GO = ("release", "settle")
"""Every pack is verified and every mount locked: from here on the truck may go."""
EMPTY_S = 2.0
"""Lane and robot have to read empty for so long before an open swap is taken for ended by hand."""


def reset_line(look_state: StationState, robot_state: RobotState | None) -> bool:
    """Level of the interlock's reset line: high only while a person's `clear` is being carried out at a healthy PLC."""
    return look_state.packml is PackML.CLEARING and robot_state is not None and robot_state not in NEEDS_RESET


def clearing(look: Look) -> Result:
    robot, state = look.snapshot.robot, look.state
    if look.now_s - state.state_since_s > CLEAR_WITHIN_S:
        names = ", ".join(look.decision.blocks_reset) or "no cause stands"
        why = look.snapshot.robot_error or f"still standing: {names}"
        return Result(abort(state, look.now_s, Reason("clear_refused", f"not cleared; {why}")))
    if robot is not None and robot.state in NEEDS_RESET:
        outcome = motions.ordered(look, robot, Order(Opcode.RESET))
        return Result(state, outcome.order) if isinstance(outcome, Give) else Result(state)
    if look.decision.latched or robot is None:
        return Result(state)
    return Result(replace(go(state, "cleared", look.now_s), pending=None))


def resetting(look: Look) -> Result:
    """Park the robot; an interrupted swap goes to Held instead, and nothing moves."""
    robot, state = look.snapshot.robot, look.state
    if robot is None:
        return Result(replace(state, reason=Reason("plc_not_readable", look.snapshot.robot_error)))
    if state.swap is not None:
        return _interrupted(look, robot, state.swap)
    if state.evacuation is not None:
        return _evacuation_open(look, state.evacuation)
    if not motions.empty(robot):
        why = Reason("gripper_full", "the robot holds a pack and no swap is open: set it down in Manual, then clear")
        return Result(abort(state, look.now_s, why))
    if robot.robot_home is Signal.TRUE and state.pending is None:
        return Result(at(go(state, "ready", look.now_s), "waiting", look.now_s))
    if state.visited and state.pending is None:  # a truck has left: this one comes without a person's word
        return Result(replace(state, reason=people.reason(look)))
    outcome = motions.ordered(look, robot, Order(Opcode.HOME))
    if isinstance(outcome, Hold):
        return Result(abort(state, look.now_s, outcome.reason))
    if isinstance(outcome, Give):
        return Result(state, outcome.order)
    if outcome is not None or robot.robot_home is not Signal.TRUE:
        return Result(replace(state, reason=wait("homing", "robot goes to its parking position").reason))
    return Result(at(go(state, "ready", look.now_s), "waiting", look.now_s))


def standing(look: Look) -> Result:
    """Held and Stopped: nothing moves but by hand; a swap that a person has ended is recorded as aborted."""
    state = look.state
    if state.manual is not None:
        return manual.act(look)
    if state.swap is None or not state.swap.aborted:
        return Result(state)
    step = leaving.left_off(state)
    ended = replace(state, step=step, swap=None, authorisation=None, evacuation=None, pending=None)
    if state.packml is PackML.HELD:
        ended = go(ended, "end", look.now_s, state.reason)
    return Result(ended, finished=state.swap)


def _interrupted(look: Look, robot: RobotStatus, swap: Swap) -> Result:
    """An open swap: ended by hand if truck and packs are gone for good, else a person decides.

    Where the truck was LET_GO its being gone ends nothing: its old packs and its record are still owed."""
    state = look.state
    if not _plant_is_empty(look, robot):
        if state.evacuation is not None:
            return _evacuation_open(look, state.evacuation)
        return _held(look, state, swap)
    if look.now_s - state.state_since_s < EMPTY_S:
        return Result(replace(state, reason=Reason("looking", "lane and robot read empty: making sure")))
    if state.step in LET_GO and state.evacuation is None:
        return _held(look, at(state, "settle", look.now_s), swap)
    ended = replace(swap, aborted=True)
    new = replace(at(state, "waiting", look.now_s), swap=None, authorisation=None, evacuation=None)
    return Result(new, finished=ended)


def _held(look: Look, state: StationState, swap: Swap) -> Result:
    """A person looks, and resumes or gives it up."""
    why = Reason("interrupted", f"swap {swap.id} was interrupted in step {state.step}: {STEP[state.step].choices}")
    return Result(replace(go(state, "recover", look.now_s, why), resume_to=_resume_phase(state)))


def _evacuation_open(look: Look, evacuation: Evacuation) -> Result:
    """An evacuation that did not come to its end: nothing moves until a person resumes it or gives it up."""
    state = look.state
    pack = f"pack {evacuation.serial or 'of unknown serial'} of {evacuation.source}"
    text = f"the evacuation of {pack} to isolation bay {evacuation.isolation} was interrupted in step {state.step}"
    todo = "look where it is, then resume or back out"
    swap = f"; swap {state.swap.id} waits behind it" if state.swap else ""
    why = Reason("evacuation_interrupted", f"{text} ({evacuation.why}): {todo}{swap}")
    return Result(replace(go(state, "recover", look.now_s, why), resume_to=PackML.EXECUTE))


def _plant_is_empty(look: Look, robot: RobotStatus) -> bool:
    """No truck by PLC, clamps and CAN, and no pack on the robot: an open swap was ended by hand."""
    gone = (robot.truck_present, robot.wheels_clamped) == (Signal.FALSE, Signal.FALSE)
    return gone and look.snapshot.truck.vin.value is None and motions.empty(robot)


def _resume_phase(state: StationState) -> PackML:
    phase = STEP[state.step].phase
    return phase if phase in PHASES else PackML.COMPLETING
