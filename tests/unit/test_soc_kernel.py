"""The compiled estimator: agrees with its NumPy form, bears any frame, widens where it is blind, costs little."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_ctl.kernel import soc as kernel
from station_ctl.soc import cell_type, curves

np = pytest.importorskip("numpy")
from tests import soc_reference  # noqa: E402

TYPE = cell_type.load("lfp-302ah-177s")
KERNEL = curves.kernel_type(TYPE)
HEALTHS = [(h.weight, h.capacity, h.sd) for h in TYPE.health]
NAN = math.nan


def estimator(**k) -> kernel.Estimator:
    return kernel.Estimator(KERNEL, HEALTHS, **k)


def frames_of(seconds: int, soc: float, current, dt_s: float = 1.0, temperature_c: float = 20.0, docked: bool = False):
    """Frames of the type's own cell: (dt_s, A, V, degC, meter A), and the charge after each."""
    n = int(seconds / dt_s)
    amps = np.array([current(k * dt_s) for k in range(n)])
    steps = np.full(n, dt_s)
    steps[0] = 0
    z = soc + np.cumsum((amps + np.r_[0, amps[:-1]]) / 2 * steps) / 3600 / TYPE.capacity_ah
    volts = np.empty(n)
    KERNEL.simulate(
        np.ascontiguousarray(np.column_stack([steps, amps, np.full(n, temperature_c), z])), -1.0, 1.0, volts
    )
    rows = np.column_stack([steps, amps, volts, np.full(n, temperature_c), amps if docked else np.full(n, NAN)])
    return np.ascontiguousarray(rows), z


def test_agrees_with_the_numpy_form_over_random_frames() -> None:
    for seed in range(6):
        random = np.random.default_rng(seed)
        one, other = estimator(), soc_reference.Reference(TYPE)
        docked = seed % 2
        rows, _ = frames_of(
            700, random.uniform(0.1, 0.85), lambda t, r=random: 120 * math.sin(t / 40) + r.normal(0, 60),
            dt_s=random.choice([0.5, 1.0, 7.0]), temperature_c=random.uniform(-15, 45), docked=bool(docked),
        )  # fmt: skip
        rows[:, 2] += random.normal(0, 0.002, len(rows))
        for row in rows:
            assert one.step(*row) == other.step(*row)
        _, sd = other.soc()
        group = [a for a in one.all() if a[0] > soc_reference.ALIVE]
        assert len(group) == len(other.m)
        assert np.allclose([a[0] for a in group], other.log, rtol=0, atol=1e-7)
        assert np.allclose([a[1] for a in group], other.m, rtol=0, atol=1e-9)
        assert abs(one.estimate()[4] - sd) < 1e-9


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


@pytest.mark.parametrize(
    "fault",
    ["lost voltage", "lost all", "frozen", "spike", "late"],
)
def test_faulty_frames_move_it_little_and_widen_it(fault: str) -> None:
    one = estimator()
    rows, z = frames_of(3000, 0.35, lambda t: 150.0 + math.sin(t))
    for row in rows[:2400]:
        one.step(*row)
    before = one.estimate()
    soc, jump = before[0], 0.0
    for k, row in enumerate(rows[2400:2700]):
        row = row.copy()
        if fault in ("lost voltage", "lost all"):
            row[2] = NAN
        if fault == "lost all":
            row[1] = NAN
        if fault == "frozen":
            row[1], row[2] = rows[2400, 1], rows[2400, 2]
        if fault == "spike" and k % 50 == 3:
            row[2] += 0.4
        if fault == "late":
            if k % 60:
                continue
            row[0] = 60.0
        one.step(*row)
        now = one.estimate()
        jump, soc = max(jump, abs(now[0] - soc) - 150 * row[0] / 3600 / TYPE.capacity_ah), now[0]
    after = one.estimate()
    assert jump < 0.02
    assert abs(after[0] - z[2699]) < 0.05
    assert after[1] - 0.01 < z[2699] < after[3] + 0.01
    if fault == "lost all":
        assert after[3] - after[1] > before[3] - before[1]
        assert after[10] == kernel.COASTING


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
