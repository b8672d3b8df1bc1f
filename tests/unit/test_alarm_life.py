"""The life cycle: each state by name, and random histories that must never lose an alarm."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_ctl.alarms import catalogue, places
from station_ctl.alarms.action import Action
from station_ctl.alarms.edges import EDGES
from station_ctl.alarms.flood import Flood
from station_ctl.alarms.life import LifeCycle
from station_ctl.alarms.record import Condition, Record, State, Transition, Trigger
from tests.simulation.ground import station_config

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ALL = places.instances(catalogue.load(), station_config(3))
STANDS = Condition("measured")


@dataclass
class Bench:
    """A life cycle with a clock that is told."""

    now_s: float = 100.0
    made: list[Transition] = field(default_factory=list)
    life: LifeCycle = field(default_factory=lambda: LifeCycle(ALL))

    def at(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now_s)

    def step(self, *actions: Action, after_s: float = 0.0, modes: tuple[str, ...] = (), **found: Condition) -> str:
        """One look; names have `__` for `.` and `___` for `:`. Returns the refusals."""
        self.now_s += after_s
        named = {name.replace("___", ":").replace("__", "."): c for name, c in found.items()}
        made, refusals = self.life.step(named, self.now_s, self.at(), frozenset(modes), actions)
        self.made += made
        return "; ".join(filter(None, refusals))

    def state(self, identifier: str) -> State:
        return self.life.record(identifier).state


def act(trigger: str, identifier: str, **more: object) -> Action:
    return Action(Trigger(trigger), identifier, "li", **more)  # type: ignore[arg-type]


def test_raise_acknowledge_clear() -> None:
    bench = Bench()
    bench.step(station__held=STANDS)
    assert bench.state("station.held") is State.UNACKNOWLEDGED
    assert bench.step(act("ack", "station.held"), after_s=1, station__held=STANDS) == ""
    assert bench.state("station.held") is State.ACKNOWLEDGED
    bench.step(after_s=1)
    assert bench.state("station.held") is State.NORMAL
    assert [(t.trigger, t.by) for t in bench.made] == [("raise", "station"), ("ack", "li"), ("clear", "station")]
    assert [t.number for t in bench.made] == [1, 2, 3]


def test_what_is_gone_before_anybody_looked_stays_until_somebody_does() -> None:
    bench = Bench()
    bench.step(station__held=STANDS)
    bench.step(after_s=1)
    assert bench.state("station.held") is State.RETURNED
    bench.step(after_s=1, station__held=STANDS)
    assert bench.state("station.held") is State.UNACKNOWLEDGED
    bench.step(after_s=1)
    bench.step(act("ack", "station.held"))
    assert bench.state("station.held") is State.NORMAL and not bench.life.records


def test_a_latched_alarm_needs_an_acknowledgement_after_its_condition_is_gone() -> None:
    bench, one = Bench(), "smoke.bay:bay-1"
    bench.life.step({one: STANDS}, 100.0, bench.at())
    bench.life.step({one: STANDS}, 101.0, bench.at(), actions=[act("ack", one)])
    assert bench.state(one) is State.ACKNOWLEDGED
    bench.life.step({}, 102.0, bench.at())
    bench.life.step({}, 113.0, bench.at())
    assert bench.state(one) is State.LATCHED
    bench.life.step({}, 114.0, bench.at(), actions=[act("ack", one)])
    assert bench.state(one) is State.NORMAL


def test_a_condition_that_chatters_is_debounced_both_ways() -> None:
    bench = Bench()
    for _ in range(50):  # plc.not_readable: 400 ms on, 1000 ms off
        bench.step(after_s=0.2, plc__not_readable=STANDS)
        bench.step(after_s=0.1)
    assert bench.made == []
    bench.step(after_s=0.2, plc__not_readable=STANDS)
    bench.step(after_s=0.4, plc__not_readable=STANDS)
    for _ in range(50):
        bench.step(after_s=0.9)
        bench.step(after_s=0.05, plc__not_readable=STANDS)
    assert [t.trigger for t in bench.made] == ["raise"]


def test_an_analogue_alarm_clears_only_beyond_its_deadband() -> None:
    bench, one = Bench(), "pack.temperature:bay-1"

    def at(value_c: float, after_s: float) -> State:
        bench.now_s += after_s
        bench.life.step({one: Condition("", value_c, 55.0, value_c - 55.0)}, bench.now_s, bench.at())
        return bench.state(one)

    assert at(55.1, 0) is State.NORMAL and at(55.1, 5) is State.UNACKNOWLEDGED
    assert at(53.1, 5) is State.UNACKNOWLEDGED and at(53.1, 60) is State.UNACKNOWLEDGED
    at(52.9, 1)
    assert at(52.9, 5) is State.RETURNED
    assert at(54.9, 60) is State.RETURNED


def test_shelved_for_a_while_by_somebody_and_back_by_itself() -> None:
    bench = Bench()
    bench.step(plc__faulted=STANDS)
    bench.step(after_s=1, plc__faulted=STANDS)
    refused = bench.step(act("shelve", "plc.faulted", minutes=61), plc__faulted=STANDS)
    assert "at most 60 min" in refused
    assert bench.step(act("shelve", "plc.faulted", minutes=10), plc__faulted=STANDS) == ""
    record = bench.life.record("plc.faulted")
    assert (record.state, record.shelved_by) == (State.SHELVED, "li")
    assert "not possible" in bench.step(act("shelve", "plc.faulted", minutes=60), plc__faulted=STANDS)
    bench.step(after_s=599, plc__faulted=STANDS)
    assert bench.state("plc.faulted") is State.SHELVED
    bench.step(after_s=1, plc__faulted=STANDS)
    assert bench.state("plc.faulted") is State.UNACKNOWLEDGED
    assert bench.made[-1].trigger is Trigger.EXPIRE


def test_what_never_may_be_shelved_or_taken_out_is_not() -> None:
    bench = Bench()
    assert "at most 0 min" in bench.step(act("shelve", "pack.thermal_event:bay-1", minutes=1))
    assert "safety alarm" in bench.step(act("out_of_service", "smoke.bay:bay-1", why="dusty"))
    assert "no alarm of this station" in bench.step(act("ack", "smoke.bay:bay-99"))
    assert "is normal" in bench.step(act("ack", "smoke.bay:bay-1"))


def test_out_of_service_until_somebody_takes_it_in_again() -> None:
    bench = Bench()
    assert bench.step(act("out_of_service", "plc.faulted", why="under repair")) == ""
    bench.step(after_s=1, plc__faulted=STANDS)
    bench.step(after_s=1, plc__faulted=STANDS)
    assert bench.state("plc.faulted") is State.OUT_OF_SERVICE
    bench.step(act("in_service", "plc.faulted"), plc__faulted=STANDS)
    assert bench.state("plc.faulted") is State.UNACKNOWLEDGED


def test_suppressed_by_another_alarm_it_is_frozen_and_comes_back() -> None:
    bench, smoke = Bench(), "smoke.bay:bay-1"
    both = {smoke: STANDS, "plc.not_readable": STANDS}
    bench.life.step({smoke: STANDS}, 100.0, bench.at())
    for now_s, found in ((101.0, both), (101.5, both), (160.0, {"plc.not_readable": STANDS})):
        bench.life.step(found, now_s, bench.at())
    record = bench.life.record(smoke)
    assert record.state is State.SUPPRESSED and record.suppressed_by == "plc.not_readable" and record.standing
    bench.life.step({smoke: STANDS}, 161.0, bench.at())
    bench.life.step({smoke: STANDS}, 162.0, bench.at())
    assert bench.state(smoke) is State.UNACKNOWLEDGED


def test_suppressed_by_the_mode() -> None:
    bench = Bench()
    bench.step(plc__faulted=STANDS)
    bench.step(after_s=1, modes=("Manual",), plc__faulted=STANDS)
    assert bench.life.record("plc.faulted").suppressed_by == "state Manual"


def test_another_reason_is_told_and_to_be_acknowledged_anew() -> None:
    bench = Bench()
    bench.step(station__held=Condition("one", reason="position"))
    bench.step(act("ack", "station.held"), station__held=Condition("one", reason="position"))
    bench.step(after_s=1, station__held=Condition("two", reason="journal"))
    assert bench.state("station.held") is State.UNACKNOWLEDGED
    assert bench.made[-1].trigger is Trigger.CHANGE and bench.made[-1].record.text == "two"


def test_the_one_that_tripped_first_is_marked() -> None:
    bench = Bench()
    bench.step(interlock__overload=Condition("", first_out=True), interlock__emergency_stop=STANDS)
    assert bench.life.record("interlock.overload").first_out
    assert not bench.life.record("interlock.emergency_stop").first_out


def restarted(bench: Bench, wall_s: float) -> Bench:
    """Another process with another loop's clock; the wall clock went on by `wall_s`."""
    again = Bench(now_s=5.0)
    again.life = LifeCycle(ALL, list(bench.life.records.values()), bench.made[-1].number)
    again.at = lambda: bench.at() + timedelta(seconds=wall_s + again.now_s - 5.0)  # type: ignore[method-assign]
    return again


