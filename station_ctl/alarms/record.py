"""One alarm: what is found, how it stands, what has happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf


class State(StrEnum):
    """States of ISA-18.2. LATCHED: the condition is gone, a person has to acknowledge it."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    LATCHED = "latched"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"


class Trigger(StrEnum):
    """What makes a transition. CHANGE: it stands for another reason than before, and is to be acknowledged anew."""

    RAISE = "raise"
    CLEAR = "clear"
    CHANGE = "change"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    EXPIRE = "expire"
    ACK = "ack"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"


@dataclass(frozen=True, slots=True)
class Condition:
    """What stands now. text: what was measured, '' for the catalogue's. reason: the code whose texts apply.

    beyond: how far the value is past its limit, in its unit; inf for what is not analogue. first_out: it tripped first.
    """

    text: str = ""
    value: float | None = None
    limit: float | None = None
    beyond: float = inf
    reason: str = ""
    first_out: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One alarm as it stands. ..._s is loop time, ..._at a label of the wall clock.

    standing: the condition after its delays; kept: latched until acknowledged; acked: nobody has to acknowledge it.
    since_s: since when the raw condition differs from `standing`. raised_s: since when it stands.
    """

    id: str
    standing: bool = False
    kept: bool = False
    acked: bool = True
    text: str = ""
    reason: str = ""
    value: float | None = None
    limit: float | None = None
    first_out: bool = False
    since_s: float | None = None
    raised_s: float | None = None
    raised_at: str | None = None
    cleared_at: str | None = None
    acked_at: str | None = None
    acked_by: str | None = None
    shelved_until_s: float | None = None
    shelved_at: str | None = None
    shelved_until: str | None = None
    shelved_by: str | None = None
    suppressed_by: str = ""
    retired_by: str | None = None
    retired_why: str = ""

    @property
    def state(self) -> State:
        """What shows."""
        if self.retired_by is not None:
            return State.OUT_OF_SERVICE
        if self.shelved_until is not None:
            return State.SHELVED
        if self.suppressed_by:
            return State.SUPPRESSED
        if self.standing:
            return State.ACKNOWLEDGED if self.acked else State.UNACKNOWLEDGED
        if self.kept:
            return State.LATCHED
        return State.NORMAL if self.acked else State.RETURNED

    def shelved_left_s(self, at: datetime) -> float:
        """What the wall clock leaves of a shelving, at most what was asked for; 0 if the clock went backwards."""
        if self.shelved_until is None or self.shelved_at is None:
            return 0.0
        begun, until = datetime.fromisoformat(self.shelved_at), datetime.fromisoformat(self.shelved_until)
        return max((until - at).total_seconds(), 0.0) if at >= begun - timedelta(milliseconds=1) else 0.0


@dataclass(frozen=True, slots=True)
class Transition:
    """One change, for journal and uplink. number counts up for ever; by: a person, or 'station'."""

    number: int
    trigger: Trigger
    before: State
    after: State
    at: str
    by: str
    record: Record


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a journal gives back at a start: alarms that were not normal, and the number of the last transition."""

    records: tuple[Record, ...] = ()
    number: int = 0
