"""One MQTT 5 connection: aiomqtt wrapped, the only file that knows it.

What the wrapper adds, because the libraries leave it open: a publication fails at the disconnect and not minutes later;
a refusal by the broker's access list is an error and not silence; incoming messages are acknowledged when they were
handled, so a burst waits at the broker; no socket, reader or task outlives a connection, even one cancelled half-way.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import aiomqtt

from drivers.mqtt_confirmations import ANSWER_TIMEOUT_S, REFUSED, Confirmations, judge
from drivers.mqtt_properties import SUBSCRIBE, connect_properties, publish_properties, reason_code
from drivers.mqtt_receipts import Receipts
from drivers.mqtt_values import Endpoint, LinkCounters, MqttDown, MqttMessage, MqttRefused, Will

CONNECT_TIMEOUT_S = 1.0  # TCP connect runs in a thread nobody can interrupt; a clean stop (< 2 s) waits for it
GOODBYE_TIMEOUT_S = 0.5
INCOMING_MAX = 1000
INCOMING_MAX_BYTES = 4 << 20

log = logging.getLogger(__name__)


class MqttSession:
    """One connection, made once: a used client would send again what paho still has queued."""

    def __init__(
        self, endpoint: Endpoint, *, client_id: str, will: Will | None, where: str, counters: LinkCounters
    ) -> None:
        self._where = where
        self._counters = counters
        self._entered = False
        self._confirmations = Confirmations()
        self._receipts = Receipts()
        self._client = _Client(
            endpoint.host,
            endpoint.port,
            identifier=client_id,
            username=endpoint.username,
            password=endpoint.password,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=True) if will else None,
            clean_start=True,
            properties=connect_properties(),
            keepalive=endpoint.keepalive_s,
            timeout=ANSWER_TIMEOUT_S,
            tls_params=aiomqtt.TLSParameters(ca_certs=endpoint.tls_ca_file) if endpoint.tls_ca_file else None,
            queue_type=partial(_Incoming, self),
            max_queued_incoming_messages=INCOMING_MAX,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        # aiomqtt has no door to these; its maintainers name the private attribute as the way (issue 345).
        self._paho = self._client._client  # noqa: SLF001
        self._paho.manual_ack_set(True)
        self._paho.connect_timeout = CONNECT_TIMEOUT_S
        self._paho.on_publish = self._confirmed

    async def open(self) -> None:
        """Connect. Raises MqttDown if nobody answers, the log-in is refused or TLS fails."""
        entering = asyncio.create_task(self._client.__aenter__(), name=f"connect {self._where}")
        try:
            await asyncio.shield(entering)
        except (aiomqtt.MqttError, OSError, ValueError) as e:  # ValueError: paho's own checks of host and port
            raise MqttDown("cannot connect", where=self._where, value=str(e)) from e
        finally:
            if not entering.done():
                await self._abandon(entering)
        self._entered = True

    async def _abandon(self, entering: asyncio.Task[aiomqtt.Client]) -> None:
        # Cancelled. The connecting thread cannot be interrupted, and what it does to the loop after the socket is
        # closed cannot be undone: it is waited for. (A TLS handshake that hangs takes longer; it is left behind.)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + GOODBYE_TIMEOUT_S):
                await self._client.thread_ended.wait()
        except TimeoutError:
            log.warning("%s: the connecting thread hangs", self._where)
        finally:
            entering.cancel()
            await asyncio.gather(entering, return_exceptions=True)

    async def subscribe(self, filters: tuple[str, ...]) -> None:
        """Subscribe with QoS 1. Raises MqttRefused if the broker forbids one, MqttDown if it does not answer."""
        for topic in filters:
            try:
                codes = await self._client.subscribe(topic, options=SUBSCRIBE)
            except aiomqtt.MqttError as e:
                raise MqttDown("cannot subscribe", where=self._where, value=str(e)) from e
            if any(reason_code(code) >= REFUSED for code in codes):
                raise MqttRefused("subscription was refused", where=self._where, value=topic, remedy="check its ACL")

    async def receive(self) -> tuple[MqttMessage, Callable[[], object]]:
        """The next message, and what to call when it was handled. Raises MqttDown when the connection ends."""
        try:
            message = await anext(self._client.messages)
        except aiomqtt.MqttError as e:
            raise MqttDown("connection lost", where=self._where, value=str(e.__cause__ or e)) from e
        return _received(message), partial(self._acknowledge, message.mid)

    def arrived(self, message: aiomqtt.Message) -> None:
        """A message is here and will be acknowledged in its turn."""
        self._receipts.arrived(message.mid, message.qos)

    def discard(self, message: aiomqtt.Message) -> None:
        """Overflow policy: the newest is dropped and counted.

        It is acknowledged all the same: otherwise it would hold a place in the broker's window for as long as the
        connection lasts, and a few of them would stop the broker.
        """
        self._counters.discarded += 1
        self._acknowledge(message.mid)

    def _acknowledge(self, mid: int) -> None:
        for receipt in self._receipts.settle(mid):
            self._paho.ack(receipt.mid, receipt.qos)

    async def publish(self, message: MqttMessage, qos: int) -> None:
        """Publish; with QoS 1 wait for the confirmation. Raises as MqttClient.publish."""
        properties = publish_properties(message)
        info = self._paho.publish(message.topic, message.payload, qos, message.retain, properties)
        if info.rc != 0:
            raise MqttDown("connection is broken", where=self._where, value=message.topic)
        if qos > 0:
            judge(await self._confirmations.outcome(info.mid), self._where, message.topic)

    def _confirmed(self, _client: object, _data: object, mid: int, reason: object, _properties: object) -> None:
        self._confirmations.came(mid, reason_code(reason))

    async def close(self) -> None:
        """End the connection: politely if it still stands, and for sure. Pending publications fail."""
        self._confirmations.end()
        try:
            if self._entered:
                async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                    await self._client.__aexit__(None, None, None)
        except (aiomqtt.MqttError, TimeoutError) as e:
            log.debug("%s: no polite end: %s", self._where, e)
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        # After a failed or cancelled connect aiomqtt leaves socket, reader and task behind. A thread that hangs in
        # its TLS handshake must neither put its socket on the loop later nor log in.
        self._paho.on_socket_open = self._paho.on_socket_register_write = _ignored
        self._paho._sock_close()  # noqa: SLF001
        ended = self._client._disconnected  # noqa: SLF001
        if ended.done() and not ended.cancelled():
            ended.exception()  # read, or the loop complains of an exception nobody looked at
        await asyncio.sleep(0)


class _Client(aiomqtt.Client):
    """aiomqtt's client, which tells when its connecting thread has ended and the loop has done all it asked for."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.thread_ended = asyncio.Event()

    def _client_connect(self) -> None:
        try:
            super()._client_connect()
        finally:
            self._loop.call_soon_threadsafe(self.thread_ended.set)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        # Called in the connecting thread. aiomqtt hands the loop the socket's number, which may be closed by then.
        self._loop.call_soon_threadsafe(self._want_write, client, sock)

    def _want_write(self, client: Any, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.add_writer(sock.fileno(), self._write, client)

    def _write(self, client: Any) -> None:
        try:
            client.loop_write()
        except Exception as e:  # noqa: BLE001  # whatever it is, the connection is broken
            if not self._disconnected.done():
                self._disconnected.set_exception(e)


class _Incoming(asyncio.Queue[aiomqtt.Message]):
    """aiomqtt's queue, bounded in bytes too, that tells of what does not fit: aiomqtt drops it with just a log line."""

    def __init__(self, session: MqttSession, maxsize: int) -> None:
        super().__init__(maxsize)
        self._session = session
        self._bytes = 0

    def put_nowait(self, item: aiomqtt.Message) -> None:
        self._session.arrived(item)
        if self.full() or (self._bytes and self._bytes + len(item.payload) > INCOMING_MAX_BYTES):
            self._session.discard(item)
            raise asyncio.QueueFull
        self._bytes += len(item.payload)
        super().put_nowait(item)

    def _get(self) -> aiomqtt.Message:
        item = super()._get()
        self._bytes -= len(item.payload)
        return item


def _ignored(*_: object) -> None:
    """A paho callback that does nothing."""


def _received(message: aiomqtt.Message) -> MqttMessage:
    properties = message.properties
    return MqttMessage(
        topic=str(message.topic),
        payload=message.payload,
        retain=message.retain,
        response_topic=getattr(properties, "ResponseTopic", None),
        correlation=getattr(properties, "CorrelationData", None),
        expiry_s=getattr(properties, "MessageExpiryInterval", None),
    )