def test_shelving_out_of_service_and_acknowledgement_survive_a_restart() -> None:
    bench = Bench()
    found = {"plc__faulted": STANDS, "station__held": STANDS}
    bench.step(**found)
    bench.step(after_s=1, **found)
    bench.step(act("shelve", "plc.faulted", minutes=10), act("ack", "station.held"), **found)
    bench.step(act("out_of_service", "uplink.dropped", why="known"), **found)
    again = restarted(bench, 300.0)
    again.step(**found)
    states = [again.state(i) for i in ("plc.faulted", "station.held", "uplink.dropped")]
    assert states == [State.SHELVED, State.ACKNOWLEDGED, State.OUT_OF_SERVICE]
    again.step(after_s=299.0, **found)
    assert again.state("plc.faulted") is State.SHELVED
    again.step(after_s=1.1, **found)
    assert again.state("plc.faulted") is State.UNACKNOWLEDGED
    assert again.made[0].number == bench.made[-1].number + 1
    backwards = restarted(bench, -300.0)
    backwards.step(**found)
    assert backwards.state("plc.faulted") is State.UNACKNOWLEDGED


def test_every_state_has_a_way_in_and_out() -> None:
    into = {after for ways in EDGES.values() for afters in ways.values() for after in afters}
    assert into == set(State) == set(EDGES)
    for state, ways in EDGES.items():
        assert any(afters - {state} for afters in ways.values()), state


