"""The chargers of the plant: current by the BMS's demand, charge, heat and energy that follow from it."""

from __future__ import annotations

import pytest

from drivers.reading import Signal
from hil.plant import charging
from hil.plant.pack import Pack
from hil.plant.world import World
from tests.plc_bench import make_world


def world(soc_pct: float = 50.0, temperature_c: float = 25.0) -> tuple[World, Pack]:
    """Bay 5 holds a pack; its supply is closed by the test."""
    place = make_world(speed=1.0, truck=False)
    pack_ = Pack("TEST-00000005", soc_pct, temperature_c=temperature_c)
    place.store(5, pack_)
    passes(place, 1.0)
    return place, pack_


def passes(place: World, seconds: float, step_s: float = 0.1) -> None:
    for _ in range(round(seconds / step_s)):
        place.advance(step_s)


def close(place: World) -> None:
    place.supplies.command(0b10000)


def test_no_current_flows_without_a_supply() -> None:
    place, pack = world()
    passes(place, 10.0)
    assert (pack.current_a, pack.contactor_closed, pack.soc_pct) == (0.0, False, 50.0)
    assert pack.current_demand_a == 302.0  # it asks, nobody gives


def test_an_hour_at_1_c_fills_half_a_pack_in_half_an_hour() -> None:
    place, pack = world(40.0)
    close(place)
    passes(place, 1800.0, 0.5)
    gained_ah = (pack.soc_pct - 40.0) / 100.0 * pack.capacity_ah
    assert 120.0 < gained_ah <= 151.1  # 302 A for half an hour, less what the temperature takes
    kwh = place.supplies.energy_kwh[5]
    assert kwh == pytest.approx(gained_ah * 0.595, rel=0.03)  # at 585 to 605 V
    assert 26.0 < pack.temperature_c < 45.0
    assert place.truth()["charged_kwh"][5] == round(kwh, 3)


def test_current_ends_with_the_supply_in_the_same_instant() -> None:
    place, pack = world()
    close(place)
    passes(place, 1.0)
    assert pack.contactor_closed and pack.current_a == 302.0 and pack.link_voltage_v > 500.0
    place.supplies.command(0)
    assert (pack.current_a, pack.contactor_closed) == (0.0, False)


def test_voltage_is_held_at_the_top_and_the_pack_ends_full() -> None:
    place, pack = world(96.0, temperature_c=25.0)
    close(place)
    seen = []
    for _ in range(3600):
        place.advance(0.5)
        assert pack.voltage_v <= charging.LIMIT_V + 2.0
        seen.append(pack.current_a)
    assert pack.soc_pct > 99.0 and seen[-1] == 0.0 and not pack.contactor_closed


@pytest.mark.parametrize(
    ("coldest_c", "hottest_c", "share"),
    [(25.0, 28.0, 1.0), (7.5, 9.0, 0.5), (-1.0, 0.0, 0.0), (40.0, 50.0, 0.5), (50.0, 56.0, 0.0)],
)
def test_demand_follows_the_temperature(coldest_c: float, hottest_c: float, share: float) -> None:
    assert charging.share_by_temperature(coldest_c, hottest_c) == pytest.approx(share)


def test_a_bms_that_forbids_charging_opens_its_contactor() -> None:
    place, pack = world()
    close(place)
    passes(place, 1.0)
    pack.faults.charge_permitted = Signal.FALSE
    passes(place, 0.2)
    assert (pack.current_a, pack.contactor_closed) == (0.0, False)


def test_a_welded_supply_feeds_whatever_is_mated() -> None:
    place, pack = world()
    place.supplies.weld(5)
    passes(place, 1.0)
    assert place.supplies.at(5) and pack.current_a > 0.0
    pack.part()
    assert (pack.current_a, pack.supplied) == (0.0, False)


def test_a_mute_bms_goes_on_being_charged_until_somebody_opens() -> None:
    place, pack = world()
    close(place)
    passes(place, 1.0)
    pack.faults.mute = True
    passes(place, 1.0)
    assert pack.current_a > 0.0 and not pack.talking
