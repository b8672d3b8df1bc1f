"""The compiled estimator at its edges: what it refuses, what only a damaged memory or a rare pack leads to."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from typing import Any

import pytest

import station_ctl.kernel.soc as kernel
from station_ctl.soc import curves

np = pytest.importorskip("numpy")
from tests.soc_frames import AMPS, HEALTHS, KERNEL, NAN, TYPE, Array, estimator, frames_of  # noqa: E402

HYPOTHESES, OF_EACH = 186, 46
"""The bank is the last of a pack's memory: log weight, 8 means, 36 of the covariance, extra; doubles."""


def good() -> list[Any]:
    plateau, knee = curves.tables(TYPE)
    return [
        list(curves.row(TYPE)), np.array(plateau), np.array(knee), np.array(curves.terms(TYPE.terms)), -0.12, 0.00125
    ]  # fmt: skip


def put(array_: Any, where: Any, value: float) -> Any:
    changed = np.array(array_)
    changed[where] = value
    return changed


@pytest.mark.parametrize(
    ("place", "bad", "says"),
    [
        (0, lambda row: row[:-1], "needs 35 numbers, got 34"),
        (0, lambda row: [-1.0, *row[1:]], "number 0 of the cell type"),
        (0, lambda row: [*row[:4], NAN, *row[5:]], "number 4 of the cell type"),
        (0, lambda row: [0.0, *row[1:]], "number 0 of the cell type"),
        (1, lambda table: table[:-1], "1024 knots"),
        (1, lambda table: np.ascontiguousarray(table[:, :2]), "1024 knots"),
        (1, lambda table: put(table, (7, 1), math.inf), "number 7 of the curves"),
        (2, lambda table: table[:-1], "1024 knots"),
        (2, lambda table: put(table, 9, NAN), "number 9 of the curves"),
        (3, lambda table: table[:-1], "64 temperatures"),
        (3, lambda table: np.ascontiguousarray(table[:, :5]), "64 temperatures"),
        (3, lambda table: put(table, (2, 0), -1.0), "number 12 of the terms"),
        (3, lambda table: put(table, (2, 1), 0.0), "number 13 of the terms"),
        (4, lambda first: 0.5, "number 0 of the curves"),
        (5, lambda step: 2.0, "number 0 of the curves"),
    ],
)
def test_what_is_no_type_is_refused(place: int, bad: Callable[[Any], Any], says: str) -> None:
    parts = good()
    kernel.CellType(*parts)
    parts[place] = bad(parts[place])
    with pytest.raises(ValueError, match=says):
        kernel.CellType(*parts)


def test_what_is_no_pack_is_refused() -> None:
    sound = ((0.0, 0.1), (1.0, 0.1), (0.0, 0.01))
    estimator(kept=sound)
    bad = (
        (0.0, 1, 0.1, 1, 0.1),
        (0.2, 0.1, 0.1, 1, 0.1),
        (0.2, 1, 0.0, 1, 0.1),
        (0.2, 1, 0.1, 0.2, 0.1),
        (0.2, 1, 0.1, 1, 0.0),
    )
    for healths in (HEALTHS[:5], *([health] * 6 for health in bad)):
        with pytest.raises(ValueError, match="health"):
            kernel.Estimator(KERNEL, healths)
    for kept in (((NAN, 0.1), *sound[1:]), (sound[0], (1.0, 0.0), sound[2]), (*sound[:2], (0.0, 10.0))):
        with pytest.raises(ValueError, match="kept"):
            estimator(kept=kept)
    for cells in (-1, 513):
        with pytest.raises(ValueError, match="cells"):
            estimator(cells=cells)
    for start in ((2.0, 0.1), (-0.1, 0.1), (0.5, 0.0), (NAN, 0.1), (0.5, 0.1, 0.0), (0.5, 0.1, 1.0)):
        with pytest.raises(ValueError, match="a start of"):
            estimator().start(*start)


