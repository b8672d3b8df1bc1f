"""Admission: each way of being refused, and garbage without end."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.mqtt_values import MqttMessage
from station_ctl.uplink.admission import (
    AT_ONCE_LIFE_MAX_S,
    AT_ONCE_SKEW_MAX_S,
    LIFE_MAX_S,
    PAYLOAD_MAX_BYTES,
    SKEW_MAX_S,
    Admitted,
    Refusal,
    Rejection,
    age_s,
    judge,
    read_command,
)
from station_ctl.uplink.requests import COMMANDS, CommandMessage, PlainCommand
from station_ctl.uplink.roles import Role, Roles
from tests.uplink_examples import AUTHORISE, EVACUATE, HOLD, JOG, NOW, STEP

ROLES = Roles()


def _message(payload: bytes, *, retain: bool = False) -> MqttMessage:
    return MqttMessage("swap/v1/st1/cmd/x", payload, retain, "swap/v1/st1/reply/t", b"c")


def _asked(command: CommandMessage = HOLD, verb: str = "hold") -> Admitted:
    asked = read_command(verb, _message(command.json_bytes()))
    assert isinstance(asked, Admitted)
    return asked


def _refused(verdict: Admitted | Rejection) -> Refusal:
    assert isinstance(verdict, Rejection)
    assert verdict.text
    return verdict.refusal


def test_a_good_command_is_read_with_its_return_address() -> None:
    asked = _asked(AUTHORISE, "authorise")
    assert asked.command == AUTHORISE
    assert (asked.id, asked.response_topic, asked.correlation) == ("cloud-7f3a9c", "swap/v1/st1/reply/t", b"c")
    assert judge(asked, NOW, "Idle", ROLES) is asked


@pytest.mark.parametrize("verb", [v for v, command in COMMANDS.items() if command is PlainCommand])
def test_every_plain_verb_is_known(verb: str) -> None:
    assert _asked(verb=verb).verb == verb


def test_an_issuer_without_the_role_is_refused_by_name() -> None:
    asked = _asked(AUTHORISE, "authorise")
    assert _refused(judge(asked, NOW, "Idle", Roles(((asked.command.issuer, ()),)))) is Refusal.NO_ROLE
    assert judge(asked, NOW, "Idle", Roles(((asked.command.issuer, (Role.OPERATOR,)),))) is asked


def test_retained_is_refused_whatever_it_says() -> None:
    assert _refused(read_command("hold", _message(HOLD.json_bytes(), retain=True))) is Refusal.RETAINED


def test_oversized_is_refused_unread() -> None:
    assert _refused(read_command("hold", _message(b" " * (PAYLOAD_MAX_BYTES + 1)))) is Refusal.OVERSIZED
    assert _refused(read_command("hold", _message(b" " * PAYLOAD_MAX_BYTES))) is Refusal.NOT_JSON


def test_unknown_verb_names_the_nearest() -> None:
    verdict = read_command("authorize", _message(AUTHORISE.json_bytes()))
    assert isinstance(verdict, Rejection)
    assert verdict.refusal is Refusal.UNKNOWN_VERB
    assert verdict.text == "nearest known verb: authorise"
    assert verdict.id == AUTHORISE.id
    far = read_command("Ω", _message(b""))
    assert isinstance(far, Rejection)
    assert "known verbs: authorise, hold" in far.text


def test_wrong_schema_names_the_field_and_keeps_the_id() -> None:
    content = json.loads(HOLD.json_bytes()) | {"issuer": 7}
    verdict = read_command("hold", _message(json.dumps(content).encode()))
    assert isinstance(verdict, Rejection)
    assert verdict.refusal is Refusal.SCHEMA
    assert verdict.text.startswith("issuer: ")
    assert verdict.id == HOLD.id


def _judged(issued_s: float, life_s: float, at: datetime = NOW) -> Admitted | Rejection:
    issued = at + timedelta(seconds=issued_s)
    command = HOLD.model_copy(update={"issued_at": issued, "expires_at": issued + timedelta(seconds=life_s)})
    return judge(_asked(command), at, "Idle", ROLES)


@pytest.mark.parametrize(
    ("issued_s", "life_s", "refusal"),
    [
        (0, 10, None),
        (-10, 10, Refusal.EXPIRED),
        (-9.9, 10, None),
        (-86400, 10, Refusal.EXPIRED),
        (SKEW_MAX_S, 10, None),
        (SKEW_MAX_S + 0.1, 10, Refusal.FROM_THE_FUTURE),
        (0, LIFE_MAX_S, None),
        (0, LIFE_MAX_S + 0.1, Refusal.LIFE_TOO_LONG),
        (5, -1, Refusal.LIFE_TOO_LONG),
        (0, 0, Refusal.EXPIRED),
    ],
)
def test_life_of_a_command(issued_s: float, life_s: float, refusal: Refusal | None) -> None:
    verdict = _judged(issued_s, life_s)
    assert refusal is (None if isinstance(verdict, Admitted) else verdict.refusal)


@pytest.mark.parametrize(
    ("issued_s", "life_s", "refusal"),
    [
        (0, 10.0, None),
        (-9.9, 10.0, None),
        (-10.0, 10.0, Refusal.EXPIRED),
        (-5.0, 115.0, Refusal.LIFE_TOO_LONG),
        (1.0, 5.0, None),
        (1.1, 5.0, Refusal.FROM_THE_FUTURE),
    ],
)
@pytest.mark.parametrize(
    "verb", ["clear", "reset", "resume", "evacuate", "back_out", "isolate", "repark", "release_truck"]
)
def test_a_word_that_nobody_is_inside_is_for_now(
    verb: str, issued_s: float, life_s: float, refusal: Refusal | None
) -> None:
    issued = NOW + timedelta(seconds=issued_s)
    command = EVACUATE if verb == "evacuate" else HOLD
    update = {"issued_at": issued, "expires_at": issued + timedelta(seconds=life_s)}
    asked = _asked(command.model_copy(update=update), verb)
    verdict = judge(asked, NOW, "Idle", Roles(((asked.command.issuer, (Role.OPERATOR, Role.SUPERVISOR)),)))
    assert refusal is (None if isinstance(verdict, Admitted) else verdict.refusal)


def test_a_clock_that_is_wrong_makes_no_command_younger() -> None:
    for seconds in (4.0, -4.0):
        command = HOLD.model_copy(update={"issued_at": NOW + timedelta(seconds=seconds)})
        assert age_s(command, NOW) == 4.0


@pytest.mark.parametrize(
    ("issued_s", "life_s", "refusal"),
    [
        (0, AT_ONCE_LIFE_MAX_S, None),
        (-4.9, AT_ONCE_LIFE_MAX_S, None),
        (-AT_ONCE_LIFE_MAX_S, AT_ONCE_LIFE_MAX_S, Refusal.EXPIRED),
        (0, AT_ONCE_LIFE_MAX_S + 0.1, Refusal.LIFE_TOO_LONG),
        (AT_ONCE_SKEW_MAX_S, 1, None),
        (AT_ONCE_SKEW_MAX_S + 0.1, 1, Refusal.FROM_THE_FUTURE),
    ],
)
@pytest.mark.parametrize(("verb", "command"), [("step", STEP), ("jog", JOG)])
def test_a_motion_by_hand_is_for_now(
    verb: str, command: CommandMessage, issued_s: float, life_s: float, refusal: Refusal | None
) -> None:
    issued = NOW + timedelta(seconds=issued_s)
    late = command.model_copy(update={"issued_at": issued, "expires_at": issued + timedelta(seconds=life_s)})
    asked = _asked(late, verb)
    assert command.expected_state is not None
    verdict = judge(asked, NOW, command.expected_state, Roles(((command.issuer, (Role.SERVICE,)),)))
    assert refusal is (None if isinstance(verdict, Admitted) else verdict.refusal)


@pytest.mark.parametrize("verb", ["step", "jog"])
@pytest.mark.parametrize("left_out", [True, False])
def test_a_motion_by_hand_names_the_state_it_is_for(verb: str, left_out: bool) -> None:
    content = json.loads((STEP if verb == "step" else JOG).json_bytes()) | {"expected_state": None}
    if left_out:
        del content["expected_state"]
    verdict = read_command(verb, _message(json.dumps(content).encode()))
    assert _refused(verdict) is Refusal.SCHEMA
    assert isinstance(verdict, Rejection) and verdict.text.startswith("expected_state: ")


@pytest.mark.parametrize(("state", "admitted"), [("Idle", True), ("Held", False), (None, False)])
def test_expected_state(state: str | None, admitted: bool) -> None:
    verdict = judge(_asked(AUTHORISE, "authorise"), NOW, state, ROLES)
    assert isinstance(verdict, Admitted) is admitted
    if not admitted:
        assert _refused(verdict) is Refusal.WRONG_STATE


def test_no_expected_state_fits_any() -> None:
    assert isinstance(judge(_asked(), NOW, None, ROLES), Admitted)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = st.dictionaries(st.sampled_from([*json.loads(AUTHORISE.json_bytes()), "else"]), _JSON, max_size=4)


@settings(max_examples=100, deadline=None)
@given(verb=st.sampled_from(["authorise", "hold", "", "x"]), payload=st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else(verb: str, payload: bytes) -> None:
    assert isinstance(read_command(verb, _message(payload)), Rejection)


@settings(max_examples=150, deadline=None)
@given(verb=st.sampled_from(["authorise", "hold"]), changes=_FIELDS, gone=st.sets(st.sampled_from(["id", "schema"])))
def test_nearly_right_is_judged_and_nothing_else(verb: str, changes: dict[str, object], gone: set[str]) -> None:
    content = json.loads((AUTHORISE if verb == "authorise" else HOLD).json_bytes()) | changes
    for key in gone:
        content.pop(key, None)
    asked = read_command(verb, _message(json.dumps(content).encode()))
    if isinstance(asked, Admitted):
        assert isinstance(judge(asked, NOW, "Idle", ROLES), Admitted | Rejection)
        assert asked.command.schema_ == 1
