"""What each class of motion needs, written by hand from docs/cause-and-effect.md; shares no code with the interlock.

Only what holds at every instant is here; what is looked at when a motion starts is in hil.watch.orders.
A limit's hysteresis only withholds more, so it is not here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place
from station_ctl.model.visit import Evacuation

EVACUATE = MotionClass(256)
"""The controller's own class: a pack with a thermal event is lifted from its bay, or set down in isolation."""
ALL = MotionClass(511)
AUTOMATIC = ALL ^ MotionClass.JOG
AT_TRUCK = MotionClass.HANDLE_MOUNT | MotionClass.UNLOCK | MotionClass.LOCK
AT_PACK = MotionClass.HANDLE_MOUNT | MotionClass.UNLOCK
MOUNTS = 3
HEARTBEAT_S, PLC_S, TRUCK_S, PACK_S, CURRENT_S = 0.3, 0.3, 0.5, 0.5, 1.0
LIMIT_V, LIMIT_KG, LIMIT_C, LIMIT_A = 60.0, 3500.0, 60.0, 1.0
HELD_S, UNLOADED_KG = 2.0, 100.0

_STOPPED = (RobotState.FAULTED, RobotState.EMERGENCY_STOPPED)

_ROBOT: tuple[tuple[str, MotionClass, Callable[[RobotStatus], bool]], ...] = (
    ("emergency stop", ALL, lambda r: r.estop_released is Signal.TRUE),
    ("fire", ALL, lambda r: r.fire_clear is Signal.TRUE),
    ("zone", ALL, lambda r: r.zone_clear is Signal.TRUE),
    (
        "doors",
        ALL ^ MotionClass.RELEASE,
        lambda r: r.doors_closed is Signal.TRUE,
    ),
    (
        "platform",
        MotionClass.TRAVEL | AT_TRUCK,
        lambda r: r.platform_clear is Signal.TRUE,
    ),
    ("plc state", ALL, lambda r: r.state is not None and r.state not in _STOPPED),
    (
        "manual and enabled",
        MotionClass.JOG,
        lambda r: r.mode is RobotMode.MANUAL and r.local_enable is Signal.TRUE,
    ),
    (
        "load",
        MotionClass.TRAVEL | MotionClass.HANDLE_BAY | MotionClass.HANDLE_MOUNT | EVACUATE | MotionClass.JOG,
        lambda r: r.load_kg is not None and r.load_kg <= LIMIT_KG,
    ),
    (
        "load while locks move",
        MotionClass.UNLOCK | MotionClass.LOCK,
        lambda r: r.load_kg is not None and r.load_kg <= UNLOADED_KG,
    ),
    ("truck in position", AT_TRUCK | MotionClass.CLAMP, lambda r: r.truck_in_position is Signal.TRUE),
    ("wheels clamped", AT_TRUCK, lambda r: r.wheels_clamped is Signal.TRUE),
)
"""Conditions over the status block alone: name, what it withholds when it does not hold, the condition."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What the controller is about, for the conditions that depend on it.

    pending: the motion under way or ordered. evacuation: the one under way. manual: that motion is one that a person at
    the cabinet asked for. worked_at: the truck is isolated for the robot, and not given back yet.
    """

    pending: RobotCommand | None = None
    evacuation: Evacuation | None = None
    manual: bool = False
    worked_at: bool = False


NOTHING = Meant()
"""Nothing is meant: the robot rests."""


