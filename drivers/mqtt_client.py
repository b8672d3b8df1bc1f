"""An MQTT 5 client that stays connected: reconnects with back-off, hands on what arrives, publishes what is asked.

Sessions are clean: what was published while we were away is not delivered, and must not be (an old command for a
motion is worse than none). Acknowledging only after handling is therefore flow control, not durability.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

from drivers.errors import StationError
from drivers.mqtt import MqttSession
from drivers.mqtt_values import (
    Endpoint,
    LinkCounters,
    LinkState,
    MqttDown,
    MqttMessage,
    MqttRefused,
    MqttUnconfirmed,
    Will,
)

BACKOFF_MIN_S = 0.25
BACKOFF_MAX_S = 15.0
STABLE_S = 10.0  # a connection that held so long was a good one: the next attempt is soon again

log = logging.getLogger(__name__)


async def _nothing() -> None:
    """Default of on_connect."""


async def _ignore(_: MqttMessage) -> None:
    """Default of on_message."""


class Session(Protocol):
    """One connection, used once; drivers.mqtt.MqttSession says what each call does and raises."""

    async def open(self) -> None:
        """Connect."""

    async def subscribe(self, filters: tuple[str, ...]) -> None:
        """Subscribe with QoS 1."""

    async def receive(self) -> tuple[MqttMessage, Callable[[], object]]:
        """The next message, and what to call when it was handled."""

    async def publish(self, message: MqttMessage, qos: int) -> None:
        """Publish."""

    async def close(self) -> None:
        """End the connection for sure."""


class MqttClient:
    """A connection to one broker that comes back by itself.

    subscriptions: topic filters, QoS 1, subscribed at every connect before `on_connect` is awaited.
    on_message:    awaited for one message at a time; a StationError it raises is counted, anything else is a defect
                   and ends run().
    on_connect:    awaited after every connect; it may publish, and a DeviceError it raises ends that connection.
    session:       makes a connection; MqttSession, unless there is another way to the broker.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        client_id: str,
        will: Will | None = None,
        subscriptions: tuple[str, ...] = (),
        on_message: Callable[[MqttMessage], Awaitable[None]] = _ignore,
        on_connect: Callable[[], Awaitable[None]] = _nothing,
        name: str = "mqtt",
        session: Callable[..., Session] = MqttSession,
    ) -> None:
        self._make_session = session
        self._endpoint = endpoint
        self._client_id = client_id
        self._will = will
        self._subscriptions = subscriptions
        self._on_message = on_message
        self._on_connect = on_connect
        self._where = f"{name} {endpoint.host}:{endpoint.port}"
        self._session: Session | None = None
        self.up = asyncio.Event()
        self.state = LinkState.DOWN
        self.counters = LinkCounters()
        self.last_error = ""

    async def run(self) -> None:
        """Connect and reconnect for ever, with back-off and jitter. Ends only by cancellation or a defect."""
        loop, backoff_s = asyncio.get_running_loop(), BACKOFF_MIN_S
        while True:
            started_s = loop.time()
            try:
                await self._connection()
            except StationError as e:
                self._report(e)
            if loop.time() - started_s > STABLE_S:
                backoff_s = BACKOFF_MIN_S
            await asyncio.sleep(backoff_s * random.uniform(0.5, 1.0))  # many clients must not return in step
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    async def publish(self, message: MqttMessage, *, qos: int = 1) -> None:
        """Publish and, with QoS 1, wait for the broker's confirmation.

        Raises MqttDown at once if there is no connection, MqttUnconfirmed if the connection breaks or
        ANSWER_TIMEOUT_S passes before the confirmation, MqttRefused if the broker refuses. Never sends by itself again.
        """
        session = self._session
        if session is None:
            raise MqttDown("is not connected", where=self._where, value=self.last_error or None)
        try:
            await session.publish(message, qos)
        except MqttRefused:
            self.counters.refused += 1
            raise
        except MqttUnconfirmed:
            self.counters.unconfirmed += 1
            raise
        self.counters.published += 1

    async def _connection(self) -> None:
        self.state = LinkState.CONNECTING
        session = self._make_session(
            self._endpoint, client_id=self._client_id, will=self._will, where=self._where, counters=self.counters
        )
        try:
            await session.open()
            await session.subscribe(self._subscriptions)
            await self._while_up(session)
        finally:
            if self._session is not None:
                self.counters.disconnects += 1
            self._session, self.state = None, LinkState.DOWN
            self.up.clear()
            await session.close()

    async def _while_up(self, session: Session) -> None:
        self._session, self.state = session, LinkState.UP
        self.counters.connects += 1
        await self._on_connect()
        self.last_error = ""
        self.up.set()
        log.info("%s: connected", self._where)
        while True:
            message, acknowledge = await session.receive()
            self.counters.received += 1
            await self._handle(message)
            acknowledge()

    async def _handle(self, message: MqttMessage) -> None:
        try:
            await self._on_message(message)
        except StationError as e:
            self.counters.handler_errors += 1
            log.warning("%s", e)

    def _report(self, error: StationError) -> None:
        text = str(error)
        if text != self.last_error:  # an absent broker is reported once, not at every attempt
            log.warning("%s", text)
        self.last_error = text
