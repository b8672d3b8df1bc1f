"""The journal against the measured plant: what is where, what was under way, what a person may do, what contradicts.

Nothing here remembers or moves anything; a resume is refused as long as the two contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from drivers.pack_status import PackLink
from drivers.reading import Quality, Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.config import Config
from station_ctl.model import PackML, Place, PlaceKind, Snapshot, StationState, Verb, bay, mount
from station_ctl.swap import plan
from station_ctl.swap.believed import GRIPPER, Belief, beliefs
from station_ctl.swap.machine import STEP

RESTING = (PackML.ABORTED, PackML.STOPPED, PackML.HELD, PackML.RESETTING, PackML.CLEARING)
"""States in which the plant stands and a person looks at it."""
_KNOWN = (Signal.TRUE, Signal.FALSE)


class Kind(StrEnum):
    """What the comparison comes to.

    unknown: the PLC or a pack has not been read yet. idle: nothing is open. resumable: something is, and it fits what
    is measured. fault: journal and plant contradict each other.
    """

    UNKNOWN = "unknown"
    IDLE = "idle"
    RESUMABLE = "resumable"
    FAULT = "fault"


class Says(StrEnum):
    """What is measured of one place: empty, a pack that names itself, one that does not, or nothing that counts."""

    EMPTY = "empty"
    NAMED = "named"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Where:
    """One place as measured. place: 'bay 1', 'mount 2', 'gripper'. by_journal: what the journal adds, '' if nothing."""

    place: str
    says: Says
    serial: str | None = None
    by_journal: str = ""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Journal and plant side by side. unread: what has not been read yet; choices: in the words of the abort table."""

    kind: Kind
    where: tuple[Where, ...]
    under_way: str
    choices: str
    contradictions: tuple[str, ...]
    unread: str = ""


def reconcile(state: StationState, snapshot: Snapshot, config: Config) -> Reconciled:
    """Compare. Any state; what is found counts while the robot stands."""
    measured = _measure(snapshot, config)
    found = tuple(_contradictions(state, snapshot, measured))
    unread = _unread(state, snapshot, config)
    open_ = state.swap is not None or state.evacuation is not None
    kind = Kind.FAULT if found else Kind.UNKNOWN if unread else Kind.RESUMABLE if open_ else Kind.IDLE
    where = tuple(_where(place, measured, state) for place in (*sorted(measured.places), GRIPPER))
    return Reconciled(kind, where, _under_way(state), _choices(kind, state), found, unread)


MOVING = frozenset({Verb.RESUME, Verb.BACK_OUT, Verb.EVACUATE, Verb.ISOLATE, Verb.REPARK, Verb.RELEASE_TRUCK})
"""Verbs after which the station moves by itself on what the journal says."""


def refusal(verb: Verb, state: StationState, snapshot: Snapshot, config: Config) -> str:
    """Why what would move must wait until a person has put the plant right, '' if it need not."""
    if verb not in MOVING or state.packml not in RESTING:
        return ""
    found = tuple(_contradictions(state, snapshot, _measure(snapshot, config)))
    return f"{'; '.join(found)}. Put it right by hand, or end the swap" if found else ""


@dataclass(frozen=True, slots=True)
class _Measured:
    """What stands where by the sensors, who it says it is, and what the gripper reads."""

    places: Mapping[Place, Signal]
    serials: Mapping[Place, str | None]
    gripper: Signal


def _measure(snapshot: Snapshot, config: Config) -> _Measured:
    robot = snapshot.robot
    here = [bay(b.number) for b in config.bay]
    if robot is not None and robot.truck_present is not Signal.FALSE:
        here += [mount(m.number) for m in config.mount]
    seen = {p: plan.standing(robot, p) if robot else Signal.NOT_AVAILABLE for p in here}
    serials = {p: plan.serial(snapshot.packs[p]) if seen[p] is Signal.TRUE else None for p in here}
    return _Measured(seen, serials, robot.gripper_holding if robot else Signal.NOT_AVAILABLE)


def _where(place: Place | None, measured: _Measured, state: StationState) -> Where:
    believed = [b.serial or "a pack that never told its serial" for b in beliefs(state) if place in b.places]
    by_journal = " or ".join(believed)
    if place is GRIPPER:
        says = {Signal.TRUE: Says.SILENT, Signal.FALSE: Says.EMPTY}.get(measured.gripper, Says.UNKNOWN)
        return Where("gripper", says, None, by_journal if says is not Says.EMPTY else "")
    serial, seen = measured.serials[place], measured.places[place]
    if seen not in _KNOWN:
        return Where(str(place), Says.UNKNOWN, None, by_journal)
    if seen is Signal.FALSE:
        return Where(str(place), Says.EMPTY)
    return Where(str(place), Says.NAMED if serial else Says.SILENT, serial, "" if serial else by_journal)