def withheld(snapshot: Snapshot, meant: Meant = NOTHING) -> dict[str, MotionClass]:
    """Every condition that does not hold in what the drivers had read, with the classes it forbids."""
    robot, now_s = snapshot.robot, snapshot.now_s
    if robot is None:
        return {"no status": ALL}
    found = {name: classes for name, classes, holds in _ROBOT if not holds(robot)}
    if now_s - robot.received_s > PLC_S or now_s - robot.heartbeat_changed_s > HEARTBEAT_S:
        found["status is old"] = ALL
    if not _mode_permits(robot, meant.manual):
        found["mode"] = AUTOMATIC ^ MotionClass.RELEASE
    if not _lane_is_safe(robot, meant.worked_at):
        found["lane"] = MotionClass.TRAVEL | MotionClass.JOG
    elif meant.worked_at and not _truck_is_held(snapshot.truck, now_s):
        found["lane"] = MotionClass.TRAVEL
    if not _truck_is_safe(snapshot.truck, now_s):
        found["truck"] = AT_TRUCK
    fitted = _fitted(snapshot.truck, robot)
    if any(robot.mounts[n - 1].mated not in (Signal.TRUE, Signal.FALSE) for n in fitted):
        found["coupler not known"] = AT_PACK
    if not all(_pack_is_isolated(p, now_s) for p in _coupled(robot, snapshot.packs, fitted)):
        found["pack aboard"] = AT_PACK
    return found | _at_place(snapshot, robot, meant)


def _mode_permits(robot: RobotStatus, manual: bool) -> bool:
    if manual:
        return robot.mode is RobotMode.MANUAL and robot.local_enable is Signal.TRUE
    return robot.mode is RobotMode.PRODUCTION


def _lane_is_safe(robot: RobotStatus, worked_at: bool) -> bool:
    stands = (robot.truck_present, robot.truck_in_position, robot.wheels_clamped)
    return all(s is Signal.TRUE for s in stands) or (robot.truck_present is Signal.FALSE and not worked_at)


def _truck_is_held(truck: TruckStatus, now_s: float) -> bool:
    return all(_is(signal, Signal.TRUE, now_s, HELD_S) for signal in (truck.parking_brake, truck.swap_mode))


def _at_place(snapshot: Snapshot, robot: RobotStatus, meant: Meant) -> dict[str, MotionClass]:
    """The place that is handled: smoke and isolation of a bay, open locks of a mount that is lifted from."""
    pending = meant.pending
    if pending is None or pending.opcode not in (Opcode.LIFT_FROM, Opcode.PLACE_TO):
        return {}
    lifts = pending.opcode is Opcode.LIFT_FROM
    number = pending.source if lifts else pending.destination
    if number > MOUNT_CODE_BASE:
        pulls = robot.load_kg is None or robot.load_kg > UNLOADED_KG
        caught = lifts and pulls and not _is_open(robot, number - MOUNT_CODE_BASE)
        return {"lifted by its lock": MotionClass.HANDLE_MOUNT} if caught else {}
    found = {} if robot.bays[number - 1].smoke_clear is Signal.TRUE else {"smoke": MotionClass.HANDLE_BAY}
    if lifts and not _bay_is_isolated(snapshot, robot, number, meant.evacuation):
        found["source not isolated"] = MotionClass.HANDLE_BAY | EVACUATE
    return found


def _is_open(robot: RobotStatus, number: int) -> bool:
    return (robot.mounts[number - 1].unlocked, robot.mounts[number - 1].locked) == (Signal.TRUE, Signal.FALSE)


def _bay_is_isolated(snapshot: Snapshot, robot: RobotStatus, number: int, evacuation: Evacuation | None) -> bool:
    """Supply open, and coupler parted or contactor open without voltage behind; supply open is enough to evacuate."""
    sensors, pack, now_s = robot.bays[number - 1], _pack_at(snapshot.packs, "bay", number), snapshot.now_s
    if sensors.energised is not Signal.FALSE:
        return False
    if sensors.mated is Signal.FALSE or (evacuation is not None and evacuation.source.code == number):
        return True
    opened = pack is not None and _is(pack.contactor_closed, Signal.FALSE, now_s, PACK_S)
    dead = pack is not None and _below(pack.link_voltage_v, LIMIT_V, now_s, PACK_S)
    return sensors.mated is Signal.TRUE and opened and dead


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
        and _below(pack.link_voltage_v, LIMIT_V, now_s, PACK_S)
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
