"""Limits of packs, set points, charge plans, registers: the arithmetic of charging, over all inputs."""

from __future__ import annotations

import json
import math
import re
import tomllib
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.charger_status import ChargerMode, ChargerState, ChargerStatus
from drivers.meter_status import WRAP_WH, MeterDoubt, MeterStatus
from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import NEVER, Quality, Reading, Signal
from station_ctl import config
from station_ctl.blackbox.codec import Codec
from station_ctl.charging import pack_limits, plan, seen, set_point
from station_ctl.charging.energy import LARGEST_WH, SETTLE_S, Energy, advance_wh
from station_ctl.charging.meter_check import MeterCheck
from station_ctl.config import ConfigError
from station_ctl.cycle import Cycle
from station_ctl.equipment import Equipment
from station_ctl.model.charge_plan import ChargePlan
from station_ctl.model.state import BayCharge

NOW_S = 500.0
LIMITS = pack_limits.load()


def good(value: Any, at_s: float = NOW_S) -> Reading[Any]:
    return Reading(value, Quality.GOOD, at_s)


def pack(**changes: Any) -> PackStatus:
    values: dict[str, Any] = {
        "identity": PackIdentity("PACK-00000001", 3, 302.0, 566.4, 1), "soc_pct": 50.0, "pack_voltage_v": 585.0,
        "current_demand_a": 302.0, "voltage_demand_v": 637.0, "temperature_min_c": 24.0, "temperature_max_c": 27.0,
    }  # fmt: skip
    readings = {k: v if isinstance(v, Reading) else good(v) for k, v in (values | changes).items()}
    return PackStatus(0xB1, PackLink.MONITORED, NOW_S, **readings)


def status(**changes: Any) -> ChargerStatus:
    found = ChargerStatus(
        NOW_S, NOW_S, 7, ChargerState.CHARGING, 0, None, 1, 400, Signal.TRUE, Signal.TRUE, 900.0,
        590.0, 100.0, 62e3, 100.0, 637.0, 59e3, 400.0, 240e3, 30.0,
    )  # fmt: skip
    return replace(found, **changes)


# ---- pack limits


@pytest.mark.parametrize(
    ("coldest_c", "hottest_c", "soc_pct", "rate"),
    [
        (24.0, 27.0, 50.0, 1.0),
        (5.0, 27.0, 50.0, 0.2),
        (7.5, 27.0, 50.0, 0.35),
        (0.0, 27.0, 50.0, 0.0),
        (-0.1, 27.0, 50.0, 0.0),
        (24.0, 50.0, 50.0, 0.5),
        (24.0, 55.1, 50.0, 0.0),
        (24.0, 27.0, 95.0, 0.5),
        (24.0, 27.0, 100.0, 0.2),
        (24.0, 27.0, 100.1, 0.0),
        (5.0, 27.0, 100.0, 0.2),
        (math.nan, 27.0, 50.0, 0.0),
    ],
)
def test_the_type_limits_by_its_coldest_and_hottest_cell_and_by_charge(
    coldest_c: float, hottest_c: float, soc_pct: float, rate: float
) -> None:
    found = LIMITS.current_a(pack(temperature_min_c=coldest_c, temperature_max_c=hottest_c, soc_pct=soc_pct), NOW_S)
    assert found == pytest.approx(rate * 302.0)


