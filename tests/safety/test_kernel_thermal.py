"""The thermal detector's kernel: each limit to the digit, and against a plain model written from docs/thermal.md."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest

from station_ctl.kernel import thermal as kernel
from station_ctl.kernel.thermal import Detector

NAN, INF = math.nan, math.inf
SLOTS_S = (2.0, 4.0, 8.0, 16.0)
ORDINARY_K = (3.0, 4.0, 5.0, 6.0)
ATTENTIVE_K = (2.0, 3.0, 4.0, 5.0)
HOT_C, SPREAD_K, UNSEEN_S = (70.0, 65.0), (20.0, 15.0), (30.0, 20.0)
CONFIRMED, JUMP_K, JUMP_K_S, DOUBT_S, GAP_S, SHARE, SMOKE_S = 4.0, 2.0, 0.5, 300.0, 10.0, 0.75, 2.0
ROW = (*SLOTS_S, *ORDINARY_K, *ATTENTIVE_K, *HOT_C, *SPREAD_K, *UNSEEN_S)
ROW += (CONFIRMED, JUMP_K, JUMP_K_S, DOUBT_S, GAP_S, SHARE, SMOKE_S)
LEVELS = (*SLOTS_S, *[1e9] * 8, *ROW[12:])
"""The same without any rise: what is seen is seen by its level."""
ALARM, SMOKE, HOT, RATE, DROP, SPREAD = 1, 2, 4, 8, 16, 32


class Feed:
    """A detector and the clock it is fed by; what is not named is sound."""

    def __init__(self, row: tuple[float, ...] = LEVELS, now_s: float = 1000.0) -> None:
        self.detector, self.now_s = Detector(row), now_s

    def __call__(
        self,
        hot_c: float = 25.0,
        cold_c: float = 20.0,
        *,
        after_s: float = 1.0,
        cells_v: tuple[float, float] = (NAN, NAN),
        smoke: int = 0,
        alarm: int = 0,
        attentive: bool = False,
    ) -> tuple[int, int, bool]:
        self.now_s += after_s
        return self.detector.update(self.now_s, hot_c, cold_c, *cells_v, smoke, alarm, attentive)

    def settle(self, hot_c: float, cold_c: float, **more: Any) -> tuple[int, int, bool]:
        """Come to these temperatures as slowly as a body does."""
        answer, (hot_from_c, cold_from_c) = (0, 0, False), self.detector.measured()[:2]
        for i in range(1, 101):
            share = i / 100
            answer = self(
                hot_from_c + (hot_c - hot_from_c) * share, cold_from_c + (cold_c - cold_from_c) * share, **more
            )
        self(hot_c, cold_c, **more)
        return self(hot_c, cold_c, **more) if answer is not None else answer


def calm(row: tuple[float, ...] = LEVELS) -> Feed:
    """A detector that has seen a sound pack for a while."""
    feed = Feed(row)
    for _ in range(3):
        assert feed() == (kernel.NORMAL, 0, False)
    return feed


def test_numbers_of_verdicts_and_causes() -> None:
    assert (kernel.NORMAL, kernel.SUSPECT, kernel.EVENT) == (0, 1, 2)
    bits = (kernel.BMS_ALARM, kernel.SMOKE, kernel.TEMPERATURE, kernel.TEMPERATURE_RATE, kernel.CELL_VOLTAGE_DROP)
    assert (*bits, kernel.SPREAD) == (1, 2, 4, 8, 16, 32)


@pytest.mark.parametrize("count", [24, 26])
def test_limits_must_be_all_there(count: int) -> None:
    with pytest.raises(ValueError, match=f"^a detector needs 25 limits, got {count}$"):
        Detector((*ROW, 1.0)[:count])


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("index", [0, 7, 24])
def test_limits_must_be_finite(index: int, bad: float) -> None:
    with pytest.raises(ValueError, match=f"^limit {index} is {bad}$"):
        Detector((*ROW[:index], bad, *ROW[index + 1 :]))


def test_a_new_detector_knows_nothing() -> None:
    assert _same(Detector(ROW).measured(), (NAN, NAN, -INF, 0, NAN, NAN, NAN))
    nothing = Detector(ROW)
    assert nothing.update(NAN, NAN, NAN, NAN, NAN, 0, 0, False) == (0, 0, True)
    assert nothing.update(INF, NAN, NAN, NAN, NAN, 1, 0, False)[:2] == (1, SMOKE)


@pytest.mark.parametrize(("said", "verdict"), [(0, 0), (1, 2), (2, 0), (3, 0)])
def test_only_a_true_alarm_is_an_alarm(said: int, verdict: int) -> None:
    assert calm()(alarm=said) == (verdict, ALARM if verdict else 0, False)


def test_an_alarm_counts_without_any_temperature() -> None:
    assert Feed()(NAN, NAN, alarm=1) == (2, ALARM, False)


@pytest.mark.parametrize("said", [0, 2, 3])
def test_smoke_has_to_last(said: int) -> None:
    feed = calm()
    feed(smoke=said)
    assert feed(smoke=1, after_s=1.99) == (1, SMOKE, False)
    assert feed(smoke=1, after_s=0.01) == (2, SMOKE, False)
    assert feed(smoke=said) == (0, 0, False)
    assert feed(smoke=1, after_s=1.99) == (1, SMOKE, False)


def test_smoke_from_the_beginning_has_to_last_as_well() -> None:
    feed = Feed()
    assert feed(smoke=1, after_s=0) == (1, SMOKE, False)
    assert feed(smoke=1, after_s=2) == (2, SMOKE, False)


@pytest.mark.parametrize("attentive", [False, True])
def test_a_hot_probe_is_suspect_and_a_hot_pack_an_event(attentive: bool) -> None:
    feed, limit_c = calm(), HOT_C[attentive]
    assert feed.settle(limit_c - 0.1, limit_c - 5, attentive=attentive) == (0, 0, False)
    assert feed.settle(limit_c, limit_c - 0.1, attentive=attentive) == (1, HOT, False)
    assert feed.settle(limit_c, limit_c, attentive=attentive) == (2, HOT, False)
    assert feed.settle(limit_c - 0.1, limit_c, attentive=attentive) == (0, 0, False)


@pytest.mark.parametrize("attentive", [False, True])
def test_an_uneven_pack_is_suspect(attentive: bool) -> None:
    feed, limit_k = calm(), SPREAD_K[attentive]
    assert feed.settle(20 + limit_k - 0.1, 20, attentive=attentive) == (0, 0, False)
    assert feed.settle(20 + limit_k, 20, attentive=attentive) == (1, SPREAD, False)


@pytest.mark.parametrize(("hot_c", "cold_c"), [(70.0, 70.0), (45.0, 25.0)])
def test_what_did_not_grow_is_blind_until_it_is_calm(hot_c: float, cold_c: float) -> None:
    feed = Feed()
    bits = HOT if hot_c == 70 else SPREAD
    assert feed(hot_c, cold_c) == (1, bits, True)
    assert feed(hot_c, cold_c, after_s=9) == (1, bits, True)
    assert feed.settle(hot_c, cold_c, cells_v=(0.0, 3.3))[0] == 1
    assert feed.settle(40, 20.1) == (1, DROP, False)
    assert feed.settle(hot_c, cold_c)[2] is False


@pytest.mark.parametrize("attentive", [False, True])
def test_blind_without_temperatures(attentive: bool) -> None:
    feed, limit_s = Feed(), UNSEEN_S[attentive]
    assert feed(NAN, NAN, after_s=0, attentive=attentive) == (0, 0, False)
    assert feed(NAN, NAN, after_s=limit_s, attentive=attentive) == (0, 0, False)
    assert feed(NAN, NAN, after_s=0.1, attentive=attentive) == (0, 0, True)
    assert feed(attentive=attentive) == (0, 0, False)
    feed.settle(80, 75, attentive=attentive)
    assert feed(NAN, 20, after_s=limit_s, attentive=attentive) == (2, HOT, False)
    assert feed(20, NAN, after_s=0.1, attentive=attentive) == (0, 0, True)
    assert feed.detector.measured()[6] == pytest.approx(limit_s + 0.1)


def test_a_cell_that_loses_a_quarter_of_its_voltage_is_suspect() -> None:
    feed = calm()
    assert feed(cells_v=(2.25, 3.0)) == (0, 0, False)
    assert feed(cells_v=(2.24, 3.0)) == (1, DROP, False)
    assert feed(cells_v=(NAN, 3.2)) == (1, DROP, False)
    assert feed(cells_v=(3.2, NAN)) == (1, DROP, False)
    assert _same(feed.detector.measured()[4:6], (2.24, 3.0))
    assert feed(cells_v=(3.2, 3.2)) == (0, 0, False)
    assert feed(cells_v=(0.0, 0.0)) == (0, 0, False)


@pytest.mark.parametrize(("hot_c", "bits"), [(40.0, SPREAD), (71.0, HOT | SPREAD)])
def test_a_cell_lost_where_it_was_hot_before_is_an_event(hot_c: float, bits: int) -> None:
    feed = calm()
    assert feed.settle(hot_c, 20) == (1, bits, False)
    assert feed(hot_c, 20, cells_v=(2.3, 3.2)) == (2, bits | DROP, False)
    assert feed.settle(25, 20) == (2, DROP, False)
    assert feed(cells_v=(3.2, 3.2)) == (0, 0, False)
    assert feed(cells_v=(2.3, 3.2)) == (1, DROP, False)


def test_a_hot_pack_without_spread_counts_too() -> None:
    feed = calm()
    assert feed.settle(70, 60) == (1, HOT, False)
    assert feed(70, 60, cells_v=(0.0, 3.2)) == (2, HOT | DROP, False)


def test_a_cell_lost_before_it_is_hot_is_a_wire() -> None:
    feed = calm()
    feed(cells_v=(0.0, 3.2))
    assert feed.settle(60, 20) == (1, SPREAD | DROP, False)


def test_a_cell_lost_while_temperatures_are_missing_is_no_event() -> None:
    feed = calm()
    feed.settle(45, 20)
    assert feed(NAN, NAN, after_s=30.5, cells_v=(0.0, 3.2)) == (1, DROP, True)
    feed = calm()
    feed.settle(45, 20)
    assert feed(NAN, NAN, after_s=30, cells_v=(0.0, 3.2)) == (2, DROP | SPREAD, False)


@pytest.mark.parametrize("which", ["hot", "cold"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_probe_that_jumps_is_not_believed(which: str, sign: int) -> None:
    feed, width_k = calm(), JUMP_K + JUMP_K_S * 2.0

    def shown(step_k: float) -> tuple[float, float]:
        return (25 + sign * step_k, 20) if which == "hot" else (25, 20 + sign * step_k)

    feed(*shown(width_k))
    assert feed(*shown(width_k), after_s=2) == (0, 0, False)
    feed = calm()
    assert feed(*shown(width_k + 0.01)) == (0, 0, False)  # one reading is a spike
    assert feed(*shown(width_k + 0.01), after_s=2) == (0, 0, True)
    jumped_s = feed.now_s
    for _ in range(32):
        feed(*shown(width_k + 0.01), after_s=9)
    assert feed(*shown(width_k + 0.01), after_s=jumped_s + 299.5 - feed.now_s) == (0, 0, True)
    assert feed(*shown(width_k + 0.01), after_s=0.5) == (0, 0, False)


def test_a_probe_that_jumped_once_is_no_witness_any_more() -> None:
    feed = calm()
    feed(40, 35)
    feed(40, 35)
    feed()
    feed()
    for _ in range(31):
        feed(after_s=9.9)
    assert feed() == (0, 0, False)
    assert feed.settle(75, 72) == (1, HOT, False)
    assert feed.settle(60, 20) == (1, SPREAD, False)
    assert feed(60, 20, cells_v=(0.0, 3.2)) == (1, SPREAD | DROP, False)
    assert feed(60, 20, after_s=-50, cells_v=(3.2, 3.2)) == (1, SPREAD, True)  # begun anew
    assert feed.settle(25, 20) == (0, 0, False)
    assert feed.settle(75, 72) == (2, HOT, False)


def test_a_spike_is_not_seen() -> None:
    feed = calm()
    for spike_c in (215.0, -40.0):
        assert feed(spike_c, spike_c) == (0, 0, False)
        assert feed.detector.measured()[:2] == (25.0, 20.0)
        feed()
        feed()
    assert feed(NAN, NAN)[2] is False


def climb(feed: Feed, rise_k: float, **more: Any) -> list[tuple[int, int, bool]]:
    """Each two seconds its hottest probe is so much warmer, in four readings of half a second."""
    answers = []
    for slot in range(1, 9):
        for _ in range(4):
            answers.append(feed(25 + slot * rise_k, 20, after_s=0.5, **more))
    return answers


@pytest.mark.parametrize(("attentive", "rise_k"), [(False, 3.0), (True, 2.0)])
def test_a_climb_is_suspect_by_half_and_an_event_when_confirmed(attentive: bool, rise_k: float) -> None:
    row = (*SLOTS_S, 3.0, 1e9, 1e9, 1e9, 2.0, 1e9, 1e9, 1e9, *ROW[12:14], 1e3, 1e3, *ROW[16:18], 5.0, 5.0, *ROW[20:])
    told = [answer[:2] for answer in climb(calm(row), rise_k, attentive=attentive)]
    assert (1, RATE) in told and (2, RATE) in told
    assert told.index((2, RATE)) - told.index((1, RATE)) == 8  # two slots of four readings
    assert not any(answer[0] for answer in climb(calm(row), rise_k - 0.01, attentive=attentive))


def test_what_warms_the_whole_pack_is_no_climb() -> None:
    row = (*SLOTS_S, *[1.0] * 8, *ROW[12:])
    feed = calm(row)
    assert {feed(25 + i / 4, 20 + i / 4, after_s=0.5) for i in range(160)} == {(0, 0, False)}


def test_one_step_is_no_climb() -> None:
    row = (*SLOTS_S, *[2.0] * 8, *ROW[12:18], 3.0, *ROW[19:])
    for offset in range(8):
        feed = calm(row)
        for _ in range(offset):
            feed(after_s=0.5)
        told = {feed(27.4, 20, after_s=0.5)[0] for _ in range(80)}
        assert 2 not in told


def test_time_that_goes_back_begins_anew() -> None:
    feed = calm(ROW)
    feed(cells_v=(0.0, 3.2), smoke=1)
    feed(60, 20)
    feed(60, 20)
    assert feed(60, 20) == (1, DROP | SPREAD, True)
    assert feed(NAN, NAN, after_s=-900, smoke=1) == (1, SMOKE, False)
    assert _same(feed.detector.measured(), (NAN, NAN, -INF, 0, NAN, NAN, 0.0))
    assert feed(NAN, NAN, smoke=1, after_s=1.9) == (1, SMOKE, False)
    assert feed(NAN, NAN, smoke=1, after_s=0.1) == (2, SMOKE, False)
    assert feed(25, 20) == (0, 0, False)


def test_a_time_that_is_no_number_is_the_time_before() -> None:
    feed = calm()
    for bad in (NAN, INF, -INF):
        assert feed.detector.update(bad, 25.0, 20.0, NAN, NAN, 0, 0, False) == (0, 0, False)
    assert feed.detector.measured()[6] == 0.0
    assert feed(after_s=9) == (0, 0, False)


def test_a_gap_forgets_what_was_before() -> None:
    feed = calm()
    assert feed(40, 38, after_s=10) == (0, 0, False)  # not a gap: one odd reading
    assert feed.detector.measured()[:2] == (25.0, 20.0)
    feed = calm()
    assert feed(40, 38, after_s=10.01) == (0, 0, False)
    assert feed.detector.measured()[:2] == (40.0, 38.0)
    assert feed(30, 28)[2] is False
    assert feed.detector.measured()[:2] == (40.0, 38.0)


class Model:
    """The detector as docs/thermal.md tells it, by lists of everything ever read."""

    def __init__(self) -> None:
        self.now_s = INF
        self._forget(INF)

    def _forget(self, now_s: float) -> None:
        self.hot: list[float] = []
        self.cold: list[float] = []
        self.shown: tuple[float, float] | None = None
        self.seen_s = self.clear_s = now_s
        self.jump_s, self.cells, self.warm, self.odd = -INF, (NAN, NAN), False, False
        self.slots: list[list[list[float]]] = [[] for _ in SLOTS_S]
        self.starts = [now_s] * len(SLOTS_S)
        self.rises: list[list[float]] = [[] for _ in SLOTS_S]

    def _unknown(self, now_s: float) -> None:
        self.odd = True
        self.slots = [[[]] for _ in SLOTS_S]
        self.starts, self.rises = [now_s] * len(SLOTS_S), [[] for _ in SLOTS_S]

    def _temperatures(self, now_s: float, hot_c: float, cold_c: float, attentive: bool) -> None:
        passed_s, self.seen_s = now_s - self.seen_s, now_s
        if self.shown is None or passed_s > GAP_S:
            self.hot, self.cold = [hot_c, hot_c], [cold_c, cold_c]
            self.shown = hot_c, cold_c
            self._unknown(now_s)
        else:
            self.hot.append(hot_c)
            self.cold.append(cold_c)
            before, self.shown = self.shown, (median(self.hot[-3:]), median(self.cold[-3:]))
            if max(abs(a - b) for a, b in zip(before, self.shown, strict=True)) > JUMP_K + JUMP_K_S * passed_s:
                self.jump_s = now_s
                self._unknown(now_s)
        for i, slot_s in enumerate(SLOTS_S):
            if now_s - self.starts[i] >= slot_s:
                self._close(i, now_s, (ATTENTIVE_K if attentive else ORDINARY_K)[i])
            self.slots[i][-1].append(self.shown[0] - self.shown[1])
        if self.shown[0] < HOT_C[attentive] and self.shown[0] - self.shown[1] < SPREAD_K[attentive]:
            self.odd = False

    def _close(self, i: int, now_s: float, limit_k: float) -> None:
        done = self.slots[i]
        rise_k = min(done[-1]) - max(done[-3]) if len(done) >= 3 else -INF
        self.rises[i] = [*self.rises[i], rise_k] if rise_k >= limit_k else []
        self.last = getattr(self, "last", {}) | {i: rise_k}
        self.slots[i].append([])
        self.starts[i] = now_s

    def update(
        self, now_s: float, hot_c: float, cold_c: float, low_v: float, mid_v: float, smoke: int, alarm: int, new: bool
    ) -> tuple[int, int, bool]:
        if not math.isfinite(now_s):
            now_s = self.now_s
        if now_s < self.now_s:
            self._forget(now_s)
        self.now_s = now_s
        if math.isfinite(hot_c) and math.isfinite(cold_c):
            self._temperatures(now_s, hot_c, cold_c, new)
        if math.isfinite(low_v) and math.isfinite(mid_v):
            self.cells = low_v, mid_v
        if smoke != 1:
            self.clear_s = now_s
        return self._judged(smoke, alarm, new)

    def _judged(self, smoke: int, alarm: int, new: bool) -> tuple[int, int, bool]:
        seen = self.now_s - self.seen_s <= UNSEEN_S[new]
        quiet = self.now_s - self.jump_s >= DOUBT_S
        grown = self.jump_s == -INF and not self.odd
        hot_c, cold_c = self.shown or (NAN, NAN)
        causes, events = set(), [alarm == 1]
        if alarm == 1:
            causes.add(ALARM)
        if smoke == 1:
            causes.add(SMOKE)
            events.append(self.now_s - self.clear_s >= SMOKE_S)
        if self.cells[0] < SHARE * self.cells[1]:
            causes.add(DROP)
        if seen:
            if hot_c >= HOT_C[new]:
                causes.add(HOT)
                events.append(grown and cold_c >= HOT_C[new])
            if hot_c - cold_c >= SPREAD_K[new]:
                causes.add(SPREAD)
            if DROP not in causes:
                self.warm = grown and bool(causes & {HOT, SPREAD})
            events.append(DROP in causes and self.warm)
            count = max(map(len, self.rises))
            if quiet and 2 * count >= CONFIRMED:
                causes.add(RATE)
                events.append(count >= CONFIRMED)
        return (2 if any(events) else 1 if causes else 0), sum(causes), not (seen and quiet) or self.odd


def story(seed: int, count: int) -> Iterator[tuple[float, float, float, float, float, int, int, bool]]:
    """Whole numbers, so that each limit is met exactly, often: climbs, steps, spikes, gaps, time that goes back."""
    rng = random.Random(f"thermal {seed}")
    now_s, hot_c, cold_c, new = 100.0, 25.0, 20.0, False
    trend_k, low_v = 0.0, 4.0
    for _ in range(count):
        now_s += (
            rng.choice((0.5, 0.5, 1.0, 1.0, 2.0)) if rng.random() < 0.97 else rng.choice((10.0, 10.5, 20.0, 31.0, -9.0))
        )
        if rng.random() < 0.03:
            trend_k = rng.choice((0.0, 0.5, 1.0, 1.5, 2.0, -1.0))
            new = rng.random() < 0.5
        hot_c += trend_k if hot_c < 85 else -60.0
        if rng.random() < 0.02:
            hot_c, cold_c = rng.choice(((25.0, 20.0), (40.0, 20.0), (70.0, 70.0), (hot_c, hot_c - 20), (66.0, 65.0)))
        odd = rng.random()
        shown_c = hot_c + rng.choice((60.0, -60.0, 3.0, NAN)) if odd < 0.03 else hot_c
        if rng.random() < 0.05:
            low_v = rng.choice((4.0, 4.0, 3.0, 2.0, 0.0))
        cells_v = rng.choice(((low_v, 4.0), (NAN, NAN), (NAN, NAN), (NAN, 4.0), (low_v, INF)))
        smoke, alarm = int(rng.random() < 0.1), rng.choice((0,) * 40 + (1, 2, 3))
        yield (NAN if odd > 0.99 else now_s), shown_c, cold_c, *cells_v, smoke * rng.choice((1, 1, 2)), alarm, new


def test_the_kernel_does_what_the_model_does() -> None:
    seen: dict[tuple[int, int], int] = {}
    for seed in range(12):
        detector, model = Detector(ROW), Model()
        for news in story(seed, 1500):
            answer = detector.update(*news)
            assert answer == model.update(*news), (seed, news)
            seen[answer[:2]] = seen.get(answer[:2], 0) + 1
            if model.shown is not None:
                assert detector.measured()[:2] == model.shown
            assert _same(detector.measured()[4:], (*model.cells, model.now_s - model.seen_s))
            counts = [len(rises) for rises in model.rises]
            longest = detector.measured()[3]
            assert longest == counts.index(max(counts))
            if counts[longest]:
                assert detector.measured()[2] == model.rises[longest][-1]
    assert len(seen) > 30  # the story has met most of what there is
    assert all(any(causes & bit for _, causes in seen) for bit in (1, 2, 4, 8, 16, 32))


def test_a_memory_goes_on_where_it_was() -> None:
    first = Detector(ROW)
    for i, news in enumerate(story(99, 600)):
        if i % 7 == 0:
            second = Detector(ROW)
            second.load(first.dump())
            assert second.dump() == first.dump()
            assert _same(second.measured(), first.measured())
        assert second.update(*news) == first.update(*news)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_memory_of_another_size_is_refused(change: int) -> None:
    size = len(Detector(ROW).dump())
    assert size == 4 * 7 * 8 + 2 * 3 * 8 + 8 * 8
    with pytest.raises(ValueError, match=f"^a memory is {size} bytes, got {size + change}$"):
        Detector(ROW).load(bytes(size + change))


def test_a_run_is_as_many_updates() -> None:
    rows = b"".join(struct.pack("<d4f3B", *news[:7], 3 * news[7]) for news in story(7, 400))
    answers, single = bytearray(3 * 400), Detector(ROW)
    Detector(ROW).run(rows, answers)
    for i, news in enumerate(struct.iter_unpack("<d4f3B", rows)):
        assert tuple(answers[3 * i : 3 * i + 3]) == single.update(*news[:7], bool(news[7]))


@pytest.mark.parametrize(("rows", "answers"), [(135, 14), (135, 16), (134, 15), (136, 15)])
def test_a_run_of_another_size_is_refused(rows: int, answers: int) -> None:
    with pytest.raises(ValueError, match=f"^{answers} bytes of answers for {rows} of records of 27$"):
        Detector(ROW).run(bytes(rows), bytearray(answers))


def test_a_run_over_nothing_is_nothing() -> None:
    detector = Detector(ROW)
    before = detector.dump()
    detector.run(b"", bytearray())
    assert detector.dump() == before


def _same(left: tuple[float, ...], right: tuple[float, ...]) -> bool:
    """Equal, and NaN equals NaN."""
    return len(left) == len(right) and all(a == b or (a != a and b != b) for a, b in zip(left, right, strict=True))
