"""The plant's pack and truck behave as a real pack and truck would."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean

import pytest

from drivers.dbc import catalogue
from drivers.reading import Signal
from drivers.truck_status import SelfTest, TruckRequest
from hil.peers.pack_encode import ENCODERS
from hil.plant.pack import Pack
from hil.plant.runaway import Phase, Runaway
from hil.plant.truck import Truck
from tests.plc_bench import make_world

VIN = "LZZ1CLSB8NA123456"


def pack(number: int = 1, soc_pct: float = 50.0) -> Pack:
    return Pack(f"CATL-{number:08d}", soc_pct)


def truck(mounts: int = 2) -> Truck:
    packs = {mount: pack(mount) for mount in range(1, mounts + 1)}
    for mount, each in packs.items():
        each.mate(0x80 + mount)
    return Truck(VIN, packs)


def advance(which: Truck, seconds: float, dt_s: float = 0.05) -> None:
    for _ in range(round(seconds / dt_s)):
        which.advance(dt_s)
        for each in which.packs.values():
            each.advance(dt_s)


def test_the_bms_talks_only_while_mated_and_awake() -> None:
    one = pack()
    one.advance(10.0)
    assert not one.talking
    one.mate(0x91)
    one.advance(0.2)
    assert not one.talking
    one.advance(0.15)
    assert one.talking
    one.faults.mute = True
    assert not one.talking
    one.faults.mute = False
    one.part()
    assert not one.talking
    assert one.address is None


def test_voltage_is_that_of_177_lfp_cells() -> None:
    voltages = [pack(soc_pct=soc).voltage_v for soc in (0.0, 10.0, 50.0, 90.0, 100.0)]
    assert voltages == sorted(voltages)
    assert voltages[0] == pytest.approx(2.49 * 177, rel=0.002)
    assert voltages[2] == pytest.approx(3.25124 * 177, rel=0.0002)
    charged = pack(soc_pct=50.0)
    charged.lag.branch = 1.0
    assert charged.voltage_v == pytest.approx(3.28182 * 177, rel=0.0002)
    assert len(pack().cell_voltages_v()) == 177


def test_charging_moves_charge_and_heat() -> None:
    one = pack(soc_pct=20.0)
    one.contactor_closed, one.current_a = True, 151.0
    for _ in range(3600):
        one.advance(1.0)
    assert one.soc_pct == pytest.approx(20.0 + 151.0 / one.capacity_ah * 100.0, abs=0.01)
    assert one.temperature_c > one.ambient_c
    assert one.link_voltage_v == one.voltage_v


def test_no_current_flows_through_an_open_contactor_and_the_link_discharges() -> None:
    one = pack()
    one.contactor_closed = True
    one.advance(0.1)
    one.contactor_closed, one.current_a = False, 50.0
    for _ in range(40):
        one.advance(0.05)
    assert one.current_a == 0.0
    assert one.link_voltage_v < 60.0


@pytest.mark.parametrize("serial", ["CATL-123", "CATL00000001x", "CATL-0000000x"])
def test_a_serial_that_brm_cannot_carry_is_refused(serial: str) -> None:
    with pytest.raises(ValueError, match="eight digits"):
        Pack(serial, 50.0)


def test_isolating_takes_about_two_seconds() -> None:
    one = truck()
    assert one.bus_voltage_v > 500.0
    assert all(one.contactor_closed(mount) and one.packs[mount].contactor_closed for mount in (1, 2))
    one.request = TruckRequest.ISOLATE
    assert one.busy
    advance(one, 0.1)
    assert one.swap_mode
    assert not one.hv_off
    advance(one, 0.5)
    assert one.hv_off
    assert not any(one.contactor_closed(mount) or one.packs[mount].contactor_closed for mount in (1, 2))
    assert one.busy
    advance(one, 1.4)
    assert one.bus_voltage_v < 60.0
    assert one.packs[1].link_voltage_v < 60.0
    assert not one.busy


def test_reconnecting_runs_the_self_test_then_the_truck_may_leave() -> None:
    one = truck()
    one.request = TruckRequest.ISOLATE
    advance(one, 3.0)
    one.request = TruckRequest.LEAVE
    advance(one, 3.0)
    assert one.swap_mode  # without high voltage it cannot leave
    one.request = TruckRequest.RECONNECT
    advance(one, 3.0)
    assert one.self_test is SelfTest.RUNNING
    assert one.busy
    assert one.contactor_closed(1)
    advance(one, 8.0)
    assert one.self_test is SelfTest.PASSED
    assert not one.busy
    one.request = TruckRequest.LEAVE
    advance(one, 1.0)
    assert not one.swap_mode
    assert not one.busy


@pytest.mark.parametrize("fault", ["empty", "unlocked", "parted", "electric"])
def test_the_self_test_fails_on_what_is_not_right_and_can_be_repeated(fault: str) -> None:
    one = truck()
    one.request = TruckRequest.ISOLATE
    advance(one, 3.0)
    taken = one.packs[2]
    if fault == "empty":
        del one.packs[2]
    elif fault == "unlocked":
        one.locked[2] = False
    elif fault == "parted":
        taken.part()
    else:
        one.faults.self_test_fails = True
    one.request = TruckRequest.RECONNECT
    advance(one, 12.0)
    assert one.self_test is SelfTest.FAILED
    assert one.hv_off
    assert not one.busy
    assert not one.contactor_closed(2)
    one.packs[2], one.locked[2], one.faults.self_test_fails = taken, True, False
    taken.mate(0x82)
    one.request = TruckRequest.NONE
    advance(one, 0.1)
    one.request = TruckRequest.RECONNECT
    advance(one, 12.0)
    assert one.self_test is SelfTest.PASSED


def test_a_welded_contactor_keeps_the_bus_live() -> None:
    one = truck()
    one.packs[2].faults.contactor_welded = True
    one.request = TruckRequest.ISOLATE
    advance(one, 5.0)
    assert one.contactor_closed(2)
    assert one.bus_voltage_v > 500.0
    assert one.busy


def test_a_deaf_truck_does_nothing_and_is_not_busy() -> None:
    one = truck()
    one.faults.deaf = True
    one.request = TruckRequest.ISOLATE
    advance(one, 3.0)
    assert not one.swap_mode
    assert not one.busy


def test_a_loaded_pack_sags_and_recovers_slowly() -> None:
    one = pack(soc_pct=50.0)
    rested_v = one.voltage_v
    one.contactor_closed, one.current_a = True, -200.0
    one.advance(0.1)
    at_once_v = one.voltage_v
    for _ in range(120):
        one.advance(1.0)
    later_v = one.voltage_v
    one.current_a = 0.0
    one.advance(0.1)
    assert rested_v - at_once_v == pytest.approx(13.9, abs=0.3), "ohmic drop and charge transfer at 0.68 C"
    assert 0.3 < at_once_v - later_v < 3.0, "the surface of the particles is behind, on a plateau"
    assert later_v < one.voltage_v < rested_v
    cold, warm = pack(), pack()
    cold.temperature_c, warm.temperature_c = -10.0, 40.0
    for each in (cold, warm):
        each.contactor_closed, each.current_a = True, 100.0
    assert cold.voltage_v > warm.voltage_v + 4.0


def runaway(**fields: float | None) -> Pack:
    one = pack(soc_pct=90.0)
    one.mate(0x91)
    one.run_away(**{"short_w": 3000.0, "alarm_s": 300.0, "fire_s": 600.0} | fields)  # type: ignore[arg-type]
    return one


def first(one: Pack, what: Callable[[Pack, Runaway], bool], dt_s: float = 0.5) -> float:
    for n in range(round(3600 / dt_s)):
        assert one.runaway is not None
        if what(one, one.runaway):
            return n * dt_s
        one.advance(dt_s)
    raise AssertionError("never")


def test_thermal_runaway_goes_from_onset_over_smoke_to_a_late_alarm_and_fire() -> None:
    one = runaway()
    rested_v, insulation = one.voltage_v, one.insulation_ohm_per_v
    times = [
        first(one, what)
        for what in (
            lambda p, r: r.cell_c > 100.0,
            lambda p, r: r.sound < 0.75,
            lambda p, r: r.smoking,
            lambda p, r: r.detectable,
            lambda p, r: r.phase >= Phase.RUN_AWAY,
            lambda p, r: p.faults.thermal_event is Signal.TRUE,
            lambda p, r: r.burning,
        )
    ]
    assert all(spent >= 0 for spent in times) and sum(times) > 600
    assert times[2] > 0 and times[4] > 0 and times[5] == pytest.approx(300.0, abs=1.0)  # as late as the law allows
    assert one.voltage_v < rested_v - 3.0 and min(one.cell_voltages_v()) < 0.5
    assert one.insulation_ohm_per_v < insulation / 10
    one.advance(1.0)
    assert not one.talking


def test_the_runaway_shows_in_temperature_and_its_rate_long_before_the_alarm() -> None:
    one = runaway()
    seen = []
    for _ in range(3000):
        one.advance(0.1)
        seen.append(max(one.temperatures_c()))
    assert one.faults.thermal_event is Signal.FALSE
    assert max(b - a for a, b in zip(seen, seen[600:], strict=False)) > 6.0  # kelvin a minute
    assert one.temperature_max_c == pytest.approx(seen[-1])
    assert one.temperature_c < 26.0  # the mean tells nothing


def test_the_course_of_a_runaway_does_not_depend_on_ticks_but_on_the_seed() -> None:
    def course(dt_s: float, seed: int) -> tuple[float, ...]:
        one = pack()
        one.seed(seed)
        one.run_away(short_w=5000.0, alarm_s=None, fire_s=600.0)
        for _ in range(round(260 / dt_s)):
            one.advance(dt_s)
        assert one.runaway is not None
        return one.runaway.cell_c, one.runaway.probe_c

    assert course(0.1, 1) == pytest.approx(course(0.5, 1), rel=1e-3)
    assert course(0.1, 1)[1] != pytest.approx(course(0.1, 2)[1], rel=1e-3)


@pytest.mark.parametrize("fields", [{"alarm_s": 301.0}, {"short_w": 0.0}, {"fire_s": -1.0}])
def test_a_runaway_that_cannot_be_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="38031"):
        runaway(**fields)
    one = runaway()
    with pytest.raises(ValueError, match="already"):
        one.run_away(short_w=1.0, alarm_s=0.0, fire_s=0.0)


def test_smoke_and_fire_reach_the_detectors_of_the_cell() -> None:
    world = make_world(speed=20.0)
    burning = world.bays[2].pack
    assert burning is not None
    burning.run_away(short_w=8000.0, alarm_s=100.0, fire_s=120.0)
    for _ in range(1000):
        world.advance(0.05)
    assert world.inputs.smoke_clear == {2: Signal.FALSE} and world.inputs.fire_clear is Signal.FALSE
    assert world.truth()["runaways"][burning.serial]["phase"] == "BURNING"


def test_what_the_bms_measures_is_near_the_truth_and_never_quite_it() -> None:
    one = pack(soc_pct=50.0)
    one.link_voltage_v = 0.0
    said = [catalogue("pack").decode("BCS", ENCODERS["BCS"](one, 0)) for _ in range(200)]
    voltages = [value["pack_voltage_v"][0] for value in said]
    assert len(set(voltages)) > 3 and mean(voltages) == pytest.approx(one.voltage_v, abs=0.1)
    assert all(abs(value["pack_current_a"][0]) < 1.0 for value in said)  # what the interlock takes for none
    pms = [catalogue("pack").decode("PMS", ENCODERS["PMS"](one, n % 16)) for n in range(200)]
    assert all(0.0 <= value["link_voltage_v"][0] < 2.0 for value in pms)
    assert mean(value["insulation_ohm_per_v"][0] for value in pms) == pytest.approx(2000.0, abs=20.0)
