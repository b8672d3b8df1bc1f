"""Which condition stopped the robot, in one line, and since when. Pure.

The same line goes to the log, to the retained `state` message (so to `station-console why`) and to the black box.
"""

from __future__ import annotations

from datetime import datetime

from station_ctl.model.look import Decision
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML

DOWN = (PackML.ABORTING, PackML.ABORTED)
_STOPPED = (*DOWN, PackML.HOLDING, PackML.HELD)


def stopped_by(state: StationState | None, decision: Decision | None) -> str:
    """The condition that stopped the robot: cause, value as measured at that instant, age, limit, remedy.

    Without a trip of the interlock: code and text of the reason for the state. '' if there is neither.
    """
    if decision is not None and decision.latched and decision.tripped:
        return decision.tripped
    return f"{state.reason.code}: {state.reason.text}" if state is not None and state.reason else ""


class Stopped:
    """Follows the cycles. by: the condition that stops the robot now; since: when it began to ('' and None: none)."""

    def __init__(self) -> None:
        self.since: datetime | None = None
        self.by = ""
        self._boot = True

    def look(self, state: StationState, decision: Decision, at: datetime) -> str:
        """The line, in the cycle in which the robot is stopped by something else than before; otherwise ''.

        What a start finds is not told: it is the state of before, and told by the start itself.
        """
        stopped = bool(decision.latched and decision.tripped) or state.packml in _STOPPED
        line = stopped_by(state, decision) if stopped else ""
        new, first = line if line != self.by else "", self._boot
        if new or not line:
            self.since = at if line else None
        self.by, self._boot = line, False
        return "" if first else new
