"""The PLC's verbs as stages of the robot, built from where the plant is now: what is done already takes no time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from drivers.robot_protocol import MOUNT_CODE_BASE, EchoResult, Opcode, RobotCommand
from hil.plant.lane import Lane
from hil.plant.movers import Actuator
from hil.plant.places import Place
from hil.plant.robot import HOME_MM, TRAVEL_HEIGHT_MM, GantryRobot, Stage
from hil.plant.sway import CALM_EMPTY_MM, CALM_LOADED_MM

Plan = list[Stage] | EchoResult
"""The stages of a motion, or why it is impossible."""
ACTUATOR_LIMIT_S = 10.0
RAISE, TRAVEL, UNLOCKING, LOCKING, MATING, PARTING, LOWER, GRIP, LET_GO, CLAMPING, CALM = range(1, 12)
"""Codes of the status block's `step`."""


class Cell(Protocol):
    """What the verbs need to know of the world."""

    robot: GantryRobot
    lane: Lane

    def place(self, code: int) -> Place | None:
        """The bay or mount with this location code, if it is there."""


def plan(cell: Cell, command: RobotCommand) -> Plan:
    """The stages of a command. Refuses what the sensors contradict, and places that do not exist."""
    return _VERBS[command.opcode](cell, command)


def _unlock(cell: Cell, command: RobotCommand) -> Plan:
    place = _mount(cell, command.mount)
    if isinstance(place, EchoResult):
        return place
    return [_switch(PARTING, place.coupler, 0.0), _switch(UNLOCKING, place.lock, 0.0)]


def _lock_mount(cell: Cell, command: RobotCommand) -> Plan:
    place = _mount(cell, command.mount)
    if isinstance(place, EchoResult):
        return place
    if place.pack is None:
        return EchoResult.SENSOR_MISMATCH
    return [_switch(LOCKING, place.lock, 1.0), _switch(MATING, place.coupler, 1.0)]


def _lift_from(cell: Cell, command: RobotCommand) -> Plan:
    place = _handled(cell, command.source)
    if isinstance(place, EchoResult):
        return place
    robot = cell.robot
    if robot.pack is not None:  # re-issued after a stop: the pack is gripped already
        hold = _switch(GRIP, robot.gripper, 1.0)
        return [hold, _raise(robot)] if place.pack is None else EchoResult.SENSOR_MISMATCH
    if place.pack is None or (place.is_mount and not _free(place)):
        return EchoResult.SENSOR_MISMATCH
    free = [] if place.is_mount else [_switch(PARTING, place.coupler, 0.0), _switch(UNLOCKING, place.lock, 0.0)]
    grip = Stage(GRIP, ((robot.gripper, 1.0),), _take(robot, place), ACTUATOR_LIMIT_S)
    return [*free, *_lower(robot), grip, _raise(robot)]


def _place_to(cell: Cell, command: RobotCommand) -> Plan:
    place = _handled(cell, command.destination)
    if isinstance(place, EchoResult):
        return place
    robot = cell.robot
    if (robot.pack is None) == (place.pack is None):  # nothing to place, or no room for it
        return EchoResult.SENSOR_MISMATCH
    if robot.pack is not None and not _free(place):
        return EchoResult.SENSOR_MISMATCH
    lower = _lower(robot) if robot.pack is not None else []
    let_go = Stage(LET_GO, ((robot.gripper, 0.0),), _give(robot, place), ACTUATOR_LIMIT_S)
    fasten = [] if place.is_mount else [_switch(LOCKING, place.lock, 1.0), _switch(MATING, place.coupler, 1.0)]
    return [*lower, let_go, *fasten, _raise(robot)]


def _move_to(cell: Cell, command: RobotCommand) -> Plan:
    place = cell.place(command.destination)
    if place is None:
        return EchoResult.BAD_LOCATION
    return _travel(cell.robot, place.x_mm, place.y_mm)


def _home(cell: Cell, command: RobotCommand) -> Plan:
    return _travel(cell.robot, *HOME_MM)


def _jog(cell: Cell, command: RobotCommand) -> Plan:
    robot = cell.robot
    if not robot.raised:
        return EchoResult.SENSOR_MISMATCH
    return _travel(robot, robot.x.position_mm + command.parameter_1, robot.y.position_mm + command.parameter_2)


def _clamp(cell: Cell, command: RobotCommand) -> Plan:
    return [_clamps(cell.lane, 1.0)] if cell.lane.in_position else EchoResult.SENSOR_MISMATCH


def _release(cell: Cell, command: RobotCommand) -> Plan:
    return [_clamps(cell.lane, 0.0)] if cell.robot.clear_of_lane else EchoResult.SENSOR_MISMATCH


_VERBS: dict[Opcode, Callable[[Cell, RobotCommand], Plan]] = {
    Opcode.UNLOCK: _unlock,
    Opcode.LOCK: _lock_mount,
    Opcode.LIFT_FROM: _lift_from,
    Opcode.PLACE_TO: _place_to,
    Opcode.MOVE_TO: _move_to,
    Opcode.HOME: _home,
    Opcode.JOG: _jog,
    Opcode.CLAMP: _clamp,
    Opcode.RELEASE: _release,
}


def _mount(cell: Cell, number: int) -> Place | EchoResult:
    place = cell.place(MOUNT_CODE_BASE + number) if number else None
    if place is None:
        return EchoResult.BAD_LOCATION
    return place if cell.lane.in_position else EchoResult.SENSOR_MISMATCH


def _handled(cell: Cell, code: int) -> Place | EchoResult:
    """The place the robot is to handle; it must stand over it already, and a truck must stand in position."""
    place = cell.place(code)
    if place is None:
        return EchoResult.BAD_LOCATION
    there = cell.robot.at(place.x_mm, place.y_mm) and (not place.is_mount or cell.lane.in_position)
    return place if there else EchoResult.SENSOR_MISMATCH


def _free(place: Place) -> bool:
    return place.lock.open and place.coupler.open


def _travel(robot: GantryRobot, x_mm: float, y_mm: float) -> Plan:
    if robot.pack is not None and not robot.gripper.made:
        return EchoResult.SENSOR_MISMATCH
    return [_raise(robot), Stage(TRAVEL, ((robot.x, x_mm), (robot.y, y_mm)), touches=False)]


def _raise(robot: GantryRobot) -> Stage:
    return Stage(RAISE, ((robot.z, TRAVEL_HEIGHT_MM),), touches=False)


def _lower(robot: GantryRobot) -> list[Stage]:
    """Down into a place, once what hangs there swings no more than the place's funnels catch."""
    calm_mm = CALM_EMPTY_MM if robot.pack is None else CALM_LOADED_MM
    calm = Stage(CALM, ((robot.sway, calm_mm),), touches=False)
    return [calm, Stage(LOWER, ((robot.z, 0.0),), touches=False)]


def _switch(step: int, actuator: Actuator, target: float) -> Stage:
    return Stage(step, ((actuator, target),), None, ACTUATOR_LIMIT_S)


def _clamps(lane: Lane, target: float) -> Stage:
    return Stage(CLAMPING, ((lane.clamps, target), (lane.barrier, target)), None, ACTUATOR_LIMIT_S)


def _take(robot: GantryRobot, place: Place) -> Callable[[], None]:
    def effect() -> None:
        robot.pack, place.pack = place.pack, None

    return effect


def _give(robot: GantryRobot, place: Place) -> Callable[[], None]:
    def effect() -> None:
        if robot.pack is not None:
            place.pack, robot.pack = robot.pack, None

    return effect
