"""What the station said, in order, and whether it meets a condition. Messages in, no clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from hil.record import Event
from hil.rig.operator import Operator
from hil.scenario.conditions import BaySays, RecordSays, When
from station_ctl.uplink.alarm_parts import AlarmMessage
from station_ctl.uplink.message import Message
from station_ctl.uplink.place_messages import BayMessage
from station_ctl.uplink.record_messages import EventMessage, MetricsMessage
from station_ctl.uplink.requests import ReplyMessage
from station_ctl.uplink.state_messages import StateMessage


@dataclass(frozen=True, slots=True)
class Moment:
    """The station as it showed itself at one moment. reason is '' between a change and its `state` message.

    event: code of what it told at this moment, '' for nothing; event_text: its text.
    """

    event: str = ""
    event_text: str = ""
    packml: str = ""
    step: str = ""
    reason: str = ""
    text: str = ""
    choices: tuple[str, ...] = ()
    latched: bool | None = None
    first_out: str = ""
    causes: tuple[str, ...] = ()
    permits: tuple[str, ...] = ()
    load_kg: float = 0.0

    def meets(self, when: When) -> bool:
        """Whether all that the station itself has to say of the condition is so."""
        return all(_TOLD[name](self, getattr(when, name)) for name in when.told)


_TOLD: dict[str, Callable[[Moment, Any], bool]] = {
    "event": lambda m, wanted: m.event == wanted,
    "packml": lambda m, wanted: m.packml == wanted,
    "step": lambda m, wanted: m.step == wanted,
    "reason": lambda m, wanted: m.reason == wanted,
    "says": lambda m, wanted: wanted in m.text or wanted in m.event_text,
    "choice": lambda m, wanted: wanted in m.choices,
    "latched": lambda m, wanted: m.latched is wanted,
    "first_out": lambda m, wanted: m.first_out.split(":")[0] == wanted,
    "cause": lambda m, wanted: wanted in m.causes,
    "gone": lambda m, wanted: wanted not in m.causes,
}


class Story:
    """Moments and events of a run. Snapshots leave short steps out; events tell every one, so both are read.

    read: up to where the last `until` has read on; what was told before it is past.
    """

    def __init__(self, operator: Operator, clock: Callable[[], float]) -> None:
        self.moments: list[Moment] = [Moment()]
        self.events: list[Event] = []
        self.metrics: list[MetricsMessage] = []
        self.read = 0
        self._operator, self._clock = operator, clock
        if operator.state is not None:
            self._state(operator.state)
        operator.watch(self._take)

    @property
    def now(self) -> Moment:
        """The last moment told."""
        return self.moments[-1]

    def met(self, when: When) -> int | None:
        """Where, from `read` on, the first moment is that meets the station's part of a condition."""
        return next((i for i in range(self.read, len(self.moments)) if self.moments[i].meets(when)), None)

    def holds(self, when: When) -> bool:
        """Whether bays, records and alarms are as the condition says."""
        operator = self._operator
        alarm = operator.alarms.get(when.alarm) if when.alarm else None
        return (
            (when.alarm is None or (alarm is not None and alarm.active))
            and (when.records is None or len(operator.records) == when.records)
            and (when.record is None or self._recorded(when.record))
            and (when.bay is None or self._bay(when.bay))
        )

    def _recorded(self, wanted: RecordSays) -> bool:
        if not self._operator.records:
            return False
        record = self._operator.records[-1]
        return (
            record.outcome == wanted.outcome
            and (wanted.exchanges is None or len(record.exchanges) == wanted.exchanges)
            and (wanted.accepted is None or all(e.accepted is wanted.accepted for e in record.exchanges))
            and (
                wanted.arrival is None
                or all((e.arrival_provisional is not None) is wanted.arrival for e in record.exchanges)
            )
            and (
                wanted.charged_kwh is None or all((e.charged_kwh or 0) >= wanted.charged_kwh for e in record.exchanges)
            )
        )

    def _bay(self, wanted: BaySays) -> bool:
        said = self._operator.bays.get(wanted.number)
        return (
            said is not None
            and (wanted.state is None or said.state == wanted.state)
            and (wanted.says is None or wanted.says in (said.reason or ""))
            and wanted.charging in (None, said.charging)
            and (wanted.because is None or wanted.because in (said.charging_reason or ""))
            and _charge_is(wanted, said)
        )

    def _take(self, _kind: str, message: Message) -> None:
        match message:
            case StateMessage():
                self._state(message)
            case EventMessage():
                self._event(message)
            case AlarmMessage() if message.active and message.trigger in ("raise", "change"):
                self._note("alarm", f"{message.id}: {message.text}")
            case ReplyMessage():
                self._note("verdict", f"{message.verb} {message.verdict}: {message.reason}".removesuffix(": "))
            case MetricsMessage():
                self.metrics.append(message)

    def _state(self, said: StateMessage) -> None:
        self.moments.append(
            Moment(
                packml=said.packml,
                step=said.step,
                reason=said.reason.code if said.reason else "",
                text=said.reason.text if said.reason else "",
                choices=said.choices,
                latched=said.interlock.latched,
                first_out=said.interlock.first_out or "",
                causes=said.interlock.active,
                permits=said.interlock.permits,
                load_kg=said.robot.load_kg or 0.0,
            )
        )

    def _event(self, said: EventMessage) -> None:
        kind, _, _ = said.code.partition(".")
        self._note(kind if kind in ("state", "step") else "state", f"{said.code}: {said.text}")
        before = replace(self.now, event="", event_text="")
        told = replace(before, event=said.code, event_text=said.text)
        changed = replace(told, reason="", text=said.text)
        if kind == "step":
            self.moments.append(replace(changed, step=said.code.removeprefix("step.")))
        elif kind == "state":
            self.moments.append(replace(changed, packml=str(said.details.get("to", told.packml))))
        else:
            self.moments += [told, before]

    def _note(self, kind: str, text: str) -> None:
        self.events.append(Event(self._clock(), kind, text))


def _charge_is(wanted: BaySays, said: BayMessage) -> bool:
    """What is wanted of a bay with a charger."""
    return (
        wanted.phase in (None, said.phase)
        and wanted.limited_by in (None, said.limited_by)
        and (wanted.trouble is None or wanted.trouble in (said.trouble or ""))
        and _energy_is(wanted.charged_kwh, said.charged_kwh)
    )


def _energy_is(wanted_kwh: float | Literal["unknown"] | None, said_kwh: float | None) -> bool:
    if wanted_kwh == "unknown":
        return said_kwh is None
    return wanted_kwh is None or (said_kwh or 0.0) >= wanted_kwh
