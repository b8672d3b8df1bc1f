"""What is remembered of people: over any reading and any verb, only a person's word makes it forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.reading import Signal
from drivers.robot_protocol import MotionClass, Opcode, RobotMode
from station_ctl.cycle import Seen, decide
from station_ctl.deciders import Deciders
from station_ctl.journal import stable
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.motion import Order
from station_ctl.model.state import Asked, StationState
from station_ctl.model.words import PackML, Verb
from station_ctl.swap import people
from station_ctl.swap.look import Give, Go, Look, Suspend, Wait, hold, wait
from station_ctl.swap.restart import recovered
from station_ctl.uplink import requests
from tests.safety.test_inputs import NOW, robot, snapshot
from tests.simulation.ground import station_config

CONFIG = station_config(6)
VISIT_AGO_S = 7.0
"""So long ago somebody came in last, before the story."""
WORDS = frozenset({"clear", "reset", "resume", "evacuate", "back_out", "isolate", "repark", "release_truck"})
"""From docs/people.md."""
SIGNALS = st.sampled_from(list(Signal))
AGES_S = st.sampled_from([0.0, 6.9, 7.0, 110.0])
READINGS = st.one_of(
    st.none(),
    st.builds(
        lambda zone, doors, mode, enable, age_s: robot(
            zone_clear=zone, doors_closed=doors, mode=mode, local_enable=enable, received_s=NOW - age_s
        ),
        SIGNALS,
        SIGNALS,
        st.sampled_from([*RobotMode, None]),
        SIGNALS,
        st.sampled_from([0.0, 0.29, 0.31, 5.0]),
    ),
    st.just(robot()),
)


def at(reading: object) -> Snapshot:
    return replace(snapshot(), robot=reading, robot_error="cable off", unwatched_s=NOW - VISIT_AGO_S)


def clear(here: Snapshot) -> bool:
    """Written from the brief, not from the code."""
    r = here.robot
    fresh = r is not None and here.now_s - r.received_s <= 0.3 and here.now_s - r.heartbeat_changed_s <= 0.3
    return bool(
        r and fresh and r.zone_clear is Signal.TRUE and r.doors_closed is Signal.TRUE and r.mode is RobotMode.PRODUCTION
    )


@settings(max_examples=150, deadline=None)
@given(
    start=st.sampled_from(list(PackML)),
    visited=st.booleans(),
    story=st.lists(
        st.tuples(READINGS, st.lists(st.tuples(st.sampled_from(list(Verb)), AGES_S), max_size=2)),
        min_size=1,
        max_size=8,
    ),
)
def test_nobody_is_forgotten_without_a_word(
    start: PackML, visited: bool, story: list[tuple[object, list[tuple[Verb, float]]]]
) -> None:
    deciders = Deciders.of(CONFIG)
    state = StationState(packml=start, visited=visited, resume_to=PackML.STARTING)
    for reading, verbs in story:
        here, before = at(reading), state
        asked = tuple(Asked(verb, "somebody", bay=1, order=Order(Opcode.UNLOCK), age_s=age_s) for verb, age_s in verbs)
        decided = decide(deciders, CONFIG, state, Seen(here, asked, ""))
        state = decided.state
        obeyed = {a.verb.value for a, why in zip(asked, decided.refusals, strict=True) if not why and a.age_s < 7.0}
        assert state.visited or clear(here)
        if before.visited and not state.visited:
            assert obeyed & WORDS
        if not obeyed & WORDS and before.visited:
            assert state.visited


@settings(max_examples=100, deadline=None)
@given(story=st.lists(READINGS, min_size=1, max_size=12))
def test_the_button_counts_as_let_go_only_where_it_was_measured_so(story: list[object]) -> None:
    state, let_go = StationState(packml=PackML.STOPPED), False
    for reading in story:
        state = people.noticed(state, at(reading), CONFIG)
        r = at(reading).robot
        manual = r is not None and r.mode is RobotMode.MANUAL
        let_go = manual and (let_go or (r is not None and r.local_enable is Signal.FALSE))
        assert state.let_go == let_go
        assert not people.noticed(replace(state, manual=Order(Opcode.UNLOCK)), at(reading), CONFIG).let_go


@pytest.mark.parametrize("kept", [StationState(), StationState(visited=False, let_go=True)])
def test_a_life_begins_remembering(kept: StationState) -> None:
    state = recovered(stable(kept))
    assert state.visited and not state.let_go
    assert recovered(None).visited


def test_every_word_is_a_verb_that_can_be_asked() -> None:
    assert {str(verb) for verb in people.WORDS} == WORDS == requests.WORDS
    assert set(requests.COMMANDS) >= WORDS


def test_what_was_read_between_two_cycles_is_a_visit() -> None:
    here = replace(at(robot()), unwatched=True, unwatched_s=NOW - 0.02)
    state = StationState(packml=PackML.IDLE, visited=False)
    assert people.noticed(state, here, CONFIG).visited
    assert not people.noticed(state, at(robot()), CONFIG).visited


ASKED = [Asked(Verb(verb), "somebody", bay=1) for verb in sorted(WORDS)]


@pytest.mark.parametrize("asked", ASKED, ids=lambda a: a.verb)
def test_a_word_from_before_the_visit_is_none(asked: Asked) -> None:
    state, here = StationState(packml=PackML.HELD), at(robot())
    for age_s, counts in ((0.0, True), (6.9, True), (7.0, False), (110.0, False)):
        of_age = replace(asked, age_s=age_s)
        assert (people.too_early(of_age, state, here, CONFIG) == "") is counts
        assert people.told(state, of_age, here, CONFIG).visited is not counts
    assert people.too_early(replace(asked, age_s=110.0), replace(state, visited=False), here, CONFIG) == ""


@pytest.mark.parametrize("asked", ASKED, ids=lambda a: a.verb)
def test_what_would_move_at_once_is_refused_while_somebody_comes_in(asked: Asked) -> None:
    state, door = StationState(packml=PackML.HELD), at(robot(doors_closed=Signal.FALSE))
    why = people.too_early(asked, state, door, CONFIG)
    obeyed = asked.verb in (Verb.CLEAR, Verb.RESET, Verb.RELEASE_TRUCK)
    assert why == "" if obeyed else "doors closed is false" in why
    assert people.told(state, asked, door, CONFIG).visited


@pytest.mark.parametrize("packml", list(PackML))
def test_the_word_is_asked_for_where_it_can_be_said(packml: PackML) -> None:
    here = at(robot())
    why = people.no_word(StationState(packml=packml), here, CONFIG)
    assert (why == "") == (packml in people.BY_ITSELF)
    assert people.no_word(StationState(packml=packml, visited=False), here, CONFIG)


STARTS = (Give(Order(Opcode.CLAMP)), Give(Order(Opcode.HOME)), Go("positioned", StationState()))
GOES_ON = (Give(Order(Opcode.RELEASE)), Go("left", StationState()), wait("homing", "under way"), hold("position", "no"))


@pytest.mark.parametrize("visited", [True, False])
def test_what_would_start_by_itself_is_withheld_and_what_opens_is_not(visited: bool) -> None:
    look = Look(StationState(visited=visited), at(robot()), Decision(MotionClass(0), False, 0, None, {}), CONFIG, "")
    for outcome in GOES_ON:
        assert people.withheld(look, outcome) is outcome
    for outcome in STARTS:
        found = people.withheld(look, outcome)
        assert (found is outcome) != visited
        assert not visited or (isinstance(found, Suspend) and found.reason.code == people.WAS_INSIDE)
    for outcome in (Go("arrived", StationState()), wait("lane_free", "waiting for a truck")):
        found = people.withheld(look, outcome)
        assert (found is outcome) != visited
        assert not visited or (isinstance(found, Wait) and found.reason.code == people.WAS_INSIDE)
