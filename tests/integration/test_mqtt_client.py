"""The MQTT driver against brokers that work, vanish, freeze and refuse; each library trap has its test here."""

from __future__ import annotations

import asyncio
import gc
import shutil
import ssl
import subprocess
import time
import warnings
from pathlib import Path

import pytest

from drivers.errors import BadData, DeviceError, StationError
from drivers.mqtt_client import MqttClient
from drivers.mqtt_values import (
    Endpoint,
    LinkState,
    MqttDown,
    MqttMessage,
    MqttRefused,
    MqttUnconfirmed,
    Will,
    read_password,
)
from hil.peers.broker import Broker, Kind
from tests.integration.mqtt_support import (
    CONNACK,
    both_brokers,
    cut,
    endpoint,
    listening,
    running,
    scripted_broker,
    until,
)
from tests.support import free_port, run


async def _connack_then_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(CONNACK)
    await reader.read()


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return kind, await reader.readexactly(length)


@both_brokers
def test_what_is_published_arrives_with_its_properties(kind: Kind) -> None:
    async def main() -> None:
        async with Broker(kind) as broker, listening(broker.port, "a/#") as listener:
            sent = MqttMessage("a/b", b"\x00x", response_topic="r/1", correlation=b"\x01", expiry_s=60)
            await listener.client.publish(sent)
            heard = await listener.until(lambda m: m.topic == "a/b")
            assert (heard.payload, heard.retain) == (b"\x00x", False)
            assert (heard.response_topic, heard.correlation) == ("r/1", b"\x01")
            assert heard.expiry_s is not None
            assert heard.expiry_s <= 60
            assert listener.client.counters.published == 1

    run(main())


@both_brokers
def test_will_is_published_and_retained_when_the_socket_dies(kind: Kind) -> None:
    async def main() -> None:
        async with Broker(kind) as broker, listening(broker.port, "w") as listener:
            dying = MqttClient(endpoint(broker.port), client_id="dying", will=Will("w", b"gone"))
            async with running(dying):
                cut(dying)
                assert (await listener.until(lambda m: m.topic == "w")).payload == b"gone"
            async with listening(broker.port, "w", client_id="late") as late:
                assert (await late.until(lambda m: m.topic == "w")).retain

    run(main())


@both_brokers
def test_broker_restart_is_survived(kind: Kind) -> None:
    async def main() -> None:
        async with Broker(kind) as broker, listening(broker.port, "a") as listener:
            broker.kill()
            await until(lambda: not (listener.client.up.is_set()))
            started = time.monotonic()
            with pytest.raises(MqttDown):
                await listener.client.publish(MqttMessage("a", b"1"))
            assert time.monotonic() - started < 0.5
            await broker.stop()
            await broker.start()
            async with asyncio.timeout(10):
                await listener.client.up.wait()
            await listener.client.publish(MqttMessage("a", b"2"))
            await listener.until(lambda m: m.payload == b"2")
            assert [m.payload for m in listener.heard] == [b"2"]  # nothing of before is sent by itself
            assert listener.client.counters.connects == 2

    run(main())