def test_what_is_no_question_is_refused() -> None:
    one = estimator(cells=4)
    with pytest.raises(ValueError, match="1 cells, not 4"):
        one.hear_cells(array("d", [3.3]))
    estimator().hear_cells(array("d"))
    for limits in ((2.5, 2.5, 2, 1), (2.5, 3.65, 0, 1), (2.5, 3.65, 2, NAN)):
        with pytest.raises(ValueError, match="limits"):
            one.power(limits, (10.0,))
    for seconds in (0.0, 1e7):
        with pytest.raises(ValueError, match=r" s$"):
            one.power((2.5, 3.65, 2, 1), (seconds,))
    for rate in (-0.1, math.inf):
        with pytest.raises(ValueError, match="a discharge at"):
            one.energy(rate)
    assert one.chance(NAN) == 0.0
    assert one.chance(-1.0) == 1.0
    volts = np.zeros(2)
    for frames in (np.zeros((2, 3)), np.zeros((3, 4))):
        with pytest.raises(ValueError, match="4 columns"):
            KERNEL.predict(frames, 0.0, 1.0, volts)


def test_run_and_step_all_are_step() -> None:
    rows, _ = frames_of(600, 0.3, lambda t: 150.0)
    one, two, three = estimator(), estimator(), estimator()
    answers, batch = np.empty((2, 11)), np.zeros((1, 11))
    for row in rows:
        one.step(*row)
        kernel.step_all([three], np.ascontiguousarray(row[None, :]), batch)
    two.run(rows, answers, np.array([3, len(rows) - 1]))
    assert tuple(answers[1]) == one.estimate() == three.estimate()
    for frames, told, wanted in ((4, 11, 1), (5, 10, 1), (5, 11, 2)):
        with pytest.raises(ValueError, match="5 columns"):
            two.run(np.zeros((1, frames)), np.zeros((1, told)), np.zeros(wanted, dtype=int))
    for packs, frames, columns, told in ((2, 1, 5, 1), (1, 1, 5, 2), (1, 1, 4, 1)):
        with pytest.raises(ValueError, match="packs need"):
            kernel.step_all([three] * packs, np.zeros((frames, columns)), np.zeros((told, 11)))
    with pytest.raises(ValueError, match="packs need"):
        kernel.step_all([three], np.zeros((1, 5)), np.zeros((1, 10)))


def test_a_known_start_is_believed_and_one_that_is_wide_is_none() -> None:
    for soc, sd in ((0.55, 0.03), (0.0, 0.01), (1.0, 0.02)):
        one = estimator()
        one.start(soc, sd)
        told = one.estimate()
        assert told[0] == pytest.approx(soc, abs=0.003)
        assert 0.75 < (told[3] - told[1]) / (2 * 1.645 * sd) < 1.5
    wide = estimator()
    wide.start(0.5, 1.0)
    assert wide.estimate() == estimator().estimate()


def damaged(one: kernel.Estimator, hypotheses: range) -> bytes:
    """Its memory with charges that cannot be."""
    numbers = array("d", one.dump())
    bank = len(numbers) - HYPOTHESES * OF_EACH
    for n in hypotheses:
        numbers[bank + n * OF_EACH + 1] = 1e300
    return numbers.tobytes()


def test_memory_is_taken_only_if_it_can_be() -> None:
    one = estimator()
    numbers = array("d", one.dump())
    numbers[0] = NAN
    with pytest.raises(ValueError, match="number 0 of the memory is none"):
        one.load(numbers.tobytes())
    with pytest.raises(ValueError, match="bytes"):
        one.load(b"short")


@pytest.mark.parametrize("hypotheses", [range(HYPOTHESES), range(50)])
def test_absurd_hypotheses_die_and_if_all_do_everything_is_possible(hypotheses: range) -> None:
    rows, _ = frames_of(300, 0.4, lambda t: 100.0)
    one = estimator()
    one.load(damaged(one, hypotheses))
    for row in rows[:30]:
        one.step(*row)
    assert all(math.isfinite(v) for v in one.estimate())
    assert all(abs(means[0]) < 1.5 for log_weight, means, _ in one.all() if log_weight > -18)
    assert 0.05 < one.estimate()[3] - one.estimate()[1] < 1.04


def test_what_it_keeps_is_what_a_next_visit_takes_before_and_after_the_knee() -> None:
    rows, _ = frames_of(5620, 0.2, lambda t: 150.0 + math.sin(t), dt_s=10.0, docked=True)
    one, widths = estimator(), []
    for k, row in enumerate(rows):
        one.step(*row)
        if k % 20 == 0:
            healths, kept = one.keep()
            estimator_again = kernel.Estimator(KERNEL, healths, kept)
            widths.append(estimator_again.estimate()[7] - estimator_again.estimate()[6])
    assert sum(h[0] for h in one.keep()[0]) == pytest.approx(1, abs=0.01)
    assert widths[-1] < 0.5 * widths[0]


