"""Inputs of the interlock that the robot's PLC measures."""

from __future__ import annotations

from collections.abc import Callable

from drivers.reading import Signal
from drivers.robot_protocol import (
    MOUNT_CODE_BASE,
    EchoState,
    MountSensors,
    Opcode,
    RobotCommand,
    RobotMode,
    RobotState,
    RobotStatus,
)
from station_ctl.safety.scene import NOTHING_TO_WATCH, UNKNOWN, UNKNOWN_NUMBER, Four, Number, Scene, all_true, inverted

HEARTBEAT_STILL_S = 0.3
"""A PLC whose heartbeat stands still for longer is not alive, even if it answers (30 scans of 10 ms)."""


def plc_signal(read: Callable[[RobotStatus], Signal]) -> Callable[[Scene], Four]:
    """A reader of one signal of the status block."""
    return lambda scene: scene.plc(read)


def _true(condition: bool) -> Signal:
    return Signal.TRUE if condition else Signal.FALSE


def plc_alive(scene: Scene) -> Four:
    """TRUE while the heartbeat goes on; an answer with a heartbeat that stands still is not alive."""
    now_s = scene.snapshot.now_s
    return scene.plc(lambda robot: _true(now_s - robot.heartbeat_changed_s <= HEARTBEAT_STILL_S))


def plc_healthy(robot: RobotStatus) -> Signal:
    """Neither faulted nor emergency-stopped."""
    if robot.state is None:
        return Signal.UNTRUSTED
    return _true(robot.state not in (RobotState.FAULTED, RobotState.EMERGENCY_STOPPED))


def mode_production(robot: RobotStatus) -> Signal:
    """Key switch on Production."""
    return Signal.UNTRUSTED if robot.mode is None else _true(robot.mode is RobotMode.PRODUCTION)


def manual_enabled(robot: RobotStatus) -> Signal:
    """Key switch on Manual and local enable pressed."""
    manual = Signal.UNTRUSTED if robot.mode is None else _true(robot.mode is RobotMode.MANUAL)
    return all_true([(manual, 0.0), (robot.local_enable, 0.0)])[0]


def lane_safe(robot: RobotStatus) -> Signal:
    """No truck, or a truck that stands in position and clamped."""
    if robot.truck_present is Signal.FALSE:
        return Signal.TRUE
    return all_true([(robot.truck_present, 0.0), (robot.truck_in_position, 0.0), (robot.wheels_clamped, 0.0)])[0]


def load_kg(scene: Scene) -> Number:
    """What hangs on the robot."""
    robot = scene.snapshot.robot
    if robot is None or robot.load_kg is None:
        return UNKNOWN_NUMBER
    return robot.load_kg, scene.snapshot.now_s - robot.received_s


def _lock_switches(sensors: MountSensors, locked: bool) -> list[Four]:
    on, off = (sensors.locked, sensors.unlocked) if locked else (sensors.unlocked, sensors.locked)
    return [(on, 0.0), inverted((off, 0.0))]


def source_unlocked(scene: Scene) -> Four:
    """Both lock switches of the mount to be lifted from say unlocked; TRUE if nothing is to be lifted there."""
    command = scene.command
    if command is None or command.opcode is not Opcode.LIFT_FROM or command.source <= MOUNT_CODE_BASE:
        return NOTHING_TO_WATCH
    sensors = scene.sensors(command.source - MOUNT_CODE_BASE)
    if sensors is None:
        return UNKNOWN
    return scene.plc(lambda _: all_true(_lock_switches(sensors, locked=False))[0])


def destination_free(scene: Scene) -> Four:
    """The place to be filled is empty, or is being filled by this very placement."""
    command = scene.command
    if command is None or command.opcode is not Opcode.PLACE_TO:
        return NOTHING_TO_WATCH
    return scene.plc(lambda robot: _is_free(scene, robot, command))


def _is_free(scene: Scene, robot: RobotStatus, command: RobotCommand) -> Signal:
    number = command.destination
    if number > MOUNT_CODE_BASE:
        occupied = robot.mounts[number - MOUNT_CODE_BASE - 1].seated
    else:
        occupied = robot.bays[number - 1].occupied
    return Signal.TRUE if _taken_up_again(scene, robot, command) else inverted((occupied, 0.0))[0]


def _taken_up_again(scene: Scene, robot: RobotStatus, command: RobotCommand) -> bool:
    """True if the last thing the robot did was this very placement: what fills the place is the pack it placed."""
    last = scene.last
    if last is None or robot.echo_sequence != last.sequence:
        return False
    if (last.opcode, last.destination) != (command.opcode, command.destination):
        return False
    done = robot.echo_state is EchoState.DONE and robot.gripper_holding is Signal.FALSE
    return done or robot.echo_state is EchoState.STOPPED


def mounts_locked(scene: Scene) -> Four:
    """Every fitted mount seated and both of its lock switches locked."""
    found = [scene.sensors(number) for number in scene.fitted]
    if not found:
        return UNKNOWN
    signals: list[Four] = []
    for sensors in found:
        if sensors is None:
            return UNKNOWN
        signals += [(sensors.seated, 0.0), *_lock_switches(sensors, locked=True)]
    return scene.plc(lambda _: all_true(signals)[0])
