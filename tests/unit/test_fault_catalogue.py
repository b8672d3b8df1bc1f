"""The catalogue of faults: what is refused and how, and what a soak draws from it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hil.faults.catalogue import FAULTS, FaultError, parse
from hil.faults.draw import draw, needs
from hil.faults.draw_ranges import PARAMETERS

EVERYTHING = frozenset(need for kind in FAULTS for need in needs(kind))
KINDS = {
    "modbus": "delay drop_requests drop_replies duplicate exception stale flip_bits half_open cut lying_echo noise",
    "can": "loss stuck_counter frozen wrong_dlc untrusted babble bus_off bus_down conflict broken_transport",
    "broker": "outage duplicate reorder old_command slow",
    "plc": "reboot",
    "controller": "kill",
    "disk": "full sync_failed torn_write",
    "wall_clock": "jump",
    "people": "zone estop doors fire button",
    "plant": "pack sensor lock_jams smoke supply_weld key_switch parking",
}


def test_every_kind_is_there() -> None:
    assert set(FAULTS) == {f"{where}.{what}" for where, names in KINDS.items() for what in names.split()}
    assert all(model.__doc__ for model in FAULTS.values())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (3, "a table with 'kind'"),
        ({}, "kind is missing; known: modbus.delay"),
        ({"kind": "modbus.dely"}, "got 'modbus.dely'; nearest: modbus.delay"),
        ({"kind": ["can.loss"]}, "unknown fault"),
        ({"kind": "modbus.delay"}, "modbus.delay: delay_ms is missing"),
        ({"kind": "modbus.delay", "delay_s": 5}, "delay_s: is not the unit; got 's'; accepted: delay_ms"),
        ({"kind": "modbus.delay", "delay_fortnight": 5}, "unknown unit; got 'fortnight'; accepted: delay_ms"),
        ({"kind": "modbus.stale", "lasts": 5}, "lasts: unknown unit; got ''; accepted: lasts_s"),
        ({"kind": "can.loss", "rate_pct": 5}, "is not the unit; got 'pct'; accepted: rate"),
        ({"kind": "modbus.delay", "delay_ms": -1}, "delay_ms is not acceptable; got -1"),
        ({"kind": "modbus.delay", "delay_ms": float("nan")}, "delay_ms is not acceptable"),
        ({"kind": "modbus.delay", "delay_ms": "5"}, "a valid number"),
        ({"kind": "modbus.exception", "count": True}, "a valid integer"),
        ({"kind": "can.loss", "rate": 1.01}, "accepted: less than or equal to 1"),
        ({"kind": "can.loss", "sorce": 1}, "sorce is not a parameter; nearest: source"),
        ({"kind": "can.conflict", "address": 254}, "accepted: less than or equal to 253"),
        ({"kind": "can.conflict", "address": 1, "serial": "x"}, "serial is not acceptable"),
        ({"kind": "wall_clock.jump", "jump_s": 0}, "a jump of 0 is none"),
        ({"kind": "people.button", "verb": "press"}, "'authorise', 'hold'"),
        ({"kind": "people.zone", "lasts_s": 0}, "accepted: greater than 0"),
    ],
)
def test_bad_data_is_refused_with_what_would_be_right(data: Any, said: str) -> None:
    with pytest.raises(FaultError) as refused:
        parse(data, "swap.toml:7")
    assert str(refused.value).startswith("swap.toml:7") and said in str(refused.value)


@given(
    st.dictionaries(
        st.sampled_from(["kind", "rate", "lasts_s", "delay_ms", "source", "count", "x"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.sampled_from([*FAULTS, "", "modbus"]),
    )
)
def test_any_table_is_a_fault_or_a_refusal(data: dict[str, Any]) -> None:
    try:
        fault = parse(data, "here")
    except FaultError:
        return
    assert parse(fault.model_dump(exclude_none=True), "again") == fault


def test_a_fault_cannot_be_changed() -> None:
    fault = parse({"kind": "modbus.half_open"}, "here")
    with pytest.raises(ValidationError, match="frozen"):
        fault.lasts_s = 3.0


def test_same_seed_same_faults_and_every_kind_comes() -> None:
    seen: set[str] = set()
    for seed in range(160):
        faults = draw(random.Random(seed), 600.0, EVERYTHING)
        assert faults == draw(random.Random(seed), 600.0, frozenset(EVERYTHING))
        seen |= {fault.kind for _, fault in faults}
    assert seen == set(FAULTS)
    assert draw(random.Random(1), 600.0, EVERYTHING) != draw(random.Random(2), 600.0, EVERYTHING)


@given(st.integers(), st.floats(1.0, 1e4), st.frozensets(st.sampled_from(sorted(EVERYTHING))))
def test_a_ground_gets_what_it_can_and_in_time(seed: int, duration_s: float, capabilities: frozenset[str]) -> None:
    faults = draw(random.Random(seed), duration_s, capabilities)
    times = [at_s for at_s, _ in faults]
    assert faults and times == sorted(times) and times[0] >= 0 and times[-1] <= duration_s * 0.8 + 0.001
    for at_s, fault in faults:
        assert set(needs(fault.kind)) <= capabilities
        assert fault.lasts_s is not None and at_s + fault.lasts_s <= duration_s
        assert parse(fault.model_dump(exclude_none=True), "again") == fault


def test_torn_write_needs_somebody_who_can_kill() -> None:
    assert needs("disk.torn_write") == ("fault.disk", "kill") and needs("people.fire") == ()


def test_only_known_kinds_have_ranges() -> None:
    assert set(PARAMETERS) <= set(FAULTS)
