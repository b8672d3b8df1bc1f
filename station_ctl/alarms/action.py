"""What a person may do to an alarm, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from station_ctl.alarms.edges import EDGES
from station_ctl.alarms.entry import Alarm
from station_ctl.alarms.record import Record, State, Trigger
from station_ctl.alarms.turns import uncovered
from station_ctl.wall_clock import iso_ms


@dataclass(frozen=True, slots=True)
class Action:
    """What a person wants done to an alarm. minutes: of a shelving; why: of taking it out of service.

    roles: what that person is trusted with (operator, supervisor, service).
    """

    trigger: Trigger
    id: str
    by: str
    minutes: float = 0.0
    why: str = ""
    roles: frozenset[str] = frozenset({"operator"})

    def refusal(self, record: Record, entry: Alarm) -> str:
        """Why it cannot be done, '' if it can."""
        if self.trigger not in EDGES[record.state]:
            return f"{self.trigger} is not possible: {self.id} is {record.state}"
        if self.trigger is Trigger.SHELVE and not 0 < self.minutes <= entry.shelvable_min:
            return f"{self.id} may be shelved for at most {entry.shelvable_min} min, asked were {self.minutes:g}"
        if self.trigger is Trigger.OUT_OF_SERVICE and entry.alarm_class == "safety":
            return f"{self.id} is a safety alarm: it is not taken out of service"
        return self._not_theirs(record, entry)

    def _not_theirs(self, record: Record, entry: Alarm) -> str:
        """A latched alarm is acknowledged by anybody while it stands; afterwards that takes it off the list."""
        clears = self.trigger is Trigger.ACK and record.state is State.LATCHED
        if not clears or entry.clears in self.roles:
            return ""
        has = ", ".join(sorted(self.roles)) or "nothing"
        return f"{self.id} is cleared by the role {entry.clears} only; {self.by} has {has} ([[issuer]])"


def done(action: Action, record: Record, now_s: float, at: datetime) -> Record:
    """The record after an action that was not refused."""
    match action.trigger:
        case Trigger.ACK:
            kept = record.kept and record.standing
            return replace(record, acked=True, kept=kept, acked_at=iso_ms(at), acked_by=action.by)
        case Trigger.SHELVE:
            left_s = action.minutes * 60.0
            return replace(
                record,
                shelved_until_s=now_s + left_s,
                shelved_at=iso_ms(at),
                shelved_until=iso_ms(at + timedelta(seconds=left_s)),
                shelved_by=action.by,
            )
        case Trigger.UNSHELVE:
            return uncovered(replace(record, shelved_until_s=None, shelved_until=None))
        case Trigger.OUT_OF_SERVICE:
            return replace(record, retired_by=action.by, retired_why=action.why)
    return uncovered(replace(record, retired_by=None, retired_why=""))