@pytest.mark.parametrize("name", ["temperature_min_c", "temperature_max_c", "soc_pct", "identity"])
def test_what_is_not_known_of_a_pack_allows_nothing(name: str) -> None:
    assert LIMITS.current_a(pack(**{name: NEVER}), NOW_S) == 0.0
    if name != "identity":
        assert LIMITS.current_a(pack(**{name: good(20.0, NOW_S - 2.1)}), NOW_S) == 0.0
    assert LIMITS.current_a(pack(identity=PackIdentity("PACK-00000001", 6, 302.0, 566.4, 1)), NOW_S) == 0.0
    assert LIMITS.voltage_v(pack(identity=NEVER)) == 0.0
    assert LIMITS.voltage_v(pack()) == pytest.approx(177 * 3.65)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cell_rated_v": 0.0}, "cell_rated_v"),
        ({"colour": 1}, "colour"),
        ({"temperature": {"at_c": [0, 10], "rate": [0, 1, 0]}}, "temperature"),
        ({"temperature": {"at_c": [10, 0], "rate": [0, 0]}}, "temperature"),
        ({"temperature": {"at_c": [0, 10], "rate": [0.1, 0]}}, "temperature"),
        ({"temperature": {"at_c": [0, 10], "rate": [0, -1]}}, "temperature.rate"),
        ({"charge": {"at_pct": [0, 90], "rate": [1, 1]}}, "charge"),
        ({"charge": {"at_pct": [0, 100], "rate": [1, 9]}}, "charge.rate"),
    ],
)
def test_a_file_of_limits_that_cannot_be_right_is_refused_with_its_key(change: dict[str, Any], named: str) -> None:
    text = resources.files("station_ctl.charging").joinpath(pack_limits.FILE).read_text(encoding="utf-8")
    document = tomllib.loads(text)
    assert pack_limits.parse(document) == LIMITS
    with pytest.raises(pack_limits.PackLimitsError, match=named):
        pack_limits.parse(document | change)


# ---- set point


@pytest.mark.parametrize(
    ("changes", "of_charger", "plan_w", "current_a", "by"),
    [
        ({"current_demand_a": 120.0}, {}, None, 120.0, "bms"),
        ({"temperature_min_c": 5.0}, {}, None, 60.4, "type"),
        ({}, {"current_max_a": 80.0}, None, 80.0, "charger"),
        ({}, {"power_max_w": 61e3}, None, 100.0, "charger"),
        ({}, {}, 61e3 / seen.EFFICIENCY + seen.FIXED_W, 100.0, "plan"),
        ({}, {}, 0.0, 0.0, "plan"),
        ({"current_demand_a": NEVER}, {}, None, 0.0, "bms"),
        ({"current_demand_a": good(100.0, NOW_S - 1.1)}, {}, None, 0.0, "bms"),
        ({"current_demand_a": -40.0}, {}, None, 0.0, "bms"),
        ({"current_demand_a": math.nan}, {}, None, 0.0, "bms"),
    ],
)
def test_the_least_of_all_limits_holds_and_is_named(
    changes: dict[str, Any], of_charger: dict[str, Any], plan_w: float | None, current_a: float, by: str
) -> None:
    found = set_point.most(pack(**changes), LIMITS, status(**of_charger), plan_w, NOW_S)
    assert found.current_a == pytest.approx(current_a) and found.by == by
    assert found.voltage_v == 637.0 and found.reckoned_v == 610.0


def test_a_charger_that_is_not_heard_gives_nothing_and_the_voltage_is_never_above_the_type() -> None:
    assert set_point.most(pack(), LIMITS, None, None, NOW_S).current_a == 0.0
    high = set_point.most(pack(voltage_demand_v=700.0), LIMITS, status(), None, NOW_S)
    assert high.voltage_v == pytest.approx(646.05)
    dark = set_point.most(pack(voltage_demand_v=NEVER), LIMITS, status(), None, NOW_S)
    assert (dark.voltage_v, dark.power_w) == (0.0, 0.0)


@given(
    st.floats(0, 400),
    st.floats(0, 300_000),
    st.floats(400, 646),
    st.floats(0, 302),
    st.one_of(st.none(), st.floats(0, 3e5)),
)
def test_no_set_point_draws_more_than_its_share_or_is_more_than_was_asked_for(
    demand_a: float, granted_w: float, voltage_v: float, can_a: float, plan_w: float | None
) -> None:
    bay = set_point.most(
        pack(current_demand_a=demand_a, pack_voltage_v=voltage_v),
        LIMITS,
        status(current_max_a=can_a, output_voltage_v=voltage_v),
        plan_w,
        NOW_S,
    )
    told, by = set_point.charge(bay, granted_w)
    assert told.mode is ChargerMode.CHARGE and by in ("bms", "type", "charger", "plan", "grid")
    assert 0.0 <= told.current_a <= min(demand_a, can_a) + 1e-6 and told.voltage_v <= 637.0
    least_w = min(granted_w, plan_w) if plan_w is not None else granted_w
    assert seen.grid_w(told.power_w) <= max(least_w, seen.FIXED_W) + 1e-6
    assert told.current_a * voltage_v <= told.power_w + 0.1 * voltage_v + 1.0  # current alone keeps it, too