@pytest.mark.parametrize(("temperature_c", "current_a"), [(88.0, 150.0), (-16.9, 15.0)])
def test_the_hottest_and_the_coldest_pack_that_can_be_are_followed(temperature_c: float, current_a: float) -> None:
    told, soc = followed_at(temperature_c, current_a)
    assert told[1] - 0.02 < soc < told[3] + 0.02
    assert told[3] - told[1] < 0.25


@pytest.mark.parametrize("temperature_c", [-17.1, -50.0])
def test_in_more_cold_than_the_terms_reach_the_voltage_says_nothing(temperature_c: float) -> None:
    told, soc = followed_at(temperature_c, 15.0)
    assert told[10] == kernel.COASTING
    assert told[1] < 0.06 and told[3] > 0.94
    told, soc = followed_at(temperature_c, 15.0, 0.3, 0.02)
    assert told[10] == kernel.COASTING
    assert told[0] == pytest.approx(soc, abs=0.01) and told[3] - told[1] > 0.06


@pytest.mark.parametrize("bias_a", [-2.0, 0.0, 2.0])
def test_a_start_that_is_known_is_counted_on_to_empty_without_a_voltage(bias_a: float) -> None:
    """The doubt has charges that would be below empty: they die, and do not take the known one with them."""
    rows, z = frames_of(9 * 3600, 0.9, lambda t: -29.0, dt_s=10.0, temperature_c=-20.0)
    rows[:, AMPS] += bias_a
    one = estimator()
    one.start(0.9, 0.03)
    for row in rows:
        one.step(*row)
    told = one.estimate()
    assert z[-1] < 0.03
    assert told[10] == kernel.COASTING
    assert told[1] < z[-1] < told[3] and told[3] < 0.25


def test_blind_and_full_with_a_bias_that_charges_it_stays_near_full() -> None:
    """What is counted runs beyond full, as far as an expected bias may carry it: no other charge takes over."""
    rows, _ = frames_of(6 * 3600, 0.99, lambda t: 0.0, dt_s=10.0, temperature_c=-20.0)
    rows[:, AMPS] += 2.0
    one = estimator()
    one.start(0.99, 0.01)
    for row in rows:
        one.step(*row)
    assert one.estimate()[0] > 0.9
    assert one.estimate()[1] < 0.99


def followed_at(temperature_c: float, current_a: float, *start: float) -> tuple[tuple[float, ...], float]:
    """What is told after a quarter of an hour of that current from 30 %, and the charge."""
    rows, z = frames_of(900, 0.3, lambda t: current_a, temperature_c=temperature_c)
    one = estimator()
    if start:
        one.start(*start)
    for row in rows:
        one.step(*row)
    return one.estimate(), float(z[-1])


def exchanged() -> tuple[kernel.Estimator, Array, Array]:
    """Anchored at the knee; then the frames of a pack with another voltage altogether, and its charge after each."""
    rows, _ = frames_of(5620, 0.2, lambda t: 150.0, dt_s=10.0, docked=True)
    one = estimator()
    for row in rows:
        one.step(*row)
    assert one.estimate()[10] == kernel.ANCHORED
    return one, *frames_of(4000, 0.35, lambda t: -60.0 + 20 * math.sin(t / 9), dt_s=2.0)


def test_a_pack_that_is_no_longer_the_same_is_doubted_and_found_anew() -> None:
    """Innovations fail for long and all charges come back."""
    one, other, z = exchanged()
    reasons = set()
    for row in other:
        one.step(*row)
        reasons.add(one.estimate()[10])
    assert kernel.DOUBTFUL in reasons
    told = one.estimate()
    assert abs(told[0] - z[-1]) < 0.15


def test_blind_nothing_is_thought_possible_anew() -> None:
    """It was doubtful when the voltage was lost: without another one there is no new reason to begin again."""
    one, other, _ = exchanged()
    for row in other:
        one.step(*row)
        if one.estimate()[10] == kernel.DOUBTFUL and not one.blind():
            break
    assert one.estimate()[10] == kernel.DOUBTFUL
    one.step(2.0, -60.0, NAN, 20.0, NAN)
    assert one.blind()
    alive = []
    for k in range(1000):
        one.step(2.0, -60.0 + math.sin(k), NAN, 20.0, NAN)
        alive.append(sum(row[0] > -18.37 for row in one.all()))
    assert alive == sorted(alive, reverse=True)
    assert one.estimate()[10] in (kernel.DOUBTFUL, kernel.COASTING)
