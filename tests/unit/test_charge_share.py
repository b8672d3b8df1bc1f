"""The grid limit: fair shares, and what is really drawn never passes it, whatever becomes of what is written."""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from drivers.meter_status import MeterDoubt, MeterStatus
from drivers.reading import Quality, Reading, Signal
from station_ctl.charging import seen, table
from station_ctl.charging.charger import Charger
from station_ctl.charging.fill import Wish, fill
from station_ctl.charging.grid import Grid
from station_ctl.charging.share import LINGER_S, Share
from station_ctl.sections import GridSection
from tests.charge_room import ChargeRoom

wishes = st.dictionaries(
    st.integers(1, 24), st.builds(Wish, st.floats(0, 3e5), st.floats(1e-3, 1e3)), min_size=1, max_size=24
)


@given(wishes, st.floats(0, 5e6))
def test_a_share_is_fair_by_weight_and_nothing_is_left_that_somebody_could_use(
    found: dict[int, Wish], amount: float
) -> None:
    shares = fill(found, amount)
    assert set(shares) == set(found)
    assert all(0.0 <= shares[n] <= w.most for n, w in found.items())
    total, wanted = math.fsum(shares.values()), math.fsum(w.most for w in found.values())
    assert total == pytest.approx(min(amount, wanted), rel=1e-9, abs=1e-6)
    levels = {n: shares[n] / w.weight for n, w in found.items()}
    open_ = [levels[n] for n, w in found.items() if shares[n] < w.most * (1 - 1e-9) - 1e-6]
    if open_:  # who has not all he wished has as much per weight as anybody
        assert min(open_) >= max(levels.values()) * (1 - 1e-6) - 1e-9


def test_a_wish_that_is_no_number_is_refused() -> None:
    for bad in (Wish(math.nan, 1.0), Wish(-1.0, 1.0), Wish(1.0, 0.0), Wish(math.inf, 1.0), Wish(1.0, math.nan)):
        with pytest.raises(ValueError, match="wish 3"):
            fill({3: bad}, 10.0)


TICK_S, LATEST_S, LEASE_S = 0.1, 0.9, 0.4
UP_W, DOWN_W = 3500.0, 14000.0
"""A charger's ramp in a tick: 50 A/s and 200 A/s at 700 V."""
MOST_W = 260_000.0


class Plant:
    """A charger that ramps. Commands come in order, up to LATEST_S late, or never; a status may be old, or missing."""

    def __init__(self) -> None:
        self.sent: deque[tuple[float, float]] = deque()
        self.taken_w = self.drawn_w = 0.0
        self.lease_s = -math.inf
        self.statuses: deque[tuple[float, float]] = deque(maxlen=6)
        self.late_s, self.lost, self.mute, self.obeys, self.falls = 0.0, False, False, 1.0, 1.0

    def command(self, power_w: float, now_s: float) -> None:
        if not self.lost:
            at_s = now_s + self.late_s
            self.sent.append((max(at_s, self.sent[-1][0]) if self.sent else at_s, power_w))

    def advance(self, now_s: float) -> None:
        while self.sent and self.sent[0][0] <= now_s:
            self.taken_w, self.lease_s = self.sent.popleft()[1], now_s + LEASE_S
        if now_s > self.lease_s or self.taken_w == 0.0:
            self.taken_w = self.drawn_w = 0.0
        target_w = self.taken_w * self.obeys
        self.drawn_w = min(max(target_w, self.drawn_w - DOWN_W * self.falls), self.drawn_w + UP_W)
        self.statuses.append((now_s, max(self.drawn_w, self.taken_w)))

    def shown_w(self, now_s: float, age_s: float) -> float | None:
        if self.mute:
            return None
        old = [w for at_s, w in self.statuses if now_s - at_s >= age_s]
        return old[-1] if old else None


bays, for_a_while = st.integers(0, 4), st.sampled_from([0.1, 0.5, 1.0, 3.0, 6.0])


