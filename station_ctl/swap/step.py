"""The pure step: (state, snapshot, decision, verb) -> (state, order, events). No await, no clock, no I/O.

An order that comes out of here has no effect until the gate has let it through (`station_ctl.runner`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from drivers.reading import Signal
from drivers.robot_protocol import EchoState, Opcode, RobotCommand, RobotState, RobotStatus
from drivers.truck_status import TruckRequest
from station_ctl.model import ACTING, Event, LastMotion, Order, PackML, Reason, StationState, Swap
from station_ctl.safety.from_plc import occupied
from station_ctl.safety.guard import motion_class
from station_ctl.swap import motions, steps
from station_ctl.swap.look import Give, Go, Hold, Look, Suspend, Wait, wait
from station_ctl.swap.machine import PACKML, STEP, SWAP
from station_ctl.swap.table import STEPS

HOPS = 4
"""Steps that need no waiting are passed through in one cycle, at most so many."""
CLEAR_WITHIN_S = 3.0
"""A clear that has not opened the latch by then has failed: back to Aborted, saying why."""
LEASE_S = 0.6
"""After so long without contact the PLC has stopped by its own lease (0.5 s) and its ramp is under way."""

_NEEDS_RESET = (RobotState.FAULTED, RobotState.EMERGENCY_STOPPED)
_STANDING = (RobotState.STOPPED, RobotState.READY, *_NEEDS_RESET)
_PHASES = (PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING)
_AUTOMATIC = (*_PHASES, PackML.SUSPENDING, PackML.SUSPENDED, PackML.UNSUSPENDING, PackML.UNHOLDING)
_ENGAGED = frozenset(s.name for s in STEPS if s.request is not TruckRequest.NONE) - {"release", "settle", "depart"}
"""Steps from isolating the truck to its self-test: the truck stands clamped, the robot works or may at once."""
EMPTY_S = 2.0
"""Lane and robot have to read empty for so long before an open swap is taken for ended by hand."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one step came to. `finished`: the swap whose record is complete now."""

    state: StationState
    order: Order | None = None
    events: tuple[Event, ...] = ()
    finished: Swap | None = None


def step(look: Look) -> Result:
    """One cycle of the swap logic."""
    before = _noticed(look.state, look.snapshot.robot)
    down = before.packml in (PackML.ABORTING, PackML.ABORTED)
    if look.decision.latched and not down and before.packml is not PackML.CLEARING:
        return Result(abort(before, look.now_s, Reason("interlock", look.decision.tripped or "interlock latched")))
    if _plc_forgot(look.state, look.snapshot.robot) and not down:
        why = "the PLC lost its memory of commands: it was restarted; look where the robot stands"
        return Result(abort(before, look.now_s, Reason("plc_restarted", why)))
    return _act(replace(look, state=_without_lapsed(before, look)))


def engaged(state: StationState) -> bool:
    """True while the robot may start by itself at any moment: people must not come and go unnoticed meanwhile."""
    return state.packml in _AUTOMATIC and state.step in _ENGAGED


def _plc_forgot(state: StationState, robot: RobotStatus | None) -> bool:
    return robot is not None and state.motions_seen is not None and robot.motions_started < state.motions_seen


def _noticed(state: StationState, robot: RobotStatus | None) -> StationState:
    """The state with what the PLC's echo says of our last motion."""
    if robot is None:
        return state
    state = replace(state, motions_seen=robot.motions_started)
    given, last = state.given, state.last
    if given is None or robot.echo_sequence not in (given.sequence, state.sequence):
        return state
    if last is None or last.command != given:
        last = LastMotion(given)
    ended = robot.echo_state if robot.echo_sequence == given.sequence else last.ended or EchoState.STOPPED
    if ended is not last.ended:
        place = given.source or given.destination
        last = LastMotion(given, ended, occupied(robot, place) if place else Signal.NOT_AVAILABLE)
    return replace(state, last=last)


def _without_lapsed(state: StationState, look: Look) -> StationState:
    """The state without an authorisation that nobody has used in time."""
    leave = state.authorisation
    if state.swap is None and leave and look.now_s - leave.given_s > look.config.swap.authorisation_valid_s:
        return replace(state, authorisation=None)
    return state


