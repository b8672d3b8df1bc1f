"""Registers that say what is not so: a status that stands still, an echo that lies."""

from __future__ import annotations

from drivers.robot_protocol import EchoResult, EchoState, Opcode
from hil.faults.modbus_frames import Image

NOT_WITHHELD = (Opcode.NONE, Opcode.STOP)


class StillStatus:
    """The status as it was when it was first asked for."""

    def __init__(self, status: Image) -> None:
        self._status = status
        self._frozen: list[int] | None = None

    def of(self, words: list[int], heartbeat_runs: bool) -> list[int]:
        """The first status for this one; with its heartbeat if that runs."""
        if self._frozen is None:
            self._frozen = list(words)
        frozen = list(self._frozen)
        if heartbeat_runs:
            self._status.set(frozen, "heartbeat", self._status.get(words, "heartbeat"))
        return frozen


class LyingEcho:
    """Knows the last command since it began to listen, and says of it what it is told to say.

    The command in the first block heard is from before: nothing is said of it.
    """

    def __init__(self, command: Image, status: Image) -> None:
        self._command, self._status = command, status
        self._known: int | None = None  # sequence from before
        self._lie: tuple[int, int] | None = None  # sequence and opcode that is lied about

    def withholds(self, words: list[int], wanted: bool) -> bool:
        """Note a new command; if wanted, take it out of its block. Whether that was done."""
        sequence, opcode = self._command.get(words, "sequence"), self._command.get(words, "opcode")
        if self._known is None:
            self._known = sequence
        if sequence == self._known or opcode in NOT_WITHHELD:
            return False
        self._lie = (sequence, opcode)
        if wanted:
            self._command.set(words, "opcode", Opcode.NONE)
            if self._command.block.checksum:
                words[:] = self._command.block.seal(words)
        return wanted

    def lies(self, words: list[int], says: EchoState) -> bool:
        """Put the lie into a status, if there is a command to lie about. Whether there was."""
        if self._lie is None:
            return False
        sequence, opcode = self._lie
        told = {"sequence": sequence, "opcode": opcode, "state": says, "result": EchoResult.OK}
        for name, value in told.items():
            self._status.set(words, f"echo_{name}", value)
        return True