def _unread(state: StationState, snapshot: Snapshot, config: Config) -> str:
    """What has not been read yet: the PLC, or packs that may still be telling who they are."""
    robot = snapshot.robot
    if robot is None:
        return f"the PLC is not readable: {snapshot.robot_error or 'not read yet'}"
    if robot.gripper_holding not in _KNOWN:
        return "it is not known whether the robot holds a pack"
    if snapshot.now_s - state.state_since_s > config.swap.handshake_timeout_s:
        return ""  # who has not said a word by now is silent
    waiting = [str(p) for p in sorted(snapshot.packs) if _mated(robot, p) and not _told(snapshot, p)]
    return f"waiting for the pack in {waiting[0]} to say who it is" if waiting else ""


def _mated(robot: RobotStatus, place: Place) -> bool:
    sensors = (robot.bays if place.kind is PlaceKind.BAY else robot.mounts)[place.number - 1]
    return plan.standing(robot, place) is Signal.TRUE and sensors.mated is Signal.TRUE


def _told(snapshot: Snapshot, place: Place) -> bool:
    return snapshot.packs[place].link >= PackLink.IDENTIFIED


def _under_way(state: StationState) -> str:
    parts = []
    if state.swap is not None:
        e, swap = state.swap.exchange, state.swap
        done = ", ".join(f"mount {n}" for n in swap.installed) or "none"
        parts.append(
            f"swap {swap.id} of truck {swap.vin}, mount {e.mount}: {e.serial_out} out to bay {e.bay_in}, "
            f"{e.serial_in} in from bay {e.bay_out}; done: {done}"
        )
    if state.evacuation is not None:
        v = state.evacuation
        parts.append(f"evacuation of {v.serial or 'a pack'} from {v.source} to isolation bay {v.isolation} ({v.why})")
    return f"step {state.step}: {'; '.join(parts)}" if parts else "nothing is open"


def _choices(kind: Kind, state: StationState) -> str:
    match kind:
        case Kind.FAULT:
            return "put right what contradicts, by hand or in Manual; or end the swap"
        case Kind.UNKNOWN:
            return "wait until PLC and packs are read"
        case Kind.RESUMABLE:
            return STEP[state.step].choices
        case Kind.IDLE:
            return "none needed"


def _contradictions(state: StationState, snapshot: Snapshot, measured: _Measured) -> Iterator[str]:
    robot = snapshot.robot
    if robot is None:
        return
    yield from _twice(measured)
    believed = beliefs(state)
    if ended_by_hand(state, snapshot):
        return
    yield from _other_truck(state, snapshot, robot)
    yield from _gripper(believed, measured)
    for belief in believed:
        yield from _misplaced(belief, measured)
    yield from _open_mount(state, robot)


def ended_by_hand(state: StationState, snapshot: Snapshot) -> bool:
    """True if truck and load are gone: the open swap was ended by people, there is nothing to contradict."""
    robot = snapshot.robot
    if state.swap is None or state.evacuation is not None or robot is None:
        return False
    return (robot.truck_present, robot.gripper_holding) == (Signal.FALSE, Signal.FALSE)


def _twice(measured: _Measured) -> Iterator[str]:
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


def _gripper(believed: tuple[Belief, ...], measured: _Measured) -> Iterator[str]:
    may = [b for b in believed if GRIPPER in b.places]
    if measured.gripper is Signal.TRUE and not may:
        yield "journal: the robot is empty; measured: it holds a pack"
    if measured.gripper is not Signal.FALSE:
        return
    for belief in may:
        if belief.places == (GRIPPER,):
            found = [str(p) for p in sorted(measured.places) if measured.serials[p] == belief.serial]
            where = f"{belief.serial or 'it'} is in {found[0]}" if found else "nowhere says who it is"
            yield f"journal: the robot holds {belief.serial or 'a pack'}; measured: its gripper is empty, {where}"


def _misplaced(belief: Belief, measured: _Measured) -> Iterator[str]:
    """A pack that is not where the journal has it: another one there, none there, or found elsewhere."""
    places = [p for p in belief.places if p is not None and p in measured.places]
    held = GRIPPER in belief.places and measured.gripper is not Signal.FALSE
    if not places or (held and measured.gripper is not Signal.TRUE):
        return
    elsewhere = [p for p in sorted(measured.places) if belief.serial and measured.serials[p] == belief.serial]
    if any(p in belief.places for p in elsewhere):
        return
    names = " or ".join(str(p) for p in places)
    who = belief.serial or "the pack"
    if elsewhere:
        yield f"journal: {who} is in {names}; measured: it is in {elsewhere[0]}"
        return
    if held:
        return
    if all(measured.places[p] is Signal.FALSE for p in places):
        yield f"journal: {who} is in {names}; measured: {names} is empty and {who} is nowhere"
        return
    for place in places:
        other = measured.serials[place]
        if len(places) == 1 and belief.serial and other and other != belief.serial:
            yield f"journal: {belief.serial} is in {place}; measured: {other}"


_MOUNT_IS_OPEN = ("carry_to_bay", "choose", "approach_bay", "fetch", "carry_to_mount")


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
