"""One alarm: what is found, how it stands, what can happen to it, and which edges there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf

from station_ctl.alarms.catalogue import Alarm


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


@dataclass(frozen=True, slots=True)
class Action:
    """What a person wants done to an alarm. minutes: of a shelving; why: of taking it out of service."""

    trigger: Trigger
    id: str
    by: str
    minutes: float = 0.0
    why: str = ""

    def refusal(self, record: Record, entry: Alarm) -> str:
        """Why it cannot be done, '' if it can."""
        if self.trigger not in EDGES[record.state]:
            return f"{self.trigger} is not possible: {self.id} is {record.state}"
        if self.trigger is Trigger.SHELVE and not 0 < self.minutes <= entry.shelvable_min:
            return f"{self.id} may be shelved for at most {entry.shelvable_min} min, asked were {self.minutes:g}"
        if self.trigger is Trigger.OUT_OF_SERVICE and entry.alarm_class == "safety":
            return f"{self.id} is a safety alarm: it is not taken out of service"
        return ""


_S, _T = State, Trigger
_SHOWN = (_S.NORMAL, _S.UNACKNOWLEDGED, _S.ACKNOWLEDGED, _S.RETURNED, _S.LATCHED)
_OPEN = frozenset({*_SHOWN, _S.SUPPRESSED})
"""What can come out from under a person's cover."""
_COVERS = {
    _T.SUPPRESS: frozenset({_S.SUPPRESSED}),
    _T.SHELVE: frozenset({_S.SHELVED}),
    _T.OUT_OF_SERVICE: frozenset({_S.OUT_OF_SERVICE}),
}
_GONE = frozenset({_S.RETURNED, _S.LATCHED, _S.NORMAL})


def _hidden(state: State, more: Mapping[Trigger, frozenset[State]]) -> dict[Trigger, frozenset[State]]:
    """Under a cover a condition comes and goes unseen; what suppresses it as well."""
    unseen = (_T.RAISE, _T.CLEAR, _T.CHANGE, _T.SUPPRESS, _T.UNSUPPRESS)
    return {**dict.fromkeys(unseen, frozenset({state})), **more}


EDGES: Mapping[State, Mapping[Trigger, frozenset[State]]] = {
    _S.NORMAL: {_T.RAISE: frozenset({_S.UNACKNOWLEDGED}), **_COVERS},
    _S.UNACKNOWLEDGED: {
        _T.CLEAR: _GONE - {_S.NORMAL},
        _T.ACK: frozenset({_S.ACKNOWLEDGED}),
        _T.CHANGE: frozenset({_S.UNACKNOWLEDGED}),
        **_COVERS,
    },
    _S.ACKNOWLEDGED: {
        _T.CLEAR: _GONE - {_S.RETURNED},
        _T.CHANGE: frozenset({_S.UNACKNOWLEDGED}),
        **_COVERS,
    },
    _S.RETURNED: {_T.RAISE: frozenset({_S.UNACKNOWLEDGED}), _T.ACK: frozenset({_S.NORMAL}), **_COVERS},
    _S.LATCHED: {_T.RAISE: frozenset({_S.UNACKNOWLEDGED}), _T.ACK: frozenset({_S.NORMAL}), **_COVERS},
    _S.SUPPRESSED: {
        _T.SUPPRESS: frozenset({_S.SUPPRESSED}),
        _T.UNSUPPRESS: frozenset(_SHOWN),
        _T.SHELVE: _COVERS[_T.SHELVE],
        _T.OUT_OF_SERVICE: _COVERS[_T.OUT_OF_SERVICE],
    },
    _S.SHELVED: _hidden(
        _S.SHELVED,
        {
            _T.EXPIRE: _OPEN,
            _T.UNSHELVE: _OPEN,
            _T.OUT_OF_SERVICE: _COVERS[_T.OUT_OF_SERVICE],
        },
    ),
    _S.OUT_OF_SERVICE: _hidden(
        _S.OUT_OF_SERVICE, {_T.EXPIRE: frozenset({_S.OUT_OF_SERVICE}), _T.IN_SERVICE: _OPEN | {_S.SHELVED}}
    ),
}
"""What can follow from what, by what. A transition that is not here is a defect and stops the cycle."""
