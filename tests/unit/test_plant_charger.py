"""The charger's power part and the meters: ramps, limits, losses, heat, and energy that adds up."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

import pytest

from drivers.charger_status import OFF, ChargerMode, ChargerState, SetPoint
from drivers.meter_status import WRAP_WH
from drivers.reading import Signal
from hil.plant import charger as power
from hil.plant.meter import Meter
from tests.charger_bench import BAY, FULL, TEST, ChargerBench
from tests.unit.test_plant_charging import world as without_charger


def told(current_a: float = 300.0, voltage_v: float = 646.0, power_w: float = 240e3) -> SetPoint:
    return SetPoint(ChargerMode.CHARGE, current_a, voltage_v, power_w)


def test_the_ramps_are_50_up_and_200_down() -> None:
    bench = ChargerBench().charging(told(0.0))
    bench.run(1.0, FULL)
    assert bench.pack.current_a == pytest.approx(50.0, abs=1.5)
    bench.run(5.0, FULL)
    assert bench.pack.current_a == pytest.approx(300.0, abs=0.1)
    bench.run(1.0, told(100.0))
    assert bench.pack.current_a == pytest.approx(100.0, abs=2.5)


@pytest.mark.parametrize(
    ("set_point", "limit"),
    [
        (told(current_a=120.0), lambda b: b.pack.current_a == pytest.approx(120.0)),
        (told(power_w=60e3), lambda b: b.charger.output_w == pytest.approx(60e3, rel=1e-3)),
        (
            told(voltage_v=595.0),
            lambda b: b.pack.voltage_v == pytest.approx(595.0, abs=0.3),
        ),
        (told(current_a=1000.0, power_w=1e6), lambda b: b.charger.output_w == pytest.approx(240e3, rel=1e-3)),
    ],
)
def test_the_least_of_what_it_is_told_and_can(set_point: SetPoint, limit: Callable[[ChargerBench], bool]) -> None:
    bench = ChargerBench().charging(set_point)
    assert limit(bench)


def test_derating_is_said_and_obeyed() -> None:
    bench = ChargerBench().charging()
    bench.charger.faults.derating = 0.25
    bench.run(2.0, FULL)
    assert bench.pack.current_a == pytest.approx(100.0) and bench.charger.share == 0.25
    bench.charger.faults.derating, bench.charger.temperature_c = 1.0, 65.0
    assert bench.charger.share == pytest.approx(0.5)


def test_losses_are_about_5_per_cent_at_full_power_and_more_at_little() -> None:
    bench = ChargerBench().charging()
    assert bench.charger.output_w / bench.charger.input_w == pytest.approx(0.95, abs=0.005)
    bench.run(4.0, told(10.0))
    assert 0.7 < bench.charger.output_w / bench.charger.input_w < 0.85
    bench.write(OFF)
    bench.run(0.2)
    assert bench.charger.input_w == power.STANDBY_W


def test_a_cabinet_that_works_gets_warm() -> None:
    bench = ChargerBench(20.0).charging()
    bench.run(600.0, FULL, step_s=0.1)
    assert 30.0 < bench.charger.temperature_c < 45.0


def test_the_coolant_unit_warms_a_pack_by_a_quarter_kelvin_a_minute() -> None:
    bench = ChargerBench(temperature_c=-10.0)
    bench.pack.ambient_c = -10.0
    bench.run(600.0, SetPoint(ChargerMode.CONDITION, power_w=8000.0), step_s=0.1)
    assert (bench.pack.temperature_c + 10.0) / 10.0 == pytest.approx(0.27, abs=0.02)
    assert bench.charger.input_w == pytest.approx(8000.0 + power.STANDBY_W) and bench.pack.current_a == 0.0
    assert bench.state is ChargerState.CONDITIONING
    bench.run(1.0, SetPoint(ChargerMode.CONDITION, power_w=3000.0))
    assert bench.charger.coolant_w == 3000.0


def test_current_needs_supply_relay_and_the_packs_own_contactor() -> None:
    bench = ChargerBench().charging()
    bench.pack.faults.charge_permitted = Signal.FALSE  # the BMS wants no more: its contactor goes under load at last
    bench.run(2.0, FULL)
    assert bench.pack.contactor_closed and bench.pack.current_a > 0.0
    bench.run(2.0, FULL)
    assert not bench.pack.contactor_closed and bench.pack.current_a == 0.0
    assert bench.state is ChargerState.OFF


def test_a_bms_that_wants_no_more_opens_without_current_if_it_may() -> None:
    bench = ChargerBench().charging()
    bench.pack.faults.charge_permitted = Signal.FALSE
    bench.run(2.0, told(0.0))
    assert not bench.pack.contactor_closed and bench.world.supplies.arcs[BAY] == 0


def test_a_bay_without_a_charger_follows_the_bms_as_ever() -> None:
    place, pack = without_charger()
    place.supplies.command(0b10000)
    for _ in range(10):
        place.advance(0.1)
    assert (pack.current_a, pack.driven) == (302.0, False) and place.electrics.truth() == {}
    assert place.electrics.grid_w == pytest.approx(3000.0 + pack.voltage_v * 302.0 / power.CONVERSION)


@pytest.mark.parametrize(
    ("fault", "value", "then", "low_a", "high_a"),
    [
        ("ignores_set_point", True, told(50.0), 299.0, 301.0),
        ("ignores_set_point", True, OFF, 0.0, 0.0),
        ("over_delivery_a", 30.0, told(100.0), 129.0, 131.0),
        ("over_delivery_a", 30.0, OFF, 0.0, 0.0),
        ("runs_on", True, OFF, 299.0, 301.0),
        ("relay_stuck", True, OFF, 0.0, 0.0),
    ],
)
def test_faults_of_the_output(fault: str, value: float, then: SetPoint, low_a: float, high_a: float) -> None:
    bench = ChargerBench().charging()
    setattr(bench.charger.faults, fault, value)
    bench.run(2.0, then)
    assert low_a <= bench.pack.current_a <= high_a
    assert bench.charger.relay_closed is (then is not OFF or fault in ("runs_on", "relay_stuck"))
    bench.supply(False)
    bench.run(0.2, then)
    assert bench.pack.current_a == 0.0, "the supply's contactor ends it always"


def test_the_relay_is_precharged() -> None:
    bench = ChargerBench()
    bench.run(3.2, TEST)
    bench.supply()
    bench.run(0.3)
    voltages_v = []
    for _ in range(300):
        closed = bench.charger.relay_closed
        before_v = bench.charger.output_v
        bench.run(0.01, FULL)
        if bench.charger.relay_closed and not closed:
            voltages_v.append(abs(before_v - bench.pack.voltage_v))
    assert len(voltages_v) == 1 and voltages_v[0] <= 10.0


def test_energy_adds_up_from_meter_to_pack_and_grid() -> None:
    bench = ChargerBench(40.0)
    grid = bench.world.electrics.grid_meter = Meter(1)
    bench.charging()
    voltages_v = []
    for _ in range(90):
        bench.run(10.0, FULL, step_s=0.1)
        voltages_v.append(bench.pack.voltage_v)
    gained_ah = (bench.pack.soc_pct - 40.0) / 100.0 * bench.pack.capacity_ah
    assert gained_ah == pytest.approx(bench.meter.energy_in_wh / fmean(voltages_v), rel=0.01)
    kwh = bench.world.supplies.energy_kwh[BAY]
    assert bench.meter.shown.energy_in_wh == pytest.approx(kwh * 1e3, rel=0.002)
    chargers_wh = grid.energy_in_wh - 3000.0 * (bench.world.plant_s / 3600.0)
    assert bench.meter.energy_in_wh / chargers_wh == pytest.approx(0.95, abs=0.01)


def counted(meter: Meter, power_w: float, seconds: float) -> int:
    before = meter.shown.energy_in_wh
    for _ in range(round(seconds / 0.1)):
        meter.measure(600.0, power_w / 600.0, power_w, 0.1)
    return meter.shown.energy_in_wh - before


def test_a_meter_counts_both_ways_and_wraps() -> None:
    meter = Meter(7, energy_in_wh=WRAP_WH - 20.5)
    assert counted(meter, 36_000.0, 10.0) < 0
    assert meter.shown.energy_in_wh == 79
    counted(meter, -36_000.0, 10.0)
    assert (meter.shown.energy_in_wh, meter.shown.energy_out_wh) == (79, 100)
    assert meter.shown.power_w == -36_000.0


def test_faults_of_a_meter() -> None:
    meter = Meter(7)
    counted(meter, 36_000.0, 10.0)
    meter.faults.frozen = True
    beat = meter.shown.heartbeat
    assert counted(meter, 36_000.0, 10.0) == 0 and meter.shown.heartbeat == beat + 20
    meter.faults.frozen, meter.faults.stuck = False, True
    assert counted(meter, 36_000.0, 10.0) == 0 and meter.shown.heartbeat == beat + 20
    meter.faults.stuck, meter.faults.gain = False, 1.1
    assert counted(meter, 36_000.0, 10.0) == pytest.approx(110, abs=1)
    meter.reset()
    assert counted(meter, 0.0, 1.0) < 0 and meter.shown.serial == 7
    meter.exchange(8, energy_in_wh=5000.0)
    counted(meter, 0.0, 1.0)
    assert (meter.shown.serial, meter.shown.energy_in_wh) == (8, 5000)
