"""The bays' supplies in the PLC, rule by rule, as docs/robot-plc.md 3a states them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.reading import Signal
from drivers.robot_protocol import EchoResult, EchoState, MotionClass, Opcode
from tests.plc_bench import MAP, PlcBench, make_world

BAY_2 = 0b10


def charging(permits: int = BAY_2) -> PlcBench:
    """The robot rests, supplies are closed: the motion lease is 0, the supply lease is not."""
    bench = PlcBench(make_world(speed=1.0))
    bench.write(lease_ms=0, permits=0)
    bench.write(supply_lease_ms=500, charge_permits=permits)
    bench.run(0.1)
    assert closed(bench) == permits & 0b1111  # bays 1 to 4 hold packs
    return bench


def closed(bench: PlcBench) -> int:
    return bench.world.supplies.energised


def shown(bench: PlcBench, number: int) -> Signal:
    values = MAP.block("status").decode(bench.plc.status(bench.now_s))
    names = MAP.block("status").groups[1].names
    return Signal(int(dict(zip(names, values.groups["bay"][number - 1], strict=True))["energised"] or 0))


def test_a_supply_closes_by_its_permit_and_arms_no_motion() -> None:
    bench = charging()
    assert closed(bench) == BAY_2
    assert shown(bench, 2) is Signal.TRUE and shown(bench, 1) is Signal.FALSE
    bench.sequence += 1
    assert bench.write(sequence=bench.sequence, opcode=Opcode.HOME, permits=MotionClass(255))  # lease_ms is 0
    assert bench.echo[1:] == (EchoState.REJECTED, EchoResult.NOT_PERMITTED) and bench.started == 0


def test_the_status_shows_what_is_left_of_the_lease() -> None:
    bench = charging()
    bench.run(0.2, armed=False)
    points = MAP.block("status").decode(bench.plc.status(bench.now_s)).points
    assert 0 < int(points["supply_lease_remaining_ms"] or 0) <= 310 and points["lease_remaining_ms"] == 0


def test_nothing_closes_before_a_block_without_the_permit_has_come() -> None:
    """Whoever still sends a permit from before the PLC's boot has not given it to this PLC."""
    bench = PlcBench(make_world(speed=1.0))
    bench.plc.receive(MAP.block("command").encode({**idle(), "supply_lease_ms": 500, "charge_permits": 3}), 1000.0)
    assert closed(bench) == 0
    bench.plc.receive(MAP.block("command").encode({**idle(), "heartbeat": 2}), 1000.05)
    again = {**idle(), "heartbeat": 3, "supply_lease_ms": 500, "charge_permits": 3}
    bench.plc.receive(MAP.block("command").encode(again), 1000.1)
    assert closed(bench) == 3


def idle() -> dict[str, Any]:
    names = ("lease_ms", "permits", "stop_category", "sequence", "opcode", "source", "destination", "mount")
    rest = ("parameter_1", "parameter_2", "supply_lease_ms", "charge_permits")
    return dict.fromkeys((*names, *rest), 0) | {"heartbeat": 1}


def test_a_withdrawn_permit_opens_at_once() -> None:
    bench = charging(0b110)
    bench.write(charge_permits=0b100)
    assert closed(bench) == 0b100
    bench.write(supply_lease_ms=0)
    assert closed(bench) == 0


def test_a_controller_that_is_gone_opens_within_its_lease_and_a_scan() -> None:
    bench = charging()
    bench.write()
    bench.run(0.49, armed=False)
    assert closed(bench) == BAY_2
    bench.run(0.02, armed=False)
    assert closed(bench) == 0


def test_a_lease_that_has_run_out_does_not_come_back_with_the_next_block() -> None:
    bench = charging()
    bench.run(0.6, armed=False)
    bench.write()
    assert closed(bench) == 0
    bench.write(charge_permits=0)
    bench.write(charge_permits=BAY_2)
    assert closed(bench) == BAY_2


def _press(bench: PlcBench) -> None:
    bench.world.inputs.estop_released = Signal.FALSE


def _burn(bench: PlcBench) -> None:
    bench.world.inputs.fire_clear = Signal.UNTRUSTED


def _smoke(bench: PlcBench) -> None:
    bench.world.inputs.smoke_clear[2] = Signal.FALSE


def _part(bench: PlcBench) -> None:
    bench.world.bays[2].coupler.position = 0.9
    bench.world.panel.sample(bench.world.plant_s)


def _doubt(bench: PlcBench) -> None:
    bench.world.inputs.overrides["bay.2.locked"] = Signal.UNTRUSTED


