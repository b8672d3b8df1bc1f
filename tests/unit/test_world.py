"""The plant: motion, locks, packs that are always in exactly one place, the lane, and the accounts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.robot_protocol import EchoResult, EchoState, Opcode
from drivers.truck_status import TruckRequest
from hil.plant.lane import Driving, Parking
from hil.plant.movers import Actuator, Axis
from hil.plant.pack import Pack
from hil.plant.places import PINS
from hil.plant.truck import Truck
from hil.plant.world import World
from tests.plc_bench import VIN, PlcBench, make_world


@settings(deadline=None)
@given(st.floats(-20000, 20000), st.lists(st.floats(0.001, 2.0), min_size=1, max_size=20))
def test_axis_arrival_does_not_depend_on_ticks(target: float, ticks: list[float]) -> None:
    whole, parts = Axis(0.0, 1000.0, 500.0), Axis(0.0, 1000.0, 500.0)
    left = whole.drive(target, 100.0)
    assert left is not None and whole.position_mm == target
    spent = rest = 0.0
    done: float | None = None
    while done is None:
        dt_s = ticks[int(rest) % len(ticks)]
        rest += 1
        done = parts.drive(target, dt_s)
        spent += dt_s
        assert abs(parts.speed_mm_s) <= 1000.001
    assert spent - done == pytest.approx(100.0 - left, abs=1e-3)


def test_axis_keeps_to_its_trapezoid() -> None:
    axis = Axis(0.0, 1000.0, 500.0)
    left = axis.drive(4800.0, 60.0)
    assert left is not None
    assert 60.0 - left == pytest.approx(4.8 + 2.0)  # d / v + v / a


def test_axis_stopped_on_its_way_ramps_down_and_goes_on() -> None:
    axis = Axis(0.0, 1000.0, 500.0)
    axis.drive(8000.0, 3.0)
    at = axis.position_mm
    axis.brake(1.0, hard=False)
    assert axis.speed_mm_s == pytest.approx(500.0)
    axis.brake(5.0, hard=False)
    assert axis.still and axis.position_mm == pytest.approx(at + 1000.0)
    assert axis.drive(0.0, 60.0) is not None and axis.position_mm == 0.0


def test_actuator_between_its_switches_makes_neither() -> None:
    lock = Actuator(1.0, 2.0)
    assert lock.drive(0.0, 1.0) is None
    assert not lock.made and not lock.open
    assert lock.drive(0.0, 1.5) == pytest.approx(0.5) and lock.open


def swap(bench: PlcBench, mount: int, free: int, chosen: int) -> None:
    at = 100 + mount
    for opcode, fields in (
        (Opcode.MOVE_TO, {"destination": at}),
        (Opcode.UNLOCK, {"mount": mount}),
        (Opcode.LIFT_FROM, {"source": at}),
        (Opcode.MOVE_TO, {"destination": free}),
        (Opcode.PLACE_TO, {"destination": free}),
        (Opcode.MOVE_TO, {"destination": chosen}),
        (Opcode.LIFT_FROM, {"source": chosen}),
        (Opcode.MOVE_TO, {"destination": at}),
        (Opcode.PLACE_TO, {"destination": at}),
        (Opcode.LOCK, {"mount": mount}),
    ):
        assert bench.do(opcode, **fields) is EchoState.DONE, (opcode, bench.echo)


def truck_does(bench: PlcBench, request: TruckRequest) -> None:
    truck = bench.world.truck
    assert truck is not None
    truck.request = request
    bench.run(0.02)
    while truck.busy:
        bench.run(0.02)


def test_two_packs_are_swapped_within_the_legal_time() -> None:
    world = make_world(truck=False, speed=20.0)
    bench = PlcBench(world)
    packs = {n: Pack(f"TRUK-{n:08d}", 10.0) for n in (1, 2)}
    world.arrive(Truck(VIN, packs), Parking(0.0, 0.0, 0.0))
    bench.run(0.4)
    assert bench.do(Opcode.CLAMP) is EchoState.DONE
    truck_does(bench, TruckRequest.ISOLATE)
    swap(bench, 1, free=5, chosen=1)
    swap(bench, 2, free=6, chosen=2)
    assert bench.do(Opcode.HOME) is EchoState.DONE
    truck_does(bench, TruckRequest.RECONNECT)
    truck_does(bench, TruckRequest.LEAVE)
    assert bench.do(Opcode.RELEASE) is EchoState.DONE
    bench.run(0.5)
    truth = world.truth()
    assert truth["departed"] == [{"vin": VIN, "packs": {1: "SIMP-00000001", 2: "SIMP-00000002"}}]
    assert truth["bays"][5] == "TRUK-00000001" and truth["bays"][1] is None and truth["violations"] == []
    visit = world.ledger.visits[0]
    assert 230 < visit.acting_s * world.speed < 300
    assert visit.duration_s is not None and visit.acting_s <= visit.duration_s


def everywhere(world: World) -> list[str]:
    return sorted(p.serial for p in world.packs())


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_each_pack_is_always_in_exactly_one_place(data: st.DataObject) -> None:
    """Any verbs in any order, with stops and power cuts in the middle."""
    bench = PlcBench(make_world(speed=20.0))
    before = everywhere(bench.world)
    verbs = st.sampled_from(
        [Opcode.MOVE_TO, Opcode.LIFT_FROM, Opcode.PLACE_TO, Opcode.UNLOCK, Opcode.LOCK, Opcode.STOP]
    )
    places = st.sampled_from([1, 2, 5, 6, 101, 102])
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(places)
        bench.command(data.draw(verbs), source=place, destination=place, mount=place % 100 if place > 100 else 1)
        bench.run(data.draw(st.sampled_from([0.05, 0.3, 1.0, 2.0])))
        if data.draw(st.integers(0, 5)) == 0:
            bench.plc.power_cut()
            bench.plc.power_return()
        assert everywhere(bench.world) == before
        for p in bench.world.bays.values():
            between = PINS <= p.coupler.position < 1.0  # a stop there leaves the pins as they were
            assert p.pack is None or between or p.pack.mated == p.coupler.made


@pytest.mark.parametrize(
    ("opcode", "fields"),
    [
        (Opcode.LIFT_FROM, {"source": 1}),  # the robot is not there
        (Opcode.PLACE_TO, {"destination": 1}),
        (Opcode.LOCK, {"mount": 0}),
    ],
)
def test_what_the_sensors_contradict_is_refused(opcode: Opcode, fields: dict[str, int]) -> None:
    bench = PlcBench()
    assert bench.do(opcode, **fields) is EchoState.REJECTED
    assert bench.echo[2] in (EchoResult.SENSOR_MISMATCH, EchoResult.BAD_LOCATION) and bench.started == 0


def test_impossible_handling_is_refused() -> None:
    bench = PlcBench()
    bench.do(Opcode.MOVE_TO, destination=5)
    assert bench.do(Opcode.LIFT_FROM, source=5) is EchoState.REJECTED  # empty
    assert bench.do(Opcode.PLACE_TO, destination=5) is EchoState.REJECTED  # nothing held
    bench.do(Opcode.MOVE_TO, destination=101)
    assert bench.do(Opcode.LIFT_FROM, source=101) is EchoState.REJECTED  # locked
    bench.do(Opcode.MOVE_TO, destination=1)
    assert bench.do(Opcode.LIFT_FROM, source=1) is EchoState.DONE
    bench.do(Opcode.MOVE_TO, destination=2)
    assert bench.do(Opcode.LIFT_FROM, source=2) is EchoState.REJECTED  # gripper full
    assert bench.do(Opcode.PLACE_TO, destination=2) is EchoState.REJECTED  # occupied


def test_verbs_are_idempotent() -> None:
    bench = PlcBench()
    for opcode, fields in (
        (Opcode.MOVE_TO, {"destination": 1}),
        (Opcode.LIFT_FROM, {"source": 1}),
        (Opcode.MOVE_TO, {"destination": 5}),
        (Opcode.PLACE_TO, {"destination": 5}),
        (Opcode.UNLOCK, {"mount": 2}),
        (Opcode.LOCK, {"mount": 2}),
        (Opcode.CLAMP, {}),
        (Opcode.RELEASE, {}),
    ):
        assert bench.do(opcode, **fields) is EchoState.DONE
        before = bench.world.clock_s
        assert bench.do(opcode, **fields) is EchoState.DONE
        assert bench.world.clock_s - before < 0.15  # nothing moved, nothing took time


@pytest.mark.parametrize("seconds", [1.0, 6.0, 10.0, 11.5, 13.0, 15.0, 21.0])
def test_place_stopped_anywhere_is_finished_when_asked_again(seconds: float) -> None:
    bench = PlcBench(make_world(speed=5.0))
    for opcode, fields in ((Opcode.MOVE_TO, {"destination": 1}), (Opcode.LIFT_FROM, {"source": 1})):
        assert bench.do(opcode, **fields) is EchoState.DONE
    bench.do(Opcode.MOVE_TO, destination=5)
    bench.command(Opcode.PLACE_TO, destination=5)
    bench.run(seconds / 5)
    bench.command(Opcode.STOP)
    bench.run(0.4)
    assert bench.do(Opcode.PLACE_TO, destination=5) is EchoState.DONE
    pack = bench.world.bays[5].pack
    assert pack is not None and pack.mated and bench.world.robot.raised


def test_truck_out_of_position_reparks() -> None:
    world = make_world(truck=False, speed=10.0)
    world.arrive(Truck(VIN, {1: Pack("TRUK-00000001", 10.0)}), Parking(80.0, 0.0, 0.0))
    world.advance(0.6)
    assert world.lane.present and not world.lane.in_position
    world.repark()
    assert world.lane.driving is Driving.REPARKING
    for _ in range(20):
        world.advance(0.1)
    assert world.lane.in_position and world.ledger.visits[0].person_s > 1.4


def test_a_truck_that_is_not_clamped_drives_off_as_it_came() -> None:
    world = make_world(truck=False, speed=10.0)
    world.arrive(Truck(VIN, {1: Pack("TRUK-00000001", 10.0)}))
    world.advance(0.6)
    assert world.lane.present
    world.drive_off()
    for _ in range(10):
        world.advance(0.1)
    assert world.truck is None and [p.serial for p in world.lane.departed[0].packs.values()] == ["TRUK-00000001"]


def test_truck_cannot_be_moved_while_clamped() -> None:
    bench = PlcBench()
    bench.do(Opcode.CLAMP)
    with pytest.raises(ValueError, match="could move"):
        bench.world.repark()
    with pytest.raises(ValueError, match="could move"):
        bench.world.drive_off()
    with pytest.raises(ValueError, match="in the lane"):
        bench.world.arrive(Truck(VIN, {}))


def test_live_coupler_and_loose_departure_are_noticed() -> None:
    bench = PlcBench()
    bench.do(Opcode.CLAMP)
    assert bench.do(Opcode.UNLOCK, mount=1) is EchoState.DONE  # never isolated
    assert bench.do(Opcode.RELEASE) is EchoState.DONE
    bench.run(1.0)
    said = [v["what"] for v in bench.world.ledger.violations]
    assert any("closed contactor" in s for s in said) and any("unlocked" in s for s in said)


def test_same_seed_same_run() -> None:
    def run(seed: int) -> tuple[float, float]:
        world = make_world(seed=seed, truck=False)
        world.arrive(Truck(VIN, {1: Pack("TRUK-00000001", 10.0)}))
        world.advance(1.0)
        return world.lane.parking.x_error_mm, world.robot.load_cell.read_kg()

    assert run(7) == run(7) != run(8)
