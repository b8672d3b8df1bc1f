"""Inputs of the interlock that ask about the motion meant: its source, its destination, what hangs on the robot."""

from __future__ import annotations

from drivers.reading import Signal
from drivers.robot_protocol import MOUNT_CODE_BASE, EchoState, Opcode, RobotCommand, RobotStatus
from station_ctl.model.places import bay
from station_ctl.safety.classes import EVACUATE, motion_class
from station_ctl.safety.from_plc import lock_switches, measured, occupied
from station_ctl.safety.scene import NOTHING_TO_WATCH, UNKNOWN, Four, Scene, all_true, inverted, signal

SLACK_KG = 100.0
"""What the load cell may show with nothing on the hook: ropes, ringing and a zero point that is off."""
TOLD_S = 0.5
"""How old a BMS's word of its thermal event may be to count as evidence (five periods of PMS)."""
_STOPPED = (EchoState.STOPPED, EchoState.FAILED)


def source_unlocked(scene: Scene) -> Four:
    """Both lock switches of the mount to be lifted from say unlocked; TRUE if nothing is to be lifted there."""
    command = scene.command
    if command is None or command.opcode is not Opcode.LIFT_FROM or command.source <= MOUNT_CODE_BASE:
        return NOTHING_TO_WATCH
    return _unlocked(scene, command.source)


def lift_is_free(scene: Scene) -> Four:
    """Nothing pulls yet at the mount that is lifted from, or both of its lock switches say unlocked.

    A load that is not known counts as pull: without its load cell a lift needs the locks all the more.
    """
    command, robot = scene.command, scene.snapshot.robot
    if command is None or command.opcode is not Opcode.LIFT_FROM or command.source <= MOUNT_CODE_BASE:
        return NOTHING_TO_WATCH
    slack = robot is not None and robot.load_kg is not None and robot.load_kg <= SLACK_KG
    return scene.plc(lambda _: Signal.TRUE) if slack else _unlocked(scene, command.source)


def destination_free(scene: Scene) -> Four:
    """The place to be filled is empty, or is being filled by this very placement."""
    command = scene.command
    if command is None or command.opcode is not Opcode.PLACE_TO:
        return NOTHING_TO_WATCH
    return scene.plc(lambda robot: _is_free(scene, robot, command))


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
    handled = last is not None and last.command.opcode in (Opcode.LIFT_FROM, Opcode.PLACE_TO)
    if last is not None and handled and last.ended is not EchoState.DONE:
        signals.append(inverted((occupied(robot, last.command.source or last.command.destination), 0.0)))
    return all_true(signals)[0]


def bay_smoke_clear(scene: Scene) -> Four:
    """No smoke in the bay to be lifted from or filled; TRUE if no bay is to be handled."""
    command = scene.command
    if command is None or command.opcode not in (Opcode.LIFT_FROM, Opcode.PLACE_TO):
        return NOTHING_TO_WATCH
    code = command.source or command.destination
    return NOTHING_TO_WATCH if code > MOUNT_CODE_BASE else scene.plc(lambda robot: robot.bays[code - 1].smoke_clear)


def evacuation_called_for(scene: Scene) -> Four:
    """What is evacuated shows a thermal event by measurement, or is brought to an isolation bay.

    Evidence is smoke that the PLC measures in the bay, the BMS's own event, or what the thermal watch has found. A lift
    that the PLC has taken up needs no more, nor does one that is taken up again: its coupler parted, the pack is
    silent. Setting down in an isolation bay needs no evidence: whatever hangs on the robot by then is better off there.
    """
    command, evacuation = scene.command, scene.evacuation
    if command is None or evacuation is None or motion_class(command, evacuation) != EVACUATE:
        return NOTHING_TO_WATCH
    if command.opcode is Opcode.PLACE_TO:
        return measured(command.destination in scene.isolation), 0.0
    return scene.plc(lambda robot: measured(_shows_event(scene, robot, command)))


def _shows_event(scene: Scene, robot: RobotStatus, command: RobotCommand) -> bool:
    place, last = bay(command.source), scene.last
    same = last is not None and _where(last.command) == _where(command)
    held = robot.gripper_holding is Signal.TRUE  # done, and the controller was restarted before it knew
    again = last is not None and same and (last.ended in _STOPPED or (last.ended is EchoState.DONE and held))
    told, age_s = signal(scene.pack(place).thermal_event, scene.snapshot.now_s)
    return (
        place in scene.thermal
        or robot.echo_sequence == command.sequence
        or robot.bays[command.source - 1].smoke_clear is Signal.FALSE
        or (told is Signal.TRUE and age_s <= TOLD_S)
        or again
    )


def _where(command: RobotCommand) -> tuple[Opcode, int, int]:
    return command.opcode, command.source, command.destination


def _known(signal: Signal) -> Signal:
    return Signal.TRUE if signal in (Signal.TRUE, Signal.FALSE) else signal


def _unlocked(scene: Scene, code: int) -> Four:
    sensors = scene.sensors(code - MOUNT_CODE_BASE)
    if sensors is None:
        return UNKNOWN
    return scene.plc(lambda _: all_true(lock_switches(sensors, locked=False))[0])
