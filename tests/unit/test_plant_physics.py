"""Sway, load cell, a truck that rolls, switches and gauges: plausible, seeded, and no matter how long a tick is."""

from __future__ import annotations

import random
from statistics import mean, stdev
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.reading import Signal
from drivers.robot_protocol import EchoResult, EchoState, Opcode
from hil.plant.load_cell import LoadCell
from hil.plant.movers import Axis
from hil.plant.oscillator import Oscillator
from hil.plant.pack import Pack
from hil.plant.robot import GantryRobot, Stage
from hil.plant.rolling import Rolling
from hil.plant.sensors import Gauges, Switches, Wear
from hil.plant.sway import CALM_LOADED_MM, Sway
from hil.plant.world import World
from tests.plc_bench import MAP, PlcBench, make_world

TICKS = st.lists(st.floats(0.001, 0.4), min_size=1, max_size=8)


def shown(bench: PlcBench) -> dict[str, Any]:
    return dict(MAP.block("status").decode(bench.plc.status(bench.now_s)).points)


def ground(speed: float = 1.0, **options: Any) -> PlcBench:
    return PlcBench(make_world(speed=speed, **options))


# -- sway ---------------------------------------------------------------------------------------


@given(TICKS)
@settings(deadline=None, max_examples=40)
def test_an_oscillator_is_exact_for_any_tick(ticks: list[float]) -> None:
    whole, parts = Oscillator(0.5, 0.08), Oscillator(0.5, 0.08)
    whole.x = parts.x = 40.0
    for tick in ticks:
        parts.advance(tick, 5.0)
    whole.advance(sum(ticks), 5.0)
    assert (parts.x, parts.speed) == pytest.approx((whole.x, whole.speed), abs=1e-2)


def travelled(x_mm: float, dt_s: float) -> Sway:
    x, y, sway = Axis(0.0, 1000.0, 500.0), Axis(0.0, 500.0, 250.0), Sway()
    left_s: float | None = None
    while left_s is None:
        left_s = x.drive(x_mm, dt_s)
        sway.follow(x, y, dt_s - (left_s or 0.0))
    return sway


@pytest.mark.parametrize("x_mm", [1600.0, 4800.0])
def test_sway_does_not_depend_on_ticks(x_mm: float) -> None:
    assert travelled(x_mm, 0.01).amplitude_mm == pytest.approx(travelled(x_mm, 0.37).amplitude_mm, abs=0.05)


def test_a_ramp_as_long_as_the_period_leaves_the_least_sway() -> None:
    full, short = travelled(4800.0, 0.01).amplitude_mm, travelled(800.0, 0.01).amplitude_mm
    assert 3.0 < full < 30.0 < short < 150.0


def test_sway_dies_down_and_is_waited_for() -> None:
    sway = travelled(800.0, 0.01)
    still = Axis(0.0, 1.0, 1.0)
    assert sway.amplitude_mm > CALM_LOADED_MM and sway.drive(CALM_LOADED_MM, 0.01) is None
    left_s = sway.drive(CALM_LOADED_MM, 60.0)
    assert left_s is not None
    sway.follow(still, still, 60.0 - left_s)
    assert sway.amplitude_mm == pytest.approx(CALM_LOADED_MM, abs=0.01)
    sway.follow(still, still, 60.0)
    assert sway.amplitude_mm < 0.01


def test_a_hard_stop_in_mid_travel_makes_the_load_swing() -> None:
    bench = ground(speed=5.0)
    bench.do(Opcode.MOVE_TO, destination=1)
    bench.do(Opcode.LIFT_FROM, source=1)
    bench.command(Opcode.MOVE_TO, destination=5)
    bench.run(0.8)
    before_mm = bench.world.robot.sway.amplitude_mm
    bench.world.inputs.estop_released = Signal.FALSE
    bench.run(0.2)
    assert bench.world.robot.still
    assert bench.world.robot.sway.amplitude_mm > 30.0 + before_mm
    assert bench.world.truth()["robot"]["sway_mm"] > 30.0


# -- load cell ----------------------------------------------------------------------------------


def lifted(dt_s: float = 0.01) -> list[float]:
    robot = GantryRobot(random.Random(1))
    robot.pack, robot.z.position_mm = Pack("TEST-00000001", 50.0, mass_kg=1150.0), 0.0
    robot.start([Stage(1, ((robot.z, 1000.0),))])
    felt = []
    for _ in range(round(2.5 / dt_s)):
        robot.advance(dt_s)
        felt.append(robot.load_kg)
    return felt


