"""What waits to be published, in memory. No I/O: the uplink takes from here what is due and says what arrived.

Overflow policy: metrics, events and replies are bounded, the oldest is dropped and counted; swap records are never
dropped (a few an hour, and the journal has them as well); of snapshots only the latest of each topic is kept at all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from drivers.mqtt_values import MqttMessage
from station_ctl.uplink.message import Message

SNAPSHOT_MIN_S = 0.1  # no topic is published more often
SNAPSHOT_MAX_S = 10.0  # nor less often


class Lane:
    """A first-in-first-out queue that drops its oldest when full and counts it. limit None: never drops."""

    def __init__(self, name: str, limit: int | None) -> None:
        self.name = name
        self.dropped = 0
        self.limit = limit
        self._waiting: deque[MqttMessage] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: MqttMessage) -> None:
        """Append; makes room first."""
        if self.limit is not None and len(self._waiting) >= self.limit:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(message)
        self._filled.set()

    async def first(self) -> MqttMessage:
        """Wait for what is to be published next; it stays in the lane until `done`."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting[0]

    def done(self, message: MqttMessage) -> None:
        """A message was published, or given up. It may have been dropped meanwhile."""
        if self._waiting and self._waiting[0] is message:
            self._waiting.popleft()


@dataclass(slots=True)
class _Snapshot:
    latest: Message
    changed: bool = True
    sent: Message | None = None
    sent_s: float = float("-inf")

    def due_s(self) -> float:
        return self.sent_s + (SNAPSHOT_MIN_S if self.changed else SNAPSHOT_MAX_S)


@dataclass(slots=True)
class Snapshots:
    """The retained messages: the latest of each topic, when it changed, or at least every SNAPSHOT_MAX_S."""

    _by_topic: dict[str, _Snapshot] = field(default_factory=dict)

    def put(self, topic: str, message: Message) -> bool:
        """Take the latest; True if it differs from what was published last."""
        snapshot = self._by_topic.setdefault(topic, _Snapshot(message))
        snapshot.latest, snapshot.changed = message, not message.says_the_same(snapshot.sent)
        return snapshot.changed

    def due(self, now_s: float) -> list[tuple[str, Message]]:
        """What is to be published now."""
        return [(topic, snapshot.latest) for topic, snapshot in self._by_topic.items() if now_s >= snapshot.due_s()]

    def next_s(self) -> float:
        """When the next one is due; inf without any."""
        return min((snapshot.due_s() for snapshot in self._by_topic.values()), default=float("inf"))

    def sent(self, topic: str, message: Message, now_s: float) -> None:
        """`message` was published; a newer one may have come meanwhile."""
        snapshot = self._by_topic[topic]
        snapshot.sent, snapshot.sent_s = message, now_s
        snapshot.changed = not snapshot.latest.says_the_same(message)

    def all_due(self) -> None:
        """A new connection, perhaps a new broker: publish everything again."""
        for snapshot in self._by_topic.values():
            snapshot.sent, snapshot.sent_s, snapshot.changed = None, float("-inf"), True

    def unsent(self) -> int:
        """How many topics have something new."""
        return sum(snapshot.changed for snapshot in self._by_topic.values())