def reset_line(look_state: StationState, robot_state: RobotState | None) -> bool:
    """Level of the interlock's reset line: high only while a person's `clear` is being carried out at a healthy PLC."""
    return look_state.packml is PackML.CLEARING and robot_state is not None and robot_state not in _NEEDS_RESET


def go(state: StationState, trigger: str, now_s: float, reason: Reason | None = None) -> StationState:
    """Follow a PackML edge. Raises EdgeError if there is none."""
    packml = PackML(PACKML.follow(state.packml, trigger))
    return replace(state, packml=packml, reason=reason, state_since_s=now_s, refused_since_s=None)


def at(state: StationState, name: str, now_s: float) -> StationState:
    """The state at the start of a step."""
    return replace(
        state, step=name, step_since_s=now_s, pending=None, reason=None, refused_since_s=None, done_since_s=None
    )


def abort(state: StationState, now_s: float, reason: Reason) -> StationState:
    """Into Aborting: the order under way is given up; what was open stays open for a person to decide on."""
    return replace(go(state, "abort", now_s, reason), pending=None)


def hold(state: StationState, now_s: float, reason: Reason) -> StationState:
    """Into Holding, remembering the phase to come back to."""
    phase = state.resume_to if state.packml is PackML.SUSPENDED else state.packml
    return replace(go(state, "hold", now_s, reason), resume_to=phase, pending=None)


def _act(look: Look) -> Result:
    match look.state.packml:
        case PackML.STARTING | PackML.EXECUTE | PackML.COMPLETING | PackML.COMPLETE | PackML.IDLE:
            return _phase(look)
        case PackML.SUSPENDED:
            return _suspended(look)
        case PackML.CLEARING:
            return _clearing(look)
        case PackML.RESETTING:
            return _resetting(look)
        case PackML.UNHOLDING | PackML.UNSUSPENDING:
            state = go(look.state, f"resume_{look.state.resume_to.lower()}", look.now_s)
            return Result(replace(state, pending=None, step_since_s=look.now_s, done_since_s=None))
        case PackML.ABORTING | PackML.HOLDING | PackML.SUSPENDING | PackML.STOPPING:
            return _coming_to_rest(look)
    return Result(look.state)


def _coming_to_rest(look: Look) -> Result:
    """Acting states on the way down end when the robot stands, or must stand by its own lease."""
    robot, state = look.snapshot.robot, look.state
    blind = robot is None and look.now_s - state.state_since_s > LEASE_S
    if blind or (robot is not None and robot.state in _STANDING):
        trigger = {"Aborting": "aborted", "Holding": "held", "Suspending": "suspended", "Stopping": "stopped"}
        return Result(go(state, trigger[state.packml], look.now_s, state.reason))
    return Result(state)


def _phase(look: Look) -> Result:
    finished = None
    for _ in range(HOPS):
        look = replace(look, state=steps.accept(look))
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
            return Result(replace(outcome.state or state, reason=outcome.reason))
        case Suspend():
            state = outcome.state or state
            return Result(replace(go(state, "suspend", look.now_s, outcome.reason), resume_to=state.packml))
        case Hold():
            return Result(hold(state, look.now_s, outcome.reason))


def _follow(outcome: Go, now_s: float) -> StationState:
    """Follow an edge of the swap table, and the PackML edge that goes with a change of phase."""
    state = outcome.state
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


def _clearing(look: Look) -> Result:
    robot, state = look.snapshot.robot, look.state
    if look.now_s - state.state_since_s > CLEAR_WITHIN_S:
        names = ", ".join(look.decision.blocks_reset) or "no cause stands"
        why = look.snapshot.robot_error or f"still standing: {names}"
        return Result(abort(state, look.now_s, Reason("clear_refused", f"not cleared; {why}")))
    if robot is not None and robot.state in _NEEDS_RESET:
        outcome = motions.ordered(look, robot, Order(Opcode.RESET))
        return Result(state, outcome.order) if isinstance(outcome, Give) else Result(state)
    if look.decision.latched or robot is None:
        return Result(state)
    return Result(replace(go(state, "cleared", look.now_s), pending=None))


