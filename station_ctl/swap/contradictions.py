"""What the journal and the measured plant say against each other, each in one sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.reading import Quality, Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import StationState
from station_ctl.swap.believed import GRIPPER, Belief, beliefs
from station_ctl.swap.measured import Measured, configured

_MOUNT_IS_OPEN = ("carry_to_bay", "choose", "approach_bay", "fetch", "carry_to_mount")


def contradictions(state: StationState, snapshot: Snapshot, measured: Measured, config: Config) -> Iterator[str]:
    """All of them, the gravest first. None that needs the PLC while it is not readable."""
    yield from _not_configured(state, config)
    robot = snapshot.robot
    if robot is None:
        return
    yield from _twice(measured)
    if truck_gone(state, snapshot):
        return
    believed = beliefs(state)
    yield from _other_truck(state, snapshot, robot)
    yield from _gripper(believed, measured)
    for belief in believed:
        yield from _misplaced(belief, measured)
    yield from _open_mount(state, robot)


def in_the_way(state: StationState, measured: Measured, config: Config, source: Place | None) -> Iterator[str]:
    """What contradicts about the gripper, the bay to be evacuated and the isolation bays.

    Not where the other packs are, nor who any of them is: the motion comes near none of them, and lifts what shows
    the event at the place where it shows. `source` None: no bay is named.
    """
    near = {source, *(bay(b.number) for b in config.bay if b.isolation)} - {None}
    believed = beliefs(state)
    yield from _gripper(believed, measured)
    for belief in believed:
        if near.intersection(belief.places):
            yield from _misplaced(belief, measured)


def _not_configured(state: StationState, config: Config) -> Iterator[str]:
    """What is open at a place that station.toml no longer has: somebody changed it while something was under way."""
    there = set(configured(config))
    for what, place in _used(state):
        if place not in there:
            yield f"journal: {what} uses {place}; the configuration has no {place}"
    evacuation = state.evacuation
    isolation = {b.number for b in config.bay if b.isolation}
    if evacuation is not None and bay(evacuation.isolation) in there and evacuation.isolation not in isolation:
        no_more = "by the configuration that is no isolation bay"
        yield f"journal: the evacuation goes to bay {evacuation.isolation}; {no_more}"


def _used(state: StationState) -> list[tuple[str, Place]]:
    """Every place that what is open comes from or goes to, once."""
    swap, evacuation = state.swap, state.evacuation
    found: list[tuple[str, Place]] = []
    for e in swap.exchanges if swap else ():
        found += [(f"swap {swap.id}" if swap else "", p) for p in (mount(e.mount), bay(e.bay_in), bay(e.bay_out))]
    if evacuation is not None:
        found += [("the evacuation", evacuation.source), ("the evacuation", bay(evacuation.isolation))]
    return list(dict.fromkeys(found))


def truck_gone(state: StationState, snapshot: Snapshot) -> bool:
    """True if truck and load are gone, by people or as it was let go: there is nothing to contradict."""
    robot = snapshot.robot
    if state.swap is None or state.evacuation is not None or robot is None:
        return False
    return (robot.truck_present, robot.gripper_holding) == (Signal.FALSE, Signal.FALSE)


def _twice(measured: Measured) -> Iterator[str]:
    seen: dict[str, Place] = {}
    for place in sorted(measured.places):
        serial = measured.serials[place]
        if serial and serial in seen:
            yield f"measured: {seen[serial]} and {place} both say they hold {serial}"
        elif serial:
            seen[serial] = place


def _other_truck(state: StationState, snapshot: Snapshot, robot: RobotStatus) -> Iterator[str]:
    swap, vin = state.swap, snapshot.truck.vin
    if swap is None or state.step in ("settle", "depart") or robot.truck_present is Signal.FALSE:
        return
    if vin.quality is Quality.GOOD and vin.value is not None and vin.value != swap.vin:
        yield f"journal: the swap is of truck {swap.vin}; measured: truck {vin.value} stands in the lane"


def _gripper(believed: tuple[Belief, ...], measured: Measured) -> Iterator[str]:
    may = [b for b in believed if GRIPPER in b.places]
    if measured.gripper is Signal.TRUE and not may:
        yield "journal: the robot is empty; measured: it holds a pack"
    if measured.gripper is not Signal.FALSE:
        return
    for belief in may:
        if belief.places == (GRIPPER,):
            found = measured.holding(belief.serial)
            where = f"{belief.serial or 'it'} is in {found[0]}" if found else "nowhere says who it is"
            yield f"journal: the robot holds {belief.serial or 'a pack'}; measured: its gripper is empty, {where}"


def _misplaced(belief: Belief, measured: Measured) -> Iterator[str]:
    """A pack that is not where the journal has it: another one there, none there, or found elsewhere."""
    places = [p for p in belief.places if p is not None and p in measured.places]
    held = GRIPPER in belief.places and measured.gripper is not Signal.FALSE
    if not places or (held and measured.gripper is not Signal.TRUE):
        return
    elsewhere = measured.holding(belief.serial)
    if any(p in belief.places for p in elsewhere):
        return
    names, who = " or ".join(str(p) for p in places), belief.serial or "the pack"
    if elsewhere:
        yield f"journal: {who} is in {names}; measured: it is in {elsewhere[0]}"
    elif not held:
        yield from _missing(belief, places, measured, names, who)


def _missing(belief: Belief, places: list[Place], measured: Measured, names: str, who: str) -> Iterator[str]:
    if all(measured.places[p] is Signal.FALSE for p in places):
        yield f"journal: {who} is in {names}; measured: {names} is empty and {who} is nowhere"
        return
    other = measured.serials[places[0]]
    if len(places) == 1 and belief.serial and other:
        yield f"journal: {belief.serial} is in {places[0]}; measured: {other}"


def _open_mount(state: StationState, robot: RobotStatus) -> Iterator[str]:
    """Between extract and insert the mount of the exchange is empty and open."""
    swap = state.swap
    if swap is None or state.step not in _MOUNT_IS_OPEN or robot.truck_present is Signal.FALSE:
        return
    number = swap.exchange.mount
    sensors = robot.mounts[number - 1]
    if sensors.seated is Signal.TRUE:
        yield f"journal: the pack of mount {number} is out; measured: a pack is seated in it"
    elif (sensors.locked, sensors.unlocked) == (Signal.TRUE, Signal.FALSE):
        yield f"journal: mount {number} is open; measured: its locks are closed"
