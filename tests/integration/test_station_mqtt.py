"""MQTT garbage and a dead broker in mid-swap: each command is answered or counted, the swap goes on."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

from drivers.mqtt_values import MqttMessage
from station_ctl.uplink.message import read_message
from station_ctl.uplink.record_messages import MetricsMessage
from station_ctl.uplink.requests import ReplyMessage
from station_ctl.uplink.state_messages import StateMessage
from station_ctl.wall_clock import iso_ms, utc_now
from tests.integration.mqtt_support import listening, until
from tests.integration.station_support import BASE, Station, station, wrong
from tests.support import run


def _command(identifier: str, life_s: float = 8.0, age_s: float = 0.0, **more: Any) -> bytes:
    issued = utc_now() - timedelta(seconds=age_s)
    content = {"schema": 1, "id": identifier, "issuer": "test", "arguments": {}}
    times = {"issued_at": iso_ms(issued), "expires_at": iso_ms(issued + timedelta(seconds=life_s))}
    return json.dumps({**content, **times, **more}).encode()


def _garbage() -> dict[str, tuple[str, bytes, str]]:
    """By name: verb, payload, and how its rejection begins."""
    return {
        "no json": ("hold", b"\xff\x00{{{", "not_json"),
        "empty": ("hold", b"", "not_json"),
        "no object": ("abort", b"[1, 2]", "schema"),
        "deep": ("hold", b"[" * 5000, "not_json"),
        "unknown key": ("hold", _command("unknown-key-1", forse=True), "schema: forse"),
        "wrong type": ("resume", _command("wrong-type-01", issuer=7), "schema: issuer"),
        "no vin": ("authorise", _command("no-vin-00001"), "schema: arguments"),
        "expired": ("abort", _command("expired-0001", age_s=60.0), "expired"),
        "future": ("abort", _command("future-00001", age_s=-60.0), "from_the_future"),
        "too long": ("abort", _command("too-long-001", life_s=3600.0), "life_too_long"),
        "1 MB": ("abort", b'{"id": "' + b"x" * (1 << 20) + b'"}', "oversized: 1048"),
        "unknown verb": ("explode", _command("unknown-verb"), "unknown_verb"),
        "wrong state": ("abort", _command("wrong-state-1", expected_state="Idle"), "wrong_state"),
    }


async def _answer(there: Station, correlation: bytes) -> ReplyMessage:
    found = await there.listener.until(lambda m: m.correlation == correlation and m.topic.endswith("/reply/test"))
    return read_message(ReplyMessage, found.payload, "")


async def _throw_everything(there: Station) -> int:
    """Every kind of garbage; how many rejections it must come to."""
    for name, (verb, payload, begins) in _garbage().items():
        await there.publish(f"{BASE}/cmd/{verb}", payload, name.encode())
        answer = await _answer(there, name.encode())
        assert answer.verdict == "rejected" and answer.reason.startswith(begins), (name, answer)
    flagged = there.rig.broker.kind == "mosquitto"  # iotcore shows the flag at the next connect only (docs/mqtt.md)
    await there.publish(f"{BASE}/cmd/resume", _command("retained-001"), b"retained", retain=True)
    answer = await _answer(there, b"retained")
    assert answer.verdict == "rejected" and answer.reason.startswith("retained" if flagged else "resume is not")
    await there.publish(f"{BASE}/cmd/resume", b"", b"wiped", retain=True)
    assert (await _answer(there, b"wiped")).verdict == "rejected"
    await there.listener.client.publish(MqttMessage(f"{BASE}/cmd/hold", b"nowhere to answer to"))
    once = _command("resume-in-vain")
    for correlation in (b"first", b"again"):
        await there.publish(f"{BASE}/cmd/resume", once, correlation)
        answer = await _answer(there, correlation)
        assert answer.verdict == "rejected" and "resume is not possible in" in answer.reason
    return len(_garbage()) + 3 + flagged  # what is let in and then rejected by the controller is not among them


def _metrics(there: Station) -> list[MetricsMessage]:
    heard = [m.payload for m in there.listener.heard if m.topic == f"{BASE}/metrics"]
    return [read_message(MetricsMessage, payload, "") for payload in heard]


def test_garbage_in_a_swap_is_answered_or_counted_and_a_lost_broker_costs_nothing() -> None:
    async def main() -> None:
        async with station(broker=None) as there:
            await there.up()
            before = await there.rig.plant.truth()
            own = await there.truck()
            asked = await there.authorise()
            await there.at_step("immobilise")
            await there.pace(10.0)
            rejections = await _throw_everything(there)
            await until(lambda: _metrics(there)[-1].rejected_commands == rejections)
            last = _metrics(there)[-1]
            assert last.queue_depths["commands"] == 0
            assert there.stops() == [], "no garbage stopped anything"
            await _without_a_broker(there)
            record = await there.record()
            assert record.outcome == "completed"
            assert (await there.rig.operator.ended(asked)).verdict == "completed"
            assert wrong(before, await there.rig.plant.truth(), own) == []
            assert there.stops() == []

    run(main(), timeout_s=50.0)


async def _without_a_broker(there: Station) -> None:
    """The broker dies and comes back empty: the robot works on, and what is retained is there again."""
    broker, plant = there.rig.broker, there.rig.plant
    broker.kill()
    await broker.stop()
    there.rig.operator.state = None
    motions = (await plant.truth())["plc"]["motions_started"]
    async with asyncio.timeout(10.0):
        while (await plant.truth())["plc"]["motions_started"] < motions + 1:
            pass
    await plant.ask("speed", times=2.0)  # the swap is to outlast the reconnecting of all
    await broker.start()
    async with listening(broker.port, f"{BASE}/#", client_id="latecomer") as late:
        for topic in ("state", "truck", "bay/1", "bay/9", "status"):
            await late.until(lambda m, topic=topic: m.topic == f"{BASE}/{topic}", 15.0)  # type: ignore[misc]
        state = next(m for m in late.heard if m.topic == f"{BASE}/state")
        assert read_message(StateMessage, state.payload, "").packml == "Execute"
    await there.rig.operator.until(lambda: there.rig.operator.state, 15.0, "state after the broker's return")
    await until(there.listener.client.up.is_set, 15.0)
