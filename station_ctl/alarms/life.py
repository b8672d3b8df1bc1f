"""The life of alarms (ISA-18.2): one pure machine over all alarms of a station. Time is what the caller says it is.

An alarm is a condition (after its delays) that a person has to acknowledge, under up to three covers: shelved by a
person for a while, suppressed by design, out of service. `state` is what shows; every change of it is a transition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf

from drivers.errors import StationError
from station_ctl.alarms.action import Action, done
from station_ctl.alarms.edges import EDGES
from station_ctl.alarms.places import Instance
from station_ctl.alarms.record import Condition, Record, State, Transition, Trigger
from station_ctl.alarms.turns import cleared, raised, uncovered
from station_ctl.wall_clock import iso_ms

_ROUNDING_S = 1e-6
"""Times of cycles add up in binary fractions; a delay is over when it is over but for that."""
BY_ITSELF = "station"
"""Who made a transition that no person made."""


class LifeError(StationError):
    """An alarm went where its table has no edge: a defect; the cycle it happens in fails."""


@dataclass(slots=True)
class _Now:
    s: float
    at: datetime
    made: list[Transition] = field(default_factory=list)

    @property
    def label(self) -> str:
        return iso_ms(self.at)


class LifeCycle:
    """All alarms of one station. remembered: what was not normal before the restart; number: of the last transition.

    Holds a record only of alarms that are not plainly normal. Bounded by the number of instances.
    """

    def __init__(self, instances: Mapping[str, Instance], remembered: Iterable[Record] = (), number: int = 0) -> None:
        self.records: dict[str, Record] = {}
        self._instances = instances
        self._remembered = [record for record in remembered if record.id in instances]
        self._number = number
        self._found: Mapping[str, Condition] | None = None
        self._modes: frozenset[str] = frozenset()
        self._due_s = inf

    def step(
        self,
        found: Mapping[str, Condition],
        now_s: float,
        at: datetime,
        modes: frozenset[str] = frozenset(),
        actions: Sequence[Action] = (),
    ) -> tuple[tuple[Transition, ...], tuple[str, ...]]:
        """One look: transitions in order, and for each action why it is refused ('' if it is done).

        found: what stands now, by id; the same object as before says that nothing has changed. now_s: loop time;
        at: the wall clock, for labels. modes: PackML state and mode, for suppression.
        """
        quiet = found is self._found and modes == self._modes and now_s < self._due_s
        if quiet and not actions and not self._remembered:
            return (), ()
        now = _Now(now_s, at)
        self._recall(now)
        self._found, self._modes, self._due_s = found, modes, inf
        for identifier in [*self.records, *(i for i in found if i not in self.records)]:
            if identifier in self._instances:
                self._judge(identifier, found.get(identifier), now)
        for identifier in list(self.records):
            self._cover(identifier, modes, now)
        refusals = tuple(self._act(action, now) for action in actions)
        return tuple(now.made), refusals

    def record(self, identifier: str) -> Record:
        """An alarm as it stands."""
        return self.records.get(identifier) or Record(identifier)

    def _recall(self, now: _Now) -> None:
        """After a restart: what was acknowledged stays so, a shelving goes on for what the wall clock leaves of it.

        No other clock spans a power cut; if it went backwards meanwhile, the alarm comes back at once.
        """
        for old in self._remembered:
            left_s = old.shelved_left_s(now.at) if old.shelved_until is not None else None
            record = replace(old, suppressed_by="", since_s=None, raised_s=now.s if old.standing else None)
            self.records[old.id] = replace(record, shelved_until_s=None if left_s is None else now.s + left_s)
        self._remembered = []

    def _judge(self, identifier: str, condition: Condition | None, now: _Now) -> None:
        """The condition, with its delays and deadband; frozen while suppressed."""
        record, entry = self.record(identifier), self._instances[identifier].entry
        if record.suppressed_by:
            return
        margin = -(entry.deadband or 0.0) if record.standing else 0.0
        raw = condition is not None and condition.beyond > margin
        if condition is not None and record.standing:
            record = self._renewed(record, condition, now)
        if raw == record.standing:
            self._keep(replace(record, since_s=None) if record.since_s is not None else record)
            return
        since_s = record.since_s if record.since_s is not None else now.s
        due_s = since_s + (entry.off_delay_ms if record.standing else entry.on_delay_ms) / 1000
        if now.s < due_s - _ROUNDING_S:
            self._due_s = min(self._due_s, due_s - _ROUNDING_S)
            self._keep(replace(record, since_s=since_s))
        elif condition is not None and raw:
            self._put(raised(record, condition, entry.latched, now.s, now.label), Trigger.RAISE, now)
        else:
            self._put(cleared(record, now.label), Trigger.CLEAR, now)

    def _renewed(self, record: Record, condition: Condition, now: _Now) -> Record:
        """The measured value as it goes on; a new reason is told, and has to be acknowledged anew."""
        if (record.value, record.limit) != (condition.value, condition.limit):
            record = replace(record, value=condition.value, limit=condition.limit)
        if record.reason == condition.reason and (record.first_out or not condition.first_out):
            return record
        first = record.first_out or condition.first_out
        record = replace(record, reason=condition.reason, text=condition.text, first_out=first, acked=False)
        self._put(record, Trigger.CHANGE, now)
        return record

    def _cover(self, identifier: str, modes: frozenset[str], now: _Now) -> None:
        """Suppression by design, and the end of a shelving."""
        record = self.record(identifier)
        rule = self._rule(self._instances[identifier], modes)
        if rule != record.suppressed_by:
            trigger = Trigger.SUPPRESS if rule else Trigger.UNSUPPRESS
            self._put(replace(record, suppressed_by=rule, since_s=None), trigger, now)
            if not rule and self._found is not None:
                self._judge(identifier, self._found.get(identifier), now)
                self._due_s = now.s  # it may suppress others, by the next look
        record = self.record(identifier)
        if record.shelved_until_s is None:
            return
        if now.s >= record.shelved_until_s:
            self._put(uncovered(replace(record, shelved_until_s=None, shelved_until=None)), Trigger.EXPIRE, now)
        else:
            self._due_s = min(self._due_s, record.shelved_until_s)

    def _rule(self, instance: Instance, modes: frozenset[str]) -> str:
        """Which alarm or state suppresses this one, '' if none."""
        for other in instance.suppressors:
            if other in self.records and self.records[other].standing:
                return other
        named = [name for name in instance.entry.suppressed_in if name in modes]
        return f"state {named[0]}" if named else ""

    def _act(self, action: Action, now: _Now) -> str:
        instance = self._instances.get(action.id)
        if instance is None:
            return f"{action.id} is no alarm of this station"
        record = self.record(action.id)
        if why := action.refusal(record, instance.entry):
            return why
        self._put(done(action, record, now.s, now.at), action.trigger, now, action.by)
        if action.trigger is Trigger.SHELVE:
            self._due_s = min(self._due_s, self.records[action.id].shelved_until_s or inf)
        return ""

    def _put(self, after: Record, trigger: Trigger, now: _Now, by: str = BY_ITSELF) -> None:
        before = self.record(after.id)
        if after.state not in EDGES[before.state].get(trigger, ()):
            raise LifeError(f"no edge {trigger} from {before.state} to {after.state}", where=f"alarm {after.id}")
        self._keep(after)
        self._number += 1
        now.made.append(Transition(self._number, trigger, before.state, after.state, now.label, by, after))

    def _keep(self, record: Record) -> None:
        if record.state is State.NORMAL and record.since_s is None:
            self.records.pop(record.id, None)
        else:
            self.records[record.id] = record
