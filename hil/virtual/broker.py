"""An MQTT 5 broker in memory, behind the client's session: retained messages, wills, expiry, QoS 1 in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol

from drivers.mqtt_values import Endpoint, LinkCounters, MqttDown, MqttMessage, MqttUnconfirmed, Will
from hil.virtual.io import Io

Passed = Literal["delivered", "taken", "confirmed"]
LATENCY_S = 0.002
AGAIN_S = 0.2


class Wire(Protocol):
    """What the broker does to messages; hil.faults.broker.BrokerWire fits."""

    @property
    def outage(self) -> bool:
        """Whether the broker is gone."""

    @property
    def active(self) -> bool:
        """Whether any fault is set."""

    def due(self, now_s: float) -> tuple[MqttMessage, ...]:
        """Old commands that are published again now."""

    def deliver(self, message: MqttMessage, now_s: float) -> tuple[tuple[float, MqttMessage], ...]:
        """What a subscriber gets instead of a message: (delay, message)."""


class MemoryBroker:
    """Passes messages between the sessions it makes. `published` counts what was taken.

    on_arrival: called with client and message for each delivery. on_station: called with each that was delivered to
    the station, and with each publication of the station when it was taken, and again when that is confirmed.
    """

    def __init__(self, wire: Wire, station: str, io: Io) -> None:
        """station: the client whose publications io counts."""
        self.wire, self.station, self.io = wire, station, io
        self.published = 0
        self.on_arrival: Callable[[str, MqttMessage], None] = _unwatched
        self.on_station: Callable[[Passed, MqttMessage], None] = _unheard
        self.sessions: list[MemorySession] = []
        self.retained: dict[str, MqttMessage] = {}

    def session(
        self, endpoint: Endpoint, *, client_id: str, will: Will | None, where: str, counters: LinkCounters
    ) -> MemorySession:
        """A connection to this broker, in MqttSession's place."""
        return MemorySession(self, client_id, will, where)

    def take(self, message: MqttMessage) -> None:
        """A message was published: keep it if retained, and pass it to every session that wants it."""
        self.published += 1
        if message.retain and message.payload:
            self.retained[message.topic] = message
        elif message.retain:
            self.retained.pop(message.topic, None)
        for session in self.sessions:
            if session.wants(message.topic):
                self.pass_on(session, message)

    def pass_on(self, session: MemorySession, message: MqttMessage) -> None:
        """Deliver to one session what the wire makes of a message."""
        loop = asyncio.get_running_loop()
        for delay_s, what in self.wire.deliver(message, loop.time()):
            loop.call_later(LATENCY_S + delay_s, session.arrive, what)

    async def run(self) -> None:
        """Let old commands come again when the wire says so, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            for message in self.wire.due(loop.time()) if self.wire.active else ():
                self.take(message)
            await asyncio.sleep(AGAIN_S)

    def outage(self) -> None:
        """The broker dies: every session ends, no will is spoken, what was retained is kept on its disk."""
        for session in list(self.sessions):
            session.lose(with_will=False)

    def kill(self, client_id: str) -> None:
        """A client vanishes: its sessions end and their wills are spoken."""
        for session in [s for s in self.sessions if s.client_id == client_id]:
            session.lose(with_will=True)


class MemorySession:
    """One connection, of MqttSession's shape."""

    def __init__(self, broker: MemoryBroker, client_id: str, will: Will | None, where: str) -> None:
        self.client_id = client_id
        self._broker, self._will, self._where = broker, will, where
        self._filters: tuple[str, ...] = ()
        self._queue: deque[MqttMessage] = deque()
        self._news = asyncio.Event()
        self._up = False

    async def open(self) -> None:
        """Connect; a session of the same name ends. Raises MqttDown during an outage."""
        await asyncio.sleep(2 * LATENCY_S)
        if self._broker.wire.outage:
            raise MqttDown("cannot connect", where=self._where, value="connection refused")
        self._broker.kill(self.client_id)
        self._up = True
        self._broker.sessions.append(self)

    async def subscribe(self, filters: tuple[str, ...]) -> None:
        """Subscribe; what is retained there is delivered."""
        await asyncio.sleep(2 * LATENCY_S)
        self._need()
        self._filters = filters
        for topic in [t for t in self._broker.retained if self.wants(t)]:
            self._broker.pass_on(self, self._broker.retained[topic])

    async def receive(self) -> tuple[MqttMessage, Callable[[], object]]:
        """The next message. Raises MqttDown when the connection ends."""
        while not self._queue:
            self._need()
            self._news.clear()
            await self._news.wait()
        return self._queue.popleft(), lambda: None

    async def publish(self, message: MqttMessage, qos: int) -> None:
        """Publish and wait for the confirmation. Raises MqttDown, or MqttUnconfirmed if the broker dies meanwhile."""
        self._need()
        if self._of_station and self._broker.io.fails("mqtt"):
            self.lose(with_will=True)
            raise MqttUnconfirmed("publication was not confirmed", where=self._where, value=message.topic)
        self._broker.take(message)
        if self._of_station:
            self._broker.on_station("taken", message)
        if qos:
            await asyncio.sleep(2 * LATENCY_S)
            if not self._up:
                raise MqttUnconfirmed("publication was not confirmed", where=self._where, value=message.topic)
        if self._of_station:
            self._broker.on_station("confirmed", message)

    async def close(self) -> None:
        """End in order: the will is not spoken."""
        self.lose(with_will=False)

    def wants(self, topic: str) -> bool:
        """Whether one of the filters matches."""
        return any(_matches(f, topic) for f in self._filters)

    def arrive(self, message: MqttMessage) -> None:
        """A message has come."""
        if self._up:
            self._broker.on_arrival(self.client_id, message)
            self._queue.append(message)
            self._news.set()
            if self._of_station:
                self._broker.on_station("delivered", message)

    def lose(self, *, with_will: bool) -> None:
        """The connection ends."""
        if not self._up:
            return
        self._up = False
        self._broker.sessions.remove(self)
        self._news.set()
        if with_will and self._will is not None:
            self._broker.take(MqttMessage(self._will.topic, self._will.payload, retain=True))

    @property
    def _of_station(self) -> bool:
        return self.client_id == self._broker.station

    def _need(self) -> None:
        if not self._up:
            raise MqttDown("connection lost", where=self._where)


def _unwatched(_client: str, _message: MqttMessage) -> None:
    """Nobody keeps watch."""


def _unheard(_what: Passed, _message: MqttMessage) -> None:
    """Nobody listens."""


def _matches(topic_filter: str, topic: str) -> bool:
    """MQTT 5, 4.7: `+` is one level, `#` at the end is all that follows."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted, levels = wanted[:-1], levels[: len(wanted) - 1]
    return len(wanted) == len(levels) and all(w in ("+", t) for w, t in zip(wanted, levels, strict=True))