def test_what_a_charger_shows_is_the_most_it_may_draw() -> None:
    assert seen.worst_draw_w(status()) == pytest.approx(59e3 / seen.EFFICIENCY + seen.FIXED_W)
    assert seen.worst_draw_w(status(input_power_w=80e3)) == 80e3
    assert seen.worst_draw_w(status(state=ChargerState.OFF, input_power_w=150.0)) == 150.0
    for unknown in ({"state": None}, {"input_power_w": None}, {"set_power_w": None}):
        assert seen.worst_draw_w(status(**unknown)) is None


# ---- plan

PLAN = {"schema": 1, "id": "night", "slot_s": 900.0, "power_w": {"1": [0.0, 240000.0], "2": [120000.0, 0.0]}}


def test_a_plan_is_read_and_written_and_says_what_holds_when() -> None:
    found = plan.parse(json.dumps(PLAN), 1000.0, range(1, 7))
    assert found == ChargePlan("night", 1000.0, 900.0, {1: (0.0, 240e3), 2: (120e3, 0.0)})
    assert plan.parse(plan.text(found), 1000.0, (1, 2)) == found
    said = [found.at(1, at_s) for at_s in (999.9, 1000.0, 1899.9, 1900.0, 2799.9, 2800.0)]
    assert said == [None, 0.0, 0.0, 240e3, 240e3, None]
    assert found.at(3, 1000.0) is None and plan.power_w(None, 1, 1000.0) is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"schema": 2}, "schema"),
        ({"slot_s": 1.0}, "slot_s"),
        ({"power_w": {"1": [-1.0]}}, "power_w"),
        ({"power_w": {"1": [1e9]}}, "power_w"),
        ({"power_w": {"1": [1.0], "2": []}}, "slots"),
        ({"power_w": {"1": []}}, "slots"),
        ({"power_w": {"9": [1.0]}}, "does not have"),
        ({"power_w": {"x": [1.0]}}, "power_w"),
        ({"power_w": {"1": ["much"]}}, "power_w"),
        ({"power_w": {"1": [1.0] * 700}}, "7 days"),
        ({"colour": "red"}, "colour"),
        ({"id": ""}, "id"),
    ],
)
def test_a_plan_that_cannot_be_right_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(plan.PlanError, match=named):
        plan.parse(json.dumps(PLAN | change), 0.0, (1, 2))


@given(st.text(max_size=40))
def test_what_is_no_plan_is_refused_whatever_it_is(text: str) -> None:
    with pytest.raises(plan.PlanError):
        plan.parse(text, 0.0, (1, 2))


# ---- registers


def meter(at_s: float, into_wh: int, current_a: float = 0.0, serial: int = 9, **changes: Any) -> MeterStatus:
    def of(value: Any) -> Reading[Any]:
        return good(value, at_s)

    found = MeterStatus(
        at_s, at_s, 1, serial, MeterDoubt(0), of(600.0), of(current_a), of(600.0 * current_a), of(into_wh), of(0)
    )
    return replace(found, **changes)


def counted(*readings: MeterStatus, until_s: float | None = None) -> Energy:
    """A charge over these readings; the last one is of after its end."""
    energy = Energy()
    energy.begin()
    for reading in readings[:-1]:
        energy.look(reading, reading.received_s)
    energy.end(readings[-1].received_s - 0.5)
    energy.look(readings[-1], until_s or readings[-1].received_s)
    return energy


def test_energy_is_the_difference_of_two_registers_also_over_their_wrap() -> None:
    energy = counted(meter(1.0, 1000), meter(2.0, 1200, 300.0), meter(3.0, 1500))
    assert (energy.kwh, energy.why, energy.mind.final) == (0.5, "", True)
    assert counted(meter(1.0, WRAP_WH - 100), meter(2.0, 400)).kwh == 0.5
    back = counted(meter(1.0, 1000), meter(2.0, 1500, energy_out_wh=good(200, 2.0)))
    assert back.kwh == pytest.approx(0.3)


@given(st.integers(0, WRAP_WH - 1), st.integers(0, LARGEST_WH))
def test_a_register_goes_on_over_its_wrap_and_back_never(before_wh: int, wh: int) -> None:
    assert advance_wh(before_wh, (before_wh + wh) % WRAP_WH) == wh
    if wh:
        assert advance_wh((before_wh + wh) % WRAP_WH, before_wh) is None


