"""A pack colder than its type was measured, or without a temperature: nobody is convicted or let off by that."""

from __future__ import annotations

from pathlib import Path

import pytest

from station_ctl.model.charge_estimate import Grounds
from station_ctl.soc import curves
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


def test_nobody_is_convicted_blind(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.75)
    prepared(tmp_path, SERIAL, 0.75)
    bay1.warm_c = COLD_C
    bay1.run(0.0, 120)
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


def test_without_a_temperature_it_coasts(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.5)
    bay1.warm_c = None
    bay1.run(0.0, 200)
    assert bay1.value.charge.grounds is Grounds.COASTING
    assert bay1.value.charge.soc_p95_pct - bay1.value.charge.soc_p05_pct > 85.0
    bay1.warm_c = 25.0
    bay1.run(0.0, 200)
    assert bay1.value.charge.grounds is not Grounds.COASTING
    assert bay1.value.charge.soc_pct == pytest.approx(50.0, abs=20.0)
