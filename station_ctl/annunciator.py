"""Alarms in the cycle: what stands goes through the life cycle, its transitions to journal and uplink, answers back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drivers.errors import StationError
from station_ctl import alarm_messages
from station_ctl.alarms.action import Action
from station_ctl.alarms.conditions import Conditions
from station_ctl.alarms.entry import Catalogue
from station_ctl.alarms.flood import STALE_S, Flood
from station_ctl.alarms.life import LifeCycle
from station_ctl.alarms.places import instances
from station_ctl.alarms.record import Remembered, State, Transition, Trigger
from station_ctl.alarms.vitals import Vital
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import StationState
from station_ctl.model.words import Event
from station_ctl.ports import UplinkPort
from station_ctl.state_snapshot import mode
from station_ctl.uplink.admission import Admitted
from station_ctl.uplink.arguments import AlarmArguments, OutOfServiceArguments, ShelveArguments
from station_ctl.uplink.roles import Roles

VERBS = frozenset({"ack", "shelve", "unshelve", "out_of_service", "in_service"})
"""Verbs that are for the alarms, not for the swap."""
LIST_S = 1.0
"""How often measured values alone make a new list."""
UNWRITTEN_MAX = 2000
"""So many transitions wait for a journal that fails; the oldest beyond are dropped and counted."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one cycle brought: for the journal, and as events."""

    transitions: tuple[Transition, ...] = ()
    events: tuple[Event, ...] = ()


class Annunciator:
    """The alarms of one station."""

    def __init__(self, config: Config, catalogue: Catalogue, remembered: Remembered | None = None) -> None:
        remembered = remembered or Remembered()
        self.instances = instances(catalogue, config)
        self.flood = Flood()
        self.dropped = 0
        self._catalogue = catalogue
        self._roles = Roles.trusted(config.issuer)
        self._conditions = Conditions(config, catalogue)
        self._life = LifeCycle(self.instances, remembered.records, remembered.number)
        self._asked: list[Admitted] = []
        self._answers: list[tuple[Admitted, str]] = []
        self._owed: list[Admitted] = []
        self._new: list[Transition] = []
        self._unwritten: list[Transition] = []
        self._given = 0
        self._listed_s = float("-inf")
        self._stale = True

    def ask(self, admitted: Admitted) -> None:
        """Take a command for an alarm; it is done, or refused, in this cycle."""
        self._asked.append(admitted)

    def step(self, state: StationState, snapshot: Snapshot, decision: Decision, vital: Vital) -> Told:
        """One cycle. What comes back belongs into the journal before the next cycle's."""
        asked, self._asked = self._asked, []
        found = self._conditions.find(state, snapshot, decision, vital)
        modes = frozenset((str(state.packml), str(mode(snapshot.robot))))
        actions = [_action(admitted, self._roles.of(admitted.command.issuer)) for admitted in asked]
        made, refusals = self._life.step(found, snapshot.now_s, vital.at, modes, actions)
        self._answers += zip(asked, refusals, strict=True)
        events = tuple(self._flooded(made, snapshot.now_s))
        self._new += made
        self._unwritten += made
        if (surplus := len(self._unwritten) - UNWRITTEN_MAX) > 0:
            self.dropped += surplus
            del self._unwritten[:surplus]
            self._given = max(self._given - surplus, 0)
        told, self._given = self._unwritten[self._given :], len(self._unwritten)
        return Told(tuple(told), events)

    def written(self) -> None:
        """Everything given to the journal is on the disk."""
        self._unwritten, self._given = [], 0

    def not_written(self) -> None:
        """Something given to the journal is not on the disk: all of it is given again, under the same numbers."""
        self._given = 0

    def tell(self, uplink: UplinkPort, now_s: float) -> None:
        """Say what the cycle brought, and answer who asked: the last answer only when the journal has it."""
        for transition in self._announced():
            uplink.emit(alarm_messages.changed(transition, self.instances, self._catalogue))
        for admitted, why in self._answers:
            uplink.answer(admitted, "rejected" if why else "accepted", why)
            if not why:
                self._owed.append(admitted)
        if not self._unwritten:
            for admitted in self._owed:
                uplink.answer(admitted, "completed", f"{admitted.verb} is in the journal")
            self._owed = []
        if self._new or self._stale or now_s - self._listed_s >= LIST_S:
            self._listed_s, self._stale = now_s, False
            uplink.state(
                alarm_messages.listed(
                    self._life.records.values(), self.instances, self._catalogue, self.flood, self.figures(now_s)
                )
            )
        self._new, self._answers = [], []

    def figures(self, now_s: float) -> dict[str, int]:
        """Counts for metrics and list."""
        records = self._life.records.values()
        states = [record.state for record in records]
        stale = [r for r in records if r.raised_s is not None and now_s - r.raised_s > STALE_S]
        return {
            "active": sum(alarm_messages.active(record) for record in records),
            "unacknowledged": states.count(State.UNACKNOWLEDGED) + states.count(State.RETURNED),
            "shelved": states.count(State.SHELVED),
            "suppressed": states.count(State.SUPPRESSED),
            "out_of_service": states.count(State.OUT_OF_SERVICE),
            "standing_over_a_day": len(stale),
            "announced_in_10_min": self.flood.rate,
            "not_journalled": self.dropped,
        }

    def _flooded(self, made: Iterable[Transition], now_s: float) -> Iterable[Event]:
        for transition in made:
            if _announces(transition):
                self.flood.note(transition.record.id, now_s)
        turned = self.flood.look(now_s)
        if turned is True:
            text = f"alarm flood: {self.flood.rate} within ten minutes, the first was {self.flood.first_out}"
            yield Event("alarms.flood_begins", "warning", text, {"first_out": self.flood.first_out})
        elif turned is False:
            text = f"the alarm flood is over; {len(self.flood.collected)} low ones were collected"
            yield Event("alarms.flood_ends", "info", text, {"collected": len(self.flood.collected)})

    def _announced(self) -> Iterable[Transition]:
        """What is told one by one. In a flood low ones are collected; how they stand is told when it is over."""
        for transition in self._new:
            record = transition.record
            low = self.instances[record.id].entry.priority == "low" and not record.first_out
            if self.flood.active and low and transition.by == "station":
                self.flood.collected[record.id] = None
            else:
                self.flood.collected.pop(record.id, None)
                yield transition
        if not self.flood.active:
            for identifier in self.flood.collected:
                record = self._life.record(identifier)
                yield Transition(0, Trigger.CHANGE, record.state, record.state, "", "station", record)
            self.flood.collected = {}


def _announces(transition: Transition) -> bool:
    """Whether somebody is called by it."""
    return transition.after is State.UNACKNOWLEDGED and transition.before is not State.UNACKNOWLEDGED


def _action(admitted: Admitted, roles: frozenset[str]) -> Action:
    trigger, by = Trigger(admitted.verb), admitted.command.issuer
    match admitted.command.arguments:
        case ShelveArguments(alarm=identifier, minutes=minutes):
            return Action(trigger, identifier, by, minutes=minutes, roles=roles)
        case OutOfServiceArguments(alarm=identifier, why=why):
            return Action(trigger, identifier, by, why=why, roles=roles)
        case AlarmArguments(alarm=identifier):
            return Action(trigger, identifier, by, roles=roles)
    raise StationError("has no alarm in its arguments", where=f"cmd/{admitted.verb}")
