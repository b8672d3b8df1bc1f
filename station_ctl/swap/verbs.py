"""What a person or the cloud may ask, when, and when it is done. Pure."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.model import Authorisation, PackML, Reason, StationState, Swap, Verb, bay, mount
from station_ctl.safety.from_plc import occupied
from station_ctl.swap.changes import abort, at, go, hold
from station_ctl.swap.machine import PACKML, STEP, SWAP
from station_ctl.swap.packs import with_exchange

_TRIGGER = {Verb.HOLD: "hold", Verb.RESUME: "unhold", Verb.ABORT: "abort", Verb.CLEAR: "clear", Verb.RESET: "reset"}
_DOWN = (PackML.ABORTING, PackML.ABORTED)
_RUNNING = (PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.COMPLETE, PackML.SUSPENDED)


def refusal(verb: Verb, state: StationState, robot: RobotStatus | None, leave: Authorisation | None) -> str:
    """Why a verb cannot be obeyed now, '' if it can."""
    if verb is Verb.AUTHORISE:
        busy = state.swap is not None and leave is not None
        return f"swap {state.swap.id} is under way" if busy and state.swap else ""
    if verb is Verb.BACK_OUT:
        return _no_back_out(state, robot)
    if verb is Verb.RESET and state.packml is not PackML.STOPPED:
        return f"reset is possible in Stopped only, the station is {state.packml}"
    if not PACKML.allows(state.packml, _TRIGGER[verb]):
        return f"{verb} is not possible in {state.packml}"
    return ""


def obey(
    verb: Verb, state: StationState, robot: RobotStatus | None, leave: Authorisation | None, issuer: str, now_s: float
) -> StationState:
    """The state after a verb that `refusal` did not refuse."""
    asked = Reason(f"asked_{verb}", f"{verb} asked by {issuer}")
    match verb:
        case Verb.AUTHORISE:
            return replace(state, authorisation=leave)
        case Verb.HOLD:
            return hold(state, now_s, asked)
        case Verb.ABORT:
            return abort(state, now_s, asked)
        case Verb.BACK_OUT:
            return _back_out(state, robot, asked, now_s)
        case Verb.RESUME:
            return _resume(state, robot, asked, now_s)
        case Verb.CLEAR | Verb.RESET:
            # a step restored from the journal began in another life: its time-outs count from here
            return replace(go(state, _TRIGGER[verb], now_s, asked), pending=None, step_since_s=now_s)


def _resume(state: StationState, robot: RobotStatus | None, asked: Reason, now_s: float) -> StationState:
    """Back to the phase it left. Past the last verification that is done again: somebody may have changed something."""
    state = replace(go(state, "unhold", now_s, asked), pending=None, step_since_s=now_s)
    clamped = robot is not None and robot.wheels_clamped is Signal.TRUE  # open clamps: the gate of RELEASE judges alone
    if not clamped or not SWAP.allows(state.step, "verify_again"):
        return state
    state = at(state, SWAP.follow(state.step, "verify_again"), now_s)
    return replace(state, reason=asked, resume_to=STEP[state.step].phase)


def done(verb: Verb, state: StationState, finished: Swap | None) -> tuple[bool, str] | None:
    """Whether an accepted verb came to its end: (True, text) completed, (False, why) failed, None still under way."""
    if verb in (Verb.AUTHORISE, Verb.BACK_OUT):
        return _swap_done(verb, state, finished)
    if verb is Verb.ABORT:
        return (True, "aborted") if state.packml is PackML.ABORTED else None
    if state.packml in _DOWN:
        return False, state.reason.text if state.reason else "aborted"
    goal = {
        Verb.HOLD: (PackML.HELD,),
        Verb.RESUME: _RUNNING,
        Verb.CLEAR: (PackML.STOPPED,),
        Verb.RESET: (PackML.IDLE, PackML.HELD),
    }[verb]
    return (True, str(state.packml)) if state.packml in goal else None


def _swap_done(verb: Verb, state: StationState, finished: Swap | None) -> tuple[bool, str] | None:
    if finished is None:
        lapsed = verb is Verb.AUTHORISE and state.authorisation is None and state.swap is None
        return (False, "the authorisation lapsed unused") if lapsed else None
    if finished.aborted:
        return False, "the swap was aborted"
    if verb is Verb.AUTHORISE and finished.backed_out:
        return False, "the swap was backed out"
    return True, f"swap {finished.id} is recorded"


def _trigger(state: StationState, robot: RobotStatus | None) -> str:
    """The back-out trigger that the sensors call for, '' if they are not known."""
    if robot is None or robot.gripper_holding not in (Signal.TRUE, Signal.FALSE):
        return ""
    if robot.gripper_holding is Signal.FALSE:
        return "back_out_empty"
    return "back_out_seated" if _seated(state, robot) else "back_out_held"


def _seated(state: StationState, robot: RobotStatus) -> bool:
    """True if the pack in the gripper still, or already, stands in the place that the step handles."""
    if state.swap is None:
        return False
    exchange = state.swap.exchange
    place = {
        "extract": mount(exchange.mount),
        "insert": mount(exchange.mount),
        "stow": bay(exchange.bay_in),
        "fetch": bay(exchange.bay_out),
    }.get(state.step)
    return place is not None and occupied(robot, place.code) is Signal.TRUE


def _no_back_out(state: StationState, robot: RobotStatus | None) -> str:
    if state.packml is not PackML.HELD:
        return f"back out is possible in Held only, the station is {state.packml}"
    if state.swap is None:
        return "no swap is open: resume, or let the truck drive off"
    trigger = _trigger(state, robot)
    if not trigger:
        return "it is not known whether the robot holds a pack"
    if not SWAP.allows(state.step, trigger):
        return f"in step {state.step} there is no way back that fits the plant; choices: {STEP[state.step].choices}"
    return ""


def _back_out(state: StationState, robot: RobotStatus | None, asked: Reason, now_s: float) -> StationState:
    trigger = _trigger(state, robot)
    new = at(go(state, "unhold", now_s, asked), SWAP.follow(state.step, trigger), now_s)
    swap = replace(state.swap, backed_out=True) if state.swap else None
    if swap and _own_pack_returns(state.step, trigger):
        exchange = swap.exchange
        own = replace(
            exchange, bay_out=exchange.bay_in, serial_in=exchange.serial_out, soc_in_pct=exchange.soc_out_pct or 0.0
        )
        swap = with_exchange(swap, swap.index, own)
    return replace(new, swap=swap, resume_to=STEP[new.step].phase)


def _own_pack_returns(step: str, trigger: str) -> bool:
    """True where backing out brings the truck's own pack back instead of finishing with the charged one."""
    if trigger != "back_out_empty":
        return step in ("extract", "carry_to_bay", "stow")
    return step in ("unlock", "extract", "stow", "choose", "approach_bay", "fetch")
