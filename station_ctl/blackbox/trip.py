"""What counts as a trip. Pure."""

from __future__ import annotations

from station_ctl.cycle import Cycle
from station_ctl.model.look import Decision
from station_ctl.model.words import PackML
from station_ctl.stopped import DOWN, stopped_by

PLANNED = "shutdown"
"""Why a file is kept that no trip asked for: the service ended in order."""


def seen_last(cycle: Cycle) -> Decision | None:
    """The last decision of a cycle."""
    return cycle.judged or (cycle.decided.decision if cycle.decided else None)


def uncleared(cycle: Cycle) -> bool | None:
    """Whether a cycle ended with a trip that nobody has cleared, or a thermal event; None: it did not come so far."""
    decision, after = seen_last(cycle), cycle.after
    if decision is None or after is None:
        return None
    return decision.latched or bool(decision.thermal) or after.packml in (*DOWN, PackML.CLEARING)


def trip(before: Cycle | None, cycle: Cycle) -> str:
    """Why what a cycle came to is a trip, one line; '' if it is none.

    A trip is: the interlock latched newly or on another cause, Aborting, a cycle that failed, a thermal event. None is
    a `clear` that was refused, and a defect that goes on from cycle to cycle: nothing has stopped that was not stopped.
    """
    if cycle.failed and cycle.failed != "cancelled" and (before is None or cycle.failed != before.failed):
        return f"the control cycle failed: {cycle.failed}"
    decision, old = seen_last(cycle), seen_last(before) if before else None
    if decision is not None and old is not None:
        if decision.latched and (not old.latched or decision.first_out != old.first_out):
            return stopped_by(cycle.after, decision)
        for place, why in decision.thermal.items():
            if place not in old.thermal:
                return f"thermal event in {place}: {why}"
    refused = cycle.before.packml is PackML.CLEARING and decision is not None and decision.latched
    if cycle.after is not None and cycle.after.packml in DOWN and cycle.before.packml not in DOWN and not refused:
        return stopped_by(cycle.after, decision)
    return ""
