"""What a person or the cloud may ask, when, and when it is done. Pure."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import MOUNT_CODE_BASE, RobotStatus
from station_ctl.model import Asked, PackML, Parking, Place, Reason, StationState, Swap, Verb, bay, mount
from station_ctl.safety.from_plc import occupied
from station_ctl.swap import evacuate, evacuate_motions, manual, plan
from station_ctl.swap.changes import abort, at, go, hold
from station_ctl.swap.machine import PACKML, STEP, SWAP
from station_ctl.swap.packs import with_exchange

GIVEN_UP = "evacuation_given_up"

_TRIGGER = {Verb.HOLD: "hold", Verb.RESUME: "unhold", Verb.ABORT: "abort", Verb.CLEAR: "clear", Verb.RESET: "reset"}
_STANDING = (PackML.HELD, PackML.STOPPED)
_DOWN = (PackML.ABORTING, PackML.ABORTED)
_ELSEWHERE = tuple(s for s in PackML if s not in (*_DOWN, PackML.CLEARING))
"""States in which a `clear` opens latches of bays only: the station itself has nothing to clear."""
_RUNNING = (PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.COMPLETE, PackML.SUSPENDED)


def refusal(asked: Asked, state: StationState, robot: RobotStatus | None) -> str:
    """Why a verb cannot be obeyed now, '' if it can."""
    verb, leave = asked.verb, asked.leave
    if verb is Verb.AUTHORISE:
        busy = state.swap is not None and leave is not None
        return f"swap {state.swap.id} is under way" if busy and state.swap else ""
    if verb is Verb.BACK_OUT:
        return _no_back_out(state, robot)
    if verb is Verb.EVACUATE:
        return _no_evacuation(state, robot, _place(asked))
    if verb in (Verb.STEP, Verb.JOG):
        return manual.refusal(state, robot)
    if verb is Verb.REPARK:
        return _no_repark(state)
    if verb is Verb.RELEASE_TRUCK:
        return _no_release(state, robot)
    if verb is Verb.END_SWAP:
        return _nothing_to_end(state)
    if verb is Verb.RESET and state.packml is not PackML.STOPPED:
        return f"reset is possible in Stopped only, the station is {state.packml}"
    if verb is Verb.CLEAR and state.packml in _ELSEWHERE and _bay_tripped(state):
        return ""
    if not PACKML.allows(state.packml, _TRIGGER[verb]):
        return f"{verb} is not possible in {state.packml}"
    return ""


def _bay_tripped(state: StationState) -> bool:
    return any(charge.code == "tripped" for charge in state.charging.values())


def obey(what: Asked, state: StationState, robot: RobotStatus | None, now_s: float) -> StationState:
    """The state after a verb that `refusal` did not refuse."""
    verb = what.verb
    asked = Reason(f"asked_{verb}", f"{verb} asked by {what.issuer}")
    match verb:
        case Verb.AUTHORISE:
            return replace(state, authorisation=what.leave)
        case Verb.STEP | Verb.JOG:
            return replace(state, manual=what.order, pending=None, step_since_s=now_s, reason=asked)
        case Verb.REPARK:
            return replace(_resume(state, robot, asked, now_s), parking=Parking())
        case Verb.RELEASE_TRUCK:
            return _release_truck(state, asked, now_s)
        case Verb.HOLD:
            return hold(state, now_s, asked)
        case Verb.ABORT:
            return abort(state, now_s, asked)
        case Verb.BACK_OUT:
            return _back_out(state, robot, asked, now_s)
        case Verb.RESUME:
            return _resume(state, robot, asked, now_s)
        case Verb.EVACUATE:
            return replace(state, evacuate_asked=_place(what))
        case Verb.END_SWAP:
            return _end(state, asked, now_s)
        case Verb.CLEAR if not PACKML.allows(state.packml, "clear"):
            return replace(state, clears=state.clears + 1)  # latches of bays alone
        case Verb.CLEAR | Verb.RESET:
            # a step restored from the journal began in another life: its time-outs count from here
            clears = state.clears + (verb is Verb.CLEAR)
            return replace(go(state, _TRIGGER[verb], now_s, asked), pending=None, step_since_s=now_s, clears=clears)


def _place(asked: Asked) -> Place | None:
    return bay(asked.bay) if asked.bay is not None else None


def _resume(state: StationState, robot: RobotStatus | None, asked: Reason, now_s: float) -> StationState:
    """Back to the phase it left. Past the last verification that is done again: somebody may have changed something."""
    state = replace(go(state, "unhold", now_s, asked), pending=None, step_since_s=now_s)
    if _elsewhere(state):
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
    place, last = _handled(state), state.given
    if place is None or last is None:
        return place is not None
    return place.code not in (last.source, last.destination, last.mount + MOUNT_CODE_BASE)


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


def done(verb: Verb, state: StationState, finished: Swap | None) -> tuple[bool, str] | None:
    """Whether an accepted verb came to its end: (True, text) completed, (False, why) failed, None still under way."""
    if verb in (Verb.AUTHORISE, Verb.BACK_OUT):
        return _swap_done(verb, state, finished)
    if verb is Verb.ABORT:
        return (True, "aborted") if state.packml is PackML.ABORTED else None
    if verb is Verb.END_SWAP:
        return (True, "ended") if state.swap is None and state.evacuation is None else None
    if verb is Verb.EVACUATE:
        return _evacuated(state)
    if verb in (Verb.STEP, Verb.JOG):
        return manual.done(state)
    if state.packml in _DOWN:
        return False, state.reason.text if state.reason else "aborted"
    if verb is Verb.RELEASE_TRUCK and state.packml is PackML.HELD:
        return False, state.reason.text if state.reason else "held"
    goal = {
        Verb.HOLD: (PackML.HELD,),
        Verb.RESUME: _RUNNING,
        Verb.REPARK: _RUNNING,
        Verb.RELEASE_TRUCK: (PackML.COMPLETE,),
        Verb.CLEAR: _ELSEWHERE,
        Verb.RESET: (PackML.IDLE, PackML.HELD),
    }[verb]
    return (True, str(state.packml)) if state.packml in goal else None


def _evacuated(state: StationState) -> tuple[bool, str] | None:
    """An evacuation ends in Held or Stopped, saying so; any other reason to stand there is why it failed."""
    if state.packml not in (*_DOWN, *_STANDING):
        return None
    text = state.reason.text if state.reason else str(state.packml)
    return state.reason is not None and state.reason.code == "evacuated", text


def _swap_done(verb: Verb, state: StationState, finished: Swap | None) -> tuple[bool, str] | None:
    if finished is None:
        stands = state.packml in (*_STANDING, PackML.STOPPING) and state.reason is not None
        if verb is Verb.BACK_OUT and stands and state.reason and state.reason.code == GIVEN_UP:
            return True, state.reason.text
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
    if state.evacuation is not None:
        return _no_giving_up(state, robot)
    if state.swap is None:
        return "no swap is open: resume, or let the truck drive off"
    trigger = _trigger(state, robot)
    if not trigger:
        return "it is not known whether the robot holds a pack"
    if not SWAP.allows(state.step, trigger):
        return f"in step {state.step} there is no way back that fits the plant; choices: {STEP[state.step].choices}"
    swap = state.swap
    if _own_pack_returns(state.step, trigger) and plan.hot_name(state.quarantined, swap.exchange.serial_out):
        return f"the truck's own pack {swap.exchange.serial_out} has a thermal event: resume, or end the swap"
    return ""


def _no_giving_up(state: StationState, robot: RobotStatus | None) -> str:
    if robot is None or robot.gripper_holding is not Signal.FALSE:
        return "the robot holds a pack, or it is not known: resume the evacuation"
    if not SWAP.allows(state.step, "back_to_waiting"):
        return f"in step {state.step} the evacuation is only resumed"
    return ""


def _no_evacuation(state: StationState, robot: RobotStatus | None, place: Place | None) -> str:
    if state.packml not in _STANDING:
        return f"evacuate is for Held and Stopped, the station is {state.packml}: automatic states do it by themselves"
    if state.evacuation is not None:
        return "an evacuation is open: resume it, or back out of it"
    if robot is None:
        return "the PLC is not readable"
    if place is not None and occupied(robot, place.code) is Signal.FALSE:
        return f"{place} is measured empty"
    return ""


def _no_repark(state: StationState) -> str:
    if state.packml is PackML.HELD and state.step == "position":
        return ""
    return f"repark is for a truck that does not stand right: Held in position, not {state.packml} in {state.step}"


def _no_release(state: StationState, robot: RobotStatus | None) -> str:
    """A truck is let go only whole: the robot empty, and nothing of it open. The gate judges RELEASE once more."""
    if state.packml is not PackML.HELD or state.swap is None:
        return f"release_truck is for a swap that is Held, the station is {state.packml}"
    if not SWAP.allows(state.step, "release_truck"):
        return f"in step {state.step} there is nothing to release"
    if robot is None or robot.gripper_holding is not Signal.FALSE:
        return "the robot holds a pack, or it is not known"
    whole = (Signal.TRUE, Signal.FALSE)
    fitted = [robot.mounts[e.mount - 1] for e in state.swap.exchanges]
    if any((m.locked, m.unlocked) != whole or m.seated is not Signal.TRUE for m in fitted):
        return "a mount of this truck is not measured seated and locked"
    return ""


def _release_truck(state: StationState, asked: Reason, now_s: float) -> StationState:
    """Straight to RELEASE, past reconnection and verification: the truck leaves with what is in it."""
    swap = replace(state.swap, backed_out=True) if state.swap else None
    new = at(go(state, "unhold", now_s, asked), SWAP.follow(state.step, "release_truck"), now_s)
    return replace(new, swap=swap, reason=asked, resume_to=STEP[new.step].phase)


def _nothing_to_end(state: StationState) -> str:
    if state.packml not in _STANDING:
        return f"end_swap is possible in Held and Stopped only, the station is {state.packml}"
    return "" if state.swap is not None or state.evacuation is not None else "nothing is open"


def _end(state: StationState, asked: Reason, now_s: float) -> StationState:
    """What is open is given up; the swap's record says so. What is where has to be put right by people."""
    if state.swap is not None:
        return replace(state, swap=replace(state.swap, aborted=True), reason=asked)
    state = replace(state, evacuation=None, pending=None, reason=asked)
    return go(state, "end", now_s, asked) if state.packml is PackML.HELD else state


def _back_out(state: StationState, robot: RobotStatus | None, asked: Reason, now_s: float) -> StationState:
    if state.evacuation is not None:
        return evacuate_motions.given_up(state, Reason(GIVEN_UP, f"evacuation given up: {asked.text}"), now_s)
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
