"""What a bad broker does to each message: no connection, no clock, one seed."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from drivers.mqtt_values import MqttMessage
from hil.faults import site_kinds as kinds
from hil.faults.catalogue import BrokerFault
from hil.faults.model import FaultModel
from hil.faults.switches import Switches

COMMANDS_KEPT = 64  # the oldest is forgotten
COMMAND = "/cmd/"
ORDER_S = 1e-6  # messages stay so far apart, so that no timer can swap them

Deliveries = tuple[tuple[float, MqttMessage], ...]


class BrokerWire(Switches[BrokerFault]):
    """Everything that a broker passes on to its subscribers. counters: lost, slow, reordered, duplicated, replayed."""

    def __init__(self, seed: int | str) -> None:
        super().__init__(seed)
        self._commands: deque[tuple[float, MqttMessage]] = deque(maxlen=COMMANDS_KEPT)
        self._clear_s = float("-inf")
        self._replay_s = float("-inf")

    @property
    def outage(self) -> bool:
        """Whether the broker is gone."""
        return self.on(kinds.BrokerOutage) is not None

    def deliver(self, message: MqttMessage, now_s: float) -> Deliveries:
        """What a subscriber gets for a message that was published: (delay in s, message)."""
        if COMMAND in message.topic:
            self._commands.append((now_s, message))
        if not self.active:
            return ((0.0, message),)
        if self.outage:
            self.counters["lost"] += 1
            return ()
        late_s = self._slow_s(now_s)
        reorder, twice = self.on(kinds.BrokerReorder), self.on(kinds.BrokerDuplicate)
        if reorder is not None and self._chance(reorder.rate):
            self.counters["reordered"] += 1
            late_s += reorder.delay_ms / 1e3
        if twice is None or not self._chance(twice.rate):
            return ((late_s, message),)
        self.counters["duplicated"] += 1
        return ((late_s, message), (late_s + ORDER_S, message))

    def due(self, now_s: float) -> tuple[MqttMessage, ...]:
        """Old commands that come again now, to be published as they are; to be asked several times a second."""
        fault = self.on(kinds.BrokerOldCommand)
        if fault is None or self.outage or now_s < self._replay_s:
            return ()
        old = [message for at_s, message in self._commands if now_s - at_s >= fault.min_age_s]
        if not old:
            return ()
        self._replay_s = now_s + fault.every_s
        self.counters["replayed"] += 1
        self._spent(kinds.BrokerOldCommand)
        message = self._rng.choice(old)
        return (replace(message, retain=True) if fault.retained else message,)

    def _slow_s(self, now_s: float) -> float:
        """How late a slow broker is; what is behind stays behind."""
        slow = self.on(kinds.BrokerSlow)
        if slow is not None:
            self.counters["slow"] += 1
            due_s = now_s + (slow.delay_ms + self._rng.uniform(0.0, slow.jitter_ms)) / 1e3
            self._clear_s = max(due_s, self._clear_s + ORDER_S)
        self.active = bool(self._on) or self._clear_s > now_s
        return max(0.0, self._clear_s - now_s)

    def _changed(self, model: type[FaultModel]) -> None:
        """Old commands may come at once; messages that are late keep the broker busy."""
        if model is kinds.BrokerOldCommand:
            self._replay_s = float("-inf")
        self.active = True  # until a message finds nothing on and nothing late before it
