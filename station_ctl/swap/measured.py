"""What stands where by the sensors, and who it says it is: the plant's side of a comparison with the journal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from drivers.pack_status import PackLink
from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, PlaceKind, bay, mount
from station_ctl.model.state import StationState
from station_ctl.swap import plan
from station_ctl.swap.believed import GRIPPER, Belief, beliefs

_KNOWN = (Signal.TRUE, Signal.FALSE)


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
class Measured:
    """What stands where by the sensors, who it says it is, and what the gripper reads."""

    places: Mapping[Place, Signal]
    serials: Mapping[Place, str | None]
    gripper: Signal

    def holding(self, serial: str) -> list[Place]:
        """Places whose pack says that it is this one; none for '', a pack that never told."""
        return [place for place in sorted(self.places) if serial and self.serials[place] == serial]


def configured(config: Config) -> list[Place]:
    """Every place of this station."""
    return [*(bay(b.number) for b in config.bay), *(mount(m.number) for m in config.mount)]


def measure(snapshot: Snapshot, config: Config) -> Measured:
    """Every configured bay, and the mounts unless the lane is measured empty."""
    robot = snapshot.robot
    away = robot is None or robot.truck_present is Signal.FALSE
    here = [p for p in configured(config) if p.kind is PlaceKind.BAY or not away]
    seen = {p: plan.standing(robot, p) if robot else Signal.NOT_AVAILABLE for p in here}
    serials = {p: plan.serial(snapshot.pack(p)) if seen[p] is Signal.TRUE else None for p in here}
    return Measured(seen, serials, robot.gripper_holding if robot else Signal.NOT_AVAILABLE)


def where(state: StationState, measured: Measured) -> tuple[Where, ...]:
    """Every place as measured, the gripper last."""
    believed = beliefs(state)
    return (*(_where(p, measured, believed) for p in sorted(measured.places)), _in_gripper(measured, believed))


def _by_journal(place: Place | None, believed: tuple[Belief, ...]) -> str:
    return " or ".join(b.serial or "a pack that never told its serial" for b in believed if place in b.places)


def _where(place: Place, measured: Measured, believed: tuple[Belief, ...]) -> Where:
    serial, seen = measured.serials[place], measured.places[place]
    if seen is Signal.FALSE:
        return Where(str(place), Says.EMPTY)
    if serial:
        return Where(str(place), Says.NAMED, serial)
    says = Says.SILENT if seen is Signal.TRUE else Says.UNKNOWN
    return Where(str(place), says, None, _by_journal(place, believed))


def _in_gripper(measured: Measured, believed: tuple[Belief, ...]) -> Where:
    if measured.gripper is Signal.FALSE:
        return Where("gripper", Says.EMPTY)
    says = Says.SILENT if measured.gripper is Signal.TRUE else Says.UNKNOWN
    return Where("gripper", says, None, _by_journal(GRIPPER, believed))


def unread(state: StationState, snapshot: Snapshot, config: Config) -> str:
    """What of the picture is still missing: the PLC, or packs that may still be telling who they are. '': nothing.

    A pack that has not said a word `swap.handshake_timeout_s` after the station came to stand is silent, and no longer
    waited for.
    """
    if missing := unread_plc(snapshot):
        return missing
    if snapshot.now_s - state.state_since_s > config.swap.handshake_timeout_s:
        return ""
    return next(_telling(state, snapshot, config), "")


def unread_plc(snapshot: Snapshot) -> str:
    """What the PLC does not say of what stands where, '' if nothing is missing."""
    robot = snapshot.robot
    if robot is None:
        return f"the PLC is not readable: {snapshot.robot_error or 'not read yet'}"
    return "" if robot.gripper_holding in _KNOWN else "it is not known whether the robot holds a pack"


def _telling(state: StationState, snapshot: Snapshot, config: Config) -> Iterator[str]:
    """Packs that may be telling who they are. Not the one that is evacuated: a BMS that burns says nothing any more."""
    robot, evacuation = snapshot.robot, state.evacuation
    hot = (evacuation.source, bay(evacuation.isolation)) if evacuation is not None else ()
    for place in sorted(configured(config)):
        if place not in hot and robot and _mated(robot, place) and snapshot.pack(place).link < PackLink.IDENTIFIED:
            yield f"waiting for the pack in {place} to say who it is"


def _mated(robot: RobotStatus, place: Place) -> bool:
    sensors = (robot.bays if place.kind is PlaceKind.BAY else robot.mounts)[place.number - 1]
    return plan.standing(robot, place) is Signal.TRUE and sensors.mated is Signal.TRUE
