"""How messages read to a person: one line each, and none for what has not changed."""

from __future__ import annotations

from collections.abc import Callable

from drivers.mqtt_values import MqttMessage
from station_ctl.uplink.messages import (
    AlarmMessage,
    BayMessage,
    EventMessage,
    Message,
    StateMessage,
    StatusMessage,
    SwapRecord,
    TruckMessage,
    read_message,
)
from station_ctl.uplink.topics import Topics


def status_line(message: StatusMessage) -> str:
    """Is the station there."""
    return f"status   {'online' if message.online else 'OFFLINE'}, version {message.version}, boot {message.boot_id}"


def state_line(message: StateMessage) -> str:
    """State, step, why it waits, what the interlock says, what a person may do."""
    parts = [f"state    {message.packml} ({message.mode}), step {message.step}"]
    if message.exchanges:
        parts.append(f"pack {message.exchange}/{message.exchanges}")
    if message.reason is not None:
        parts.append(f"waits: {message.reason.text} [{message.reason.code}]")
    if message.interlock.latched:
        parts.append(f"INTERLOCK first-out {message.interlock.first_out or 'unknown'}")
    if message.choices:
        parts.append(f"you may: {', '.join(message.choices)}")
    return ", ".join(parts)


def bay_line(message: BayMessage) -> str:
    """What is in a bay."""
    pack = f"{message.serial} {_number(message.soc_pct, ' %')}" if message.serial else "no pack known"
    reason = f", {message.reason}" if message.reason else ""
    return f"bay {message.bay:<4} {message.state}, occupied {message.occupied}, {pack}, link {message.link}{reason}"


def truck_line(message: TruckMessage) -> str:
    """Who is in the lane and how it stands."""
    mounts = "; ".join(f"mount {m.mount}: {m.serial or '-'} locked {m.locked}" for m in message.mounts)
    return (
        f"truck    {message.vin or 'no truck known'}, present {message.present}, in position {message.in_position}"
        f" (x {_number(message.x_error_mm, ' mm')}, y {_number(message.y_error_mm, ' mm')}), {mounts}"
    )


def event_line(message: EventMessage) -> str:
    """What happened."""
    return f"event    {message.severity}: {message.text} [{message.code}]"


def alarm_line(message: AlarmMessage) -> str:
    """What alarm came or went, and what to do."""
    return f"alarm    {'ON ' if message.active else 'off'} {message.severity}: {message.text}; {message.remedy}"


def swap_line(message: SwapRecord) -> str:
    """What was swapped."""
    packs = "; ".join(f"mount {e.mount}: {e.serial_out} -> {e.serial_in}" for e in message.exchanges)
    return f"swap     {message.outcome}: {message.vin} in {message.duration_s:.0f} s, {packs}"


def _number(value: float | None, unit: str) -> str:
    return "?" if value is None else f"{value:.0f}{unit}"


_CHANGES: dict[type[Message], Callable[..., object]] = {
    StatusMessage: lambda m: (m.online, m.boot_id),
    StateMessage: state_line,
    BayMessage: lambda m: (m.occupied, m.serial, m.link, m.state, m.reason),
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
            "bay": (BayMessage, bay_line),
            "truck": (TruckMessage, truck_line),
            "event": (EventMessage, event_line),
            "alarm": (AlarmMessage, alarm_line),
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