class Sharing(RuleBasedStateMachine):
    """Any sequence of wishes and of things that go wrong; the sum is watched in every tick, not only at the end."""

    @initialize(count=st.integers(2, 4), limit_kw=st.sampled_from([200.0, 400.0]))
    def begin(self, count: int, limit_kw: float) -> None:
        """All of them charge under a limit that is too low for them."""
        self.now_s, self.budget_w = 1000.0, limit_kw * 1000.0
        self.plants = {n: Plant() for n in range(1, count + 1)}
        self.share = Share(dict.fromkeys(self.plants, MOST_W), 2000.0)
        self.wishes = {n: Wish(180e3, 10.0 * n) for n in self.plants}
        self.status_s, self.allowed_w = 0.0, self.budget_w
        self.run(12.0)

    def one(self, index: int) -> Plant:
        return self.plants[index % len(self.plants) + 1]

    @rule(index=bays, kw=st.sampled_from([0.0, 60.0, 240.0]), need=st.sampled_from([1.0, 9.0]), seconds=for_a_while)
    def wish(self, index: int, kw: float, need: float, seconds: float) -> None:
        number = index % len(self.plants) + 1
        self.wishes.pop(number, None)
        if kw:
            self.wishes[number] = Wish(kw * 1000.0, need)
        self.run(seconds)

    @rule(index=bays, late_s=st.sampled_from([0.0, LATEST_S]), lost=st.booleans(), seconds=for_a_while)
    def wire(self, index: int, late_s: float, lost: bool, seconds: float) -> None:
        self.one(index).late_s, self.one(index).lost = late_s, lost
        self.run(seconds)

    @rule(index=bays, seconds=for_a_while)
    def silence(self, index: int, seconds: float) -> None:
        self.one(index).mute ^= True
        self.run(seconds)

    @rule(index=bays, obeys=st.sampled_from([0.0, 0.4, 1.0]), seconds=for_a_while)
    def obey(self, index: int, obeys: float, seconds: float) -> None:
        self.one(index).obeys = obeys
        self.run(seconds)

    @rule(index=bays, falls=st.sampled_from([0.0, 0.05, 1.0]), seconds=for_a_while)
    def fall(self, index: int, falls: float, seconds: float) -> None:
        """It comes down slowly, or not at all."""
        self.one(index).falls = falls
        self.run(seconds)

    @rule(age_s=st.sampled_from([0.0, 0.5]))
    def age(self, age_s: float) -> None:
        self.status_s = age_s

    @rule(kw=st.sampled_from([300.0, 700.0]), seconds=for_a_while)
    def limit(self, kw: float, seconds: float) -> None:
        self.budget_w = kw * 1000.0
        self.run(seconds)

    @rule()
    def restart(self) -> None:
        """A controller that knows nothing takes over; what the one before had granted is still on its way."""
        self.share = Share(dict.fromkeys(self.plants, MOST_W), 2000.0)

    @rule()
    def remember(self) -> None:
        memory = json.loads(json.dumps(self.share.dump()))
        other = Share(dict.fromkeys(self.plants, MOST_W), 2000.0)
        other.load(memory)
        assert json.loads(json.dumps(other.dump())) == memory
        self.share = other

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.tick()

    def tick(self) -> None:
        shown = {n: p.shown_w(self.now_s, self.status_s) for n, p in self.plants.items()}
        claimed_w = self.share.worst_w()
        granted = self.share.grant(self.now_s, self.budget_w, self.wishes, shown)
        for number, plant in self.plants.items():
            assert granted[number] <= (self.wishes[number].most if number in self.wishes else 0.0) + 1e-6
            plant.command(granted[number], self.now_s)
        self.now_s += TICK_S
        for number, plant in self.plants.items():
            plant.advance(self.now_s)
            assert plant.drawn_w <= self.share.claims[number].worst_w + 1e-6, f"bay {number} draws more than its claim"
        # claims that are over a budget that has fallen only fall; those within it stay within
        assert self.share.worst_w() <= max(self.budget_w, claimed_w) + 1e-6
        drawn_w = sum(p.drawn_w for p in self.plants.values())
        self.allowed_w = max(self.budget_w, min(self.allowed_w, self.share.worst_w()))
        assert drawn_w <= self.allowed_w + 1e-6, "the limit was passed"

    @invariant()
    def nobody_is_negative(self) -> None:
        assert all(c.granted_w >= 0.0 for c in getattr(self, "share", Share({})).claims.values())


