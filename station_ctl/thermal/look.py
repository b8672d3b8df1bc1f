"""What a place's readings are for the thermal watch: who is there, is it expected to speak, the numbers or NaN."""

from __future__ import annotations

import math
from statistics import median
from typing import Final

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.model.places import Place, PlaceKind

_SMOKE: Final = {Signal.TRUE: Signal.FALSE, Signal.FALSE: Signal.TRUE}


def sensors(place: Place, robot: RobotStatus | None) -> tuple[Signal, bool, Signal]:
    """Whether a pack is there, whether its BMS should be heard, whether there is smoke over it (bays only)."""
    if robot is None:
        return Signal.NOT_AVAILABLE, False, Signal.NOT_AVAILABLE
    if place.kind is PlaceKind.MOUNT:
        sensors = robot.mounts[place.number - 1]
        there = Signal.FALSE if robot.truck_present is Signal.FALSE else sensors.seated
        return there, sensors.mated is Signal.TRUE, Signal.NOT_AVAILABLE
    bay = robot.bays[place.number - 1]
    return bay.occupied, bay.occupied is not Signal.FALSE, _SMOKE.get(bay.smoke_clear, bay.smoke_clear)


def bare(place: Place, robot: RobotStatus) -> bool:
    """True if no switch of a place sees a pack: seat, lock and coupler all read FALSE. One alone may err.

    Of a truck that is not there no mount holds a pack either, unless its seat still reads TRUE.
    """
    if place.kind is PlaceKind.BAY:
        bay = robot.bays[place.number - 1]
        return (bay.occupied, bay.locked, bay.mated) == (Signal.FALSE,) * 3
    mount = robot.mounts[place.number - 1]
    if robot.truck_present is Signal.FALSE:
        return mount.seated is not Signal.TRUE
    return (mount.seated, mount.locked, mount.mated) == (Signal.FALSE,) * 3


def serial_of(pack: PackStatus) -> str | None:
    """Who it says it is; None if it has not said, or not so that it can be believed."""
    identity = pack.identity
    return identity.value.serial if identity.quality is Quality.GOOD and identity.value else None


def number(reading: Reading[float]) -> float:
    """The value, NaN if it is not to be believed."""
    return reading.value if reading.quality is Quality.GOOD and reading.value is not None else math.nan


def lowest(cells: Reading[tuple[float, ...]]) -> tuple[float, float]:
    """Lowest and median cell in V; NaN if one of them is not to be believed."""
    if cells.quality is not Quality.GOOD or not cells.value:
        return math.nan, math.nan
    return min(cells.value), median(cells.value)
