"""Classes of motion as the interlock knows them: those of the PLC's permits register, and one of our own above them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from drivers.robot_protocol import MOUNT_CODE_BASE, MotionClass, Opcode, RobotCommand
from station_ctl.model.places import PlaceKind
from station_ctl.model.visit import Evacuation

EVACUATE = MotionClass(256)
"""LIFT_FROM the bay of a pack with a thermal event, or PLACE_TO the isolation bay. Ours alone: to the PLC it is a
HANDLE_BAY, so this bit never goes into its permits register. `~` of a MotionClass knows the PLC's bits only: leave a
class out with `^`."""
CLASSES: Mapping[str, MotionClass] = MappingProxyType({**MotionClass.__members__, "EVACUATE": EVACUATE})
"""Every class of the cause-and-effect table by name, in the order of the bits."""
ALL_CLASSES = MotionClass(sum(CLASSES.values()))

_CLASSES = {
    Opcode.MOVE_TO: MotionClass.TRAVEL,
    Opcode.HOME: MotionClass.TRAVEL,
    Opcode.UNLOCK: MotionClass.UNLOCK,
    Opcode.LOCK: MotionClass.LOCK,
    Opcode.CLAMP: MotionClass.CLAMP,
    Opcode.RELEASE: MotionClass.RELEASE,
    Opcode.JOG: MotionClass.JOG,
}


def motion_class(command: RobotCommand, evacuation: Evacuation | None = None) -> MotionClass:
    """The class of motion a command is; STOP, RESET and NONE move nothing and have none.

    evacuation: the one under way; handling its bay or its isolation bay is EVACUATE.
    """
    if command.opcode not in (Opcode.LIFT_FROM, Opcode.PLACE_TO):
        return _CLASSES.get(command.opcode, MotionClass(0))
    if (command.source or command.destination) > MOUNT_CODE_BASE:
        return MotionClass.HANDLE_MOUNT
    return EVACUATE if evacuation and _evacuates(command, evacuation) else MotionClass.HANDLE_BAY


def _evacuates(command: RobotCommand, evacuation: Evacuation) -> bool:
    if command.opcode is Opcode.PLACE_TO:
        return command.destination == evacuation.isolation
    return evacuation.source.kind is PlaceKind.BAY and command.source == evacuation.source.code


def on_the_wire(classes: MotionClass) -> MotionClass:
    """The same permits as the PLC knows them."""
    return classes & ~EVACUATE | MotionClass.HANDLE_BAY if classes & EVACUATE else classes
