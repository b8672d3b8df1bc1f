"""What a harness can break in the plant, by the verbs of `station-hil sim`."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.reading import Signal
from hil.peers.robot_plc import RobotPlc
from hil.plant.charger import Charger
from hil.plant.meter import Meter
from hil.plant.sensors import Wear
from hil.sim_args import RequestError
from hil.sim_bench import Bench
from hil.sim_commands import answer
from tests.plc_bench import MAP, make_world
from tests.support import run


def bench(truck: bool = True) -> Bench:
    world = make_world(truck=truck)
    return Bench(world, RobotPlc(world, MAP))


def ask(there: Bench, do: str, **arguments: Any) -> dict[str, Any]:
    return run(answer(there, {"do": do, **arguments}))


@pytest.mark.parametrize("where", [{"bay": 2}, {"serial": "SIMP-00000002"}])
def test_a_runaway_is_started_by_place_or_serial(where: dict[str, Any]) -> None:
    there = bench()
    assert ask(there, "thermal_runaway", **where, short_w=9000, alarm_s=10)["serial"] == "SIMP-00000002"
    for _ in range(200):
        there.world.advance(0.05)
    pack = there.world.bays[2].pack
    assert pack is not None and pack.faults.thermal_event is Signal.TRUE
    with pytest.raises(RequestError, match="already"):
        ask(there, "thermal_runaway", **where)


def test_a_charger_and_the_meters_can_break() -> None:
    there = bench(truck=False)
    electrics = there.world.electrics
    electrics.fit(2, Charger())
    electrics.meters[2], electrics.grid_meter = Meter(21, energy_in_wh=900.0), Meter(1)
    ask(there, "charger_fault", bay=2, fault="derating", value=0.5)
    ask(there, "charger_fault", bay=2, fault="runs_on")
    assert (electrics.chargers[2].share, electrics.chargers[2].faults.runs_on) == (0.5, True)
    ask(there, "meter_fault", bay=2, fault="frozen")
    ask(there, "meter_fault", fault="gain", value=1.1)
    assert electrics.meters[2].faults.frozen and electrics.grid_meter.faults.gain == 1.1
    ask(there, "meter_reset", bay=2)
    assert (electrics.meters[2].serial, electrics.meters[2].energy_in_wh) == (21, 0.0)
    ask(there, "meter_reset", bay=2, serial=22)
    assert electrics.meters[2].serial == 22
    assert there.world.truth()["chargers"][2]["mode"] == "OFF" and there.world.truth()["metered_wh"] == {2: 0.0}
    with pytest.raises(RequestError, match="bay 3 has no charger"):
        ask(there, "charger_fault", bay=3, fault="mute")


def test_a_brake_can_slip_or_be_released_and_be_mended() -> None:
    there = bench()
    assert there.world.truck is not None
    ask(there, "brake", applied=False)
    there.world.advance(0.05)
    assert not there.world.truck.parking_brake and not there.world.lane.rolling.standing
    ask(there, "brake")
    there.world.advance(0.05)
    there.world.advance(0.05)
    assert there.world.truck.parking_brake and there.world.lane.rolling.standing
    ask(there, "brake", holds=False)
    there.world.advance(0.05)
    assert there.world.truck.parking_brake and not there.world.lane.rolling.standing


def test_a_truck_rolls_at_the_speed_asked_for_until_it_is_stopped() -> None:
    there = bench()
    ask(there, "roll", speed_mm_s=-25.0, despite_clamps=True)
    there.world.lane.clamps.position = 1.0
    for _ in range(4):
        there.world.advance(0.05)
    assert there.world.lane.rolling.speed_mm_s == -25.0 and there.world.lane.parking.y_error_mm < -20.0
    ask(there, "roll", speed_mm_s=0)
    there.world.advance(0.05)
    there.world.advance(0.05)
    assert there.world.lane.rolling.standing
    assert there.world.truth()["truck"]["moved_mm"] < -50.0


def test_a_sensor_wears_and_is_mended() -> None:
    there = bench()
    ask(there, "wear", name="bay.3.locked", chatter_s=0.2, delay_s=0.1)
    ask(there, "wear", name="load_kg", noise=50, offset=-3)
    assert there.world.panel.worn == {
        "bay.3.locked": Wear(delay_s=0.1, chatter_s=0.2),
        "load_kg": Wear(noise=50.0, offset=-3.0),
    }
    ask(there, "wear", name="load_kg", mended=True)
    assert list(there.world.panel.worn) == ["bay.3.locked"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"do": "wear", "name": "zone_clear"}, "no sensor 'zone_clear'"),
        ({"do": "wear", "name": "load_kg", "noise": -1}, "0 or more"),
        ({"do": "thermal_runaway", "bay": 7}, "no pack"),
        ({"do": "thermal_runaway", "bay": 2, "alarm_s": 400}, "38031"),
        ({"do": "thermal_runaway", "bay": 2, "alarms": 4}, "nearest: alarm_s"),
        ({"do": "jam_lock", "mount": 3}, "there is no mount 3"),
        ({"do": "pack_fault", "serial": "NONE-00000000", "fault": "mute"}, "NONE-00000000"),
    ],
)
def test_what_cannot_be_broken_is_refused(request_: dict[str, Any], said: str) -> None:
    there = bench()
    with pytest.raises(RequestError, match=said):
        run(answer(there, request_))
    assert there.world.panel.worn == {} and there.world.truth()["runaways"] == {}


@pytest.mark.parametrize("verb", ["roll", "brake", "truck_fault"])
def test_without_a_truck_nothing_rolls(verb: str) -> None:
    with pytest.raises(RequestError, match="no truck"):
        ask(bench(truck=False), verb)
