"""The plant's cells are those of the type that the estimator knows; in a plant made faster they may keep their time."""

from __future__ import annotations

import numpy as np
import pytest

from hil.plant.cells import CELLS, PACK_TYPE
from hil.plant.pack import Pack
from hil.plant.world import World
from station_ctl.soc import cell_type, curves

TYPE = cell_type.load(PACK_TYPE)


@pytest.mark.parametrize(("soc_pct", "temperature_c"), [(15.0, 25.0), (60.0, 25.0), (88.0, 31.0), (40.0, 3.0)])
def test_a_charge_looks_as_the_types_model_says(soc_pct: float, temperature_c: float) -> None:
    """Rest, a charge with a step in it, rest: within 2 mV a cell, where the pack's temperature stays in its table."""
    pack = Pack("SIMP-00000001", soc_pct, soh_pct=100.0 * TYPE.capacity_ah / 302.0, ambient_c=temperature_c)
    currents_a = [0.0] * 30 + [150.0] * 300 + [290.0] * 300 + [0.0] * 300
    frames, seen_v = np.empty((len(currents_a), 4)), np.empty(len(currents_a))
    pack.contactor_closed = True
    for k, current_a in enumerate(currents_a):
        pack.temperature_c, pack.current_a = temperature_c, current_a
        pack.advance(1.0)
        frames[k] = 1.0, current_a, pack.temperature_c, pack.soc_pct / 100.0
        seen_v[k] = pack.voltage_v / CELLS
    told_v = np.empty(len(currents_a))
    curves.kernel_type(TYPE).predict(frames, -1.0, 1.0, told_v)
    apart_v = np.abs(seen_v - told_v)
    settled = np.array([currents_a[k] == currents_a[max(k - 10, 0)] for k in range(len(currents_a))])
    assert apart_v[settled].max() < 0.002


@pytest.mark.parametrize(("in_time", "gained_ah"), [(False, 100.0), (True, 5.0)])
def test_cells_in_time_take_their_charge_in_the_benchs_time(in_time: bool, gained_ah: float) -> None:
    world = World(bays={1: 0x81}, mounts={}, speed=20.0)
    world.cells_in_time = in_time
    pack = Pack("SIMP-00000001", 20.0)
    world.store(1, pack)
    world.advance(0.1)
    pack.faults.contactor_welded, pack.current_a = True, 100.0
    before_pct = pack.soc_pct
    for _ in range(1800):
        pack.current_a = 100.0
        world.advance(0.1)
    assert (pack.soc_pct - before_pct) / 100.0 * pack.capacity_ah == pytest.approx(gained_ah, rel=0.01)
