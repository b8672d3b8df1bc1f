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
_STOPPED = (EchoState.STOPPED, EchoState.FAILED)


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
    return _unlocked(scene, command.source)


def _unlocked(scene: Scene, code: int) -> Four:
    sensors = scene.sensors(code - MOUNT_CODE_BASE)
    if sensors is None:
        return UNKNOWN
    return scene.plc(lambda _: all_true(_lock_switches(sensors, locked=False))[0])


def destination_free(scene: Scene) -> Four:
    """The place to be filled is empty, or is being filled by this very placement."""
    command = scene.command
    if command is None or command.opcode is not Opcode.PLACE_TO:
        return NOTHING_TO_WATCH
    return scene.plc(lambda robot: _is_free(scene, robot, command))


def occupied(robot: RobotStatus, code: int) -> Signal:
    """The seat or bay sensor of the place with this location code."""
    if code > MOUNT_CODE_BASE:
        return robot.mounts[code - MOUNT_CODE_BASE - 1].seated
    return robot.bays[code - 1].occupied


def _is_free(scene: Scene, robot: RobotStatus, command: RobotCommand) -> Signal:
    if _taken_up_again(scene, robot, command):
        return Signal.TRUE
    return inverted((occupied(robot, command.destination), 0.0))[0]


def _taken_up_again(scene: Scene, robot: RobotStatus, command: RobotCommand) -> bool:
    """True if what fills the place is the pack that the robot itself was handling there when it was stopped."""
    last = scene.last
    if last is None or command.destination not in (last.command.destination, last.command.source):
        return False
    stopped_there = last.ended in _STOPPED and last.full is Signal.TRUE
    if last.command.opcode is Opcode.LIFT_FROM:
        return stopped_there and robot.gripper_holding is Signal.TRUE
    done = last.ended is EchoState.DONE and robot.gripper_holding is Signal.FALSE
    return last.command.opcode is Opcode.PLACE_TO and (stopped_there or done)


def destination_unlocked(scene: Scene) -> Four:
    """Both lock switches of the mount to be filled say unlocked; TRUE if no mount is to be filled."""
    command = scene.command
    if command is None or command.opcode is not Opcode.PLACE_TO or command.destination <= MOUNT_CODE_BASE:
        return NOTHING_TO_WATCH
    return _unlocked(scene, command.destination)


def gripper_ready(scene: Scene) -> Four:
    """Empty to lift and loaded to put down, unless the same motion, stopped or done, is taken up again."""
    command = scene.command
    if command is None or command.opcode not in (Opcode.LIFT_FROM, Opcode.PLACE_TO):
        return NOTHING_TO_WATCH
    last = scene.last
    same = last is not None and _where(last.command) == _where(command) and last.ended in (*_STOPPED, EchoState.DONE)
    if same:
        return scene.plc(lambda robot: _known(robot.gripper_holding))
    if command.opcode is Opcode.PLACE_TO:
        return scene.plc(lambda robot: robot.gripper_holding)
    return scene.plc(lambda robot: inverted((robot.gripper_holding, 0.0))[0])


def travel_free(scene: Scene) -> Four:
    """The gripper is open and empty, or closed on a pack that has left the place it was lifted from."""
    command = scene.command
    if command is None or command.opcode not in (Opcode.MOVE_TO, Opcode.HOME):
        return NOTHING_TO_WATCH
    return scene.plc(lambda robot: _may_travel(scene, robot))


def _may_travel(scene: Scene, robot: RobotStatus) -> Signal:
    if robot.gripper_holding is Signal.FALSE:
        return inverted((robot.gripper_closed, 0.0))[0]
    signals: list[Four] = [(robot.gripper_holding, 0.0), (robot.gripper_closed, 0.0)]
    last = scene.last
    if last is not None and last.ended in _STOPPED and last.command.opcode in (Opcode.LIFT_FROM, Opcode.PLACE_TO):
        signals.append(inverted((occupied(robot, last.command.source or last.command.destination), 0.0)))
    return all_true(signals)[0]


def bay_smoke_clear(scene: Scene) -> Four:
    """No smoke in the bay to be lifted from or filled; TRUE if no bay is to be handled."""
    command = scene.command
    if command is None or command.opcode not in (Opcode.LIFT_FROM, Opcode.PLACE_TO):
        return NOTHING_TO_WATCH
    code = command.source or command.destination
    return NOTHING_TO_WATCH if code > MOUNT_CODE_BASE else scene.plc(lambda robot: robot.bays[code - 1].smoke_clear)


def _where(command: RobotCommand) -> tuple[Opcode, int, int]:
    return command.opcode, command.source, command.destination


def _known(signal: Signal) -> Signal:
    return Signal.TRUE if signal in (Signal.TRUE, Signal.FALSE) else signal


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
