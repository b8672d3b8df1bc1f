"""Second sources: one thing measured twice, by parts that do not fail together; and the truck that is held."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from drivers.pack_status import PackIdentity, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import BaySensors, MotionClass, MountSensors, Opcode, RobotCommand
from station_ctl.model.places import bay
from station_ctl.model.state import StationState
from station_ctl.safety import inputs
from station_ctl.safety.cells import voltage_gap_v
from tests.safety.test_inputs import (
    NOW,
    UNLOCK,
    F,
    N,
    T,
    U,
    bad,
    good,
    guard,
    pack,
    robot,
    scene,
    snapshot,
    truck,
    value,
)


def test_a_pack_voltage_is_compared_with_the_sum_of_its_cells() -> None:
    told = {"m1": pack(0xA1, pack_voltage_v=good(566.4, 0.2), cell_voltages_v=good((3.2,) * 177, 29.9))}
    found, age_s = inputs.READERS["installed_voltage_gap_v"](scene(snapshot(**told), installed={1: "a"}))
    assert found == pytest.approx(0.0, abs=1e-9)
    assert age_s == pytest.approx(0.2)
    one_missing = {"m1": pack(0xA1, pack_voltage_v=good(566.4), cell_voltages_v=good((3.2,) * 173 + (0.0,) * 4))}
    assert value("installed_voltage_gap_v", snapshot(**one_missing), installed={1: "a"}) == pytest.approx(12.8)
    assert value("installed_voltage_gap_v", snapshot(**one_missing), installed={2: "a"}) == pytest.approx(0.4)
    assert value("installed_voltage_gap_v", snapshot(**one_missing)) == 0.0
    doubted = {"m1": pack(0xA1, cell_voltages_v=Reading((3.2,) * 177, Quality.UNTRUSTED, NOW))}
    assert math.isnan(value("installed_voltage_gap_v", snapshot(**doubted), installed={1: "a"}))


@pytest.mark.parametrize("chemistry", [3, 6, 8])
def test_without_cell_voltages_no_pack_has_more_than_its_cells_times_the_highest(chemistry: int) -> None:
    cell_v = {3: 3.2, 6: 3.6, 8: 2.3}[chemistry]
    identity = good(PackIdentity("SIMP-00000001", chemistry, 302.0, 100 * cell_v, 10))
    base = pack(1, identity=identity, cell_voltages_v=good((cell_v,) * 100, 30.1), cell_voltage_max_v=good(cell_v))
    assert voltage_gap_v(replace(base, pack_voltage_v=good(100 * cell_v - 50.0)), NOW)[0] == 0.0
    assert voltage_gap_v(replace(base, pack_voltage_v=good(100 * cell_v + 20.0)), NOW)[0] == pytest.approx(20.0)
    assert math.isnan(voltage_gap_v(replace(base, cell_voltage_max_v=bad(Quality.NOT_AVAILABLE)), NOW)[0])
    assert math.isnan(voltage_gap_v(replace(base, pack_voltage_v=bad(Quality.NOT_AVAILABLE)), NOW)[0])
    strange = good(PackIdentity("SIMP-00000001", 99, 302.0, 320.0, 10))
    assert math.isnan(voltage_gap_v(replace(base, identity=strange), NOW)[0])
    assert math.isnan(voltage_gap_v(replace(base, identity=bad(Quality.NOT_AVAILABLE)), NOW)[0])


LIFT_MOUNT = RobotCommand(6, Opcode.LIFT_FROM, source=101)
LOCKED, OPEN = MountSensors(T, T, F, T), MountSensors(T, F, T, F)


@pytest.mark.parametrize(
    ("load_kg", "sensors", "free"),
    [(0.0, LOCKED, T), (100.0, LOCKED, T), (100.1, LOCKED, F), (None, LOCKED, F), (1800.0, OPEN, T),
     (None, OPEN, T), (1800.0, MountSensors(T, U, T, F), U), (1800.0, MountSensors(T, F, N, F), N),
     (1800.0, MountSensors(T, F, F, F), F)],
)  # fmt: skip
def test_load_while_the_locks_are_not_open_means_that_the_truck_is_lifted(
    load_kg: float | None, sensors: MountSensors, free: Signal
) -> None:
    at = snapshot(robot(load_kg=load_kg, mounts=(sensors, *robot().mounts[1:])))
    assert value("lift_is_free", at, command=LIFT_MOUNT) is free
    assert value("lift_is_free", at, command=RobotCommand(6, Opcode.LIFT_FROM, source=1)) is T
    assert value("lift_is_free", at) is T


def test_a_truck_that_is_lifted_by_its_lock_trips() -> None:
    judge, state = guard(), StationState(pending=LIFT_MOUNT)
    assert not judge.judge(snapshot(robot(load_kg=90.0)), state, reset=False, engaged=True).latched
    decision = judge.judge(snapshot(robot(load_kg=900.0)), state, reset=False, engaged=True)
    assert (decision.first_out, decision.stop_category) == ("lifted_by_lock", 1)


@pytest.mark.parametrize("opcode", [Opcode.UNLOCK, Opcode.LOCK])
def test_locks_move_only_while_nothing_hangs_on_the_robot(opcode: Opcode) -> None:
    judge, command = guard(), RobotCommand(6, opcode, mount=1)
    assert judge.admit(snapshot(robot(load_kg=100.0)), StationState(), command) == ()
    (refusal,) = judge.admit(snapshot(robot(load_kg=101.0)), StationState(), command)
    assert refusal.startswith("load_on_gripper: load_kg is 101 kg (0 ms old), safe when load_kg <= 100 kg (by 20 kg")
    state = StationState(pending=command)
    decision = judge.judge(snapshot(robot(load_kg=1800.0)), state, reset=False, engaged=True)
    assert decision.first_out == "load_on_gripper"


def test_a_load_that_rings_about_its_limit_gives_no_permit_before_it_is_well_inside() -> None:
    judge, command = guard(), RobotCommand(6, Opcode.LOCK, mount=1)
    permits = []
    for load_kg in (99.0, 104.0, 97.0, 81.0, 80.0, 97.0):
        at = snapshot(robot(load_kg=load_kg))
        decision = judge.judge(at, StationState(), reset=False, engaged=False)
        permits.append(bool(decision.permits & MotionClass.LOCK))
        assert bool(judge.admit(at, StationState(), command)) != permits[-1]
    assert permits == [True, False, False, False, True, True]


def test_a_welded_contactor_is_seen_by_the_voltage_that_stays() -> None:
    """The pack says open, the truck's bus is dead, and the coupler is live all the same."""
    welded = {"m2": pack(0xA2, link_voltage_v=good(560.0), contactor_closed=good(F))}
    assert value("aboard_link_voltage_v", snapshot(**welded)) == 560.0
    (refusal,) = guard().admit(snapshot(**welded), StationState(), UNLOCK)
    assert refusal.startswith("pack_link_voltage_present: aboard_link_voltage_v is 560 V")
    parted = robot(mounts=(LOCKED, OPEN, robot().mounts[2]))
    assert value("aboard_link_voltage_v", snapshot(parted, **welded)) == 5.0
    assert math.isnan(value("aboard_link_voltage_v", snapshot(m1=PackStatus(0xA1))))


