"""Each fault of the broker does exactly what it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt_values import MqttMessage
from hil.faults.broker import BrokerWire
from hil.faults.catalogue import BrokerFault, parse

STATE = MqttMessage("swap/v1/st1/state", b"{}", retain=True)
HOLD = MqttMessage("swap/v1/st1/cmd/hold", b'{"id": "1"}', response_topic="r", correlation=b"c", expiry_s=30)


def broker(kind: str = "", **parameters: Any) -> BrokerWire:
    made = BrokerWire(1)
    if kind:
        made.set(fault_of(kind, **parameters))
    return made


def fault_of(kind: str, **parameters: Any) -> BrokerFault:
    fault = parse({"kind": f"broker.{kind}", **parameters}, "test")
    assert isinstance(fault, BrokerFault)
    return fault


@given(st.text(max_size=20), st.binary(max_size=20), st.booleans())
def test_without_a_fault_messages_pass(topic: str, payload: bytes, retain: bool) -> None:
    message, clean = MqttMessage(topic, payload, retain), broker()
    assert clean.deliver(message, 1.0) == ((0.0, message),)
    assert clean.due(1.0) == () and not clean.outage and not clean.counters


def test_outage_passes_nothing_and_ends() -> None:
    gone = broker("outage")
    assert gone.outage and gone.deliver(STATE, 0) == () and gone.counters["lost"] == 1
    gone.clear("broker.outage")
    assert not gone.outage and gone.deliver(STATE, 0) == ((0.0, STATE),)


def test_duplicates_and_reordering() -> None:
    twice = broker("duplicate")
    (first_s, first), (second_s, second) = twice.deliver(STATE, 0)
    assert first is second is STATE and first_s < second_s < 0.001
    held = broker("reorder", delay_ms=200, rate=0.5)
    delays = [held.deliver(STATE, 0.01 * n)[0][0] for n in range(100)]
    assert set(delays) == {0.0, 0.2} and 20 < held.counters["reordered"] < 80


def test_a_slow_broker_keeps_the_order_even_once_healed() -> None:
    slow = broker("slow", delay_ms=100, jitter_ms=400)
    arrivals = [0.01 * n + slow.deliver(STATE, 0.01 * n)[0][0] for n in range(50)]
    assert arrivals == sorted(arrivals) and min(a - 0.01 * n for n, a in enumerate(arrivals)) >= 0.1
    slow.clear()
    ((delay_s, _),) = slow.deliver(STATE, 0.5)
    assert 0.5 + delay_s == pytest.approx(arrivals[-1])
    assert slow.deliver(STATE, 10.0) == ((0.0, STATE),) and not slow.active


def test_old_commands_come_again_as_they_were() -> None:
    old = broker()
    old.deliver(HOLD, 10.0)
    old.deliver(STATE, 11.0)
    old.set(fault_of("old_command", every_s=2, count=2, min_age_s=5))
    assert old.due(12.0) == ()  # not old enough
    assert old.due(16.0) == (HOLD,) and old.due(17.0) == () and old.due(18.5) == (HOLD,) and old.due(30.0) == ()
    assert old.counters["replayed"] == 2 and not old.is_on(fault_of("old_command"))


def test_retained_old_commands_and_none_in_an_outage() -> None:
    old = broker("old_command", retained=True, count=None)
    assert old.due(0.0) == ()  # there was none yet
    old.deliver(HOLD, 0.0)
    assert old.due(1.0) == (MqttMessage(HOLD.topic, HOLD.payload, True, "r", b"c", 30),)
    old.set(fault_of("outage"))
    assert old.due(100.0) == ()
