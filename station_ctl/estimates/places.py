"""Where a snapshot shows which pack, what its bay measures of it, and where a silent one cannot have a current."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from drivers.pack_status import PackStatus
from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.charging import seen
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, PlaceKind
from station_ctl.swap import plan

NO_CURRENT_A: Final = 2.0
"""A BMS that reads less reads its own error."""

Shown = Mapping[str, tuple[Place, PackStatus]]


def shown(snapshot: Snapshot, known: Mapping[str, Place]) -> Shown:
    """Packs that say who they are, by serial. Two places with one serial: where it was known last, else the first."""
    found: dict[str, tuple[Place, PackStatus]] = {}
    for place, status in snapshot.packs.items():
        serial = plan.serial(status)
        if serial is not None and (serial not in found or known.get(serial) == place):
            found[serial] = (place, status)
    return found


def meter_a(snapshot: Snapshot, place: Place) -> float:
    """What the bay's meter counts, else its charger, A > 0 into the pack; NaN: neither is there or alive."""
    if place.kind is not PlaceKind.BAY:
        return math.nan
    n, now_s = place.number, snapshot.now_s
    metered_a = seen.meter_current_a(snapshot.meters.get(n), now_s)
    if metered_a is None:
        metered_a = seen.charger_current_a(snapshot.chargers.get(n), now_s)
    return math.nan if metered_a is None else metered_a


def lifted(robot: RobotStatus | None, place: Place) -> bool:
    """True if nothing stands where a silent pack was heard last: it hangs in the gripper, its coupler parted."""
    return robot is not None and plan.standing(robot, place) is Signal.FALSE


def left(robot: RobotStatus | None, place: Place) -> bool:
    """True if it was on a truck, and the lane is empty."""
    return place.kind is PlaceKind.MOUNT and robot is not None and robot.truck_present is Signal.FALSE


def rests(robot: RobotStatus | None, place: Place, current_a: float | None) -> bool | None:
    """Whether no current can flow: its supply is measured open and its BMS sees none. None: not known.

    A pack on a truck is free to give. While the PLC cannot be read nothing can be closed that was open.
    """
    if place.kind is not PlaceKind.BAY:
        return False
    energised = robot.bays[place.number - 1].energised if robot is not None else Signal.NOT_AVAILABLE
    if energised is Signal.TRUE:
        return False
    return current_a is not None and abs(current_a) < NO_CURRENT_A if energised is Signal.FALSE else None
