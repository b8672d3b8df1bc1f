"""What each class of motion needs, written by hand from docs/cause-and-effect.md; shares no code with the interlock.

Only what holds at every instant is here; what is looked at when a motion starts is in hil.watch.orders.
A limit's hysteresis only withholds more, so it is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.reading import Signal
from drivers.robot_protocol import (
    MOUNT_CODE_BASE,
    MotionClass,
    Opcode,
    RobotCommand,
    RobotMode,
    RobotState,
    RobotStatus,
)
from hil.watch.isolation import bay_is_isolated, coupled, fitted_mounts, pack_is_isolated, truck_is_held, truck_is_safe
from station_ctl.model.look import Snapshot
from station_ctl.model.visit import Evacuation

EVACUATE = MotionClass(256)
"""The controller's own class: a pack with a thermal event is lifted from its bay, or set down in isolation."""
ALL = MotionClass(511)
AUTOMATIC = ALL ^ MotionClass.JOG
AT_TRUCK = MotionClass.HANDLE_MOUNT | MotionClass.UNLOCK | MotionClass.LOCK
AT_PACK = MotionClass.HANDLE_MOUNT | MotionClass.UNLOCK
HEARTBEAT_S, PLC_S = 0.3, 0.3
MOST_KG, UNLOADED_KG = 3500.0, 100.0

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
        lambda r: r.load_kg is not None and r.load_kg <= MOST_KG,
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
    elif meant.worked_at and not truck_is_held(snapshot.truck, now_s):
        found["lane"] = MotionClass.TRAVEL
    if not truck_is_safe(snapshot.truck, now_s):
        found["truck"] = AT_TRUCK
    fitted = fitted_mounts(snapshot.truck, robot)
    if any(robot.mounts[n - 1].mated not in (Signal.TRUE, Signal.FALSE) for n in fitted):
        found["coupler not known"] = AT_PACK
    if not all(pack_is_isolated(p, now_s) for p in coupled(robot, snapshot.packs, fitted)):
        found["pack aboard"] = AT_PACK
    return found | _at_place(snapshot, robot, meant)


def _mode_permits(robot: RobotStatus, manual: bool) -> bool:
    if manual:
        return robot.mode is RobotMode.MANUAL and robot.local_enable is Signal.TRUE
    return robot.mode is RobotMode.PRODUCTION


def _lane_is_safe(robot: RobotStatus, worked_at: bool) -> bool:
    stands = (robot.truck_present, robot.truck_in_position, robot.wheels_clamped)
    return all(s is Signal.TRUE for s in stands) or (robot.truck_present is Signal.FALSE and not worked_at)


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
    if lifts and not bay_is_isolated(snapshot, robot, number, meant.evacuation):
        found["source not isolated"] = MotionClass.HANDLE_BAY | EVACUATE
    return found


def _is_open(robot: RobotStatus, number: int) -> bool:
    return (robot.mounts[number - 1].unlocked, robot.mounts[number - 1].locked) == (Signal.TRUE, Signal.FALSE)