def test_absent_broker_is_reported_once_and_stop_is_prompt(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        client = MqttClient(endpoint(free_port()), client_id="x")
        async with running(client, wait=False):
            await until(lambda: client.last_error)
            await asyncio.sleep(0.6)  # a second attempt
            with pytest.raises(MqttDown, match="refused"):
                await client.publish(MqttMessage("a", b""))
            started = time.monotonic()
        assert time.monotonic() - started < 1.0
        assert client.state is LinkState.DOWN
        assert len([r for r in caplog.records if r.name == "drivers.mqtt_client"]) == 1

    run(main())


def test_pending_publish_fails_with_the_connection_not_minutes_later() -> None:
    async def main() -> None:
        async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _frame(reader)
            writer.write(CONNACK)
            await _frame(reader)
            writer.transport.abort()

        async with scripted_broker(dies) as port, running(MqttClient(endpoint(port), client_id="x")) as client:
            started = time.monotonic()
            with pytest.raises(MqttUnconfirmed):
                await client.publish(MqttMessage("a", b"1"))
            assert time.monotonic() - started < 2.0
            assert client.counters.unconfirmed == 1

    run(main())


def test_refusal_by_access_list_is_an_error() -> None:
    async def main() -> None:
        async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _frame(reader)
            writer.write(CONNACK)
            _, publish = await _frame(reader)
            topic_length = int.from_bytes(publish[:2], "big")
            identifier = publish[2 + topic_length : 4 + topic_length]
            writer.write(bytes((0x40, 0x03)) + identifier + bytes((0x87,)))  # PUBACK, not authorized
            await reader.read()

        async with scripted_broker(refuses) as port, running(MqttClient(endpoint(port), client_id="x")) as client:
            with pytest.raises(MqttRefused, match="0x87"):
                await client.publish(MqttMessage("a", b"1"))
            assert client.counters.refused == 1
            assert client.up.is_set()

    run(main())


def test_refused_subscription_is_an_error_that_is_reported() -> None:
    async def main() -> None:
        async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _frame(reader)
            writer.write(CONNACK)
            _, subscribe = await _frame(reader)
            writer.write(bytes((0x90, 0x04)) + subscribe[:2] + bytes((0x00, 0x87)))  # SUBACK, not authorized
            await reader.read()

        client_id = "x"
        async with scripted_broker(refuses) as port:
            client = MqttClient(endpoint(port), client_id=client_id, subscriptions=("secret",))
            async with running(client, wait=False):
                await until(lambda: not ("subscription was refused" not in client.last_error))
                assert not client.up.is_set()

    run(main())


def test_frozen_broker_is_noticed_by_keep_alive() -> None:
    async def main() -> None:
        async with scripted_broker(_connack_then_nothing) as port:
            client = MqttClient(endpoint(port, keepalive_s=1), client_id="x")
            async with running(client):
                await until(lambda: client.counters.disconnects > 0)
                assert client.counters.connects > 0, "it was up before it was noticed to be frozen"

    run(main())


@pytest.mark.parametrize("speaks", [False, True], ids=["before CONNACK", "after CONNACK"])
def test_stop_leaves_nothing_behind_whatever_the_broker_does(speaks: bool) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        async with scripted_broker(_connack_then_nothing if speaks else silent) as port:
            client = MqttClient(endpoint(port), client_id="x")
            async with running(client, wait=speaks):
                await asyncio.sleep(0.1)
                started = time.monotonic()
            assert time.monotonic() - started < 1.5
        loop = asyncio.get_running_loop()
        assert len(loop._selector.get_map()) == 1  # type: ignore[attr-defined]  # the loop's own wake-up pipe

    run(main())  # fails on leaked tasks


def test_stop_while_the_connect_thread_runs() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for delay_s in (0.0, 0.001, 0.003, 0.01):
            async with scripted_broker(_connack_then_nothing) as port:
                client = MqttClient(endpoint(port), client_id="x")
                async with running(client, wait=False):
                    await asyncio.sleep(delay_s)
                assert client.state is LinkState.DOWN and not client.up.is_set()
                await asyncio.sleep(0.05)  # what a thread that was left behind would still do to the loop
            watched = loop._selector.get_map()  # type: ignore[attr-defined]
            assert len(watched) == 1, "more than the loop's own wake-up pipe"

    run(main())


@both_brokers
def test_burst_waits_at_the_broker_while_the_handler_is_slow(kind: Kind) -> None:
    async def main() -> None:
        heard: list[bytes] = []

        async def slow(message: MqttMessage) -> None:
            await asyncio.sleep(0.001)
            heard.append(message.payload)

        async with Broker(kind) as broker, listening(broker.port) as sender:
            client = MqttClient(endpoint(broker.port), client_id="slow", subscriptions=("b",), on_message=slow)
            async with running(client):
                await asyncio.gather(*(sender.client.publish(MqttMessage("b", str(n).encode())) for n in range(150)))
                await until(lambda: not (len(heard) + client.counters.discarded < 150))
                assert (len(heard), client.counters.discarded) == (150, 0)

    run(main())


def test_what_does_not_fit_is_counted_and_acknowledged_or_the_broker_would_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = 50
    monkeypatch.setattr("drivers.mqtt.INCOMING_MAX", room)

    async def main() -> None:
        acknowledged: list[bytes] = []
        sent = room + 40

        async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _frame(reader)
            writer.write(CONNACK)
            for n in range(1, sent + 1):  # QoS 1, topic b, no properties
                writer.write(bytes((0x32, 7)) + b"\x00\x01b" + n.to_bytes(2, "big") + b"\x00x")
            while True:
                kind, body = await _frame(reader)
                if kind == 0x40:
                    acknowledged.append(body[:2])

        free = asyncio.Event()

        async def stuck(_: MqttMessage) -> None:
            await free.wait()

        async with scripted_broker(floods) as port:
            client = MqttClient(endpoint(port), client_id="x", on_message=stuck)
            async with running(client):
                await until(lambda: client.counters.discarded >= sent - room - 1)
                free.set()
                await until(lambda: len(acknowledged) == sent)
                assert acknowledged == sorted(acknowledged)  # MQTT 5, 4.6: in the order of arrival
                assert client.counters.received + client.counters.discarded == sent

    run(main())


def test_handler_error_is_counted_and_the_next_message_comes() -> None:
    async def main() -> None:
        heard: list[bytes] = []

        async def picky(message: MqttMessage) -> None:
            if message.payload == b"bad":
                raise BadData("is bad", where=message.topic)
            heard.append(message.payload)

        async with Broker("iotcore") as broker:
            client = MqttClient(endpoint(broker.port), client_id="p", subscriptions=("b",), on_message=picky)
            async with running(client):
                await client.publish(MqttMessage("b", b"bad"))
                await client.publish(MqttMessage("b", b"good"))
                await until(lambda: heard)
                assert client.counters.handler_errors == 1

    run(main())


def test_unusable_settings_are_an_error_not_a_crash() -> None:
    async def main() -> None:
        client = MqttClient(Endpoint("127.0.0.1", 1, tls_ca_file="/nowhere"), client_id="x")
        async with running(client, wait=False):
            await until(lambda: client.last_error)
            assert "cannot connect" in client.last_error

    run(main())


def test_password_file(tmp_path: object) -> None:
    path = f"{tmp_path}/password"
    with open(path, "w", encoding="utf-8") as f:  # noqa: PTH123
        f.write("s3cret word\r\nignored\n")
    assert read_password(path) == "s3cret word"
    assert read_password(None) is None
    with pytest.raises(StationError, match="password cannot be read"):
        read_password(f"{path}.missing")


def test_errors_are_device_errors() -> None:
    assert all(issubclass(e, DeviceError) for e in (MqttDown, MqttUnconfirmed, MqttRefused))


def _certificate(folder: Path, name: str) -> tuple[str, str]:
    certificate, key = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    made = ("-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate)
    subprocess.run(["openssl", "req", "-x509", *made, *subject], check=True, capture_output=True, timeout=30)
    return certificate, key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl not installed")
def test_tls_is_checked_against_the_given_authority(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path, "broker")
    another, _ = _certificate(tmp_path, "another")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def main() -> None:
        async with scripted_broker(_connack_then_nothing, tls=context) as port:
            trusting = MqttClient(Endpoint("127.0.0.1", port, tls_ca_file=certificate), client_id="x")
            async with running(trusting):
                pass
            # the broker's side of a refused handshake; the loop tells of it because asyncio's server is the broker here
            asyncio.get_running_loop().set_exception_handler(None)
            wary = MqttClient(Endpoint("127.0.0.1", port, tls_ca_file=another), client_id="y")
            async with running(wary, wait=False):
                await until(lambda: "CERTIFICATE_VERIFY_FAILED" in wary.last_error)
                assert wary.counters.connects == 0

    run(main())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # paho leaves the socket of a refused handshake to the garbage collector
