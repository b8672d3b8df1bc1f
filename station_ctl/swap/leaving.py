"""What goes otherwise than by its own steps: park again, isolate, let the truck go, give up what is open."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.model.look import Snapshot
from station_ctl.model.places import mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.model.words import PackML, Reason
from station_ctl.swap.back_out import way_back
from station_ctl.swap.changes import at, go
from station_ctl.swap.machine import STEP, SWAP
from station_ctl.swap.packs import decided, with_exchange
from station_ctl.swap.plan import serial
from station_ctl.swap.thermal_table import BACK_TO

STANDING = (PackML.HELD, PackML.STOPPED)


def no_repark(state: StationState) -> str:
    """Why nobody is asked to park again, '' if somebody can be."""
    if state.packml is PackML.HELD and state.step == "position":
        return ""
    return f"repark is for a truck that does not stand right: Held in position, not {state.packml} in {state.step}"


def no_release(state: StationState, snapshot: Snapshot) -> str:
    """A truck is let go only whole: the robot empty, nothing of it open, and no pack in it that was not verified.

    The gate judges RELEASE once more.
    """
    robot = snapshot.robot
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
    return _quarantined(state, state.swap) or _stranger(state.swap, state.step, snapshot)


def _quarantined(state: StationState, swap: Swap) -> str:
    """A pack that was put in and came into quarantine since, '' if there is none; a truck's own leaves as it came."""
    for exchange in swap.exchanges:
        name = exchange.serial_in
        if exchange.mount in swap.installed and name != exchange.serial_out and name in state.quarantined:
            return f"mount {exchange.mount} holds {name}, which is quarantined: {state.quarantined[name]}"
    return ""


def _stranger(swap: Swap, step: str, snapshot: Snapshot) -> str:
    """A mount that we may have worked at and that does not say it holds the truck's own pack, '' if there is none."""
    for exchange in swap.exchanges:
        untouched = step in ("immobilise", "isolate") or exchange.mount in swap.installed
        said = serial(snapshot.pack(mount(exchange.mount)))
        if not untouched and said != exchange.serial_out:
            return f"mount {exchange.mount} holds {said}, not {exchange.serial_out}: resume, so that it is verified"
    return ""


def release_truck(state: StationState, asked: Reason, now_s: float) -> StationState:
    """Straight to RELEASE, past reconnection and verification: the truck leaves with what is in it."""
    swap = replace(state.swap, backed_out=True) if state.swap else None
    new = at(go(state, "unhold", now_s, asked), SWAP.follow(state.step, "release_truck"), now_s)
    return replace(new, swap=swap, reason=asked, resume_to=STEP[new.step].phase)


def no_isolating(state: StationState, robot: RobotStatus | None, isolation: tuple[int, ...]) -> str:
    """Why the truck's old pack cannot be taken to isolation instead of its bay, '' if it can. isolation: free ones."""
    if state.packml is not PackML.HELD or state.swap is None or not SWAP.allows(state.step, "isolate"):
        return f"isolate is for the old pack in a Held robot's gripper, not {state.packml} in {state.step}"
    if way_back(state, robot) != "back_out_held":
        return "the robot does not hold the pack free of its place, or it is not known"
    return "" if isolation else "no isolation bay is measured empty"


def isolate(state: StationState, asked: Reason, now_s: float, isolation: tuple[int, ...]) -> StationState:
    """The old pack goes to the first free isolation bay, and into quarantine; the swap goes on from there."""
    if state.swap is None:
        return state
    exchange = replace(state.swap.exchange, bay_in=isolation[0])
    state = replace(state, swap=with_exchange(state.swap, state.swap.index, exchange))
    state = decided(state, exchange, False, asked.text)
    new = at(go(state, "unhold", now_s, asked), SWAP.follow(state.step, "isolate"), now_s)
    return replace(new, reason=asked, resume_to=STEP[new.step].phase)


def nothing_to_end(state: StationState) -> str:
    """Why nothing can be ended, '' if something can."""
    if state.packml not in STANDING:
        return f"end_swap is possible in Held and Stopped only, the station is {state.packml}"
    return "" if state.swap is not None or state.evacuation is not None else "nothing is open"


def left_off(state: StationState) -> str:
    """The step that an open evacuation pre-empted, else the step itself: what the truck is asked follows from it."""
    evacuation = state.evacuation
    return BACK_TO.get(evacuation.interrupted, evacuation.interrupted) if evacuation else state.step


def end(state: StationState, asked: Reason, now_s: float) -> StationState:
    """What is open is given up; the swap's record says so. What is where has to be put right by people."""
    if state.swap is not None:
        return replace(state, swap=replace(state.swap, aborted=True), reason=asked)
    state = replace(state, step=left_off(state), evacuation=None, pending=None, reason=asked)
    return go(state, "end", now_s, asked) if state.packml is PackML.HELD else state
