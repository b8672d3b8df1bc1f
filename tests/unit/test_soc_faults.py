"""Lost, frozen, wild and late frames: no NaN, no jump of more than 2 % on one frame, intervals that widen."""

from __future__ import annotations

import math
from typing import Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import station_ctl.kernel.soc as kernel

np = pytest.importorskip("numpy")
from tests.soc_frames import AMPS, DT, METER, NAN, TYPE, VOLTS, WARM, Array, estimator, of_currents  # noqa: E402

SETTLED: Final = 650
JUMP: Final = 0.02
MOST_A: Final = 300.0
"""What may have passed in the time of a frame is no jump."""
SD: Final = 4
"""Place of the charge's standard deviation in an answer: the interval's ends are cut at -2 and 102 %."""
CELLS: Final = 4
KINDS: Final = (
    "lost voltage", "lost current", "lost temperature", "lost all", "lost cells", "frozen",
    "wild voltage", "wild current", "wild temperature", "wild cell", "spikes", "late", "meter lost", "meter frozen",
    "none",
)  # fmt: skip
WILD: Final = st.sampled_from([math.inf, -math.inf, 1e9, -1e9, 0.0, 6.5535, 65535.0, 4.4, 1.6])
Fault = tuple[str, int, float]
"""Kind, frames, the wild value."""
faults = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 120), WILD), min_size=1, max_size=5)


def faulty(rows: Array, kind: str, wild: float) -> tuple[Array, Array]:
    """The frames as they would come, and what the cells' frames say."""
    rows = rows.copy()
    how, _, what = kind.partition(" ")
    columns = {"voltage": [VOLTS], "current": [AMPS], "temperature": [WARM], "meter": [METER], "all": [1, 2, 3, 4]}
    columns |= {"lost": [METER]} if kind == "meter lost" else {}
    if how in ("lost", "wild", "meter") and what in columns:
        rows[:, columns[what]] = wild if how == "wild" else NAN
    if kind in ("frozen", "meter frozen"):
        held = slice(1, None) if kind == "frozen" else METER
        rows[:, held] = rows[0, held]
    if kind == "spikes":
        rows[::7, VOLTS] += 0.4
    cells_v = rows[:, VOLTS, None] + np.linspace(-0.004, 0.004, CELLS)
    if what == "cells":
        cells_v[:] = NAN
    if what == "cell":
        cells_v[:, 0] = wild
    if kind == "late":
        rows[-1, DT] = rows[:, DT].sum()
        rows, cells_v = rows[-1:], cells_v[-1:]
    return rows, cells_v


@st.composite
def drives(draw: st.DrawFn, longest: int) -> tuple[Array, Array]:
    """A bay charge or a drive of the type's own cell, and its charge."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    docked = draw(st.booleans())
    level, swing = (draw(st.floats(60, 300)), 1.0) if docked else (draw(st.floats(-120, 0)), 80.0)
    amps = np.round(level + random.normal(0, swing, SETTLED + longest), 1)
    soc = draw(st.floats(0.1, 0.7)) if docked else draw(st.floats(0.35, 0.9))
    rows, z = of_currents(amps, soc, 1.0, draw(st.floats(-10, 45)), docked=docked)
    rows[:, VOLTS] += random.normal(0, 5e-4, len(rows))
    return rows, z


def settled(rows: Array) -> kernel.Estimator:
    one = estimator(cells=CELLS)
    for row in rows[:SETTLED]:
        one.step(*row)
        one.hear_cells(row[VOLTS] + np.linspace(-0.004, 0.004, CELLS))
    return one


@settings(max_examples=60)
@given(drives(600), faults, st.booleans())
def test_no_fault_makes_it_jump_or_say_nan(run: tuple[Array, Array], sequence: list[Fault], with_cells: bool) -> None:
    rows, _ = run
    one, place = settled(rows), SETTLED
    told = one.estimate()[0]
    for kind, count, wild in sequence:
        frames, cells_v = faulty(rows[place : place + count], kind, wild)
        for k, row in enumerate(frames):
            one.step(*row)
            if with_cells:
                one.hear_cells(np.ascontiguousarray(cells_v[k]))
            answer = one.estimate()
            assert all(math.isfinite(value) for value in answer)
            assert -0.021 <= answer[1] <= answer[0] <= answer[3] <= 1.021
            assert abs(answer[0] - told) <= JUMP + MOST_A * row[DT] / 3600 / TYPE.capacity_ah
            told = answer[0]
        place += count
        assert all(math.isfinite(v) for v in (*one.arrival(), *one.energy(0.5), one.chance(0.5)))


BLIND: Final = ("lost voltage", "lost all", "frozen", "wild voltage")


@settings(max_examples=60)
@given(drives(600), st.sampled_from(BLIND), st.integers(120, 600))
def test_blind_it_widens(run: tuple[Array, Array], kind: str, count: int) -> None:
    rows, z = run
    assume(kind != "frozen" or abs(rows[SETTLED, AMPS]) > 0.025 * TYPE.capacity_ah)  # a pack at rest may stand still
    one = settled(rows)
    frames, _ = faulty(rows[SETTLED : SETTLED + count], kind, 9.9)
    for row in frames[:17]:  # ten frames that stand still may be true; and the window ends that began before
        one.step(*row)
    before = one.estimate()
    for row in frames[17:]:
        one.step(*row)
    answer = one.estimate()
    assert answer[10] in (kernel.COASTING, kernel.DOUBTFUL)
    moved = abs(answer[0] - before[0])  # a doubtful capacity doubts another charge another way
    assert answer[SD] > 0.999 * before[SD] - 0.1 * moved
    if kind == "lost all":
        assert answer[SD] > before[SD]
        assert answer[1] < z[SETTLED + count - 1] < answer[3]


@pytest.mark.parametrize("seconds", [700.0, 3600.0, 40000.0, 1e12])
def test_after_a_long_gap_more_is_possible(seconds: float) -> None:
    rows, _ = of_currents(np.full(900, 20.0) + np.sin(np.arange(900)), 0.4)
    one = settled(rows)
    one.step(10.0, rows[SETTLED, AMPS], NAN, 20.0)
    before = one.estimate()
    one.step(seconds, rows[SETTLED, AMPS], NAN, 20.0)
    after = one.estimate()
    assert after[SD] > (before[SD] if seconds < 36000 else 0.28)  # 0.29: anything between empty and full
    assert -0.02 <= after[1] <= after[3] <= 1.02


def test_a_lost_answer_of_the_meter_does_not_begin_the_visit_anew() -> None:
    rows, z = of_currents(np.full(2500, 150.0) + np.sin(np.arange(2500)), 0.3, docked=True)
    rows[2000:2030, METER] = NAN
    one = estimator()
    for row in rows:
        one.step(*row)
    assert abs(one.arrival()[0] - z[0]) < 0.02
    gone = rows.copy()
    gone[2100:2300, METER] = NAN  # driven away and back
    two = estimator()
    for row in gone:
        two.step(*row)
    assert abs(two.arrival()[0] - z[2300]) < 0.03
