"""What figures are made of: few points that look like all, stretches that lose no time, axes with round ticks."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.record import Sample
from hil.report.histogram import axis_of, bins, histogram
from hil.report.marks import Levels
from hil.report.markup import amount, clock, cut, tag
from hil.report.reduce import Stretch, joined, line, stretches, within, without_slivers

HEIGHTS = st.lists(st.floats(-1000, 1000), min_size=2, max_size=200)


def height_at(points: list[tuple[float, float]], x: float) -> float:
    """The line's height, by linear interpolation."""
    i = min(max(bisect_right(points, x, key=lambda p: p[0]) - 1, 0), len(points) - 2)
    (x0, y0), (x1, y1) = points[i], points[i + 1]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


@given(HEIGHTS, st.floats(0.01, 50))
def test_a_reduced_line_is_nowhere_further_off_than_allowed(heights: list[float], tolerance: float) -> None:
    points = [(float(i), y) for i, y in enumerate(heights)]
    kept = within(points, tolerance)
    assert set(kept) <= set(points) and (kept[0], kept[-1]) == (points[0], points[-1])
    assert all(abs(height_at(kept, x) - y) <= tolerance * (1 + 1e-6) + 1e-6 for x, y in points)


def test_a_move_between_rests_needs_four_points_and_noise_none() -> None:
    ramp = [(i / 1.0, min(max(i - 100, 0), 100) / 2 + 0.1 * math.sin(i)) for i in range(300)]
    assert 4 <= len(line(ramp)) <= 8


def test_a_spike_within_one_pixel_is_kept() -> None:
    points = [(i / 100, 30.0 if i == 5050 else 0.0) for i in range(10000)]
    assert max(y for _, y in line(points)) == 30.0
    assert len(line(points)) < 10


def _sample(at_s: float, step: str) -> Sample:
    return Sample(at_s, "Execute", step, 0.0, 0.0, 0.0, 0.0)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=80), st.floats(0, 1))
def test_stretches_cover_the_run_without_gap(steps: list[str], least_s: float) -> None:
    found = stretches([_sample(i / 10, s) for i, s in enumerate(steps)], lambda s: s.step, 9.0)
    for some in (found, without_slivers(found, least_s)):
        assert some[0].from_s == 0.0 and some[-1].until_s == 9.0
        assert all(a.until_s == b.from_s and a.value != b.value for a, b in pairwise(some))
    assert [s.value for s in found for _ in range(round(min(s.until_s, len(steps) / 10) * 10 - s.from_s * 10))] == steps


def test_a_permit_of_a_tenth_of_a_second_is_seen_in_an_hour() -> None:
    found = [Stretch(True, 5.0, 5.1), Stretch(True, 5.2, 5.3), Stretch(True, 900.0, 900.1)]
    assert joined(found, 3.0) == [Stretch(True, 5.0, 5.3), Stretch(True, 900.0, 900.1)]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=100))
def test_every_value_is_in_a_bin_and_ticks_are_on_the_axis(values: list[float]) -> None:
    values.sort()
    axis = axis_of(values)
    assert sum(bins(values, axis)) == len(values)
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks())
    assert len(list(axis.ticks())) <= 16


def test_the_axis_is_logarithmic_only_where_values_spread() -> None:
    assert not axis_of([1.0, 2.0, 3.0]).log
    assert axis_of([0.0, 0.1, 0.1, 50.0]).log
    assert axis_of([0.0, 0.0, 0.0]).high > 0


def test_a_histogram_says_its_figures() -> None:
    drawn = histogram("jitter", [0.1] * 98 + [2.0, 40.0])
    for told in ("p50 0.1 ms", "p99 2 ms", "max 40 ms", "100 values", "logarithmic"):
        assert told in drawn
    assert histogram("none", [math.nan]) == ""


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(1, 200)), max_size=60))
def test_levels_never_overlap(labels: list[tuple[float, float]]) -> None:
    levels = Levels(3)
    placed: dict[int, float] = {}
    for left, wide in sorted(labels):
        level = levels.place(left, left + wide)
        assert level is None or placed.get(level, 0.0) <= left
        if level is not None:
            placed[level] = left + wide


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.0, "0 ms"), (0.03281, "0.0328 ms"), (61.04, "61 ms"), (142.94, "142.9 ms"), (12345.6, "12\u202f346 ms")],
)
def test_amounts_have_the_digits_that_count(value: float, says: str) -> None:
    assert amount(value, "ms") == says


def test_moments_are_said_as_a_person_does() -> None:
    assert [clock(s) for s in (0.0, 42.52, 127.4, 3727.0, math.nan)] == ["0 s", "42.5 s", "2:07", "1:02:07", "?"]


def test_markup_escapes_everything_that_is_not_markup() -> None:
    assert tag("b", "<i>", tag("u", "&"), class_='"x') == '<b class="&quot;x">&lt;i&gt;<u>&amp;</u></b>'
    assert cut("abcdef", 4) == "abc…"
