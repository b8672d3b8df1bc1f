"""The charger's rules, one by one, as docs/charger.md states them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.charger_status import OFF, ChargerFault, ChargerMode, ChargerState, ChargerStop, SetPoint
from drivers.reading import Signal
from tests.charger_bench import FULL, MAP, TEST, ChargerBench


def seen(bench: ChargerBench) -> ChargerState:
    """The state anew: a type checker takes a property for what it read last."""
    return bench.state


def test_a_charge_from_test_to_current() -> None:
    bench = ChargerBench()
    bench.run(2.5, TEST)
    assert seen(bench) is ChargerState.INSULATION_TEST and bench.charger.insulation_sound is None
    bench.run(0.7, TEST)
    assert seen(bench) is ChargerState.STANDBY and bench.charger.insulation_sound
    bench.run(1.0, FULL)
    assert bench.state is ChargerState.STANDBY and not bench.charger.relay_closed  # no voltage from the pack yet
    bench.supply()
    bench.run(2.0, FULL)
    assert bench.state is ChargerState.CHARGING and bench.pack.current_a > 0.0
    bench.write(OFF)
    bench.run(0.1)
    assert (bench.state, bench.stop_reason) == (ChargerState.OFF, ChargerStop.COMMAND)
    assert (bench.pack.current_a, bench.charger.relay_closed) == (0.0, False)


def test_no_relay_closes_without_a_test_that_counts() -> None:
    bench = ChargerBench()
    bench.supply()
    bench.run(5.0, FULL)
    assert bench.state is ChargerState.STANDBY and bench.relay_closed is Signal.FALSE
    bench.charging()
    bench.write(OFF)
    bench.run(0.2)
    bench.run(5.0, FULL)
    assert bench.relay_closed is Signal.FALSE, "the end has used the test up"


def test_the_lease_ends_the_current_at_once_and_opens_the_relay_within_100_ms() -> None:
    bench = ChargerBench().charging()
    bench.write(FULL, lease_ms=300)
    bench.run(0.29)
    assert bench.pack.current_a > 290.0
    bench.run(0.03)
    assert bench.pack.current_a == 0.0
    bench.run(0.08)
    assert not bench.charger.relay_closed and bench.stop_reason is ChargerStop.LEASE


def test_what_ended_by_itself_stays_off_until_off_was_told() -> None:
    bench = ChargerBench().charging()
    bench.run(1.2)
    for _ in range(2):
        bench.run(5.0, TEST)
        assert bench.state is ChargerState.OFF
    bench.write(OFF)
    bench.run(1.0, TEST)
    assert bench.state is ChargerState.INSULATION_TEST


def test_a_counter_that_stands_still_arms_nothing() -> None:
    bench = ChargerBench().charging()
    frozen = bench.counter
    for _ in range(11):
        assert bench.write(FULL, counter=frozen)
        bench.run(0.1)
    assert (bench.state, bench.stop_reason) == (ChargerState.OFF, ChargerStop.COUNTER)
    assert bench.program.counters["stale"] == 11


def test_an_older_counter_does_not_break_into_a_lease_but_is_taken_up_after_it() -> None:
    bench = ChargerBench().charging()
    bench.write(OFF, counter=5)
    assert bench.state is ChargerState.CHARGING
    bench.run(1.2)
    bench.write(OFF, counter=5)
    assert not bench.program.rests


def test_power_that_returns_starts_nothing() -> None:
    bench = ChargerBench().charging()
    bench.program.power_cut()
    bench.run(1.0)
    assert (bench.charger.input_w, bench.pack.current_a, bench.charger.relay_closed) == (0.0, 0.0, False)
    bench.program.power_return()
    bench.run(5.0, FULL)
    assert (bench.state, bench.stop_reason) == (ChargerState.OFF, ChargerStop.POWER)


def test_a_circuit_that_opens_ends_it_and_does_not_come_back_under_voltage() -> None:
    bench = ChargerBench().charging()
    bench.supply(False)
    bench.run(0.2, FULL)
    assert (bench.state, bench.stop_reason, bench.relay_closed) == (
        ChargerState.OFF,
        ChargerStop.LOAD_LOST,
        Signal.FALSE,
    )
    assert bench.world.supplies.arcs[5] == 1
    bench.supply()
    bench.run(3.0, FULL)
    assert bench.pack.current_a == 0.0


def test_a_failed_test_is_a_fault_that_off_clears() -> None:
    bench = ChargerBench()
    bench.charger.faults.insulation_ohm_per_v = 90.0
    bench.run(3.2, TEST)
    assert bench.state is ChargerState.FAULT and bench.program.fault_code is ChargerFault.INSULATION
    bench.charger.faults.insulation_ohm_per_v = 5000.0
    bench.run(4.0, TEST)
    assert seen(bench) is ChargerState.FAULT
    bench.write(OFF)
    bench.run(3.2, TEST)
    assert seen(bench) is ChargerState.STANDBY


def test_the_pack_counts_in_the_test_while_it_is_connected() -> None:
    bench = ChargerBench()
    bench.pack.insulation_ohm_per_v = 50.0
    bench.run(3.2, TEST)
    assert bench.state is ChargerState.STANDBY
    bench.write(OFF)
    bench.supply()
    bench.run(0.3)
    bench.run(3.2, TEST)
    assert bench.program.fault_code is ChargerFault.INSULATION


@pytest.mark.parametrize(
    ("breaks", "code"),
    [
        (lambda b: setattr(b.charger.faults, "internal", True), ChargerFault.INTERNAL),
        (lambda b: setattr(b.charger, "temperature_c", 85.0), ChargerFault.OVERTEMPERATURE),
    ],
)
def test_a_fault_of_its_own_ends_it(breaks: Callable[[ChargerBench], None], code: ChargerFault) -> None:
    bench = ChargerBench().charging()
    breaks(bench)
    bench.run(0.2, FULL)
    assert (bench.state, bench.stop_reason, bench.program.fault_code) == (ChargerState.FAULT, ChargerStop.FAULT, code)
    assert bench.pack.current_a == 0.0 and not bench.charger.relay_closed
    bench.write(OFF)
    assert (bench.state is ChargerState.FAULT) is (code is ChargerFault.INTERNAL or bench.charger.temperature_c > 80.0)


def test_a_relay_that_does_not_open_is_shown_and_found() -> None:
    bench = ChargerBench().charging()
    bench.charger.faults.relay_stuck = True
    bench.write(OFF)
    bench.run(0.3)
    assert (bench.state, bench.relay_closed, bench.pack.current_a) == (ChargerState.OFF, Signal.TRUE, 0.0)
    bench.run(0.5)
    assert bench.program.fault_code is ChargerFault.RELAY


def test_garbage_and_values_out_of_range_are_refused_whole() -> None:
    bench = ChargerBench().charging()
    words = list(MAP.block("command").encode(dict.fromkeys(("current_a", "voltage_v", "power_w"), 0) | _head(900)))
    words[1] = 1001
    assert not bench.program.receive(MAP.block("command").seal(words), bench.now_s)
    assert not bench.program.receive(words, bench.now_s) and not bench.program.receive([0] * 3, bench.now_s)
    assert dict(bench.program.counters) == {"counted": bench.program.counters["counted"]} | {
        "out_of_range": 1,
        "bad_checksum": 2,
    }
    assert bench.state is ChargerState.CHARGING


def _head(counter: int) -> dict[str, int]:
    return {"counter": counter, "lease_ms": 1000, "mode": 0}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(list(ChargerMode)), st.integers(0, 1000)),
        st.tuples(st.just("time"), st.integers(1, 500), st.just(0)),
        st.tuples(st.just("supply"), st.booleans(), st.just(0)),
        st.tuples(st.just("power"), st.just(0), st.just(0)),
    ),
    max_size=20,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_whatever_happens_no_current_flows_without_a_lease(steps: list[tuple[str, int, int]]) -> None:
    bench = ChargerBench()
    until_s, told = 0.0, ChargerMode.OFF
    for what, a, b in steps:
        if what == "write":
            told, until_s = ChargerMode(a), bench.now_s + b / 1e3
            bench.write(SetPoint(told, 200.0, 640.0, 2e5), lease_ms=b)
        elif what == "supply":
            bench.supply(bool(a))
        elif what == "power":
            bench.program.power_cut()
            bench.program.power_return()
            until_s = 0.0
        for _ in range(a if what == "time" else 2):
            bench.run(0.01)
            may = told is ChargerMode.CHARGE and bench.now_s < until_s + 0.02
            assert may or bench.pack.current_a == 0.0
            assert bench.pack.current_a <= 200.0
