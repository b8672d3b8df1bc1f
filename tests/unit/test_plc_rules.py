"""The PLC's rules, one by one, as docs/robot-plc.md states them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.reading import Signal
from drivers.robot_protocol import EchoResult, EchoState, MotionClass, Opcode, RobotMode, RobotState, StopReason
from hil.peers.plc_command import ahead
from tests.plc_bench import ALL, MAP, PlcBench, make_world

SUPPLY = ("supply_lease_ms", "charge_permits")


def moving() -> PlcBench:
    """A robot on its way to mount 1."""
    bench = PlcBench(make_world(speed=1.0))
    bench.command(Opcode.MOVE_TO, destination=101)
    bench.run(1.5)
    assert state(bench) is RobotState.EXECUTING and not bench.world.robot.still
    return bench


def state(bench: PlcBench) -> RobotState:
    return bench.plc.state


def result(bench: PlcBench) -> EchoResult:
    return bench.echo[2]


def at_rest(bench: PlcBench) -> tuple[RobotState, StopReason]:
    bench.run(4.0, armed=False)
    assert bench.world.robot.still and not bench.world.robot.active
    return bench.plc.state, bench.plc.stop_reason


def test_a_motion_runs_once_and_is_echoed() -> None:
    bench = PlcBench()
    bench.command(Opcode.MOVE_TO, destination=3)
    assert bench.echo == (1, EchoState.ACCEPTED, EchoResult.OK)
    bench.run(0.02)
    assert bench.echo == (1, EchoState.EXECUTING, EchoResult.OK)
    bench.run(1.0)
    assert bench.echo == (1, EchoState.DONE, EchoResult.OK)
    assert state(bench) is RobotState.READY
    bench.run(1.0)  # the same block goes on being written every cycle
    assert bench.started == 1 and bench.plc.counters["repeats"] > 10


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_serial_arithmetic_wraps(old: int, step: int) -> None:
    assert ahead((old + step) & 0xFFFF, old) == step


def test_sequence_wraps_and_older_is_counted() -> None:
    bench = PlcBench()
    bench.plc.retained.sequence = bench.sequence = 0xFFFE
    for expected in (0xFFFF, 0, 1):
        assert bench.do(Opcode.HOME) is EchoState.DONE
        assert bench.echo[0] == expected
    assert bench.write(sequence=0xFFFF, opcode=Opcode.HOME)
    assert bench.echo == (1, EchoState.DONE, EchoResult.OK)
    assert bench.plc.counters["out_of_order"] == 1 and bench.started == 3


def test_broken_checksum_changes_nothing_and_is_refused() -> None:
    bench = moving()
    words = list(MAP.block("command").encode(bench.last | {"heartbeat": 5000, "lease_ms": 0}))
    words[1] = 499
    assert not bench.plc.receive(words, bench.now_s)
    assert not bench.plc.receive(words[:-1], bench.now_s)
    bench.run(0.1, armed=False)
    assert state(bench) is RobotState.EXECUTING and bench.plc.counters["bad_checksum"] == 2


def test_out_of_range_lease_is_refused_whole() -> None:
    bench = PlcBench()
    words = list(MAP.block("command").encode({**bench.last, **idle(), "lease_ms": 0}))
    words[1] = 501
    assert not bench.plc.receive(MAP.block("command").seal(words), bench.now_s)
    assert bench.plc.counters["out_of_range"] == 1


def idle() -> dict[str, int]:
    names = ("lease_ms", "permits", "stop_category", "sequence", "opcode", "source", "destination", "mount")
    return dict.fromkeys((*names, "heartbeat", "parameter_1", "parameter_2", *SUPPLY), 0)


def test_unknown_opcode_and_location_are_refused() -> None:
    bench = PlcBench()
    words = list(MAP.block("command").encode(idle() | {"heartbeat": 9, "sequence": 1}))
    words[5] = 77
    assert bench.plc.receive(MAP.block("command").seal(words), bench.now_s)
    assert bench.echo == (1, EchoState.REJECTED, EchoResult.UNKNOWN_OPCODE)
    bench.sequence = 1
    for fields in ({"destination": 9}, {"destination": 103}, {}):
        assert bench.do(Opcode.MOVE_TO, **fields) is EchoState.REJECTED
        assert result(bench) is EchoResult.BAD_LOCATION
    assert bench.do(Opcode.UNLOCK, mount=3) is EchoState.REJECTED
    assert result(bench) is EchoResult.BAD_LOCATION


@pytest.mark.parametrize(
    ("opcode", "fields", "permit"),
    [
        (Opcode.MOVE_TO, {"destination": 1}, MotionClass.TRAVEL),
        (Opcode.HOME, {}, MotionClass.TRAVEL),
        (Opcode.LIFT_FROM, {"source": 1}, MotionClass.HANDLE_BAY),
        (Opcode.LIFT_FROM, {"source": 101}, MotionClass.HANDLE_MOUNT),
        (Opcode.PLACE_TO, {"destination": 5}, MotionClass.HANDLE_BAY),
        (Opcode.PLACE_TO, {"destination": 102}, MotionClass.HANDLE_MOUNT),
        (Opcode.UNLOCK, {"mount": 1}, MotionClass.UNLOCK),
        (Opcode.LOCK, {"mount": 1}, MotionClass.LOCK),
        (Opcode.CLAMP, {}, MotionClass.CLAMP),
        (Opcode.RELEASE, {}, MotionClass.RELEASE),
    ],
)
def test_each_opcode_needs_its_permit_bit(opcode: Opcode, fields: dict[str, int], permit: MotionClass) -> None:
    bench = PlcBench()
    bench.command(opcode, permits=ALL & ~permit, **fields)
    assert bench.echo[1:] == (EchoState.REJECTED, EchoResult.NOT_PERMITTED)
    bench.command(opcode, permits=permit, **fields)
    assert result(bench) is not EchoResult.NOT_PERMITTED


def test_lease_that_runs_out_stops_within_it() -> None:
    bench = moving()
    assert at_rest(bench) == (RobotState.STOPPED, StopReason.LEASE)
    assert bench.echo == (1, EchoState.STOPPED, EchoResult.OK)
    event = bench.world.ledger.events[0]
    assert event["reason"] == "LEASE"
    bench.run(1.0)  # re-armed again: the motion does not go on by itself
    assert bench.world.robot.still and bench.started == 1


def test_stop_begins_as_the_lease_ends() -> None:
    bench = moving()
    bench.write(lease_ms=200)
    bench.run(0.19, armed=False)
    assert state(bench) is RobotState.EXECUTING
    bench.run(0.02, armed=False)
    assert state(bench) is RobotState.STOPPING


def test_lease_zero_stops_at_once() -> None:
    bench = moving()
    bench.write(lease_ms=0)
    assert state(bench) is RobotState.STOPPING
    assert at_rest(bench) == (RobotState.STOPPED, StopReason.LEASE)


def test_stop_with_a_category_is_commanded_even_if_the_lease_is_withdrawn_with_it() -> None:
    bench = moving()
    bench.write(lease_ms=0, permits=MotionClass(0), stop_category=1)
    assert at_rest(bench) == (RobotState.STOPPED, StopReason.COMMAND)


def test_heartbeat_that_stands_still_stops() -> None:
    bench = moving()
    for _ in range(30):
        bench.write(heartbeat=bench.heartbeat)
        bench.heartbeat -= 1
        bench.run(0.05, armed=False)
    assert bench.plc.stop_reason is StopReason.HEARTBEAT


def test_withdrawn_permit_stops_only_its_motion() -> None:
    bench = moving()
    bench.write(permits=MotionClass.TRAVEL)
    assert state(bench) is RobotState.EXECUTING
    bench.write(permits=ALL & ~MotionClass.TRAVEL)
    assert state(bench) is RobotState.STOPPING
    assert at_rest(bench) == (RobotState.STOPPED, StopReason.COMMAND)


@pytest.mark.parametrize("category", [1, 2])
def test_stop_category_stops_and_blocks(category: int) -> None:
    bench = moving()
    bench.write(stop_category=category)
    assert at_rest(bench)[0] is RobotState.STOPPED
    bench.command(Opcode.HOME)
    assert result(bench) is EchoResult.NOT_PERMITTED
    bench.command(Opcode.HOME, stop_category=0)
    assert bench.echo[1] is EchoState.ACCEPTED


def test_stop_command_ends_the_motion_and_is_done_at_rest() -> None:
    bench = moving()
    bench.command(Opcode.STOP)
    assert bench.echo[:2] == (2, EchoState.EXECUTING)
    bench.run(4.0)
    assert bench.echo[:2] == (2, EchoState.DONE) and bench.world.robot.still
    assert bench.plc.outcomes[1, Opcode.MOVE_TO] is EchoState.STOPPED


def test_second_motion_is_busy() -> None:
    bench = moving()
    bench.command(Opcode.HOME)
    assert bench.echo == (2, EchoState.REJECTED, EchoResult.BUSY)
    bench.run(10.0)
    assert bench.plc.outcomes[1, Opcode.MOVE_TO] is EchoState.DONE and bench.started == 1


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("estop_released", Signal.FALSE, StopReason.EMERGENCY_STOP),
        ("estop_released", Signal.UNTRUSTED, StopReason.EMERGENCY_STOP),
        ("zone_clear", Signal.FALSE, StopReason.SAFETY_CHAIN),
        ("doors_closed", Signal.NOT_AVAILABLE, StopReason.SAFETY_CHAIN),
    ],
)
def test_safety_chain_stops_by_itself_and_needs_reset(name: str, value: Signal, reason: StopReason) -> None:
    bench = moving()
    setattr(bench.world.inputs, name, value)
    bench.run(2.0)
    assert bench.world.robot.still
    assert (bench.plc.state, bench.plc.stop_reason) == (RobotState.EMERGENCY_STOPPED, reason)
    assert bench.do(Opcode.HOME) is EchoState.REJECTED and result(bench) is EchoResult.NEEDS_RESET
    assert bench.do(Opcode.RESET) is EchoState.REJECTED and result(bench) is EchoResult.SENSOR_MISMATCH
    setattr(bench.world.inputs, name, Signal.TRUE)
    bench.run(1.0)
    assert state(bench) is RobotState.EMERGENCY_STOPPED
    assert bench.do(Opcode.RESET) is EchoState.DONE
    assert state(bench) is RobotState.STOPPED and bench.started == 1
    assert bench.do(Opcode.HOME) is EchoState.DONE


def test_emergency_stop_overtakes_a_stop_under_way() -> None:
    bench = moving()
    bench.write(lease_ms=0)
    bench.world.inputs.estop_released = Signal.FALSE
    bench.run(2.0)
    assert (bench.plc.state, bench.plc.stop_reason) == (RobotState.EMERGENCY_STOPPED, StopReason.EMERGENCY_STOP)


def test_emergency_stop_at_rest_is_latched_too() -> None:
    bench = PlcBench()
    bench.world.inputs.estop_released = Signal.FALSE
    bench.run(0.05)
    bench.world.inputs.estop_released = Signal.TRUE
    bench.run(0.05)
    assert bench.do(Opcode.HOME) is EchoState.REJECTED


def test_open_zone_at_rest_refuses_but_needs_no_reset() -> None:
    bench = PlcBench()
    bench.world.inputs.zone_clear = Signal.FALSE
    bench.run(0.1)
    bench.command(Opcode.HOME)
    assert result(bench) is EchoResult.NOT_PERMITTED
    bench.world.inputs.zone_clear = Signal.TRUE
    assert bench.do(Opcode.HOME) is EchoState.DONE


def test_power_return_starts_nothing_and_remembers() -> None:
    bench = moving()
    bench.plc.power_cut()
    assert bench.world.robot.still
    bench.run(1.0, armed=False)
    bench.plc.power_return()
    assert (bench.plc.state, bench.plc.stop_reason) == (RobotState.STOPPED, StopReason.POWER)
    assert bench.echo[:2] == (1, EchoState.STOPPED)
    bench.run(2.0)  # the controller still writes the old block: it is answered, not repeated
    assert bench.world.robot.still and bench.started == 1
    assert bench.do(Opcode.MOVE_TO, destination=101) is EchoState.DONE


def test_pack_stays_gripped_over_a_stop_and_the_lift_is_finished() -> None:
    bench = PlcBench(make_world(speed=1.0))
    assert bench.do(Opcode.MOVE_TO, destination=1) is EchoState.DONE
    bench.command(Opcode.LIFT_FROM, source=1)
    bench.run(16.0)
    pack = bench.world.robot.pack
    assert pack is not None and not bench.world.robot.raised
    at_rest(bench)
    assert bench.world.robot.pack is pack and bench.world.bays[1].pack is None
    assert bench.do(Opcode.LIFT_FROM, source=1) is EchoState.DONE
    assert bench.world.robot.raised and bench.world.robot.pack is pack


def test_new_controller_is_taken_up_once_the_lease_is_out() -> None:
    bench = moving()
    bench.write(heartbeat=(bench.heartbeat - 5000) & 0xFFFF, lease_ms=0)
    assert state(bench) is RobotState.EXECUTING and bench.plc.counters["stale_heartbeat"] == 1
    at_rest(bench)
    bench.heartbeat -= 10000
    assert bench.do(Opcode.HOME, lease_ms=500) is EchoState.DONE


def test_frozen_heartbeat_is_never_taken_as_a_new_base() -> None:
    bench = PlcBench()
    bench.write()
    frozen = bench.last["heartbeat"]
    bench.run(1.0, armed=False)
    bench.write(heartbeat=frozen, sequence=1, opcode=Opcode.HOME)
    assert bench.started == 0


def test_jammed_lock_times_out_and_needs_reset() -> None:
    bench = PlcBench()
    bench.world.lane.mounts[1].lock.jammed = True
    assert bench.do(Opcode.UNLOCK, mount=1) is EchoState.FAILED
    assert result(bench) is EchoResult.TIMEOUT and state(bench) is RobotState.FAULTED
    mount = bench.world.lane.mounts[1]
    assert not mount.lock.open and not mount.lock.made
    mount.lock.jammed = False
    assert bench.do(Opcode.UNLOCK, mount=1) is EchoState.REJECTED
    assert bench.do(Opcode.RESET) is EchoState.DONE
    assert bench.do(Opcode.UNLOCK, mount=1) is EchoState.DONE


def test_jog_only_in_manual_with_local_enable() -> None:
    bench = PlcBench()
    assert bench.do(Opcode.JOG, parameter_1=300) is EchoState.REJECTED
    bench.world.inputs.mode = RobotMode.MANUAL
    assert bench.do(Opcode.JOG, parameter_1=300) is EchoState.REJECTED
    bench.world.inputs.local_enable = Signal.TRUE
    before = bench.world.robot.x.position_mm
    assert bench.do(Opcode.JOG, parameter_1=300, parameter_2=-50) is EchoState.DONE
    assert bench.world.robot.x.position_mm == pytest.approx(before + 300)
    assert bench.do(Opcode.HOME) is EchoState.DONE  # every verb, one at a time, while somebody holds the enable
    bench.world.inputs.local_enable = Signal.FALSE
    assert bench.do(Opcode.HOME) is EchoState.REJECTED


def test_stop_latency_is_from_the_scan_to_the_write() -> None:
    bench = moving()
    bench.world.inputs.zone_clear = Signal.FALSE
    bench.run(0.01, armed=False)
    bench.now_s += 0.04
    bench.write(permits=ALL)
    assert len(bench.plc.dangers.unanswered) == 1
    bench.write(permits=0)
    assert bench.plc.dangers.stop_latencies_s == [pytest.approx(0.04)]
    assert not bench.plc.dangers.unanswered


def test_contactor_is_a_danger_only_to_handling() -> None:
    bench = moving()
    bench.plc.dangers.note("contactor", bench.now_s, MotionClass.UNLOCK)
    assert bench.plc.dangers.dangers == []
    bench.plc.dangers.note("contactor", bench.now_s, MotionClass.TRAVEL)
    assert [d.kind for d in bench.plc.dangers.unanswered] == ["contactor"]


def test_danger_while_nothing_is_permitted_is_none() -> None:
    bench = PlcBench()
    bench.world.inputs.fire_clear = Signal.FALSE
    bench.run(0.1, armed=False)
    assert bench.plc.dangers.dangers == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([Opcode.MOVE_TO, Opcode.HOME, Opcode.STOP])), max_size=40))
def test_no_sequence_ever_starts_twice(writes: list[tuple[int, Opcode]]) -> None:
    """Any order of repeated, old and new sequence numbers."""
    bench = PlcBench()
    for sequence, opcode in writes:
        bench.write(sequence=sequence, opcode=opcode, destination=1 + sequence % 4)
        bench.run(0.05, armed=False)
    assert all(n == 1 for n in bench.plc.motions.values())
    started = [s for s, _ in bench.plc.motions]
    assert started == sorted(started)
