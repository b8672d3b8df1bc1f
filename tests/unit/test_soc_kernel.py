"""The compiled estimator: finds charge and bias, bears any frame, comes back, refuses what is no pack."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import station_ctl.kernel.soc as kernel
from station_ctl.soc import curves

np = pytest.importorskip("numpy")
from tests.soc_frames import HEALTHS, KERNEL, NAN, TYPE, estimator, frames_of  # noqa: E402


def test_finds_the_charge_of_its_own_cell_from_nothing() -> None:
    one = estimator()
    rows, z = frames_of(3600, 0.3, lambda t: 200.0 if t > 60 else 0.0, docked=True)
    for row in rows:
        one.step(*row)
    soc, low, mid, high, _, capacity_ah, *_ = one.estimate()
    assert abs(soc - z[-1]) < 0.02
    assert low < z[-1] < high
    assert low <= mid <= high
    assert abs(one.arrival()[0] - z[0]) < 0.02
    assert abs(capacity_ah - TYPE.capacity_ah) < 0.03 * TYPE.capacity_ah


wild = st.one_of(st.floats(), st.floats(-400, 400), st.sampled_from([NAN, math.inf, -math.inf, 0.0, 1e308]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(wild, wild, wild, wild, wild), max_size=60))
def test_no_frame_makes_it_say_nan(frames: list[tuple[float, ...]]) -> None:
    one = estimator(cells=3)
    for frame in frames:
        one.step(*frame)
        one.hear_cells(array("d", frame[:3]))
    answer = one.estimate()
    assert all(math.isfinite(value) for value in answer)
    assert answer[1] <= answer[3]
    assert all(math.isfinite(v) for v in (*one.arrival(), *one.energy(0.5), one.chance(0.5)))
    assert all(math.isfinite(v) for row in one.power((2.5, 3.65, 2.0, 1.5), (10.0, 30.0)) for v in row)
    one.keep()


def test_bias_of_the_bms_is_found_in_the_bay() -> None:
    one = estimator()
    rows, _ = frames_of(1800, 0.3, lambda t: 150.0, docked=True)
    rows[:, 1] += 2.5
    for row in rows:
        one.step(*row)
    assert abs(one.estimate()[8] - 2.5) < 0.1


def test_a_meter_that_stands_still_is_not_believed() -> None:
    one = estimator()
    rows, z = frames_of(2400, 0.3, lambda t: 150.0, docked=True)
    rows[600:, 4] = 0.0
    for row in rows:
        one.step(*row)
    assert one.estimate()[10] == kernel.DOUBTFUL
    assert abs(one.estimate()[0] - z[-1]) < 0.06


def test_memory_comes_back_and_only_of_its_size() -> None:
    one, other = estimator(), estimator()
    rows, _ = frames_of(600, 0.3, lambda t: 150.0)
    for row in rows:
        one.step(*row)
    other.load(one.dump())
    for row in rows:
        assert one.step(*row) == other.step(*row)
    assert one.estimate() == other.estimate()
    with pytest.raises(ValueError, match="bytes"):
        other.load(b"short")


def test_run_and_step_all_are_step() -> None:
    rows, _ = frames_of(600, 0.3, lambda t: 150.0)
    one, two, three = estimator(), estimator(), estimator()
    for row in rows:
        one.step(*row)
    answers = np.empty((1, 11))
    two.run(rows, answers, np.array([len(rows) - 1]))
    batch = np.zeros((1, 11))
    for row in rows:
        kernel.step_all([three], np.ascontiguousarray(row[None, :]), batch)
    assert tuple(answers[0]) == one.estimate() == three.estimate()
    with pytest.raises(ValueError, match="packs"):
        kernel.step_all([three], rows, batch)
    with pytest.raises(ValueError, match="columns"):
        two.run(np.zeros((1, 4)), answers, np.array([0]))


def test_refuses_what_is_no_type_and_no_pack() -> None:
    plateau, knee = curves.tables(TYPE)
    good = (curves.row(TYPE), np.array(plateau), np.array(knee), np.array(curves.terms(TYPE.terms)), -0.12, 0.00125)
    kernel.CellType(*good)
    for place, bad in ((0, (1.0,)), (1, np.zeros((4, 3))), (3, np.zeros((4, 6))), (2, np.full(len(knee), NAN))):
        parts = list(good)
        parts[place] = bad
        with pytest.raises(ValueError):
            kernel.CellType(*parts)
    for bad in (HEALTHS[:3], [(0.0, 1.0, 0.1)] * 4):
        with pytest.raises(ValueError, match="health"):
            kernel.Estimator(KERNEL, bad)
    with pytest.raises(ValueError, match="kept"):
        estimator(kept=((NAN, 1.0), (1.0, 0.1), (0.0, 0.01)))
    with pytest.raises(ValueError, match="start"):
        estimator().start(2.0, 0.1)
    with pytest.raises(ValueError, match="cells"):
        estimator(cells=4).hear_cells(array("d", [3.3]))
