"""The watch over the controller: what it permits, what it orders, and its latch, each cycle and each block."""

from __future__ import annotations

from collections.abc import Callable

from drivers.robot_protocol import MOUNT_CODE_BASE, MotionClass, Opcode
from hil.watch.findings import Findings
from hil.watch.needs import withheld
from hil.watch.tap import Written
from station_ctl.model import Decision, PackML, Snapshot, StationState

NO_MOTION = (Opcode.NONE, Opcode.STOP, Opcode.RESET)
_CLASS = {
    Opcode.MOVE_TO: MotionClass.TRAVEL,
    Opcode.HOME: MotionClass.TRAVEL,
    Opcode.UNLOCK: MotionClass.UNLOCK,
    Opcode.LOCK: MotionClass.LOCK,
    Opcode.JOG: MotionClass.JOG,
    Opcode.CLAMP: MotionClass.CLAMP,
    Opcode.RELEASE: MotionClass.RELEASE,
}
_OPENING = (PackML.CLEARING, PackML.RESETTING)
"""States that only a person's clear or reset leads to; in no other may the latch open."""


class ControllerWatch:
    """`cycle` fits the runner's on_cycle, `block` the tap's on_block.

    journalled: whether an intent with this sequence number is on the disk. orders: every motion ordered so far.
    """

    def __init__(self, findings: Findings, journalled: Callable[[int], bool]) -> None:
        self.last: StationState | None = None
        self.decision: Decision | None = None
        self.permits = MotionClass(0)  # as last written
        self.orders: list[Written] = []
        self._findings, self._journalled = findings, journalled
        self._written = MotionClass(0)  # since the last cycle ended
        self._sequence: int | None = None

    def restarted(self) -> None:
        """Another controller takes over: it boots latched and has not written anything."""
        self.last = self.decision = self._sequence = None
        self._written = MotionClass(0)

    def cycle(self, snapshot: Snapshot, decision: Decision, state: StationState) -> None:
        """A control cycle has ended: no permit with an input false, untrusted or stale; the latch keeps."""
        forbidden = withheld(snapshot)
        union = MotionClass(0)
        for classes in forbidden.values():
            union |= classes
        wrong = decision.permits & union
        self._findings.judge("permit without its inputs", not wrong, lambda: _why(wrong, forbidden))
        more, self._written = self._written & ~decision.permits, MotionClass(0)
        self._findings.judge("permit written that was not decided", not more, lambda: repr(more))
        opened = self.decision is not None and self.decision.latched and not decision.latched
        before = self.last.packml if self.last is not None else None
        asked = not opened or state.packml in _OPENING or before in _OPENING
        self._findings.judge("latch opens by itself", asked, lambda: f"in {state.packml}/{state.step}")
        self.last, self.decision = state, decision

    def block(self, written: Written) -> None:
        """A command block has left the controller."""
        self.permits = written.permits if written.lease_ms else MotionClass(0)
        self._written |= self.permits
        if written.sequence != self._sequence and written.opcode not in NO_MOTION:
            self._order(written)
        self._sequence = written.sequence

    def _order(self, written: Written) -> None:
        """A new motion has its permit in the same block, and its intent on the disk before."""
        self.orders.append(written)
        text = f"{Opcode(written.opcode).name}, number {written.sequence}"
        permitted = bool(needed(written) & self.permits)
        self._findings.judge("order without its permit", permitted, lambda: text)
        self._findings.judge("order before its intent", self._journalled(written.sequence), lambda: text)


def needed(written: Written) -> MotionClass:
    """The class of motion an order is."""
    at_mount = (written.source or written.destination) > MOUNT_CODE_BASE
    return _CLASS.get(Opcode(written.opcode), MotionClass.HANDLE_MOUNT if at_mount else MotionClass.HANDLE_BAY)


def _why(wrong: MotionClass, forbidden: dict[str, MotionClass]) -> str:
    return f"{wrong!r} permitted although: {', '.join(n for n, c in forbidden.items() if c & wrong)}"
