"""Motions of the robot: what is asked for, and the last one that the PLC took up."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.reading import Signal
from drivers.robot_protocol import EchoState, Opcode, RobotCommand
from station_ctl.model.places import Place


@dataclass(frozen=True, slots=True)
class LastMotion:
    """The last motion of ours that the PLC took up.

    A lift or placement that was broken off stays the last one until the gripper is empty, or the robot travels or
    handles a place again: a jog, a clamp or a lock does not end it, and nothing that the PLC rejected does.

    ended: what its echo said last (a RESET after it does not change that).
    full:  whether the place it handled read occupied when `ended` was first seen.
    """

    command: RobotCommand
    ended: EchoState | None = None
    full: Signal = Signal.NOT_AVAILABLE


@dataclass(frozen=True, slots=True)
class Order:
    """A command the swap logic asks for; it has no effect until the gate has let it through.

    parameter_1, parameter_2: of JOG, how far in x and y, mm.
    """

    opcode: Opcode
    source: Place | None = None
    destination: Place | None = None
    mount: int = 0
    parameter_1: int = 0
    parameter_2: int = 0

    def command(self, sequence: int) -> RobotCommand:
        """The order under a sequence number, as the PLC takes it."""
        return RobotCommand(
            sequence,
            self.opcode,
            self.source.code if self.source else 0,
            self.destination.code if self.destination else 0,
            self.mount,
            self.parameter_1,
            self.parameter_2,
        )
