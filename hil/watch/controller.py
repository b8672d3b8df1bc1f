"""The watch over the controller: what it permits, what it orders, and its latch, each cycle and each block."""

from __future__ import annotations

from collections.abc import Callable

from drivers.robot_protocol import MOUNT_CODE_BASE, MotionClass, Opcode
from hil.watch.findings import Findings
from hil.watch.needs import EVACUATE, Meant, withheld
from hil.watch.tap import Written
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation
from station_ctl.model.words import PackML

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
AUTOMATIC = (PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.SUSPENDING, PackML.SUSPENDED)
WORKED_AT = (
    *("approach_mount", "verify", "unlock", "extract", "carry_to_bay", "stow", "choose", "approach_bay", "fetch"),
    *("carry_to_mount", "insert", "lock", "park", "reconnect"),
)
"""Steps from the isolated truck to its self-test: it has to be held all the while, also while the robot waits."""
CLEAR_S = 2.0
"""A clear may arrive so long before the trip that it clears: it is written down before it is obeyed."""


def _nothing(_: Written) -> None:
    """Nobody else looks at orders."""


class ControllerWatch:
    """`cycle` fits the runner's on_cycle, `block` the tap's on_block.

    journalled: whether the intent of this very order is on the disk. cleared_s: when a person's `clear` last came to
    the controller. on_order: called with each new motion. orders: every motion ordered so far.
    """

    def __init__(
        self,
        findings: Findings,
        journalled: Callable[[Written], bool],
        cleared_s: Callable[[], float],
        on_order: Callable[[Written], None] = _nothing,
    ) -> None:
        self.last: StationState | None = None
        self.decision: Decision | None = None
        self.permits = MotionClass(0)  # as last written
        self.orders: list[Written] = []
        self._findings, self._journalled = findings, journalled
        self._cleared_s, self._on_order = cleared_s, on_order
        self._closed_s: float | None = None  # since when the latch is closed, None while it is open
        self._written = MotionClass(0)  # since the last cycle ended
        self._sequence: int | None = None

    def restarted(self, now_s: float) -> None:
        """Another controller takes over: it boots latched and has not written anything."""
        self.last = self.decision = self._sequence = None
        self._closed_s = now_s if self._closed_s is None else self._closed_s
        self._written = MotionClass(0)

    def installed(self) -> dict[int, str]:
        """Serial by mount of what the swap under way has put in, by the controller's word."""
        swap = self.last.swap if self.last is not None else None
        return {e.mount: e.serial_in for e in swap.exchanges if e.mount in swap.installed} if swap else {}

    def evacuation(self) -> Evacuation | None:
        """The evacuation that is open, by the controller's word."""
        return self.last.evacuation if self.last is not None else None

    def cycle(self, snapshot: Snapshot, decision: Decision, state: StationState) -> None:
        """A control cycle has ended: no permit with an input false, untrusted or stale; the latch keeps."""
        forbidden = withheld(snapshot, self._meant(state))
        union = MotionClass(0)
        for classes in forbidden.values():
            union |= classes
        wrong = decision.permits & union
        self._findings.judge("permit without its inputs", not wrong, lambda: _why(wrong, forbidden))
        decided = decision.permits | (MotionClass.HANDLE_BAY if decision.permits & EVACUATE else MotionClass(0))
        more, self._written = self._written & ~decided, MotionClass(0)
        self._findings.judge("permit written that was not decided", not more, lambda: repr(more))
        self._latch(decision, state, snapshot.now_s)
        self.last, self.decision = state, decision

    def _meant(self, state: StationState) -> Meant:
        """What the cycle was about: judged in the state before, and again in this one if it ordered something."""
        both = (state, self.last or state)
        worked_at = all(s.packml in AUTOMATIC and s.step in WORKED_AT for s in both)
        manual = any(s.manual is not None for s in both)
        return Meant(state.pending, state.evacuation, manual, worked_at)

    def _latch(self, decision: Decision, state: StationState, now_s: float) -> None:
        """Closed at boot; once closed it opens only after a person's clear has come."""
        if self.decision is None:
            self._findings.judge("boots with the latch open", decision.latched, lambda: f"in {state.packml}")
        if decision.latched:
            self._closed_s = now_s if self._closed_s is None else self._closed_s
        elif self._closed_s is not None:
            asked = self._cleared_s() > self._closed_s - CLEAR_S
            self._findings.judge("latch opens by itself", asked, lambda: f"in {state.packml}/{state.step}")
            self._closed_s = None

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
        self._findings.judge("order before its intent", self._journalled(written), lambda: text)
        self._on_order(written)


def needed(written: Written) -> MotionClass:
    """The class of motion an order is."""
    at_mount = (written.source or written.destination) > MOUNT_CODE_BASE
    return _CLASS.get(Opcode(written.opcode), MotionClass.HANDLE_MOUNT if at_mount else MotionClass.HANDLE_BAY)


def _why(wrong: MotionClass, forbidden: dict[str, MotionClass]) -> str:
    return f"{wrong!r} permitted although: {', '.join(n for n, c in forbidden.items() if c & wrong)}"
