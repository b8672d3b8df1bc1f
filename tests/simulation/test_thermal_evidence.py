"""A short form of `make thermal`: runaways are seen before the pack's alarm, sound packs stay, worse detectors fail."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from hil.thermal import picture, study
from hil.thermal.cli import FIRST
from hil.thermal.runaways import SHORTS_W, Record, draw, watch
from station_ctl.thermal import limits as shipped

LIMITS = shipped.load()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 6))
def test_a_pack_that_runs_away_is_seen_before_its_own_alarm(seed: int) -> None:
    case = draw(seed)
    outcome = watch(replace(case, short_w=max(case.short_w, 1500.0)), LIMITS)
    assert outcome.detected_s is not None
    assert outcome.detected_s < outcome.ran_away_s <= outcome.alarm_s
    assert outcome.detected_s > outcome.short_s  # not before there was anything to see


@pytest.mark.parametrize("alarm_s", [0.0, 300.0])
@pytest.mark.parametrize("short_w", [900.0, 3000.0, SHORTS_W[1]])
def test_even_an_alarm_at_the_instant_of_running_away_is_later(short_w: float, alarm_s: float) -> None:
    case = replace(draw(FIRST), short_w=short_w, alarm_s=alarm_s, attentive=False, lost=0.1)
    outcome = watch(case, LIMITS)
    assert outcome.alarm_s - outcome.ran_away_s == pytest.approx(alarm_s, abs=0.5)
    assert outcome.lead_s > alarm_s


def test_a_detector_without_rise_and_voltages_misses() -> None:
    case = replace(draw(FIRST), short_w=3000.0, lists=False)
    assert watch(case, LIMITS).detected_s is not None
    assert watch(case, study.easier(LIMITS, 1e6)).detected_s is None


def test_what_the_wire_brings_is_late_in_whole_steps_and_has_holes() -> None:
    heard = list(Record(replace(draw(FIRST), short_w=6000.0, alarm_s=0.0, lost=0.3)))
    hot_c = [h.hot_c for h in heard if h.hot_c == h.hot_c]
    assert all(value == round(value) for value in hot_c)
    assert 0.6 < len(hot_c) * 0.25 / heard[-1].at_s < 0.8
    assert all(a.at_s < b.at_s for a, b in itertools.pairwise(heard))


def test_no_sound_pack_is_evacuated_and_a_jumpy_detector_would() -> None:
    total = study.days(3, FIRST, LIMITS)
    assert not total.events.total(), total.told()
    assert total.samples > 3 * 8 * 80_000
    assert len(total.stays) > 9  # most kinds of broken sensors were met
    assert study.days(2, FIRST, study.easier(LIMITS, 0.1)).events.total() > 0


def test_figures_are_told_in_words() -> None:
    outcomes = [watch(replace(draw(FIRST), short_w=5000.0), LIMITS)]
    lines = study.told(outcomes)
    assert lines[0].startswith("1 packs")
    assert lines[1].endswith("before the pack's alarm: 1; not: 0")
    assert study.told([])[2].endswith("-")


def test_the_picture_names_what_was_seen() -> None:
    drawn = picture.draw(picture.SHOWN)
    assert "the pack&#x27;s own alarm" in drawn
    assert "the station is sure (temperature rate)" in drawn
    assert drawn.count("<polyline") == 3
