"""A pack colder than its type was measured, or without a temperature: nobody is convicted or let off by that."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Reading
from station_ctl.model.charge_estimate import Grounds
from station_ctl.soc import curves
from station_ctl.soc.row import row
from tests.soc_station import TYPE, prepared
from tests.unit.test_estimates import SERIAL, Bay1

COLD_C = curves.coldest_c(TYPE) - 1


def test_a_bms_that_was_convicted_stays_so_in_the_cold(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.75, lie=0.1)
    prepared(tmp_path, SERIAL, 0.75)
    bay1.run(0.0, 160)
    assert bay1.value.bms_wrong
    bay1.warm_c = COLD_C
    bay1.run(0.0, 600)
    assert bay1.value.charge.grounds is Grounds.COASTING
    assert bay1.value.bms_wrong
    bay1.lie = 0.0
    bay1.run(0.0, 60)
    assert not bay1.value.bms_wrong, "its figure is right now"


@pytest.mark.parametrize("blind_s", [1, 120])
def test_nobody_is_convicted_blind(blind_s: int, tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.75)
    prepared(tmp_path, SERIAL, 0.75)
    bay1.run(0.0, 100)
    bay1.warm_c = COLD_C
    bay1.run(0.0, blind_s)
    bay1.lie = 0.2
    bay1.run(0.0, 300)
    assert bay1.value.charge.grounds is Grounds.COASTING
    assert not bay1.value.bms_wrong


def test_charge_that_passed_unseen_is_no_witness(tmp_path: Path) -> None:
    """An unknown pack that was charged in the cold is at rest when it is warm: rest alone convicts nobody."""
    bay1 = Bay1(tmp_path, 0.90, lie=-0.3)
    bay1.warm_c = COLD_C
    bay1.run(0.5, 500)
    bay1.warm_c = 25.0
    bay1.run(0.0, 900)
    assert not bay1.value.bms_wrong


@pytest.mark.parametrize("warm_c", [None, 150.0])
def test_without_a_temperature_that_can_be_it_coasts(warm_c: float | None, tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.5)
    bay1.warm_c = warm_c
    bay1.run(0.0, 200)
    assert bay1.value.charge.grounds is Grounds.COASTING
    assert bay1.value.charge.soc_p95_pct - bay1.value.charge.soc_p05_pct > 85.0
    bay1.warm_c = 25.0
    bay1.run(0.0, 200)
    assert bay1.value.charge.grounds is not Grounds.COASTING
    assert bay1.value.charge.soc_pct == pytest.approx(50.0, abs=20.0)


@pytest.mark.parametrize(
    ("probes_c", "warmest_c", "coldest_c", "taken_c"),
    [
        ((10.0, 14.0), 30.0, 20.0, 12.0),
        (None, 30.0, 20.0, 25.0),
        (None, 30.0, None, 30.0),
        (None, None, 20.0, 20.0),
        (None, None, None, None),
        ((-60.0, -60.0), 30.0, 20.0, None),
        ((150.0,), None, None, None),
    ],
)
def test_the_temperature_of_a_pack(
    probes_c: tuple[float, ...] | None, warmest_c: float | None, coldest_c: float | None, taken_c: float | None
) -> None:
    said = {"temperatures_c": probes_c, "temperature_max_c": warmest_c, "temperature_min_c": coldest_c}
    status = replace(PackStatus(1), **{name: Reading(what, Quality.GOOD, 5.0) for name, what in said.items() if what})
    found = row(status, 6.0, 177).temperature_c
    assert math.isnan(found) if taken_c is None else found == taken_c
