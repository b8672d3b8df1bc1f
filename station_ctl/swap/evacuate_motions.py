"""The steps of an evacuation in which the robot moves, and what follows from its last one. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from drivers.reading import Signal
from drivers.robot_protocol import Opcode, RobotState, RobotStatus
from station_ctl.model.motion import Order
from station_ctl.model.places import bay
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation
from station_ctl.model.words import PackML, Reason
from station_ctl.swap import evacuate, hindrance, hot_packs, motions
from station_ctl.swap.changes import PHASES, at, go
from station_ctl.swap.look import Go, Look, Outcome, hold, wait
from station_ctl.swap.machine import STEP, SWAP
from station_ctl.swap.thermal_table import BACK_TO

STANDING = (RobotState.STOPPED, RobotState.READY, RobotState.FAULTED, RobotState.EMERGENCY_STOPPED)


@dataclass(frozen=True, slots=True)
class Motion:
    """One ordered motion of an evacuation: `proof` comes from sensors, not from the robot's own word."""

    order: Callable[[StationState, Evacuation], Order]
    proof: Callable[[RobotStatus, StationState, Evacuation], bool]
    trigger: str


def _there(_robot: RobotStatus, _state: StationState, _e: Evacuation) -> bool:
    return True  # the PLC's own axis measurement is the only one there is for a position


def _to(number: Callable[[StationState, Evacuation], int], opcode: Opcode) -> Callable[..., Order]:
    return lambda state, e: Order(opcode, destination=bay(number(state, e)))


MOTIONS: dict[str, Motion] = {
    "evacuate_clear": Motion(_to(lambda s, e: evacuate.aside(s), Opcode.MOVE_TO), _there, "at_bay"),
    "evacuate_set_down": Motion(
        _to(lambda s, e: evacuate.aside(s), Opcode.PLACE_TO),
        lambda r, s, e: motions.stored(r, evacuate.aside(s)),
        "set_down",
    ),
    "evacuate_approach": Motion(lambda s, e: Order(Opcode.MOVE_TO, destination=e.source), _there, "at_hot_pack"),
    "evacuate_lift": Motion(
        lambda s, e: Order(Opcode.LIFT_FROM, source=e.source),
        lambda r, s, e: motions.lifted(r, e.source.number),
        "lifted",
    ),
    "evacuate_carry": Motion(_to(lambda s, e: e.isolation, Opcode.MOVE_TO), _there, "at_isolation"),
    "evacuate_place": Motion(
        _to(lambda s, e: e.isolation, Opcode.PLACE_TO), lambda r, s, e: motions.stored(r, e.isolation), "placed"
    ),
    "evacuate_park": Motion(lambda s, e: Order(Opcode.HOME), lambda r, s, e: r.robot_home is Signal.TRUE, "parked"),
}


def motion(look: Look) -> Outcome:
    """One step of an evacuation; the first one waits until a travel that was given up has come to rest."""
    state, robot, evacuation = look.state, look.snapshot.robot, look.state.evacuation
    if evacuation is None:
        return hold("evacuation_lost", f"step {state.step} without an evacuation")
    if robot is not None and state.pending is None and robot.state not in STANDING:
        if look.elapsed_s > look.config.swap.motion_timeout_s:
            return hold("motion_timeout", f"the robot does not come to rest within {look.elapsed_s:.0f} s")
        return wait("coming_to_rest", "the robot comes to rest before it turns to the pack with the thermal event")
    rule = MOTIONS[state.step]
    order = rule.order(state, evacuation)
    outcome = motions.proved(look, order, lambda r: rule.proof(r, state, evacuation), rule.trigger)
    return _then(look, outcome.state, evacuation, outcome.trigger) if isinstance(outcome, Go) else outcome


def _then(look: Look, state: StationState, evacuation: Evacuation, trigger: str) -> Outcome:
    if trigger == "placed":
        state = replace(state, swap=evacuate.isolated(state.swap, evacuation))
        following = _next(replace(look, state=state))
        if following is not None:
            following = replace(following, interrupted=evacuation.interrupted)
            return Go("next_hot_pack", replace(state, evacuation=following))
    return Go(_back(state, evacuation) if trigger == "parked" else trigger, state)


def _next(look: Look) -> Evacuation | None:
    """The next pack in the queue, if it can be moved now."""
    for pack in hot_packs.hot_packs(look):
        if not hindrance.hindrance(look, pack):
            free = hindrance.isolation_bays(look.state, look.snapshot, look.config, look.decision.thermal)
            return Evacuation(pack.place, free[0], pack.serial, pack.why)
    return None


def _back(state: StationState, evacuation: Evacuation) -> str:
    """The edge back into what was pre-empted."""
    step, swap = evacuation.interrupted, state.swap
    last = step == "verify" and swap is not None and (swap.backed_out or swap.exchange.mount in swap.installed)
    return f"back_to_{step if last else BACK_TO.get(step, step)}"


def finished(state: StationState, trigger: str, now_s: float) -> StationState:
    """After the last step: a swap is Held and a person decides; without one the station is Stopped and one looks."""
    e = state.evacuation
    if e is None:
        return state
    pack = f"pack {e.serial or 'of unknown serial'} of {e.source} stands in isolation bay {e.isolation}"
    if state.swap is None:
        reason = Reason("evacuated", f"{pack} ({e.why}): look at it, then reset")
        return go(_after(state, trigger, now_s), "evacuated", now_s, reason)
    reason = Reason("evacuated", f"{pack} ({e.why}): look at it; swap {state.swap.id} waits: {_where(state)}")
    state = _after(state, trigger, now_s)
    phase = STEP[state.step].phase
    return replace(go(state, "hold", now_s, reason), resume_to=phase if phase in PHASES else PackML.COMPLETING)


def given_up(state: StationState, reason: Reason, now_s: float) -> StationState:
    """A person gave an evacuation up whose pack is not in the gripper: its swap stays Held, else Stopped."""
    if state.evacuation is None:
        return state
    new = _after(state, _back(state, state.evacuation), now_s)
    if state.swap is None:
        return go(new, "end", now_s, reason)
    phase = STEP[new.step].phase
    return replace(new, reason=reason, resume_to=phase if phase in PHASES else PackML.COMPLETING)


def _after(state: StationState, trigger: str, now_s: float) -> StationState:
    return at(replace(state, evacuation=None), SWAP.follow(state.step, trigger), now_s)


def _where(state: StationState) -> str:
    """What is where of the exchange under way, for the person who decides."""
    if state.swap is None:
        return ""
    e = state.swap.exchange
    done = ", ".join(f"mount {n}" for n in state.swap.installed) or "none"
    return f"mount {e.mount}, old pack's bay {e.bay_in}, charged pack's bay {e.bay_out}; done: {done}"