@pytest.mark.parametrize(
    ("readings", "why"),
    [
        ((meter(1.0, 9000), meter(2.0, 10, 300.0), meter(3.0, 20)), "went back"),
        ((meter(1.0, 9000), meter(2.0, 75_000, 300.0), meter(3.0, 75_000)), "66000 Wh in 1.0 s, more than can flow"),
        (
            (meter(1.0, WRAP_WH - 9000), meter(2.0, 0, 300.0), meter(3.0, 20)),
            "more than can flow",
        ),  # reset near its wrap
        ((meter(1.0, 0), meter(2.0, 9, energy_out_wh=good(40_000, 2.0)), meter(3.0, 9)), "more than can flow"),
        ((meter(1.0, 9000, 300.0), meter(2.0, 9100)), "flowed already"),
        ((meter(1.0, 9000), meter(2.0, 9100, 300.0), meter(3.0, 5, serial=10)), "exchanged"),
        ((meter(1.0, 9000), meter(2.0, 5, 300.0, serial=10), meter(3.0, 25, serial=10)), "exchanged"),
    ],
)
def test_what_nobody_can_know_is_not_told_but_why(readings: tuple[MeterStatus, ...], why: str) -> None:
    energy = counted(*readings)
    assert energy.kwh is None and why in energy.why


def test_a_meter_that_is_exchanged_while_nothing_flows_loses_nothing() -> None:
    energy = counted(meter(1.0, 9000), meter(2.0, 9100), meter(3.0, 5, serial=10), meter(4.0, 55, serial=10))
    assert energy.kwh == pytest.approx(0.15)


def test_readings_that_are_doubted_or_old_are_left_out_and_the_last_one_is_waited_for() -> None:
    doubted = replace(meter(2.0, 7), doubts=MeterDoubt.ENERGY)
    assert counted(meter(1.0, 1000), doubted, meter(3.0, 1500)).kwh == 0.5
    energy = counted(meter(1.0, 1000), meter(2.0, 1400), replace(meter(9.0, 7), heartbeat_changed_s=2.0))
    assert not energy.mind.final
    energy.look(None, 9.0 + SETTLE_S)
    assert energy.mind.final and energy.kwh is None and "no reading" in energy.why


@given(st.lists(st.floats(0, 400), min_size=20, max_size=60), st.integers(0, WRAP_WH - 1), st.floats(0.5, 1.5))
def test_a_meter_that_counts_right_is_never_called_wrong(currents: list[float], first_wh: int, step_s: float) -> None:
    check, wh, at_s, last_a = MeterCheck(), 0.0, 10.0, 0.0
    for current_a in currents:
        at_s += step_s
        wh += 600.0 * (last_a + current_a) / 2.0 * step_s / 3600.0
        last_a = current_a
        assert check.look(meter(at_s, (first_wh + int(wh)) % WRAP_WH, current_a), at_s) == ""


@pytest.mark.parametrize("share", [0.0, 0.9, 1.1])
def test_a_meter_that_counts_wrongly_is_found(share: float) -> None:
    check, wh, at_s = MeterCheck(), 0.0, 10.0
    for _ in range(90):
        at_s += 1.0
        wh += 180e3 / 3600.0
        if found := check.look(meter(at_s, int(wh * share), 300.0), at_s):
            break
    assert "counted" in found and at_s < 60.0
    check.begin()
    assert check.look(meter(at_s + 1.0, 5, 300.0), at_s + 1.0) == ""


# ---- station.toml


def station(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "station": {"id": "T"},
        "robot": {"host": "plc"},
        "can": [{"name": "packs"}],
        "bay": [{"number": n, "can_address": 0xB0 + n} for n in (1, 2)],
        "mount": [{"number": 1, "can_address": 0xA1}],
    }
    return document | changes


def _bays(*devices: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"number": n, "can_address": 0xB0 + n, **d} for n, d in enumerate(devices, 1)]


