"""Inputs of the interlock that the robot's PLC measures."""

from __future__ import annotations

from collections.abc import Callable

from drivers.reading import Signal
from drivers.robot_protocol import (
    MOUNT_CODE_BASE,
    MountSensors,
    RobotMode,
    RobotState,
    RobotStatus,
)
from station_ctl.safety.scene import (
    UNKNOWN,
    UNKNOWN_NUMBER,
    Four,
    Number,
    Scene,
    all_true,
    inverted,
)

HEARTBEAT_STILL_S = 0.3
"""A PLC whose heartbeat stands still for longer is not alive, even if it answers (30 scans of 10 ms)."""


def plc_signal(read: Callable[[RobotStatus], Signal]) -> Callable[[Scene], Four]:
    """A reader of one signal of the status block."""
    return lambda scene: scene.plc(read)


def measured(condition: bool) -> Signal:
    """TRUE or FALSE of what is known for sure."""
    return Signal.TRUE if condition else Signal.FALSE


def plc_alive(scene: Scene) -> Four:
    """TRUE while the heartbeat goes on; an answer with a heartbeat that stands still is not alive."""
    now_s = scene.snapshot.now_s
    return scene.plc(lambda robot: measured(now_s - robot.heartbeat_changed_s <= HEARTBEAT_STILL_S))


def plc_healthy(robot: RobotStatus) -> Signal:
    """Neither faulted nor emergency-stopped."""
    if robot.state is None:
        return Signal.UNTRUSTED
    return measured(robot.state not in (RobotState.FAULTED, RobotState.EMERGENCY_STOPPED))


def mode_permits(scene: Scene) -> Four:
    """Key switch on Production; for the one motion that a person asked for: on Manual, with local enable pressed."""
    return scene.plc(manual_enabled if scene.manual else _mode_production)


def _mode_production(robot: RobotStatus) -> Signal:
    return Signal.UNTRUSTED if robot.mode is None else measured(robot.mode is RobotMode.PRODUCTION)


def manual_enabled(robot: RobotStatus) -> Signal:
    """Key switch on Manual and local enable pressed."""
    manual = Signal.UNTRUSTED if robot.mode is None else measured(robot.mode is RobotMode.MANUAL)
    return all_true([(manual, 0.0), (robot.local_enable, 0.0)])[0]


def lane_safe(scene: Scene) -> Four:
    """No truck, or a truck that stands in position and clamped; one that is worked at has to stand there."""
    return scene.plc(lambda robot: _lane_safe(robot, scene.worked_at))


def _lane_safe(robot: RobotStatus, worked_at: bool) -> Signal:
    if robot.truck_present is Signal.FALSE and not worked_at:
        return Signal.TRUE
    return all_true([(robot.truck_present, 0.0), (robot.truck_in_position, 0.0), (robot.wheels_clamped, 0.0)])[0]


def load_kg(scene: Scene) -> Number:
    """What hangs on the robot."""
    robot = scene.snapshot.robot
    if robot is None or robot.load_kg is None:
        return UNKNOWN_NUMBER
    return robot.load_kg, scene.snapshot.now_s - robot.received_s


def lock_switches(sensors: MountSensors, locked: bool) -> list[Four]:
    """What both lock switches of a mount say of it being locked, or unlocked."""
    on, off = (sensors.locked, sensors.unlocked) if locked else (sensors.unlocked, sensors.locked)
    return [(on, 0.0), inverted((off, 0.0))]


def occupied(robot: RobotStatus, code: int) -> Signal:
    """The seat or bay sensor of the place with this location code."""
    if code > MOUNT_CODE_BASE:
        return robot.mounts[code - MOUNT_CODE_BASE - 1].seated
    return robot.bays[code - 1].occupied


def mounts_locked(scene: Scene) -> Four:
    """Every fitted mount seated and both of its lock switches locked."""
    found = [scene.sensors(number) for number in scene.fitted]
    if not found:
        return UNKNOWN
    signals: list[Four] = []
    for sensors in found:
        if sensors is None:
            return UNKNOWN
        signals += [(sensors.seated, 0.0), *lock_switches(sensors, locked=True)]
    return scene.plc(lambda _: all_true(signals)[0])
