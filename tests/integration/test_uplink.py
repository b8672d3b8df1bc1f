"""The uplink against a real broker: what watchers see, what commands get, what a lost broker costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from drivers.mqtt_values import MqttMessage
from hil.peers.broker import Broker, Kind
from station_ctl.uplink.requests import CommandMessage
from station_ctl.uplink.topics import Topics
from station_ctl.uplink.uplink import Uplink
from station_ctl.wall_clock import utc_now
from tests.integration.mqtt_support import Listener, both_brokers, cut, endpoint, listening, until
from tests.support import free_port, run
from tests.uplink_examples import ALARM, AUTHORISE, BAY, EVENT, HOLD, METRICS, RECORD, STATE, TRUCK, MemoryLog

TOPICS = Topics("st1")
IDLE = STATE.model_copy(update={"packml": "Idle"})


def _uplink(port: int, boot_id: str = "boot-1") -> Uplink:
    return Uplink("st1", endpoint(port), MemoryLog(), version="0.1.0", boot_id=boot_id)


@contextlib.asynccontextmanager
async def running(uplink: Uplink) -> AsyncIterator[Uplink]:
    task = asyncio.create_task(uplink.run(), name="uplink under test")
    try:
        yield uplink
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def station(kind: Kind) -> AsyncIterator[tuple[Broker, Uplink, Listener]]:
    """A broker, a connected station, and somebody who hears everything it says."""
    async with (
        Broker(kind) as broker,
        listening(broker.port, f"{TOPICS.base}/#") as listener,
        running(_uplink(broker.port)) as uplink,
    ):
        await listener.until(_status(online=True))
        yield broker, uplink, listener


def _status(*, online: bool) -> Callable[[MqttMessage], bool]:
    return lambda m: m.topic == TOPICS.status and json.loads(m.payload)["online"] is online


def _on(topic: str) -> Callable[[MqttMessage], bool]:
    return lambda m: m.topic == topic


def _verdict(verdict: str, correlation: bytes) -> Callable[[MqttMessage], bool]:
    def wanted(m: MqttMessage) -> bool:
        return (
            m.correlation == correlation
            and m.topic == TOPICS.reply("t")
            and json.loads(m.payload)["verdict"] == verdict
        )

    return wanted


def _fresh(command: CommandMessage, identifier: str, life_s: float = 20.0) -> bytes:
    now = utc_now()
    changes = {"id": identifier, "issued_at": now, "expires_at": now + timedelta(seconds=life_s)}
    return command.model_copy(update=changes).json_bytes()


async def _ask(listener: Listener, verb: str, payload: bytes, correlation: bytes, *, retain: bool = False) -> None:
    message = MqttMessage(TOPICS.command(verb), payload, retain, TOPICS.reply("t"), correlation)
    await listener.client.publish(message)


@both_brokers
def test_late_subscriber_sees_status_state_bays_and_truck(kind: Kind) -> None:
    async def main() -> None:
        async with station(kind) as (broker, uplink, listener):
            for message in (IDLE, BAY, TRUCK):
                uplink.state(message)
            for topic in (TOPICS.state, TOPICS.bay(2), TOPICS.truck):
                await listener.until(_on(topic))
            async with listening(broker.port, f"{TOPICS.base}/#", client_id="late") as late:
                for topic in (TOPICS.status, TOPICS.state, TOPICS.bay(2), TOPICS.truck):
                    assert (await late.until(_on(topic))).retain

    run(main())


@both_brokers
def test_events_alarms_records_and_metrics_are_said_once_with_sequence(kind: Kind) -> None:
    async def main() -> None:
        async with station(kind) as (_, uplink, listener):
            for message in (EVENT, EVENT, ALARM, RECORD, METRICS):
                uplink.emit(message)
            for topic in (TOPICS.swap, TOPICS.metrics, TOPICS.alarm("pack.temperature:bay-3")):
                assert not (await listener.until(_on(topic))).retain
            await listener.until(lambda m: m.topic == TOPICS.event and json.loads(m.payload)["sequence"] == 2)
            assert [json.loads(m.payload)["sequence"] for m in listener.heard if m.topic == TOPICS.event] == [1, 2]

    run(main())


@both_brokers
def test_killed_station_is_offline_by_its_last_will_and_online_again(kind: Kind) -> None:
    async def main() -> None:
        async with station(kind) as (_, uplink, listener):
            listener.forget()
            cut(uplink._client)
            await listener.until(_status(online=False))
            await listener.until(_status(online=True))
            said = [json.loads(m.payload)["online"] for m in listener.heard if m.topic == TOPICS.status]
            assert said == [False, True] and uplink.figures().connected

    run(main())


@both_brokers
def test_clean_stop_sends_the_last_words_and_says_offline(kind: Kind) -> None:
    async def main() -> None:
        async with Broker(kind) as broker, listening(broker.port, f"{TOPICS.base}/#") as listener:
            async with running(_uplink(broker.port)) as uplink:
                await listener.until(_status(online=True))
                uplink.state(STATE)
                uplink.emit(EVENT)
            await listener.until(_status(online=False))
            assert [m.topic for m in listener.heard if m.topic != TOPICS.status] != []
            assert {TOPICS.state, TOPICS.event} <= {m.topic for m in listener.heard}

    run(main())


@both_brokers
def test_command_gets_accepted_then_completed_and_a_duplicate_is_not_executed(kind: Kind) -> None:
    async def main() -> None:
        async with station(kind) as (_, uplink, listener):
            uplink.state(IDLE)
            payload = _fresh(AUTHORISE, "command-1")
            await _ask(listener, "authorise", payload, b"c1")
            async with asyncio.timeout(5):
                admitted = await uplink.commands.get()
            assert admitted.command.arguments == AUTHORISE.arguments
            uplink.answer(admitted, "accepted")
            await listener.until(_verdict("accepted", b"c1"))
            uplink.answer(admitted, "completed", "swap settled")
            await listener.until(_verdict("completed", b"c1"))
            await _ask(listener, "authorise", payload, b"c2")
            await listener.until(_verdict("completed", b"c2"))
            assert uplink.commands.empty()
            assert uplink.rejected_commands == 1

    run(main())


@both_brokers
def test_bad_commands_are_each_answered_and_counted(kind: Kind) -> None:
    async def main() -> None:
        async with station(kind) as (_, uplink, listener):
            uplink.state(IDLE)
            held = _fresh(HOLD.model_copy(update={"expected_state": "Held"}), "command-2")
            asked: dict[str, tuple[str, bytes]] = {
                "not_json": ("hold", b"\xff{"),
                "schema": ("hold", b'{"schema": 2}'),
                "oversized": ("hold", b"x" * 1_000_000),
                "unknown_verb": ("holt", _fresh(HOLD, "command-3")),
                "expired": ("hold", HOLD.json_bytes()),
                "life_too_long": ("hold", _fresh(HOLD, "command-4", 3600.0)),
                "wrong_state": ("hold", held),
            }
            for why, (verb, payload) in asked.items():
                await _ask(listener, verb, payload, why.encode())
            for why in asked:
                reply = await listener.until(_verdict("rejected", why.encode()))
                assert json.loads(reply.payload)["reason"].startswith(f"{why}: ")
            assert uplink.commands.empty()
            assert {k: v for k, v in uplink.counters().items() if k.startswith("refused_") and v} == {
                f"refused_{why}": 1 for why in asked
            }

    run(main())


@both_brokers
def test_retained_command_is_refused_at_every_start(kind: Kind) -> None:
    async def main() -> None:
        async with Broker(kind) as broker, listening(broker.port, f"{TOPICS.base}/#") as listener:
            await _ask(listener, "resume", _fresh(HOLD, "command-5"), b"r", retain=True)
            async with running(_uplink(broker.port)) as uplink:
                await listener.until(_verdict("rejected", b"r"))
                assert uplink.commands.empty()
                assert uplink.counters()["refused_retained"] == 1

    run(main())


@both_brokers
def test_broker_restart_brings_snapshots_back_and_loses_no_record(kind: Kind) -> None:
    async def main() -> None:
        async with station(kind) as (broker, uplink, listener):
            uplink.state(STATE)
            await listener.until(_on(TOPICS.state))
            broker.kill()
            await until(lambda: not (uplink.connected or listener.client.up.is_set()))
            listener.forget()
            uplink.emit(RECORD)  # said while nobody listens
            uplink.state(BAY)
            await broker.stop()
            await broker.start()
            for topic in (TOPICS.status, TOPICS.state, TOPICS.bay(2)):
                await listener.until(lambda m, topic=topic: m.topic == topic)  # type: ignore[misc]
            assert not any(uplink.queue_depths()[lane] for lane in ("records", "events"))

    run(main(), 30)


def test_nothing_is_lost_or_blocked_while_no_broker_was_ever_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station_ctl.uplink.uplink.EVENTS_MAX", 100)

    async def main() -> None:
        port = free_port()
        async with running(_uplink(port)) as uplink:
            for _ in range(105):
                uplink.emit(EVENT)
            for _ in range(100):
                uplink.emit(METRICS)
                uplink.emit(RECORD)
            uplink.state(STATE)
            depths = uplink.queue_depths()
            assert (depths["events"], depths["metrics"], depths["records"]) == (100, 60, 100)
            assert uplink.counters()["dropped_events"] == 5
            async with Broker("iotcore", port=port) as broker:
                async with listening(broker.port, f"{TOPICS.base}/#"):
                    await until(lambda: not any(uplink.queue_depths().values()))
                assert uplink.counters()["dropped_records"] == 0

    run(main(), 30)