def test_a_bay_whose_coupler_stays_live_is_not_lifted_from() -> None:
    lift = RobotCommand(6, Opcode.LIFT_FROM, source=2)
    mated = robot(bays=tuple(BaySensors(T, T, T, T, F) for _ in range(24)))
    at = snapshot(mated)
    assert guard().admit(at, StationState(), lift) == ()
    live = replace(at, packs={**at.packs, bay(2): pack(0xB2, link_voltage_v=good(560.0))})
    (refusal,) = guard().admit(live, StationState(), lift)
    assert refusal.startswith("source_link_voltage_present: source_link_voltage_v is 560 V")
    unheard = replace(at, packs={**at.packs, bay(2): PackStatus(0xB2)})
    assert math.isnan(value("source_link_voltage_v", unheard, command=lift))
    assert value("source_link_voltage_v", live) == 0.0
    parted = snapshot(robot(bays=tuple(BaySensors(T, F, F, T, F) for _ in range(24))))
    assert value("source_link_voltage_v", replace(parted, packs=live.packs), command=lift) == 0.0


def test_what_an_analogue_value_is_of_changes_with_the_packs_looked_at() -> None:
    at = snapshot()
    assert inputs.SUBJECTS["aboard_temperature_c"](scene(at)) == 0b110
    parted = snapshot(robot(mounts=(OPEN, *robot().mounts[1:])))
    assert inputs.SUBJECTS["aboard_temperature_c"](scene(parted)) == 0b100
    assert inputs.SUBJECTS["installed_temperature_c"](scene(at, installed={1: "a", 2: "b"})) == 0b110
    lift = RobotCommand(6, Opcode.LIFT_FROM, source=2)
    assert inputs.SUBJECTS["source_link_voltage_v"](scene(at, lift)) == 2
    assert inputs.SUBJECTS["source_link_voltage_v"](scene(at)) == 0


# --- the truck is held for as long as it is worked at


@pytest.mark.parametrize("name", ["truck_present", "truck_in_position", "wheels_clamped"])
@pytest.mark.parametrize("signal", [F, U, N])
def test_a_truck_that_is_worked_at_has_to_stand_clamped_even_while_the_robot_waits(name: str, signal: Signal) -> None:
    at = snapshot(robot(**{name: signal}))
    decision = guard().judge(at, StationState(), reset=False, engaged=True, worked_at=True)
    assert decision.latched
    assert decision.first_out == "lane_not_safe"


@pytest.mark.parametrize("name", ["parking_brake", "swap_mode"])
@pytest.mark.parametrize("reading", [good(F), bad(Quality.UNTRUSTED), good(T, 2.01)])
def test_brake_and_swap_mode_are_watched_between_the_motions(name: str, reading: Reading[Signal]) -> None:
    at = snapshot(None, truck(**{name: reading}))
    waiting = guard().judge(at, StationState(), reset=False, engaged=True, worked_at=True)
    assert (waiting.latched, waiting.first_out) == (True, "truck_let_go")
    travel = StationState(pending=RobotCommand(6, Opcode.MOVE_TO, destination=2))
    assert guard().judge(at, travel, reset=False, engaged=True, worked_at=True).first_out == "truck_let_go"
    assert not guard().judge(at, travel, reset=False, engaged=True, worked_at=False).latched


def test_a_moment_without_the_truck_s_can_does_not_stop_a_travel_but_a_motion_at_the_truck() -> None:
    at = snapshot(None, truck(parking_brake=good(T, 1.9), swap_mode=good(T, 1.9)))
    travel = StationState(pending=RobotCommand(6, Opcode.MOVE_TO, destination=2))
    assert not guard().judge(at, travel, reset=False, engaged=True, worked_at=True).latched
    unlock = StationState(pending=UNLOCK)
    assert guard().judge(at, unlock, reset=False, engaged=True, worked_at=True).first_out == "parking_brake_off"