def _resetting(look: Look) -> Result:
    """Park the robot; an interrupted swap goes to Held instead, and nothing moves."""
    robot, state = look.snapshot.robot, look.state
    if robot is None:
        return Result(replace(state, reason=Reason("plc_not_readable", look.snapshot.robot_error)))
    if state.swap is not None:
        return _interrupted(look, robot, state.swap)
    if not motions.empty(robot):
        why = Reason("gripper_full", "the robot holds a pack and no swap is open: set it down in Manual, then clear")
        return Result(abort(state, look.now_s, why))
    if robot.robot_home is Signal.TRUE and state.pending is None:
        return Result(at(go(state, "ready", look.now_s), "waiting", look.now_s))
    outcome = motions.ordered(look, robot, Order(Opcode.HOME))
    if isinstance(outcome, Hold):
        return Result(abort(state, look.now_s, outcome.reason))
    if isinstance(outcome, Give):
        return Result(state, outcome.order)
    if outcome is not None or robot.robot_home is not Signal.TRUE:
        return Result(replace(state, reason=wait("homing", "robot goes to its parking position").reason))
    return Result(at(go(state, "ready", look.now_s), "waiting", look.now_s))


def _interrupted(look: Look, robot: RobotStatus, swap: Swap) -> Result:
    """An open swap: ended by hand if truck and packs are gone for good, else a person decides."""
    state = look.state
    if not _plant_is_empty(look, robot):
        why = Reason("interrupted", f"swap {swap.id} was interrupted in step {state.step}: resume or back out")
        return Result(replace(go(state, "recover", look.now_s, why), resume_to=_resume_phase(state)))
    if look.now_s - state.state_since_s < EMPTY_S:
        return Result(replace(state, reason=Reason("looking", "lane and robot read empty: making sure")))
    ended = replace(swap, aborted=True)
    return Result(replace(at(state, "waiting", look.now_s), swap=None, authorisation=None), finished=ended)


def _plant_is_empty(look: Look, robot: RobotStatus) -> bool:
    """No truck by PLC, clamps and CAN, and no pack on the robot: an open swap was ended by hand."""
    gone = (robot.truck_present, robot.wheels_clamped) == (Signal.FALSE, Signal.FALSE)
    return gone and look.snapshot.truck.vin.value is None and motions.empty(robot)


def _resume_phase(state: StationState) -> PackML:
    phase = STEP[state.step].phase
    return phase if phase in _PHASES else PackML.COMPLETING


def given(state: StationState, command: RobotCommand) -> StationState:
    """The gate let the order through: it is pending under its sequence number from now on."""
    moving = Reason("moving", f"robot: {motions.verb(command)}")
    motion = command if motion_class(command) else state.given
    return replace(state, pending=command, given=motion, sequence=command.sequence, reason=moving, refused_since_s=None)


def refused(state: StationState, reasons: tuple[str, ...], now_s: float, grace_s: float) -> StationState:
    """The gate refused the order: it is asked again for `grace_s`, then the station holds and says why."""
    since_s = state.refused_since_s if state.refused_since_s is not None else now_s
    reason = Reason("not_permitted", "; ".join(reasons))
    if now_s - since_s < grace_s:
        return replace(state, refused_since_s=since_s, reason=reason)
    if state.packml in (PackML.CLEARING, PackML.RESETTING):
        return abort(state, now_s, reason)
    return hold(state, now_s, reason)


def truck_request(state: StationState) -> TruckRequest:
    """What the truck is asked now. A truck that failed its self-test is isolated while a person decides."""
    if state.step == "reconnect" and state.packml not in (PackML.COMPLETING, PackML.UNHOLDING):
        return TruckRequest.ISOLATE
    return STEP[state.step].request


def may_move(state: StationState) -> bool:
    """False where no permit at all may reach the PLC, whatever the interlock says."""
    return state.packml in ACTING


def told(before: StationState, after: StationState) -> tuple[Event, ...]:
    events = []
    if after.packml is not before.packml:
        bad = after.packml in (PackML.ABORTING, PackML.ABORTED, PackML.HOLDING, PackML.HELD)
        text = after.reason.text if after.reason else f"{before.packml} -> {after.packml}"
        details = {"from": str(before.packml), "to": str(after.packml), "step": after.step}
        events.append(Event(f"state.{after.packml.lower()}", "warning" if bad else "info", text, details))
    if after.step != before.step:
        events.append(Event(f"step.{after.step}", "info", STEP[after.step].says, {"from": before.step}))
    return tuple(events)
