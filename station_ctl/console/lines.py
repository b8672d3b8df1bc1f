"""How messages read to a person: one line each, and none for what has not changed."""

from __future__ import annotations

import re
from collections.abc import Callable

from drivers.mqtt_values import MqttMessage
from station_ctl.console.sentences import (
    alarm_line,
    alarms_line,
    bay_line,
    event_line,
    recovery_line,
    state_line,
    status_line,
    swap_line,
    truck_line,
)
from station_ctl.uplink.alarm_parts import AlarmMessage, AlarmsMessage
from station_ctl.uplink.message import Message, read_message
from station_ctl.uplink.place_messages import BayMessage, TruckMessage
from station_ctl.uplink.record_messages import EventMessage, SwapRecord
from station_ctl.uplink.state_messages import RecoveryMessage, StateMessage, StatusMessage
from station_ctl.uplink.topics import Topics


def _bay_changes(m: BayMessage) -> object:
    charge = (m.charging, m.phase, m.limited_by, m.trouble)
    return m.occupied, m.serial, m.link, m.state, _words(m.reason), charge, m.bms_soc_wrong


def _words(text: str | None) -> str:
    """A reason without its figures: they creep while a pack charges."""
    return re.sub(r"\d+(\.\d+)?", "#", text or "")


_CHANGES: dict[type[Message], Callable[..., object]] = {
    StatusMessage: lambda m: (m.online, m.boot_id),
    StateMessage: state_line,
    RecoveryMessage: lambda m: recovery_line(m),
    BayMessage: lambda m: _bay_changes(m),
    AlarmsMessage: lambda m: (m.flood, m.figures.get("active"), m.figures.get("unacknowledged")),
    TruckMessage: lambda m: (m.vin, m.present, m.in_position, m.request, [(p.serial, p.locked) for p in m.mounts]),
}
"""What must differ for a snapshot to be shown again; figures that creep do not count."""


class Lines:
    """Turns messages into lines; remembers what was shown on each topic."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._shown: dict[str, object] = {}
        self._forms: dict[str, tuple[type[Message], Callable[..., str]]] = {
            "status": (StatusMessage, status_line),
            "state": (StateMessage, state_line),
            "recovery": (RecoveryMessage, recovery_line),
            "bay": (BayMessage, bay_line),
            "truck": (TruckMessage, truck_line),
            "event": (EventMessage, event_line),
            "alarm": (AlarmMessage, alarm_line),
            "alarms": (AlarmsMessage, alarms_line),
            "swap": (SwapRecord, swap_line),
        }

    def line(self, message: MqttMessage) -> str | None:
        """The line for a message; None if there is nothing new in it. Raises BadData if it cannot be read."""
        kind = message.topic.removeprefix(self._topics.base + "/").split("/", 1)[0]
        if kind not in self._forms or not message.payload:
            return None
        model, form = self._forms[kind]
        content = read_message(model, message.payload, message.topic)
        mark = _CHANGES.get(model)
        if mark is not None:
            told = mark(content)
            if self._shown.get(message.topic) == told:
                return None
            self._shown[message.topic] = told
        return f"{content.timestamp.astimezone():%H:%M:%S.%f}"[:-3] + f"  {form(content)}"
