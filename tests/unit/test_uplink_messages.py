"""The message models: what goes out comes back, what is wrong is named, the docs show what is true."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from drivers.reading import Signal
from station_ctl.uplink.message import Message, NotJson, WrongSchema, presence, read_message
from station_ctl.uplink.record_messages import EventMessage
from station_ctl.uplink.requests import AuthoriseCommand, PlainCommand
from station_ctl.uplink.state_messages import StatusMessage
from station_ctl.uplink.topics import Topics
from station_ctl.wall_clock import iso_ms
from tests.uplink_examples import AUTHORISE, EXAMPLES, HOLD, NOW, STATE

DOCS = Path(__file__).parents[2] / "docs" / "mqtt.md"


@pytest.mark.parametrize("message", EXAMPLES.values(), ids=EXAMPLES)
def test_every_message_survives_the_wire(message: Message) -> None:
    assert read_message(type(message), message.json_bytes(), "here") == message


@pytest.mark.parametrize("message", EXAMPLES.values(), ids=EXAMPLES)
def test_every_payload_has_schema_timestamp_and_sequence(message: Message) -> None:
    payload = json.loads(message.json_bytes())
    assert payload["schema"] == 1
    assert payload["timestamp"] == "2026-03-02T07:05:09.123Z"
    assert payload["sequence"] >= 0


def test_docs_show_every_message_as_it_is() -> None:
    text = DOCS.read_text(encoding="utf-8")
    shown = {
        topic: json.loads(body) for topic, body in re.findall(r"`swap/v1/st1/(\S+)`\n+```json\n(.*?)```", text, re.S)
    }
    assert shown == {topic: json.loads(message.json_bytes()) for topic, message in EXAMPLES.items()}


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    beijing = datetime(2026, 3, 2, 15, 5, 9, 999999, tzinfo=timezone(timedelta(hours=8)))
    assert iso_ms(beijing) == "2026-03-02T07:05:09.999Z"
    made = EventMessage(code="X", severity="info", text="x", timestamp=beijing)
    assert made.timestamp == beijing
    assert made.timestamp.tzinfo is UTC


def test_a_number_that_is_none_does_not_stop_the_station() -> None:
    robot = STATE.robot.model_copy(update={"x_mm": float("nan")})
    payload = json.loads(STATE.model_copy(update={"robot": robot}).json_bytes())
    assert payload["robot"]["x_mm"] is None


def _spoilt(message: Message, **changes: object) -> bytes:
    content = json.loads(message.json_bytes())
    for key, value in changes.items():
        if value is ...:
            del content[key]
        else:
            content[key] = value
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"schema": 2}, "schema"),
        ({"schema": ...}, "schema"),
        ({"schema": "1"}, "schema"),
        ({"id": "short"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"id": "eight chars"}, "id"),
        ({"issued_at": 1772435109}, "issued_at"),
        ({"issued_at": "2026-03-02T07:05:09"}, "issued_at"),
        ({"issued_at": "9999-12-31T23:59:59-10:00"}, "issued_at"),
        ({"expires_at": ...}, "expires_at"),
        ({"issuer": ""}, "issuer"),
        ({"speed": 3}, "speed"),
        ({"arguments": {"vin": "TOO-SHORT"}}, "arguments.vin"),
        ({"arguments": {"vin": "LZZ5DLSB9PW123456", "packs": 4}}, "arguments.packs"),
        ({"arguments": {"vin": "LZZ5DLSB9PW123456", "packs": True}}, "arguments.packs"),
        ({"arguments": {"vin": "LZZ5DLSB9PW123456", "soc_promised_pct": float("nan")}}, "arguments.soc_promised_pct"),
        ({"arguments": ...}, "arguments"),
    ],
)
def test_a_wrong_key_is_named(changes: dict[str, object], key: str) -> None:
    with pytest.raises(WrongSchema, match=rf"^here: {re.escape(key)}: "):
        read_message(AuthoriseCommand, _spoilt(AUTHORISE, **changes), "here")


def test_a_plain_command_takes_no_arguments() -> None:
    assert read_message(PlainCommand, _spoilt(HOLD, arguments={}), "here") == HOLD
    with pytest.raises(WrongSchema, match=r"arguments\.vin"):
        read_message(PlainCommand, _spoilt(HOLD, arguments={"vin": "x"}), "here")


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"[" * 10_000])
def test_what_is_no_json_is_said_to_be_none(payload: bytes) -> None:
    with pytest.raises(NotJson):
        read_message(StatusMessage, payload, "here")


def test_says_the_same_looks_past_time_and_sequence() -> None:
    later = STATE.model_copy(update={"timestamp": NOW + timedelta(seconds=1), "sequence": 9})
    assert STATE.says_the_same(later)
    assert not STATE.says_the_same(STATE.model_copy(update={"step": "isolate"}))
    assert not STATE.says_the_same(None)


def test_presence_keeps_all_four_values() -> None:
    assert [presence(s) for s in Signal] == ["false", "true", "untrusted", "not_available"]


@pytest.mark.parametrize(
    ("topic", "allowed"),
    [
        ("swap/v1/st1/reply/console-1", True),
        ("cloud/answers/9", True),
        (None, False),
        ("", False),
        ("swap/v1/st1/cmd/hold", False),
        ("swap/v1/st1/state", False),
        ("swap/v1/st2/reply/x", False),
        ("swap/v1/st1/reply/+", False),
        ("$SYS/x", False),
        ("a/#", False),
        ("x" * 257, False),
    ],
)
def test_a_sender_cannot_make_the_station_forge_a_topic(topic: str | None, allowed: bool) -> None:
    assert Topics("st1").may_answer(topic) is allowed


def test_verb_is_read_from_own_command_topics_only() -> None:
    topics = Topics("st1")
    assert topics.verb_of("swap/v1/st1/cmd/hold") == "hold"
    assert topics.verb_of("swap/v1/st10/cmd/hold") is None
