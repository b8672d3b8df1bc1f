"""A pack that was in the gripper and now stands where it was to go, set down by hand or in Manual. Pure.

Accepted where the place's sensors prove it as they prove the station's own placement, and the pack itself says who it
is: then that placement is not done again. A pack that says nothing is not accepted, but for an evacuated one in
isolation, which nobody is handed (docs/recovery.md).
"""

from __future__ import annotations

from dataclasses import replace

from drivers.pack_status import PackLink
from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, PlaceKind, bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Exchange
from station_ctl.swap import evacuate, motions, plan
from station_ctl.swap.changes import at
from station_ctl.swap.machine import SWAP
from station_ctl.swap.quarantine import HOT
from station_ctl.thermal.look import bare

TRIGGER = "set_down_by_hand"
_OLD = ("extract", "carry_to_bay", "stow")
_CHARGED = ("fetch", "carry_to_mount", "insert")
_ASIDE = ("evacuate_clear", "evacuate_set_down")


def stands_at(state: StationState, snapshot: Snapshot) -> Place | None:
    """The place that the pack in hand was to go to, if it is proved to stand there; None if not."""
    robot, goal = snapshot.robot, _goal(state)
    if robot is None or goal is None:
        return None
    place, serial = goal
    said = plan.serial(snapshot.pack(place))
    known = bool(serial) and said == serial
    return place if (known or _burnt(state, snapshot, robot)) and _proved(state, robot, place) else None


def by_its_word(state: StationState, snapshot: Snapshot, place: Place) -> str:
    """How the pack that stands there by `stands_at` is known, in words."""
    silent = plan.serial(snapshot.pack(place)) is None
    return "silent, taken for the evacuated one by the sensors" if silent else "by its own word"


def _burnt(state: StationState, snapshot: Snapshot, robot: RobotStatus) -> bool:
    """True if isolation, measured empty before, holds a silent pack and the source none: a BMS that burnt is silent."""
    evacuation = state.evacuation
    if evacuation is None or state.step not in HOT:
        return False
    silent = snapshot.pack(bay(evacuation.isolation)).link is PackLink.SILENT
    return silent and bare(evacuation.source, robot)


def caught_up(state: StationState, snapshot: Snapshot) -> StationState:
    """The state at the step that follows, for a pack that was set down by hand; else as it was."""
    if stands_at(state, snapshot) is None:
        return state
    swap = state.swap
    if state.step in HOT and state.evacuation is not None:
        swap = evacuate.isolated(swap, state.evacuation)
    after = at(replace(state, swap=swap), SWAP.follow(state.step, TRIGGER), snapshot.now_s)
    return replace(after, reason=state.reason)


def _goal(state: StationState) -> tuple[Place, str] | None:
    """Where the pack that the robot may hold in this step is to go, and its serial; '' if it never told."""
    evacuation, step = state.evacuation, state.step
    if evacuation is not None and step in HOT:
        return bay(evacuation.isolation), evacuation.serial or ""
    if state.swap is None:
        return None
    exchange = state.swap.exchange
    if evacuation is not None and step in _ASIDE:
        return bay(evacuate.aside(state)), _good(exchange, evacuation.interrupted)
    if evacuation is not None:
        return None
    if step in _OLD:
        return bay(exchange.bay_in), exchange.serial_out
    return (mount(exchange.mount), exchange.serial_in) if step in _CHARGED else None


def _good(exchange: Exchange, interrupted: str) -> str:
    return exchange.serial_out if interrupted in _OLD else exchange.serial_in


def _proved(state: StationState, robot: RobotStatus, place: Place) -> bool:
    """As the station proves its own placement; of the old pack its mount is empty, too."""
    if place.kind is PlaceKind.MOUNT:
        return motions.locked_in(robot, place.number)
    left = state.swap is None or state.step not in _OLD
    left = left or (state.swap is not None and robot.mounts[state.swap.exchange.mount - 1].seated is Signal.FALSE)
    return left and motions.stored(robot, place.number)
