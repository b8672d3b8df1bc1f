"""What counts as a trip. Pure."""

from __future__ import annotations

from station_ctl.cycle import Cycle
from station_ctl.model import Decision
from station_ctl.stopped import DOWN, stopped_by

PLANNED = "shutdown"
"""Why a file is kept that no trip asked for: the service ended in order."""


def seen_last(cycle: Cycle) -> Decision | None:
    """The last decision of a cycle."""
    return cycle.judged or (cycle.decided.decision if cycle.decided else None)


def trip(before: Cycle | None, cycle: Cycle) -> str:
    """Why what a cycle came to is a trip, one line; '' if it is none.

    A trip is: the interlock latched newly or on another cause, Aborting, a cycle that failed, a thermal event.
    """
    if cycle.failed and cycle.failed != "cancelled":
        return f"the control cycle failed: {cycle.failed}"
    decision, old = seen_last(cycle), seen_last(before) if before else None
    if decision is not None and old is not None:
        if decision.latched and (not old.latched or decision.first_out != old.first_out):
            return stopped_by(cycle.after, decision)
        for place, why in decision.thermal.items():
            if place not in old.thermal:
                return f"thermal event in {place}: {why}"
    if cycle.after is not None and cycle.after.packml in DOWN and cycle.before.packml not in DOWN:
        return stopped_by(cycle.after, decision)
    return ""