def test_the_load_comes_on_gradually_rings_and_settles() -> None:
    felt = lifted()
    assert felt[2] < 300.0
    assert max(felt) > 1150.0 * 1.03  # lifting speeds up, the ropes ring
    assert felt[-1] == pytest.approx(1150.0, abs=2.0)
    assert lifted(0.02)[-1] == pytest.approx(felt[-1], abs=2.0)


def test_the_cell_has_noise_whole_steps_and_never_less_than_nothing() -> None:
    cell = LoadCell(random.Random(3))
    empty = [cell.read_kg() for _ in range(500)]
    for _ in range(300):
        cell.advance(0.01, 1800.0)
    loaded = [cell.read_kg() for _ in range(500)]
    assert min(empty) == 0.0 and max(empty) < 20.0
    assert mean(loaded) == pytest.approx(1800.0, abs=5.0) and 1.0 < stdev(loaded) < 4.0
    assert all(kg % 2.0 == 0.0 for kg in loaded)


# -- a truck that rolls -------------------------------------------------------------------------


@given(TICKS)
@settings(deadline=None, max_examples=40)
def test_rolling_is_exact_for_any_tick(ticks: list[float]) -> None:
    whole, parts = Rolling(), Rolling()
    for tick in ticks:
        parts.advance(tick, braked=False, clamped=False)
    whole.advance(sum(ticks), braked=False, clamped=False)
    assert (parts.moved_mm, parts.speed_mm_s) == pytest.approx((whole.moved_mm, whole.speed_mm_s))


def faulty_brake(bench: PlcBench) -> None:
    assert bench.world.truck is not None
    bench.world.truck.faults.brake_slips = True


def test_an_unbraked_truck_rolls_out_of_position() -> None:
    bench = ground()
    faulty_brake(bench)
    bench.run(0.3)
    assert shown(bench)["truck_in_position"] == Signal.FALSE  # it moves, though still within tolerance
    bench.run(3.0)
    points = shown(bench)
    assert points["truck_in_position"] == Signal.FALSE and points["truck_y_error_mm"] > 90
    assert bench.do(Opcode.CLAMP) is EchoState.REJECTED
    assert bench.world.truck is not None and bench.world.truck.parking_brake  # as its own switch says
    assert [e["kind"] for e in bench.world.ledger.events] == ["truck_rolls"]


def test_clamps_hold_a_truck_without_a_brake() -> None:
    bench = ground()
    assert bench.do(Opcode.CLAMP) is EchoState.DONE
    faulty_brake(bench)
    bench.run(5.0)
    assert bench.world.lane.rolling.moved_mm == 0.0 and bench.world.lane.in_position


def test_broken_clamps_lose_the_truck_and_the_robot_its_aim() -> None:
    bench = ground(speed=5.0)
    bench.do(Opcode.CLAMP)
    assert bench.do(Opcode.MOVE_TO, destination=101) is EchoState.DONE
    faulty_brake(bench)
    bench.world.lane.rolling.despite_clamps = True
    bench.run(0.2)
    assert bench.world.truck is not None
    bench.world.truck.faults.brake_slips = False
    bench.run(0.3)
    lane = bench.world.lane
    assert lane.rolling.standing and 10.0 < lane.rolling.moved_mm < 50.0 and lane.parking.good
    assert not lane.in_position and lane.clamps.made  # the robot was told another place
    assert bench.do(Opcode.UNLOCK, mount=1) is EchoState.REJECTED and bench.echo[2] is EchoResult.SENSOR_MISMATCH
    assert not bench.world.robot.at(lane.mounts[1].x_mm, lane.mounts[1].y_mm)
    assert [e["kind"] for e in bench.world.ledger.events] == ["truck_rolls", "truck_rolled"]
    lane.rolling.despite_clamps, bench.world.truck.swap_mode = False, True  # it does not drive away
    assert bench.do(Opcode.HOME) is EchoState.DONE and bench.do(Opcode.RELEASE) is EchoState.DONE
    assert lane.in_position  # it stands within tolerance and can be measured anew


def test_a_released_brake_is_told_by_the_truck() -> None:
    bench = ground()
    assert bench.world.truck is not None
    bench.world.truck.faults.brake_released = True
    bench.run(0.2)
    assert not bench.world.truck.parking_brake and not bench.world.lane.rolling.standing


# -- switches and gauges ------------------------------------------------------------------------


def test_a_switch_is_late_and_filters_what_is_shorter() -> None:
    worn: dict[str, Wear] = {}
    switches = Switches(("locked",), (False,), random.Random(1), worn)
    switches.follow((True,), 10.0, forgotten=False)
    switches.settle(10.005)
    assert switches.shown == (Signal.FALSE,) and switches.settling
    switches.follow((False,), 10.008, forgotten=False)
    for ms in range(9, 60):
        switches.settle(10.0 + ms / 1000)
        assert switches.shown == (Signal.FALSE,)
    switches.follow((True,), 11.0, forgotten=False)
    switches.settle(11.04)
    assert switches.shown == (Signal.TRUE,) and not switches.settling