@pytest.mark.parametrize("danger", [_press, _burn, _smoke, _part, _doubt])
def test_the_plc_opens_by_itself_and_stays_open(danger: Callable[[PlcBench], None]) -> None:
    bench = charging()
    danger(bench)
    bench.run(0.1)
    assert closed(bench) == 0
    inputs = bench.world.inputs
    inputs.estop_released = inputs.fire_clear = Signal.TRUE
    inputs.smoke_clear.clear()
    inputs.overrides.clear()
    bench.world.bays[2].coupler.position = 1.0
    bench.run(0.5)  # the permit stands all the time
    assert closed(bench) == 0
    bench.write(charge_permits=0)
    bench.write(charge_permits=BAY_2)
    assert closed(bench) == BAY_2


def test_smoke_in_one_bay_opens_that_bay_alone() -> None:
    bench = charging(0b111)
    _smoke(bench)
    bench.run(0.02)
    assert closed(bench) == 0b101


def test_an_empty_bay_is_never_energised() -> None:
    bench = charging(0b11110000)  # bays 5 to 8 are empty
    assert closed(bench) == 0


def test_power_that_returns_closes_nothing() -> None:
    bench = charging()
    bench.plc.power_cut()
    assert closed(bench) == 0
    bench.plc.power_return()
    bench.run(1.0)  # the controller goes on as if nothing had been
    assert closed(bench) == 0


def test_a_welded_contactor_shows_without_a_permit() -> None:
    bench = charging()
    bench.world.supplies.weld(2)
    bench.write(charge_permits=0)
    bench.run(0.1)
    assert closed(bench) == BAY_2 and shown(bench, 2) is Signal.TRUE
    bench.world.supplies.weld(2, False)
    assert shown(bench, 2) is Signal.FALSE


def test_a_pack_is_not_lifted_under_a_closed_supply() -> None:
    bench = charging()
    bench.write(lease_ms=500, permits=MotionClass(255))
    assert bench.do(Opcode.MOVE_TO, destination=2) is EchoState.DONE
    assert bench.do(Opcode.LIFT_FROM, source=2) is EchoState.REJECTED
    assert bench.echo[2] is EchoResult.SENSOR_MISMATCH
    bench.write(charge_permits=0)
    assert bench.do(Opcode.LIFT_FROM, source=2) is EchoState.DONE


def test_a_second_controller_does_not_break_into_a_supply_lease() -> None:
    bench = charging()
    bench.heartbeat = 5  # far behind
    bench.write(charge_permits=0)
    assert closed(bench) == BAY_2 and bench.plc.counters["stale_heartbeat"] == 1
    bench.run(0.6, armed=False)
    bench.write(charge_permits=0)
    assert bench.plc.retained.heartbeat == bench.heartbeat


def test_a_lease_out_of_range_is_refused_whole() -> None:
    bench = charging()
    words = list(MAP.block("command").encode({**bench.last, "heartbeat": 500, "charge_permits": 0}))
    words[11] = 501
    assert not bench.plc.receive(MAP.block("command").seal(words), bench.now_s)
    assert closed(bench) == BAY_2


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 0xFF), st.sampled_from([0, 100, 500])),
        st.tuples(st.just("time"), st.integers(1, 80), st.just(0)),
        st.tuples(st.just("smoke"), st.integers(1, 8), st.sampled_from([0, 1, 2])),
        st.tuples(st.just("estop"), st.just(0), st.sampled_from([0, 1])),
        st.tuples(st.just("power"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_happens_no_supply_is_closed_without_leave(steps: list[tuple[str, int, int]]) -> None:
    bench = PlcBench(make_world(speed=1.0, truck=False))
    bench.write(lease_ms=0, permits=0)
    given_, until_s = 0, 0.0
    for what, a, b in steps:
        inputs = bench.world.inputs
        if what == "write":
            bench.write(charge_permits=a, supply_lease_ms=b)
            given_, until_s = a if b else 0, bench.now_s + b / 1000
        elif what == "time":
            bench.run(a / 100, armed=False)
        elif what == "smoke":
            inputs.smoke_clear[a] = Signal(b)
        elif what == "estop":
            inputs.estop_released = Signal(b)
        else:
            bench.plc.power_cut()
            bench.plc.power_return()
            given_ = 0
        bench.run(0.01, armed=False)
        smoky = sum(1 << (n - 1) for n, s in inputs.smoke_clear.items() if s is not Signal.TRUE)
        may = given_ & 0b1111 & ~smoky if bench.now_s < until_s and inputs.estop_released is Signal.TRUE else 0
        assert closed(bench) & ~may == 0