def test_a_bay_without_a_charger_needs_no_grid_and_one_with_a_charger_does() -> None:
    assert config.parse(station(), "x").grid.limit_kw is None
    bays = _bays({"charger": {"host": "gw", "unit": 1}, "meter": {"host": "gw", "unit": 2}}, {})
    with pytest.raises(ConfigError, match="limit_kw"):
        config.parse(station(bay=bays), "x")
    found = config.parse(station(bay=bays, grid={"limit_kw": 900.0, "meter": {"host": "m"}}), "x")
    assert found.bay[0].charger is not None and found.bay[0].charger.power_kw == 260.0
    assert config.parse(found.model_dump(mode="json"), "again") == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("localhost", "127.0.0.1"), ("LocalHost.", "::1"), ("127.1", "localhost"), ("0x7f000001", "127.0.0.1"),
        ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:DB8::1", "2001:db8:0:0::1"), ("GW.example.", "gw.example"),
        ("cabinet.localhost", "0.0.0.0"), ("ip6-localhost", "0:0:0:0:0:0:0:1"),
    ],
)  # fmt: skip
def test_two_devices_at_one_address_are_found_however_it_is_written(one: str, other: str) -> None:
    bays = _bays({"charger": {"host": one, "unit": 3}}, {"meter": {"host": other, "unit": 3}})
    said = re.escape(f"bay 1 charger ({one}:502 unit 3) and bay 2 meter ({other}:502 unit 3) are one device")
    with pytest.raises(ConfigError, match=said):
        config.parse(station(bay=bays, grid={"limit_kw": 900.0}), "x")
    at_the_grid = {"limit_kw": 900.0, "meter": {"host": other, "unit": 3}}
    with pytest.raises(ConfigError, match=r"bay 1 charger .* and grid meter .* are one device"):
        config.parse(station(bay=bays[:1] + _bays({}, {})[1:], grid=at_the_grid), "x")
    apart = _bays({"charger": {"host": one, "unit": 3}}, {"meter": {"host": other, "unit": 4}})
    found = config.parse(station(bay=apart, grid={"limit_kw": 900.0}), "x")
    assert len(Equipment.of(found).clients) == 1, "units of one address share a connection"


@pytest.mark.parametrize(
    ("one", "other"),
    [("localhost", "127.0.0.2"), ("10.0.0.1", "10.0.0.10"), ("gw", "gw2"), ("::1", "::2"), ("gw", "gw.example")],
)
def test_what_is_not_known_to_be_one_address_is_two(one: str, other: str) -> None:
    bays = _bays({"charger": {"host": one}}, {"charger": {"host": other}})
    assert len(Equipment.of(config.parse(station(bay=bays, grid={"limit_kw": 900.0}), "x")).clients) == 2


@pytest.mark.parametrize(
    ("bays", "grid", "named"),
    [
        (_bays({"charger": {"host": "g"}}, {"charger": {"host": "g"}}), {"limit_kw": 900.0}, "host, port and unit"),
        (_bays({"charger": {"host": "g"}, "meter": {"host": "g"}}, {}), {"limit_kw": 900.0}, "host, port and unit"),
        (_bays({"charger": {"host": "g"}}, {}), {"limit_kw": 60.0}, "reserve_kw"),
        (_bays({"charger": {"host": "g", "unti": 2}}, {}), {"limit_kw": 900.0}, "unit"),
        (_bays({"charger": {}}, {}), {"limit_kw": 900.0}, "host"),
    ],
)
def test_devices_that_cannot_be_are_refused(bays: list[Any], grid: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        config.parse(station(bay=bays, grid=grid), "x")


def test_a_recording_of_before_there_were_chargers_can_still_be_read() -> None:
    codec = Codec()
    codec.of(Cycle)
    new = {
        "Snapshot": {"chargers", "meters", "grid", "plan", "unsaid", "silent_s", "journal_s"},
        "Decision": {"set_points"},
    }
    new["BayCharge"] = {"phase", "limited_by", "trouble", "energy_kwh", "metered", "stay_kwh", "unmetered"}
    new["Exchange"] = {"charged_kwh"}
    added = ("ChargerStatus", "MeterStatus", "SetPoint", "ChargePlan")
    schema = {
        name: [field for field in names if field not in new.get(name, ())]
        for name, names in codec.written.items()
        if name not in added
    }
    kind = Codec(schema).of(BayCharge)
    assert kind.read([True, "charging", "", "", False]) == BayCharge(True, "charging", "")
    Codec(schema).of(Cycle)
