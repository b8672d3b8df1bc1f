"""Backing out of a held swap or evacuation, by the way that the sensors call for."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.model.places import bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML, Reason
from station_ctl.safety.from_plc import occupied
from station_ctl.swap import evacuate_motions, motions, plan
from station_ctl.swap.changes import at, go
from station_ctl.swap.machine import STEP, SWAP
from station_ctl.swap.packs import with_exchange

GIVEN_UP = "evacuation_given_up"
"""Reason code of an evacuation that a person gave up."""


def way_back(state: StationState, robot: RobotStatus | None) -> str:
    """The back-out trigger that the sensors call for, '' if they are not known."""
    if robot is None or robot.gripper_holding not in (Signal.TRUE, Signal.FALSE):
        return ""
    if robot.gripper_holding is Signal.FALSE:
        untouched = state.step == "unlock" and state.swap and plan.unopened(robot, state.swap.exchange.mount)
        return "back_out_unopened" if untouched else "back_out_empty"
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


def refusal(state: StationState, robot: RobotStatus | None) -> str:
    """Why there is no backing out now, '' if there is."""
    if state.packml is not PackML.HELD:
        return f"back out is possible in Held only, the station is {state.packml}"
    if state.evacuation is not None:
        return _no_giving_up(state, robot)
    if state.swap is None:
        return "no swap is open: resume, or let the truck drive off"
    trigger = way_back(state, robot)
    if not trigger:
        return "it is not known whether the robot holds a pack"
    if not SWAP.allows(state.step, trigger):
        return f"in step {state.step} there is no way back that fits the plant; choices: {STEP[state.step].choices}"
    swap = state.swap
    if _own_pack_returns(state.step, trigger) and plan.hot_name(state.quarantined, swap.exchange.serial_out):
        return f"the truck's own pack {swap.exchange.serial_out} has a thermal event: resume, or end the swap"
    if _own_pack_returns(state.step, trigger) and swap.exchange.accepted is False:
        return f"the truck's own pack {swap.exchange.serial_out} was isolated: resume, or end the swap"
    return ""


def _no_giving_up(state: StationState, robot: RobotStatus | None) -> str:
    if robot is None or not motions.empty(robot):
        return "the robot holds a pack, or it is not known: resume the evacuation"
    if not SWAP.allows(state.step, "back_to_waiting"):
        return f"in step {state.step} the evacuation is only resumed"
    return ""


def back_out(state: StationState, robot: RobotStatus | None, asked: Reason, now_s: float) -> StationState:
    """The state on its way back; `refusal` has found that there is one."""
    if state.evacuation is not None:
        return evacuate_motions.given_up(state, Reason(GIVEN_UP, f"evacuation given up: {asked.text}"), now_s)
    trigger = way_back(state, robot)
    new = at(go(state, "unhold", now_s, asked), SWAP.follow(state.step, trigger), now_s)
    swap = replace(state.swap, backed_out=True) if state.swap else None
    if swap and _own_pack_returns(state.step, trigger):
        exchange = swap.exchange
        own = replace(
            exchange,
            bay_out=exchange.bay_in,
            serial_in=exchange.serial_out,
            soc_in_pct=exchange.soc_out_pct or 0.0,
            charged_kwh=None,
        )
        swap = with_exchange(swap, swap.index, own)
    return replace(new, swap=swap, resume_to=STEP[new.step].phase)


def _own_pack_returns(step: str, trigger: str) -> bool:
    """True where backing out brings the truck's own pack back instead of finishing with the charged one."""
    if trigger != "back_out_empty":
        return step in ("extract", "carry_to_bay", "stow")
    return step in ("unlock", "extract", "stow", "choose", "approach_bay", "fetch")
