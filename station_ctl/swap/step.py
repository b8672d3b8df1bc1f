"""The pure step: (state, snapshot, decision, verb) -> (state, order, events). No await, no clock, no I/O.

An order that comes out of here has no effect until the gate has let it through (`station_ctl.runner`).
"""

from __future__ import annotations

from dataclasses import replace

from drivers.robot_protocol import RobotState
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML, Reason
from station_ctl.swap import evacuate, evacuate_motions, packs, quarantine, recovery, steps
from station_ctl.swap.changes import abort, at, go, hold
from station_ctl.swap.look import Give, Go, Hold, Look, Suspend, Wait
from station_ctl.swap.machine import STEP, SWAP
from station_ctl.swap.noticed import noticed, plc_forgot
from station_ctl.swap.recovery import NEEDS_RESET
from station_ctl.swap.result import Result
from station_ctl.swap.seen_packs import seen

HOPS = 4
"""Steps that need no waiting are passed through in one cycle, at most so many."""
LEASE_S = 0.6
"""After so long without contact the PLC has stopped by its own lease (0.5 s) and its ramp is under way."""

_STANDING = (RobotState.STOPPED, RobotState.READY, *NEEDS_RESET)


def step(look: Look) -> Result:
    """One cycle of the swap logic."""
    asked, before = look.state.evacuate_asked, noticed(look.state, look.snapshot.robot)
    state = quarantine.quarantine(replace(look, state=seen(before, look.snapshot)), before)
    before = replace(_begun(state, look.now_s), evacuate_asked=None)
    down = before.packml in (PackML.ABORTING, PackML.ABORTED)
    if look.decision.latched and not down and before.packml is not PackML.CLEARING:
        return Result(abort(before, look.now_s, Reason("interlock", look.decision.tripped or "interlock latched")))
    if plc_forgot(look.state, look.snapshot.robot) and not down:
        why = "the PLC lost its memory of commands: it was restarted; look where the robot stands"
        return Result(abort(before, look.now_s, Reason("plc_restarted", why)))
    look = replace(look, state=_without_lapsed(before, look))
    if asked is not None and before.packml in (PackML.HELD, PackML.STOPPED):
        return evacuate.asked(look, asked)
    if before.packml in evacuate.AUTOMATIC and (taken := evacuate.attend(look)) is not None:
        return taken
    return _act(look)


def _begun(state: StationState, now_s: float) -> StationState:
    """A state restored from the journal has no time of its own: it begins with the first look of this life."""
    return state if state.state_since_s else replace(state, state_since_s=now_s)


def _without_lapsed(state: StationState, look: Look) -> StationState:
    """The state without an authorisation that nobody has used in time."""
    leave = state.authorisation
    if state.swap is None and leave and look.now_s - leave.given_s > look.config.swap.authorisation_valid_s:
        return replace(state, authorisation=None)
    return state


def _act(look: Look) -> Result:
    match look.state.packml:
        case PackML.STARTING | PackML.EXECUTE | PackML.COMPLETING | PackML.COMPLETE | PackML.IDLE:
            return _phase(look)
        case PackML.SUSPENDED:
            return _suspended(look)
        case PackML.CLEARING:
            return recovery.clearing(look)
        case PackML.RESETTING:
            return recovery.resetting(look)
        case PackML.HELD | PackML.STOPPED:
            return recovery.standing(look)
        case PackML.UNHOLDING | PackML.UNSUSPENDING:
            state = go(look.state, f"resume_{look.state.resume_to.lower()}", look.now_s)
            return Result(replace(state, pending=None, step_since_s=look.now_s, done_since_s=None))
        case PackML.ABORTING | PackML.HOLDING | PackML.SUSPENDING | PackML.STOPPING:
            return _coming_to_rest(look)
    return Result(look.state)


def _coming_to_rest(look: Look) -> Result:
    """Acting states on the way down end when the robot stands, or must stand by its own lease."""
    robot, state = look.snapshot.robot, look.state
    if robot is None or look.now_s - robot.heartbeat_changed_s > LEASE_S:  # what it says is of long ago
        stands = look.now_s - state.state_since_s > LEASE_S
    else:
        stands = robot.state in _STANDING
    if stands:
        trigger = {"Aborting": "aborted", "Holding": "held", "Suspending": "suspended", "Stopping": "stopped"}
        return Result(go(state, trigger[state.packml], look.now_s, state.reason))
    return Result(state)


def _phase(look: Look) -> Result:
    finished = None
    for _ in range(HOPS):
        look = replace(look, state=packs.accept(look))
        taken = evacuate.attend(look)  # also between two steps: the next motion of the swap does not begin
        if taken is not None:
            return replace(taken, finished=finished)
        outcome = steps.look_at(look)
        if not isinstance(outcome, Go):
            break
        done = outcome.state.swap if outcome.trigger == "settled" else None
        finished = done or finished
        look = replace(look, state=_follow(outcome, look.now_s))
        if look.state.packml not in (PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING):
            return Result(look.state, finished=finished)
    else:
        return Result(look.state, finished=finished)
    return replace(_taken(look, outcome), finished=finished)


def _taken(look: Look, outcome: Give | Wait | Hold | Suspend) -> Result:
    state = look.state
    match outcome:
        case Give():
            return Result(state, outcome.order)
        case Wait():
            state = outcome.state or state
            return Result(state if state.reason == outcome.reason else replace(state, reason=outcome.reason))
        case Suspend():
            state = outcome.state or state
            return Result(replace(go(state, "suspend", look.now_s, outcome.reason), resume_to=state.packml))
        case Hold():
            return Result(hold(state, look.now_s, outcome.reason))


def _follow(outcome: Go, now_s: float) -> StationState:
    """Follow an edge of the swap table, and the PackML edge that goes with a change of phase."""
    state = outcome.state
    if outcome.trigger.startswith("back_to_"):
        return evacuate_motions.finished(state, outcome.trigger, now_s)
    old = STEP[state.step].phase
    state = at(state, SWAP.follow(state.step, outcome.trigger), now_s)
    new = STEP[state.step].phase
    if old is new:
        return state
    if outcome.trigger == "left":
        return go(replace(state, swap=None), "left", now_s)
    if outcome.trigger == "departed":
        return go(state, "reset", now_s)
    if outcome.trigger == "settled":  # the record is complete: nothing of this swap is open any more
        return go(replace(state, swap=None, authorisation=None), "phase_done", now_s)
    return go(state, "start" if old is PackML.IDLE else "phase_done", now_s)


def _suspended(look: Look) -> Result:
    """Look at the step as if it ran: when it no longer asks for somebody outside, go on."""
    outcome = steps.look_at(look)
    match outcome:
        case Suspend():
            return Result(replace(outcome.state or look.state, reason=outcome.reason))
        case Wait() if look.state.step == "position":  # the driver is under way
            return Result(replace(outcome.state or look.state, reason=outcome.reason))
        case Hold():
            return Result(hold(look.state, look.now_s, outcome.reason))
    return Result(go(look.state, "unsuspend", look.now_s))
