"""The compiled estimator: finds charge and bias, bears any frame, comes back from its memory."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import station_ctl.kernel.soc as kernel

np = pytest.importorskip("numpy")
from tests.soc_frames import NAN, TYPE, estimator, frames_of  # noqa: E402


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