# ---- random histories

IDS = ("station.held", "smoke.bay:bay-1", "plc.not_readable", "plc.faulted", "pack.silent:bay-1", "journal.slow")
TRIGGERS = ("ack", "shelve", "unshelve", "out_of_service", "in_service")
looks = st.lists(
    st.tuples(
        st.floats(0.01, 400.0),
        st.sets(st.sampled_from(IDS)),
        st.none() | st.tuples(st.sampled_from(TRIGGERS), st.sampled_from(IDS), st.floats(0.1, 300.0)),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=400)
@given(looks)
def test_random_histories_lose_no_alarm(history: list[tuple[float, set[str], tuple[str, str, float] | None]]) -> None:
    """LifeCycle raises where a transition has no edge, so every step checks that as well."""
    life, now_s, shown = LifeCycle(ALL), 0.0, dict.fromkeys(IDS, State.NORMAL)
    since: dict[str, float] = {}
    shelved: dict[str, float] = {}
    for step_s, names, asked in history:
        now_s += step_s
        found = {name: STANDS for name in IDS if name in names}
        since = {name: since.get(name, now_s) for name in found}
        actions = [Action(Trigger(asked[0]), asked[1], "li", asked[2], "why")] if asked else []
        made, _ = life.step(found, now_s, EPOCH + timedelta(seconds=now_s), actions=actions)
        for transition in made:
            assert transition.before is shown[transition.record.id], "a transition was left out"
            shown[transition.record.id] = transition.after
            if transition.trigger is Trigger.SHELVE:
                shelved[transition.record.id] = now_s
            if transition.trigger is Trigger.UNSUPPRESS and transition.record.id in since:
                since[transition.record.id] = now_s  # frozen till now
            gone = transition.after is State.NORMAL and transition.before is State.UNACKNOWLEDGED
            assert not gone, "went away unacknowledged"
        for name in IDS:
            record = life.record(name)
            assert record.state is shown[name]
            _judge(record, now_s, since.get(name), shelved.get(name))


def _judge(record: Record, now_s: float, since_s: float | None, shelved_s: float | None) -> None:
    entry = ALL[record.id].entry
    if record.state is State.SHELVED:
        assert shelved_s is not None and now_s - shelved_s < entry.shelvable_min * 60.0
    due = since_s is not None and now_s - since_s >= entry.on_delay_ms / 1000 + 1e-3
    hidden = record.state in (State.SUPPRESSED, State.SHELVED, State.OUT_OF_SERVICE)
    if due and not hidden:
        assert record.standing, f"{record.id} stands since {since_s} and is not told at {now_s}"


@settings(max_examples=100)
@given(st.lists(st.floats(0.0, 200.0), min_size=1, max_size=60))
def test_a_flood_begins_over_ten_and_ends_under_five(gaps_s: list[float]) -> None:
    flood, now_s, times = Flood(), 0.0, []
    for number, gap_s in enumerate(gaps_s):
        now_s += gap_s
        times.append(now_s)
        flood.note(f"a{number}", now_s)
        was = flood.active
        turned = flood.look(now_s)
        rate = sum(now_s - t <= 600.0 for t in times)
        assert flood.rate == rate
        assert flood.active == (rate > 10 or (was and rate >= 5))
        assert turned == (None if flood.active == was else flood.active)
        assert bool(flood.first_out) == flood.active


SERVICE = [code for code, alarm in catalogue.load().alarms.items() if alarm.clears == "service"]
ROLES = [frozenset(), {"operator"}, {"supervisor"}, {"operator", "supervisor"}, {"service"}, {"operator", "service"}]


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "+".join(sorted(roles)) or "none")
@pytest.mark.parametrize("code", SERVICE)
def test_what_only_service_clears_stays_until_service_acknowledges_it(code: str, roles: set[str]) -> None:
    identifier = next(i for i, instance in ALL.items() if instance.entry.code == code)
    stands = {identifier.replace(":", "___").replace(".", "__"): STANDS}
    bench = Bench()
    bench.step(**stands)
    bench.step(after_s=60, **stands)
    ack = act("ack", identifier, roles=frozenset(roles))
    assert bench.step(ack, **stands) == "", "that it was seen anybody may say"
    bench.step(after_s=1)
    bench.step(after_s=60)
    assert bench.state(identifier) is State.LATCHED
    why = bench.step(ack)
    if "service" in roles:
        assert (why, bench.state(identifier)) == ("", State.NORMAL)
    else:
        assert bench.state(identifier) is State.LATCHED
        assert identifier in why and "role service" in why, why


def test_these_alarms_are_cleared_by_service_only() -> None:
    assert SERVICE == ["pack.thermal_event", "pack.quarantined", "pack.taken_away", "robot.gripper_full"]
