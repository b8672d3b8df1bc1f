"""For the tests that talk to a real broker: both kinds of it, a listener that collects, and a broker that freezes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable

import pytest

from drivers.mqtt_client import MqttClient
from drivers.mqtt_values import Endpoint, MqttMessage
from hil.peers.broker import find_mosquitto

CONNACK = bytes((0x20, 0x03, 0x00, 0x00, 0x00))

BROKERS: list[object] = [
    "iotcore",
    pytest.param(
        "mosquitto",
        marks=[pytest.mark.mosquitto, pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto not installed")],
    ),
]
both_brokers = pytest.mark.parametrize("kind", BROKERS)


def endpoint(port: int, keepalive_s: int = 10) -> Endpoint:
    """The loopback broker at a port."""
    return Endpoint("127.0.0.1", port, keepalive_s=keepalive_s)


def cut(client: MqttClient) -> None:
    """Break a client's connection without a DISCONNECT, as when a cable is cut."""
    session = client._session
    assert session is not None
    connection = session._paho.socket()
    assert isinstance(connection, socket.socket)
    connection.shutdown(socket.SHUT_RDWR)


async def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # what is watched has no event to wait for
            await asyncio.sleep(0.01)


class Listener:
    """An MQTT client that keeps what it hears."""

    def __init__(self, port: int, *filters: str, client_id: str = "listener") -> None:
        self.heard: list[MqttMessage] = []
        self._news = asyncio.Condition()
        self.client = MqttClient(
            endpoint(port), client_id=client_id, subscriptions=filters, on_message=self._take, name=client_id
        )

    async def _take(self, message: MqttMessage) -> None:
        async with self._news:
            self.heard.append(message)
            self._news.notify_all()

    async def until(self, wanted: Callable[[MqttMessage], bool], timeout_s: float = 8.0) -> MqttMessage:
        """The first message that is wanted, of those heard already or still to come."""
        async with asyncio.timeout(timeout_s), self._news:
            await self._news.wait_for(lambda: any(wanted(m) for m in self.heard))
        return next(m for m in self.heard if wanted(m))

    def forget(self) -> None:
        """Wait for new ones only."""
        self.heard.clear()


@contextlib.asynccontextmanager
async def running(client: MqttClient, *, wait: bool = True) -> AsyncIterator[MqttClient]:
    """The client's run() as a task, connected, ended for sure."""
    task = asyncio.create_task(client.run(), name="client under test")
    try:
        if wait:
            async with asyncio.timeout(8.0):
                await client.up.wait()
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def listening(port: int, *filters: str, client_id: str = "listener") -> AsyncIterator[Listener]:
    """A listener that is connected."""
    listener = Listener(port, *filters, client_id=client_id)
    async with running(listener.client):
        yield listener


@contextlib.asynccontextmanager
async def scripted_broker(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A TCP server that misbehaves as `serve` says; yields its port."""
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            result = serve(reader, writer)
            if asyncio.iscoroutine(result):
                await result

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)
