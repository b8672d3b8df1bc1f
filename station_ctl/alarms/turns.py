"""What becomes of an alarm's record when its condition comes, goes, or a cover is taken off."""

from __future__ import annotations

from dataclasses import replace

from station_ctl.alarms.record import Condition, Record, State


def raised(record: Record, condition: Condition, latched: bool, now_s: float, label: str) -> Record:
    """The record of an alarm whose condition stands now. label: of the wall clock."""
    return replace(
        record,
        standing=True,
        kept=latched,
        acked=False,
        since_s=None,
        text=condition.text,
        reason=condition.reason,
        value=condition.value,
        limit=condition.limit,
        first_out=condition.first_out,
        raised_s=now_s,
        raised_at=label,
        cleared_at=None,
        acked_at=None,
        acked_by=None,
    )


def cleared(record: Record, label: str) -> Record:
    """Nobody has to acknowledge what came and went under a person's cover, unless it is latched."""
    covered = record.state in (State.SHELVED, State.OUT_OF_SERVICE)
    acked = record.acked or (covered and not record.kept)
    return replace(record, standing=False, acked=acked, since_s=None, raised_s=None, cleared_at=label)


def uncovered(record: Record) -> Record:
    """What still stands when a cover comes off is told anew: the answer to it was given under other circumstances."""
    return replace(record, acked=False, acked_at=None, acked_by=None) if record.standing else record