Sharing.TestCase.settings = settings(
    max_examples=200, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTheSumOfWhatIsDrawnNeverPassesTheLimit = Sharing.TestCase


def settled(share: Share, wanted: dict[int, Wish], budget_w: float, seconds: float = 12.0) -> dict[int, float]:
    """The shares once obedient chargers have followed."""
    plants, now_s = {n: Plant() for n in share.claims}, 0.0
    while now_s < seconds:
        shown = {n: p.shown_w(now_s, 0.0) for n, p in plants.items()}
        granted = share.grant(now_s, budget_w, wanted, {n: s or 0.0 for n, s in shown.items()})
        now_s += TICK_S
        for number, plant in plants.items():
            plant.command(granted[number], now_s)
            plant.advance(now_s)
    return granted


def test_when_nothing_goes_wrong_all_of_the_limit_is_used_and_shared_by_need() -> None:
    share = Share(dict.fromkeys((1, 2, 3), MOST_W))
    wanted = {1: Wish(200e3, 30.0), 2: Wish(200e3, 60.0), 3: Wish(20e3, 300.0)}
    assert settled(share, wanted, 200e3) == pytest.approx({1: 60e3, 2: 120e3, 3: 20e3})


def test_a_newcomer_gets_only_what_was_measured_given_back() -> None:
    share = Share(dict.fromkeys((1, 2), MOST_W))
    settled(share, {1: Wish(200e3, 1.0)}, 200e3)
    wanted, at_s = {1: Wish(200e3, 1.0), 2: Wish(200e3, 1.0)}, 20.0
    for step in range(200):
        at_s += TICK_S
        granted = share.grant(at_s, 200e3, wanted, {1: 200e3, 2: 0.0})  # bay 1 does not come down
        assert granted[1] <= 100e3 and granted[2] == 0.0, step
    for _ in range(round(2 * LINGER_S / TICK_S) + 2):
        at_s += TICK_S
        granted = share.grant(at_s, 200e3, wanted, {1: 130e3, 2: 0.0})
    assert granted[2] == pytest.approx(70e3)


def test_a_silent_charger_keeps_its_claim_until_it_is_heard_or_its_supply_is_measured_open() -> None:
    share = Share(dict.fromkeys((1, 2), MOST_W))
    settled(share, {1: Wish(150e3, 1.0)}, 200e3)
    at_s, wanted = 20.0, {2: Wish(200e3, 1.0)}
    for _ in range(600):
        at_s += TICK_S
        granted = share.grant(at_s, 200e3, wanted, {1: None, 2: 0.0})
    assert granted[2] == pytest.approx(50e3)
    granted = share.grant(at_s + 1.0, 200e3, wanted, {1: None, 2: 0.0}, gone={1})
    assert granted[2] == pytest.approx(200e3)


def test_what_was_granted_to_a_silent_charger_stays_claimed_after_it_was_taken_back() -> None:
    share = Share(dict.fromkeys((1, 2), MOST_W))
    settled(share, {}, 200e3)
    for step in range(300):  # nobody knows what of it was taken, and what the charger does since
        wanted = {1: Wish(150e3, 1.0)} if step < 10 else {2: Wish(200e3, 1.0)}
        granted = share.grant(20.0 + step * TICK_S, 200e3, wanted, {1: None, 2: 0.0})
    assert granted[2] == pytest.approx(50e3)


def test_a_command_that_is_late_finds_its_room_still_kept() -> None:
    share = Share(dict.fromkeys((1, 2), MOST_W))
    settled(share, {}, 200e3)
    share.grant(20.0, 200e3, {1: Wish(150e3, 1.0)}, {1: 0.0, 2: 0.0})
    for step in range(1, round(LINGER_S / TICK_S)):
        granted = share.grant(20.0 + step * TICK_S, 200e3, {2: Wish(200e3, 1.0)}, {1: 0.0, 2: 0.0})
        assert granted[2] <= 50e3 + 1e-6
    for step in range(round(2 * LINGER_S / TICK_S) + 1):
        granted = share.grant(22.0 + step * TICK_S, 200e3, {2: Wish(200e3, 1.0)}, {1: 0.0, 2: 0.0})
    assert granted[2] == pytest.approx(200e3)


def test_what_a_charger_draws_beyond_its_share_the_others_go_without() -> None:
    share = Share(dict.fromkeys((1, 2), MOST_W))
    wanted = {1: Wish(100e3, 1.0), 2: Wish(100e3, 1.0)}
    settled(share, wanted, 200e3)
    granted = share.grant(20.0, 200e3, wanted, {1: 130e3, 2: 100e3})
    assert granted[1] + granted[2] == pytest.approx(170e3)


def test_memory_of_another_station_is_refused() -> None:
    share = Share({1: 1.0, 2: 1.0})
    wrong: list[dict[str, Any]] = [{}, {"1": {}}, {"1": {}, "2": {}}, Share({1: 1.0}).dump()]
    for broken in wrong:
        with pytest.raises(ValueError, match="memory"):
            share.load(broken)


# ---- what is left of the limit


def reading(value: float | None, at_s: float) -> Reading[Any]:
    return Reading(value, Quality.GOOD if value is not None else Quality.UNTRUSTED, at_s)


def grid_meter(power_w: float | None, at_s: float = 100.0) -> MeterStatus:
    none = reading(0, at_s)
    return MeterStatus(at_s, at_s, 7, 1, MeterDoubt(0), none, none, reading(power_w, at_s), none, none)


SECTION = GridSection(limit_kw=500.0, reserve_kw=80.0, step_kw=30.0)


@pytest.mark.parametrize(
    ("meter", "left_kw"),
    [
        (None, 420.0),  # nobody measures: the reserve
        (grid_meter(20e3), 450.0),  # 20 and as much as may come
        (grid_meter(60e3), 420.0),  # no more than the reserve is kept ...
        (grid_meter(120e3), 380.0),  # ... but for what is measured
        (grid_meter(20e3, at_s=90.0), 420.0),  # too old
        (replace(grid_meter(20e3), heartbeat_changed_s=90.0), 420.0),  # its counter stands still
        (grid_meter(None), 420.0),
        (grid_meter(9e9), 0.0),
    ],
)
def test_the_other_loads_are_measured_or_a_reserve_is_kept(meter: MeterStatus | None, left_kw: float) -> None:
    assert Grid(SECTION).budget_w(100.5, meter, {}) == pytest.approx(left_kw * 1000.0)


def test_a_load_that_rises_counts_at_once_and_one_that_falls_only_slowly() -> None:
    grid = Grid(SECTION)
    assert grid.budget_w(100.0, grid_meter(120e3), {}) == pytest.approx(380e3)
    assert grid.budget_w(101.0, grid_meter(10e3, 101.0), {}) == pytest.approx(381e3)
    other = Grid(SECTION)
    other.load(json.loads(json.dumps(grid.dump())))
    assert other.budget_w(111.0, grid_meter(10e3, 111.0), {}) == grid.budget_w(111.0, grid_meter(10e3, 111.0), {})
    with pytest.raises(ValueError, match="memory"):
        other.load({})


@pytest.mark.parametrize("limit_kw", [170.0, 600.0])
def test_real_chargers_stay_under_the_limit_while_bays_come_and_go(limit_kw: float) -> None:
    room = ChargeRoom(60.0, 30.0, 93.0, limit_kw=limit_kw)
    room.run(12.0)
    room.wires[2].late_s = 0.25
    room.wires[1].mute = True  # no status, no command: its lease ends it
    room.run(6.0)
    room.wires[1].mute = False
    room.plant(2).faults.ignores_set_point = True
    room.run(14.0)
    room.packs[3] = {"soc_pct": 96.0}
    room.run(8.0)
    assert 0.5 * (limit_kw - 50.0) < room.worst_w / 1000.0 <= limit_kw - 50.0
    assert sum(room.charger._dispatch._share.claims[n].worst_w for n in room.wires) <= (limit_kw - 50.0) * 1000.0 + 1.0


def _mute(room: ChargeRoom, n: int) -> None:
    room.wires[n].mute ^= True


def _late(room: ChargeRoom, n: int) -> None:
    room.wires[n].late_s = 0.25 - room.wires[n].late_s


def _hang(room: ChargeRoom, n: int) -> None:
    room.plant(n).faults.heartbeat_stuck ^= True


def _derate(room: ChargeRoom, n: int) -> None:
    room.plant(n).faults.derating = 1.3 - room.plant(n).faults.derating


def _power(room: ChargeRoom, n: int) -> None:
    room.wires[n].program.power_cut()
    room.wires[n].program.power_return()


def _full(room: ChargeRoom, n: int) -> None:
    if room.packs.pop(n, None) is None:
        room.packs[n] = {"soc_pct": 96.0}


def _trip(room: ChargeRoom, n: int) -> None:
    room.packs[n] = {"overcurrent": Signal.TRUE}
    room.run(0.1)
    del room.packs[n]
    room.clear()


def _cold(room: ChargeRoom, n: int) -> None:
    if room.packs.pop(n, None) is None:
        room.packs[n] = {"temperature_min_c": 2.0}


def _restart(room: ChargeRoom, n: int) -> None:
    """Another controller takes over; all that the one before wanted may still be on its way."""
    room.charger = Charger(table.load(), room.config)


events = st.tuples(
    st.sampled_from([_mute, _late, _hang, _derate, _power, _full, _trip, _cold, _restart]),
    st.integers(1, 3),
    st.sampled_from([0.5, 2.0, 6.0, 13.0]),
)


@settings(max_examples=4, deadline=None)
@given(st.sampled_from([160.0, 330.0]), st.lists(events, min_size=3, max_size=6))
def test_whatever_happens_to_real_chargers_the_limit_is_never_passed(limit_kw: float, happens: list[Any]) -> None:
    room = ChargeRoom(60.0, 50.0, 40.0, limit_kw=limit_kw)
    room.until("charging").run(6.0)
    for event, number, seconds in happens:
        event(room, number)
        room.run(seconds)
        assert room.worst_w <= (limit_kw - 50.0) * 1000.0
    assert room.worst_w > 0.7 * (limit_kw - 50.0) * 1000.0


def test_the_pack_that_can_be_ready_first_gets_most_and_none_is_left_out() -> None:
    room = ChargeRoom(80.0, 45.0, 15.0, limit_kw=330.0)
    room.run(60.0)
    drawn_w = [room.world.electrics.chargers[number].input_w for number in (1, 2, 3)]
    assert drawn_w[0] > 1.5 * drawn_w[1] > 2.0 * drawn_w[2]
    assert drawn_w[2] > seen.FIXED_W + 5000.0


def test_the_grid_meter_gives_what_the_reserve_would_keep() -> None:
    room = ChargeRoom(50.0, 50.0, limit_kw=330.0, grid={"reserve_kw": 100.0, "step_kw": 20.0, "meter": {"host": "g"}})
    room.world.electrics.auxiliary_w = 10_000.0
    room.run(15.0)
    without_w = room.drawn_w
    room.grid = True
    room.run(40.0)
    assert without_w < 230e3 < room.drawn_w < 300e3
    room.world.electrics.auxiliary_w = 28_000.0  # a robot drives off: less than step_kw
    for _ in range(200):
        room.cycle()
        assert room.drawn_w + 28_000.0 <= 330e3
    room.grid = False  # the meter is not heard any more
    room.run(5.0)
    assert room.drawn_w <= 230e3


def test_a_share_never_starves_who_has_the_least_need() -> None:
    share = Share(dict.fromkeys((1, 2), MOST_W), seen.FIXED_W)
    found = settled(share, {1: Wish(200e3, 1.0), 2: Wish(200e3, 999.0)}, 100e3)
    assert found[1] >= seen.FIXED_W and sum(found.values()) == pytest.approx(100e3)
