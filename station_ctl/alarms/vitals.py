"""How the controller itself is doing, as conditions: counters into rates, the wall clock against the loop's. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from station_ctl.alarms.record import Condition

RATE_S = 60.0
OVERRUNS_MAX = 5
REJECTED_MAX = 20
FAILED_WRITES_MAX = 5
FAILED_WRITES_S = 5.0
BEHIND_MAX = 8
"""Entries that may follow behind the cycle before the disk counts as slow."""
JUMP_S = 2.0
"""More than the wall clock may be slewed or stepped between two looks."""


@dataclass(frozen=True, slots=True)
class Vital:
    """Figures of one cycle. Counters count since the start.

    journal_error: '' while the last entry was taken. recorder: the trouble of the black box, '' without any.
    """

    at: datetime
    broker_up: bool = True
    rejected: int = 0
    dropped: int = 0
    overruns: int = 0
    failed_writes: int = 0
    behind: int = 0
    journal_error: str = ""
    recorder: str = ""


@dataclass(slots=True)
class Rise:
    """How much a counter has risen within a window."""

    within_s: float
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, count: int, now_s: float) -> int:
        """Take a count; the rise since the oldest one in the window. Counts that do not change cost no memory."""
        if not self._seen or self._seen[-1][1] != count:
            self._seen.append((now_s, count))
        while len(self._seen) > 1 and now_s - self._seen[1][0] >= self.within_s:
            self._seen.popleft()
        return count - self._seen[0][1]


@dataclass(slots=True)
class Vitals:
    """What is remembered of the controller's figures from look to look."""

    _overruns: Rise = field(default_factory=lambda: Rise(RATE_S))
    _rejected: Rise = field(default_factory=lambda: Rise(RATE_S))
    _dropped: Rise = field(default_factory=lambda: Rise(RATE_S))
    _writes: Rise = field(default_factory=lambda: Rise(FAILED_WRITES_S))
    _offset_s: float | None = None

    def look(self, vital: Vital, now_s: float) -> dict[str, Condition]:
        """The conditions of the controller and its surroundings."""
        found = dict(self._rates(vital, now_s))
        if not vital.broker_up:
            found["uplink.broker_lost"] = Condition()
        if vital.journal_error:
            full = "full" in vital.journal_error
            found["journal.disk_full" if full else "journal.failed"] = Condition(vital.journal_error)
        if vital.recorder:
            found["blackbox.not_written"] = Condition(f"the black box is not written: {vital.recorder}")
        if vital.behind > BEHIND_MAX:
            found["journal.slow"] = Condition(value=float(vital.behind), limit=float(BEHIND_MAX))
        if (jump_s := self._jump_s(vital.at, now_s)) is not None:
            found["controller.clock_jump"] = Condition(
                f"the wall clock has jumped by {jump_s:+.1f} s", jump_s, JUMP_S, inf
            )
        return found

    def _rates(self, vital: Vital, now_s: float) -> dict[str, Condition]:
        rises = (
            ("controller.overruns", self._overruns.add(vital.overruns, now_s), OVERRUNS_MAX),
            ("uplink.commands_rejected", self._rejected.add(vital.rejected, now_s), REJECTED_MAX),
            ("plc.not_writable", self._writes.add(vital.failed_writes, now_s), FAILED_WRITES_MAX),
            ("uplink.dropped", self._dropped.add(vital.dropped, now_s), 0),
        )
        return {c: Condition(value=float(n), limit=float(limit)) for c, n, limit in rises if n > limit}

    def _jump_s(self, at: datetime, now_s: float) -> float | None:
        """By how much the wall clock has moved against the loop's since the last look, if that is a jump."""
        offset_s = at.timestamp() - now_s
        before_s, self._offset_s = self._offset_s, offset_s
        moved_s = 0.0 if before_s is None else offset_s - before_s
        return moved_s if abs(moved_s) > JUMP_S else None
