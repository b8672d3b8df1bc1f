"""What each class of motion needs, written by hand from docs/cause-and-effect.md; shares no code with the interlock.

Only what holds at every instant is here; what is looked at when a motion starts (rows 25 to 35) is in hil.watch.orders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import (
    MOUNT_CODE_BASE,
    MotionClass,
    Opcode,
    RobotCommand,
    RobotMode,
    RobotState,
    RobotStatus,
)
from drivers.truck_status import TruckStatus
from station_ctl.model import Place, Snapshot

ALL = MotionClass(255)
AUTOMATIC = ALL & ~MotionClass.JOG
AT_TRUCK = MotionClass.HANDLE_MOUNT | MotionClass.UNLOCK | MotionClass.LOCK
AT_PACK = MotionClass.HANDLE_MOUNT | MotionClass.UNLOCK
MOUNTS = 3
HEARTBEAT_S, PLC_S, TRUCK_S, PACK_S, CURRENT_S = 0.3, 0.3, 0.5, 0.5, 1.0
LIMIT_V, LIMIT_KG, LIMIT_C, LIMIT_A = 60.0, 3500.0, 60.0, 1.0

_STOPPED = (RobotState.FAULTED, RobotState.EMERGENCY_STOPPED)

_ROBOT: tuple[tuple[str, MotionClass, Callable[[RobotStatus], bool]], ...] = (
    ("emergency stop", ALL, lambda r: r.estop_released is Signal.TRUE),
    ("fire", ALL, lambda r: r.fire_clear is Signal.TRUE),
    ("zone", ALL, lambda r: r.zone_clear is Signal.TRUE),
    (
        "doors",
        AUTOMATIC & ~MotionClass.RELEASE,
        lambda r: r.doors_closed is Signal.TRUE,
    ),
    (
        "platform",
        MotionClass.TRAVEL | AT_TRUCK,
        lambda r: r.platform_clear is Signal.TRUE,
    ),
    ("plc state", ALL, lambda r: r.state is not None and r.state not in _STOPPED),
    ("production", AUTOMATIC & ~MotionClass.RELEASE, lambda r: r.mode is RobotMode.PRODUCTION),
    (
        "manual and enabled",
        MotionClass.JOG,
        lambda r: r.mode is RobotMode.MANUAL and r.local_enable is Signal.TRUE,
    ),
    (
        "load",
        MotionClass.TRAVEL | MotionClass.HANDLE_BAY | MotionClass.HANDLE_MOUNT,
        lambda r: r.load_kg is not None and r.load_kg <= LIMIT_KG,
    ),
    ("truck in position", AT_TRUCK | MotionClass.CLAMP, lambda r: r.truck_in_position is Signal.TRUE),
    ("wheels clamped", AT_TRUCK, lambda r: r.wheels_clamped is Signal.TRUE),
    (
        "lane",
        MotionClass.TRAVEL,
        lambda r: (
            r.truck_present is Signal.FALSE
            or (
                r.truck_in_position is Signal.TRUE
                and r.wheels_clamped is Signal.TRUE
                and r.truck_present is Signal.TRUE
            )
        ),
    ),
)
"""Conditions over the status block alone: name, what it withholds when it does not hold, the condition."""


def withheld(snapshot: Snapshot, pending: RobotCommand | None = None) -> dict[str, MotionClass]:
    """Every condition that does not hold in what the drivers had read, with the classes it forbids.

    pending: the motion under way or ordered, for what depends on its place.
    """
    robot, now_s = snapshot.robot, snapshot.now_s
    if robot is None:
        return {"no status": ALL}
    found = {name: classes for name, classes, holds in _ROBOT if not holds(robot)}
    if now_s - robot.received_s > PLC_S or now_s - robot.heartbeat_changed_s > HEARTBEAT_S:
        found["status is old"] = ALL
    if not _truck_is_safe(snapshot.truck, now_s):
        found["truck"] = AT_TRUCK
    fitted = _fitted(snapshot.truck, robot)
    if any(robot.mounts[n - 1].mated not in (Signal.TRUE, Signal.FALSE) for n in fitted):
        found["coupler not known"] = AT_PACK
    if not all(_pack_is_isolated(p, now_s) for p in _coupled(robot, snapshot.packs, fitted)):
        found["pack aboard"] = AT_PACK
    return found | _at_bay(snapshot, robot, pending)


def _at_bay(snapshot: Snapshot, robot: RobotStatus, pending: RobotCommand | None) -> dict[str, MotionClass]:
    """Rows 21 and 24: the bay that is handled."""
    if pending is None or pending.opcode not in (Opcode.LIFT_FROM, Opcode.PLACE_TO):
        return {}
    lifts = pending.opcode is Opcode.LIFT_FROM
    number = pending.source if lifts else pending.destination
    if not 0 < number <= MOUNT_CODE_BASE:
        return {}
    sensors, pack = robot.bays[number - 1], _pack_at(snapshot.packs, "bay", number)
    found = {} if sensors.smoke_clear is Signal.TRUE else {"smoke": MotionClass.HANDLE_BAY}
    parted = sensors.mated is Signal.FALSE
    opened = pack is not None and _is(pack.contactor_closed, Signal.FALSE, snapshot.now_s, PACK_S)
    if lifts and not parted and not (sensors.mated is Signal.TRUE and opened):
        found["source not isolated"] = MotionClass.HANDLE_BAY
    return found


def _fitted(truck: TruckStatus, robot: RobotStatus) -> list[int]:
    """Mounts that the truck says it has, and any where a pack is, or may be, seen; all while it does not say."""
    told = _told(truck)
    seen = (Signal.TRUE, Signal.UNTRUSTED)
    return [n for n, sensors in enumerate(robot.mounts, 1) if n <= told or sensors.seated in seen]


def _told(truck: TruckStatus) -> int:
    fitted = truck.mounts_fitted
    return fitted.value if fitted.quality is Quality.GOOD and fitted.value is not None else MOUNTS


def _truck_is_safe(truck: TruckStatus, now_s: float) -> bool:
    """Brake on, swap mode, high voltage off, contactors open, voltage collapsed; all of it fresh."""
    fitted = _told(truck)
    signals = (truck.parking_brake, truck.swap_mode, truck.hv_off)
    return (
        all(_is(signal, Signal.TRUE, now_s, TRUCK_S) for signal in signals)
        and all(_is(closed, Signal.FALSE, now_s, TRUCK_S) for closed in truck.contactors_closed[:fitted])
        and _below(truck.link_voltage_v, LIMIT_V, now_s, TRUCK_S)
    )


def _pack_is_isolated(pack: PackStatus, now_s: float) -> bool:
    return (
        _is(pack.contactor_closed, Signal.FALSE, now_s, PACK_S)
        and _is(pack.thermal_event, Signal.FALSE, now_s, PACK_S)
        and _below(pack.temperature_max_c, LIMIT_C, now_s, CURRENT_S)
        and _below(pack.pack_current_a, LIMIT_A, now_s, CURRENT_S, magnitude=True)
    )


def _coupled(robot: RobotStatus, packs: Mapping[Place, PackStatus], fitted: Sequence[int]) -> list[PackStatus]:
    """Packs whose coupler at the truck is mated, or not known to be parted."""
    numbers = [n for n in fitted if robot.mounts[n - 1].mated is not Signal.FALSE]
    return [pack for n in numbers if (pack := _pack_at(packs, "mount", n)) is not None]


def _pack_at(packs: Mapping[Place, PackStatus], kind: str, number: int) -> PackStatus | None:
    return next((pack for place, pack in packs.items() if (place.kind, place.number) == (kind, number)), None)


def _is(reading: Reading[Signal], wanted: Signal, now_s: float, age_s: float) -> bool:
    return reading.value is wanted and reading.quality is Quality.GOOD and now_s - reading.received_s <= age_s


def _below(reading: Reading[float], limit: float, now_s: float, age_s: float, *, magnitude: bool = False) -> bool:
    if reading.value is None or reading.quality is not Quality.GOOD or now_s - reading.received_s > age_s:
        return False
    value = abs(reading.value) if magnitude else reading.value
    return math.isfinite(value) and value <= limit
