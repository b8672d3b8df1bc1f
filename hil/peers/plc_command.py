"""What the PLC makes of a command block: sequence numbers, permits, and what it retains of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from drivers.register_points import Value
from drivers.robot_protocol import MOUNT_CODE_BASE, EchoResult, EchoState, MotionClass, Opcode, RobotCommand

PERMIT_OF = {
    Opcode.UNLOCK: MotionClass.UNLOCK,
    Opcode.LOCK: MotionClass.LOCK,
    Opcode.MOVE_TO: MotionClass.TRAVEL,
    Opcode.HOME: MotionClass.TRAVEL,
    Opcode.JOG: MotionClass.JOG,
    Opcode.CLAMP: MotionClass.CLAMP,
    Opcode.RELEASE: MotionClass.RELEASE,
}


@dataclass(slots=True)
class Retained:
    """What the PLC keeps over a power cut: what makes 'at most once' hold."""

    sequence: int = 0
    opcode: int = 0
    state: EchoState = EchoState.NONE
    result: EchoResult = EchoResult.OK
    heartbeat: int | None = None
    motions_started: int = 0

    def echo(self, sequence: int, opcode: int, state: EchoState, result: EchoResult = EchoResult.OK) -> None:
        """What became of a command, from now on."""
        self.sequence, self.opcode, self.state, self.result = sequence, opcode, state, result

    def ended(self, sequence: int, outcome: EchoState) -> None:
        """A motion is over: that is its own echo's end, or of the STOP that ended it."""
        if self.sequence == sequence:
            self.state = outcome
            self.result = EchoResult.TIMEOUT if outcome is EchoState.FAILED else EchoResult.OK
        elif self.opcode == Opcode.STOP and self.state is EchoState.EXECUTING:
            self.state = EchoState.DONE


def ahead(new: int, old: int) -> int:
    """How far `new` is ahead of `old`, modulo 65536 (RFC 1982): 0 same, 1..32767 newer, above that older."""
    return (new - old) & 0xFFFF


def permit_of(command: RobotCommand) -> MotionClass:
    """The permit bit a motion needs; handling depends on where."""
    if command.opcode in (Opcode.LIFT_FROM, Opcode.PLACE_TO):
        place = command.source if command.opcode is Opcode.LIFT_FROM else command.destination
        return MotionClass.HANDLE_MOUNT if place > MOUNT_CODE_BASE else MotionClass.HANDLE_BAY
    return PERMIT_OF[command.opcode]


def command_of(sequence: int, points: dict[str, Value]) -> RobotCommand:
    """The command in a decoded block."""

    def whole(name: str) -> int:
        return int(cast(int, points[name]))

    return RobotCommand(
        sequence,
        Opcode(whole("opcode")),
        whole("source"),
        whole("destination"),
        whole("mount"),
        whole("parameter_1"),
        whole("parameter_2"),
    )