def test_a_worn_switch_chatters_and_is_later() -> None:
    switches = Switches(("locked",), (False,), random.Random(1), {"locked": Wear(chatter_s=0.3)})
    switches.follow((True,), 10.0, forgotten=False)
    seen = []
    for ms in range(0, 400, 10):
        switches.settle(10.0 + ms / 1000)
        seen.append(switches.shown[0])
    assert {Signal.TRUE, Signal.FALSE} == set(seen[:25]) and set(seen[-5:]) == {Signal.TRUE}


def test_locking_is_seen_by_the_plc_a_little_later() -> None:
    bench = ground()
    assert bench.do(Opcode.UNLOCK, mount=1) is EchoState.DONE
    place, late = bench.world.lane.mounts[1], 0
    bench.run(0.2)
    bench.command(Opcode.LOCK, mount=1)
    for _ in range(500):
        bench.run(0.01)
        mount = MAP.block("status").decode(bench.plc.status(bench.now_s)).groups["mount"][0]
        late += place.lock.made and mount[1] != Signal.TRUE
    assert 1 <= late <= 4


@pytest.mark.parametrize("seed", range(6))
def test_a_coupler_says_that_it_parts_before_the_pack_falls_silent(seed: int) -> None:
    """Else the interlock would miss the word of a pack that seems to be mated."""
    bench = ground(seed=seed)
    mount = bench.world.lane.mounts[1]
    assert mount.pack is not None
    bench.run(0.5)
    bench.command(Opcode.UNLOCK, mount=1)
    silent_s = shown_s = 0.0
    for n in range(60):
        bench.run(0.01)
        silent_s = silent_s or (0.0 if mount.pack.talking else n / 100)
        seen = MAP.block("status").decode(bench.plc.status(bench.now_s)).groups["mount"][0][3]
        shown_s = shown_s or (0.0 if seen == Signal.TRUE else n / 100)
    assert 0.0 < shown_s <= silent_s - 0.05


def test_gauges_have_noise_steps_and_faults() -> None:
    worn: dict[str, Wear] = {}
    gauges = Gauges(random.Random(5), worn)
    healthy = [gauges.show("truck_x_error_mm", 10.2) for _ in range(300)]
    assert set(healthy) <= {9.0, 10.0, 11.0, 12.0} and len(set(healthy)) > 1
    worn["truck_x_error_mm"] = Wear(offset=25.0)
    assert gauges.show("truck_x_error_mm", 10.2) > 30.0
    worn["truck_x_error_mm"] = Wear(frozen=True)
    assert gauges.show("truck_x_error_mm", 7.0) == gauges.show("truck_x_error_mm", 70.0)
    worn["load_kg"] = Wear(noise=200.0)
    assert stdev(gauges.show("load_kg", 1800.0) for _ in range(200)) > 100.0


def test_a_worn_load_cell_reaches_the_registers() -> None:
    bench = ground()
    assert shown(bench)["load_kg"] < 20
    bench.world.panel.wear("load_kg", Wear(offset=800.0))
    assert 780 < shown(bench)["load_kg"] < 820
    bench.world.panel.wear("load_kg", None)
    assert shown(bench)["load_kg"] < 20
    assert bench.world.panel.known("mount.3.mated") and not bench.world.panel.known("mount.x.mated")


def history(seed: int) -> list[tuple[int, ...]]:
    bench = ground(speed=5.0, seed=seed)
    bench.command(Opcode.MOVE_TO, destination=5)
    told = []
    for _ in range(40):
        bench.run(0.05)
        told.append(bench.plc.status(bench.now_s))
    return told


def test_the_same_seed_gives_the_same_registers() -> None:
    assert history(4) == history(4) != history(5)


def run_at(dt_s: float) -> World:
    """A truck with its packs that arrives, in ticks of this length."""
    world = make_world(speed=1.0, truck=True)
    for _ in range(round(3.0 / dt_s)):
        world.advance(dt_s)
    return world


def test_packs_wake_up_at_the_same_time_whatever_the_tick() -> None:
    fine, coarse = run_at(0.01), run_at(0.1)
    assert [p.talking for p in fine.packs()] == [p.talking for p in coarse.packs()] == [True] * 6
    assert [p.temperature_c for p in fine.packs()] == pytest.approx([p.temperature_c for p in coarse.packs()])
