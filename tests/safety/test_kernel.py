"""The compiled kernel against an oracle of its own, and every row of the shipped table at its limits."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.robot_protocol import MotionClass
from station_ctl.kernel.interlock import INPUT_BLOCK_FORMAT, INPUT_SLOTS, LOWER_LIMITS, MAXIMA, Interlock
from station_ctl.limits import SafetySection
from station_ctl.safety import table
from station_ctl.safety.classes import ALL_CLASSES, EVACUATE

TABLE, LIMITS = table.load(), SafetySection()
CLASSES = int(ALL_CLASSES)
UNTRUSTED, NOT_AVAILABLE = 2, 3
DISCRETE_SLOTS, ANALOGUE_SLOTS = INPUT_SLOTS


@dataclass
class Block:
    """An input block under construction; fresh zeros unless set."""

    discrete: list[int] = field(default_factory=lambda: [0] * DISCRETE_SLOTS)
    discrete_age: list[int] = field(default_factory=lambda: [0] * DISCRETE_SLOTS)
    analogue: list[float] = field(default_factory=lambda: [0.0] * ANALOGUE_SLOTS)
    analogue_age: list[int] = field(default_factory=lambda: [0] * ANALOGUE_SLOTS)
    subject: list[int] = field(default_factory=lambda: [0] * ANALOGUE_SLOTS)

    def pack(self) -> bytes:
        parts = (self.discrete, self.discrete_age, self.analogue, self.analogue_age, self.subject)
        return struct.pack(INPUT_BLOCK_FORMAT, *(value for part in parts for value in part))


def all_safe() -> Block:
    """A block in which no cause of the shipped table is active: every analogue value at its narrowest limit."""
    block = Block()
    for cause in TABLE.causes:
        index = cause.input.index
        if cause.input.kind == table.DISCRETE:
            block.discrete[index] = int(bool(cause.safe_when))
        else:
            block.analogue[index] = narrowest(cause)
    return block


def narrowest(cause: table.Cause) -> float:
    """The tightest limit among the causes that watch the same input."""
    limits = [float(getattr(LIMITS, c.limit)) for c in TABLE.causes if c.input is cause.input]
    return min(limits) if cause.at_most else max(limits)


def shipped() -> Interlock:
    return table.interlock(TABLE.causes, LIMITS)


def unlatched() -> Interlock:
    """The shipped interlock after a person's reset with everything safe."""
    interlock, block = shipped(), all_safe().pack()
    interlock.judge(block, 0, False)
    assert not interlock.judge(block, 0, True)[2]
    return interlock


def active(block: Block) -> set[str]:
    mask = shipped().judge(block.pack(), 0, False)[0]
    return {cause.name for i, cause in enumerate(TABLE.causes) if mask >> i & 1}


def test_nothing_is_active_when_every_condition_is_measured() -> None:
    assert active(all_safe()) == set()


@pytest.mark.parametrize("cause", TABLE.causes, ids=lambda c: c.name)
def test_each_cause_is_active_on_anything_but_its_safe_condition(cause: table.Cause) -> None:
    index, limit_ms = cause.input.index, getattr(LIMITS, cause.input.age)
    sharing = {c.name for c in TABLE.causes if c.input is cause.input}
    for age_ms, is_active in ((limit_ms, False), (limit_ms + 1, True), (0xFFFFFFFF, True)):
        block = all_safe()
        ages = block.discrete_age if cause.input.kind == table.DISCRETE else block.analogue_age
        ages[index] = age_ms
        assert active(block) == (sharing if is_active else set())
    if cause.input.kind == table.DISCRETE:
        for value in {0, 1, UNTRUSTED, NOT_AVAILABLE, 255} - {int(bool(cause.safe_when))}:
            block = all_safe()
            block.discrete[index] = value
            assert active(block) == sharing
    else:
        bound = float(getattr(LIMITS, cause.limit))
        away = math.inf if cause.at_most else -math.inf
        for value, is_active in ((bound, False), (math.nextafter(bound, away), True), (away, True), (math.nan, True)):
            block = all_safe()
            block.analogue[index] = value
            assert (cause.name in active(block)) == is_active


@pytest.mark.parametrize("cause", TABLE.causes, ids=lambda c: c.name)
def test_each_cause_withholds_its_classes_and_trips_as_the_table_says(cause: table.Cause) -> None:
    for moving in [MotionClass(0), *MotionClass, EVACUATE]:
        interlock = unlatched()
        block = all_safe()
        if cause.input.kind == table.DISCRETE:
            block.discrete[cause.input.index] = UNTRUSTED
        else:
            block.analogue[cause.input.index] = math.nan
        _, permits, latched, category, first, tripped = interlock.judge(block.pack(), int(moving), False)
        standing = [c for c in TABLE.causes if c.input is cause.input]
        trips = [c for c in standing if c.stop and (c.at_rest or moving & c.withholds)]
        places = [TABLE.causes.index(c) for c in trips]
        assert latched == bool(trips)
        assert category == min((c.stop for c in trips), default=0)
        assert first == (places[0] if trips else -1)
        assert tripped == sum(1 << place for place in places)
        running, starting = CLASSES, CLASSES
        for c in standing:
            starting &= ~c.withholds
            running &= ~(0 if c.start_only else c.withholds)
        assert permits == (0 if trips else running)
        assert interlock.may_start(block.pack())[1] == (0 if trips else starting)


def test_it_boots_latched_and_a_reset_line_stuck_high_does_not_open_it() -> None:
    interlock, block = shipped(), all_safe().pack()
    for _ in range(3):
        assert interlock.judge(block, 0, True)[2]
    assert interlock.may_start(block)[1] == 0
    interlock.judge(block, 0, False)
    assert not interlock.judge(block, 0, True)[2]


def test_a_reset_opens_while_what_tripped_it_stands_and_that_goes_on_to_withhold() -> None:
    object_on = next(cause for cause in TABLE.causes if cause.name == "object_on_platform")
    interlock, bad = unlatched(), all_safe()
    bad.discrete[object_on.input.index] = 0
    assert interlock.judge(bad.pack(), int(MotionClass.TRAVEL), False)[2]
    interlock.judge(bad.pack(), 0, False)
    _, permits, latched, *_ = interlock.judge(bad.pack(), 0, True)
    assert not latched, "what a person mends by hand must not keep him from it"
    assert permits == CLASSES & ~object_on.withholds
    assert interlock.judge(bad.pack(), int(MotionClass.TRAVEL), False)[2], "it trips again if such a motion runs"


@pytest.mark.parametrize("cause", [c for c in TABLE.causes if c.stop and not c.start_only], ids=lambda c: c.name)
def test_no_trip_shuts_a_person_out_but_one_that_blocks_a_reset(cause: table.Cause) -> None:
    interlock, bad = unlatched(), all_safe()
    if cause.input.kind == table.DISCRETE:
        bad.discrete[cause.input.index] = UNTRUSTED
    else:
        bad.analogue[cause.input.index] = math.nan
    assert interlock.judge(bad.pack(), int(cause.withholds), False)[2]
    interlock.judge(bad.pack(), 0, False)
    _, permits, latched, *_ = interlock.judge(bad.pack(), 0, True)
    blocks = any(c.blocks_reset for c in TABLE.causes if c.input is cause.input)
    assert latched == blocks
    assert not permits & cause.withholds


OPEN = (False, 0, -1, 0)
"""What `judge` says of an open latch: not latched, no stop category, no first-out, nothing tripped."""


def test_a_reset_needs_what_tripped_it_gone_where_it_was_made_so() -> None:
    bay = Interlock([cause.row(LIMITS) for cause in TABLE.causes], CLASSES, tripped_blocks=True)
    bad, good = all_safe(), all_safe().pack()
    bad.discrete[next(c for c in TABLE.causes if c.name == "object_on_platform").input.index] = 0
    bay.judge(good, 0, False)
    bay.judge(good, 0, True)
    assert bay.judge(bad.pack(), int(MotionClass.TRAVEL), False)[2]
    bay.judge(bad.pack(), 0, False)
    assert bay.judge(bad.pack(), 0, True)[2], "the cause that tripped it still stands"
    bay.judge(good, 0, False)
    assert bay.judge(good, 0, True)[2:] == OPEN


def test_reset_needs_every_blocking_cause_gone() -> None:
    names = [cause.name for cause in TABLE.causes]
    interlock = shipped()
    person = all_safe()
    person.discrete[TABLE.causes[names.index("person_in_zone")].input.index] = 0
    interlock.judge(person.pack(), 0, False)
    assert interlock.judge(person.pack(), 0, True)[2], "a cause that blocks a reset stands"
    good = all_safe().pack()
    interlock.judge(good, 0, False)
    assert interlock.judge(good, 0, True)[2:] == OPEN


def test_first_out_is_remembered_and_later_causes_do_not_replace_it() -> None:
    names = [cause.name for cause in TABLE.causes]
    interlock, block = unlatched(), all_safe()
    block.discrete[TABLE.causes[names.index("parking_brake_off")].input.index] = 0
    assert interlock.judge(block.pack(), int(MotionClass.UNLOCK), False)[4] == names.index("parking_brake_off")
    block.discrete[TABLE.causes[names.index("emergency_stop")].input.index] = 0
    assert interlock.judge(block.pack(), int(MotionClass.UNLOCK), False)[4] == names.index("parking_brake_off")


# --- hysteresis -------------------------------------------------------------------------------------------------------

HOT = (True, 0, 0, "pack_temperature_c", 50.0, 2.0, "pack_slow_age_ms", 1000, 1, 1, False, False, False)
LOW = (True, 0, 0, "insulation_ohm_per_v", 200.0, 20.0, "pack_age_ms", 500, 1, 1, False, False, False)
ALIVE = (False, 1, 1, "", 0.0, 0.0, "plc_age_ms", 300, 1, 1, False, False, False)


def seen(interlock: Interlock, value: float, age_ms: int = 0, subject: int = 7) -> bool:
    """Whether the first cause is active now, by `judge`; `may_start` just before it has to say the same."""
    block = Block()
    block.analogue[0], block.analogue_age[0], block.subject[0] = value, age_ms, subject
    before = interlock.may_start(block.pack())[0]
    after = interlock.judge(block.pack(), 0, False)[0]
    assert before == after
    return bool(after & 1)


def test_a_value_that_was_beyond_comes_back_by_the_hysteresis_only() -> None:
    hot = Interlock([HOT], 1, tripped_blocks=True)
    assert [seen(hot, c) for c in (50.0, 50.1, 50.0, 48.1, 48.0, 50.0)] == [False, True, True, True, False, False]
    low = Interlock([LOW], 1, tripped_blocks=True)
    assert [seen(low, v) for v in (200.0, 199.9, 200.0, 219.9, 220.0, 200.0)] == [False, True, True, True, False, False]


def test_what_is_not_known_stands_while_it_lasts_and_neither_sets_nor_clears_what_is_remembered() -> None:
    hot = Interlock([HOT], 1, tripped_blocks=True)
    assert [seen(hot, 49.0), seen(hot, math.nan), seen(hot, 49.0)] == [False, True, False]
    assert [seen(hot, 70.0, age_ms=1001), seen(hot, 49.0)] == [True, False]
    assert [seen(hot, 70.0), seen(hot, 20.0, age_ms=1001), seen(hot, math.nan), seen(hot, 49.0)] == [True] * 4
    assert [seen(hot, 20.0, age_ms=1000), seen(hot, 49.0)] == [False, False]


def test_what_is_remembered_belongs_to_its_subject() -> None:
    hot = Interlock([HOT], 1, tripped_blocks=True)
    assert [seen(hot, 51.0), seen(hot, 49.0, subject=8), seen(hot, 49.0)] == [True, False, False]
    assert [seen(hot, 51.0), seen(hot, math.nan, subject=8), seen(hot, 49.0)] == [True, True, True]
    assert [seen(hot, 51.0, subject=8), seen(hot, 49.0, subject=8)] == [True, True]
    assert [seen(hot, 51.0), seen(hot, 49.0, subject=6), seen(hot, 49.0)] == [True, False, False]


def test_looking_whether_something_may_start_remembers_nothing() -> None:
    hot, block = Interlock([HOT], 1, tripped_blocks=True), Block()
    block.analogue[0] = 51.0
    assert hot.may_start(block.pack())[0] == 1
    block.analogue[0] = 49.0
    assert hot.may_start(block.pack())[0] == hot.judge(block.pack(), 0, False)[0] == 0


def test_two_causes_of_one_input_remember_each_their_own() -> None:
    both = Interlock([(*HOT[:4], 40.0, *HOT[5:]), HOT], 1, tripped_blocks=True)
    block = Block()
    block.analogue[0] = 51.0
    assert both.judge(block.pack(), 0, False)[0] == 0b11
    block.analogue[0] = 47.0
    assert both.judge(block.pack(), 0, False)[0] == 0b01


def test_the_kernel_and_docs_name_the_same_room() -> None:
    assert INPUT_SLOTS == (48, 16)
    assert INPUT_BLOCK_FORMAT == "<48B48I16d16I16I"


# --- compiled-in maxima -----------------------------------------------------------------------------------------------


def test_the_bounds_of_every_limit_are_these() -> None:
    """Written down a second time on purpose: a bound is not widened by one careless edit."""
    assert dict(MAXIMA) == {
        "plc_age_ms": (60, 300),
        "truck_age_ms": (150, 500),
        "truck_hold_age_ms": (500, 2000),
        "pack_age_ms": (150, 500),
        "pack_slow_age_ms": (300, 1000),
        "charge_demand_age_ms": (300, 1000),
        "pack_current_a": (0.5, 1.0),
        "link_voltage_v": (10.0, 60.0),
        "voltage_gap_v": (5.0, 10.0),
        "load_kg": (500.0, 3500.0),
        "unloaded_kg": (50.0, 100.0),
        "pack_temperature_c": (30.0, 60.0),
        "charge_temperature_max_c": (30.0, 55.0),
        "charge_temperature_min_c": (5.0, 20.0),
        "insulation_ohm_per_v": (100.0, 2000.0),
    }
    assert {"insulation_ohm_per_v", "charge_temperature_min_c"} == LOWER_LIMITS
    with pytest.raises(TypeError):
        MAXIMA["load_kg"] = (0.0, 1e9)  # type: ignore[index]


@pytest.mark.parametrize("name", [n for n in MAXIMA if not n.endswith("_age_ms")])
def test_a_row_looser_than_its_limit_is_refused(name: str) -> None:
    least, most = MAXIMA[name]
    row = lambda limit: (True, 0, 0, name, limit, 0.1, "plc_age_ms", 300, 1, 1, False, False, False)  # noqa: E731
    for limit in (least, most):
        Interlock([row(limit)], 1, tripped_blocks=True)
    for limit in (math.nextafter(least, -math.inf), math.nextafter(most, math.inf), math.inf, -math.inf, math.nan):
        with pytest.raises(ValueError, match=re.escape(f"{name} is {limit:g}, compiled in are {least:g} to {most:g}")):
            Interlock([row(limit)], 1, tripped_blocks=True)
    inside, beyond = (1.0, -1.0) if name in LOWER_LIMITS else (-1.0, 1.0)
    assert not seen(Interlock([row(most)], 1, tripped_blocks=True), most + inside)
    assert seen(Interlock([row(most)], 1, tripped_blocks=True), most + beyond)


@pytest.mark.parametrize("name", [n for n in MAXIMA if n.endswith("_age_ms")])
def test_a_row_with_a_longer_age_is_refused(name: str) -> None:
    least, most = MAXIMA[name]
    for age_ms in (least, most):
        Interlock([(*ALIVE[:6], name, age_ms, *ALIVE[8:])], 1, tripped_blocks=True)
    for age_ms in (least - 1, most + 1, 0xFFFFFFFF):
        with pytest.raises(ValueError, match=re.escape(f"{name} is {age_ms:g}, compiled in are {least:g} to {most:g}")):
            Interlock([(*ALIVE[:6], name, age_ms, *ALIVE[8:])], 1, tripped_blocks=True)


def but(row: tuple[Any, ...], at: int, value: object) -> list[Any]:
    return [(*row[:at], value, *row[at + 1 :])]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "an interlock needs 1..64 causes, got 0"),
        ([ALIVE] * 65, "an interlock needs 1..64 causes, got 65"),
        (but(HOT, 3, "moon_c"), "'moon_c' is no compiled-in limit of a value"),
        (but(HOT, 3, "plc_age_ms"), "'plc_age_ms' is no compiled-in limit of a value"),
        (but(HOT, 3, ""), "'' is no compiled-in limit of a value"),
        (but(ALIVE, 6, "load_kg"), "'load_kg' is no compiled-in limit of an age"),
        (but(ALIVE, 6, "moon_age_ms"), "'moon_age_ms' is no compiled-in limit of an age"),
        (but(ALIVE, 3, "load_kg"), "a discrete cause has no limit"),
        (but(ALIVE, 4, 1.0), "a discrete cause has no limit"),
        (but(ALIVE, 4, -1.0), "a discrete cause has no limit"),
        (but(ALIVE, 5, 1.0), "a discrete cause has no limit"),
        (but(ALIVE, 5, -1.0), "a discrete cause has no limit"),
        (but(ALIVE, 1, 48), "input 48 is outside of the input block"),
        (but(ALIVE, 1, 49), "input 49 is outside of the input block"),
        (but(HOT, 1, 16), "input 16 is outside of the input block"),
        (but(HOT, 1, 17), "input 17 is outside of the input block"),
        (but(ALIVE, 2, 2), "cause out of range"),
        (but(ALIVE, 9, 3), "cause out of range"),
        (but(HOT, 5, -0.1), "cause out of range"),
        (but(HOT, 5, -0.5), "cause out of range"),
        (but(HOT, 5, math.inf), "cause out of range"),
        (but(HOT, 5, math.nan), "cause out of range"),
        (but(ALIVE, 8, 0), "a cause withholds some of the classes there are"),
        (but(ALIVE, 8, 3), "a cause withholds some of the classes there are"),
    ],
)
def test_a_table_that_cannot_be_is_refused(rows: list[Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}"):
        Interlock(rows, 1, tripped_blocks=True)


def test_the_last_slots_and_the_largest_table_are_taken() -> None:
    last = Interlock([(*ALIVE[:1], 47, *ALIVE[2:])] * 63 + [(*HOT[:1], 15, *HOT[2:])], 1, tripped_blocks=True)
    block = Block()
    block.discrete[47] = 1
    assert last.judge(block.pack(), 0, False)[0] == 0
    block.analogue[15] = 51.0
    assert last.judge(block.pack(), 0, False)[0] == 1 << 63
    block.analogue[15], block.discrete_age[47] = 0.0, 301
    assert last.judge(block.pack(), 0, False)[0] == (1 << 63) - 1
    alone = Interlock(
        [(*ALIVE[:7], 300, 1, *ALIVE[9:])] * 63 + [(*HOT[:8], 2, 2, True, True, False)], 3, tripped_blocks=True
    )
    block = Block()
    block.discrete[1], block.analogue[0] = 1, 51.0
    alone.judge(block.pack(), 0, False)
    assert alone.judge(block.pack(), 0, True)[2:] == (True, 1, -1, 1 << 63)
    block.analogue[0] = 48.0
    alone.judge(block.pack(), 0, False)
    assert alone.judge(block.pack(), 0, True)[1:] == (3, False, 0, -1, 0)
    block.analogue[0] = 51.0
    assert alone.judge(block.pack(), 0, False)[1:] == (0, True, 2, 63, 1 << 63)
    assert not seen(Interlock(but(HOT, 5, 0.0), 1, tripped_blocks=True), 50.0)


def test_a_number_that_its_field_cannot_hold_is_refused() -> None:
    for rows in (but(ALIVE, 1, -1), but(ALIVE, 2, 256), but(ALIVE, 7, 1 << 32), but(ALIVE, 8, 1 << 16)):
        with pytest.raises(OverflowError):
            Interlock(rows, 1, tripped_blocks=True)


def test_a_block_of_another_size_is_refused() -> None:
    size = struct.calcsize(INPUT_BLOCK_FORMAT)
    for block in (b"", bytes(size - 1), bytes(size + 1)):
        for look in (lambda b: shipped().judge(b, 0, False), shipped().may_start):
            with pytest.raises(ValueError, match=f"^an input block is {size} bytes, got {len(block)}$"):
                look(block)
    with pytest.raises(TypeError):
        shipped().judge(None, 0, False)  # type: ignore[arg-type]


# --- what is remembered, out and in again -----------------------------------------------------------------------------


def test_a_replay_goes_on_from_what_was_dumped() -> None:
    boot = Interlock([ALIVE, HOT], 1, tripped_blocks=True)
    assert boot.dump() == (True, True, 0, -1, 1, 0, (0, 0))
    block = Block()
    block.analogue[0], block.subject[0], block.discrete[1] = 51.0, 9, 1
    boot.judge(block.pack(), 0, False)
    assert boot.dump() == (True, False, 0, -1, 1, 0b10, (0, 9))
    again = Interlock([ALIVE, HOT], 1, tripped_blocks=True)
    again.load(boot.dump())
    for value, reset, moving in (
        (49.0, True, 0),
        (49.0, False, 1),
        (47.0, True, 1),
        (47.0, False, 1),
        (51.0, False, 1),
    ):
        block.analogue[0] = value
        assert again.judge(block.pack(), moving, reset) == boot.judge(block.pack(), moving, reset)
        assert again.dump() == boot.dump()
    assert boot.dump() == (True, False, 0b10, 1, 1, 0b10, (0, 9))


@pytest.mark.parametrize(
    ("at", "value"),
    [(2, 4), (2, -1), (3, 2), (3, -2), (4, 3), (4, -1), (5, 4), (5, -1), (6, (0,)), (6, (0, 0, 0)), (6, (0, -1)),
     (6, (0, 1 << 32))],
)  # fmt: skip
def test_a_memory_of_another_table_is_refused_and_changes_nothing(at: int, value: object) -> None:
    interlock = Interlock([ALIVE, HOT], 1, tripped_blocks=True)
    before = interlock.dump()
    with pytest.raises(ValueError, match=r"^no (memory|subjects) of an interlock with 2 causes: "):
        interlock.load((*before[:at], value, *before[at + 1 :]))
    assert interlock.dump() == before
    with pytest.raises(ValueError):
        interlock.load(before[:-1])
    edge = (False, True, 3, 1, 2, 3, (0, (1 << 32) - 1))
    interlock.load(edge)
    assert interlock.dump() == edge


# --- an oracle that shares no code: sets and plain comparisons -------------------------------------------------------

ages = st.sampled_from(sorted(n for n in MAXIMA if n.endswith("_age_ms")))
limits = st.sampled_from(sorted(n for n in MAXIMA if not n.endswith("_age_ms")))
effects = (st.integers(1, 255), st.integers(0, 2), st.booleans(), st.booleans(), st.booleans())
discrete_rows = ages.flatmap(
    lambda age: st.tuples(
        st.just(False), st.integers(0, 3), st.integers(0, 1), st.just(""), st.just(0.0), st.just(0.0), st.just(age),
        st.sampled_from([*MAXIMA[age]]), *effects
    )
)  # fmt: skip
analogue_rows = st.tuples(ages, limits).flatmap(
    lambda names: st.tuples(
        st.just(True), st.integers(0, 3), st.just(0), st.just(names[1]), st.sampled_from([*MAXIMA[names[1]]]),
        st.sampled_from([0.0, 1.0, 5.0]), st.just(names[0]), st.sampled_from([*MAXIMA[names[0]]]), *effects
    )
)  # fmt: skip
rows_of = st.lists(discrete_rows | analogue_rows, min_size=1, max_size=8)
near = sorted({bound + d for name, pair in MAXIMA.items() if not name.endswith("_age_ms") for bound in pair
               for d in (-5.0, -1.0, 0.0, 0.5, 1.0, 5.0)})  # fmt: skip
moments = st.lists(
    st.tuples(
        st.lists(st.integers(0, 3), min_size=4, max_size=4),
        st.lists(st.sampled_from([0, 60, 61, 300, 301, 2000, 2001]), min_size=4, max_size=4),
        st.lists(st.sampled_from([*near, math.nan, math.inf, -math.inf]), min_size=4, max_size=4),
        st.lists(st.sampled_from([0, 150, 151, 500, 501, 1000, 1001]), min_size=4, max_size=4),
        st.lists(st.integers(0, 1), min_size=4, max_size=4),
        st.integers(0, 255),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


class Oracle:
    """The rules of docs/cause-and-effect.md in plain Python."""

    def __init__(self, rows: list[Any], tripped_blocks: bool) -> None:
        self.rows = rows
        self.tripped_blocks = tripped_blocks
        self.state = "latched"
        self.line = True
        self.blamed: set[int] = set()
        self.first: int | None = None
        self.stop = 1
        self.beyond: dict[int, int] = {}  # index of a cause -> of which subject its value went beyond the limit

    def judge(self, moment: Any, moving: int, reset: bool) -> tuple[Any, ...]:
        standing = {i for i in range(len(self.rows)) if not self.fine(i, moment)}
        if reset and not self.line and self.state == "latched":
            blockers = {i for i, row in enumerate(self.rows) if row[11]}
            blockers |= self.blamed if self.tripped_blocks else set()
            if not blockers & standing:
                self.state, self.blamed, self.first, self.stop = "open", set(), None, 0
        self.line = reset
        for i in sorted(standing):
            *_, withholds, stop, at_rest, _blocks, start_only = self.rows[i]
            if stop and not start_only and (at_rest or withholds & moving):
                if self.state == "open":
                    self.state, self.first, self.stop = "latched", i, stop
                self.blamed.add(i)
                self.stop = min(self.stop, stop)
        running = self.allowed({i for i in standing if not self.rows[i][12]})
        first = -1 if self.first is None else self.first
        blamed = sum(1 << i for i in self.blamed)
        return sum(1 << i for i in standing), running, self.state == "latched", self.stop, first, blamed

    def may_start(self, moment: Any) -> tuple[int, int]:
        before = dict(self.beyond)
        standing = {i for i in range(len(self.rows)) if not self.fine(i, moment)}
        self.beyond = before
        return sum(1 << i for i in standing), self.allowed(standing)

    def allowed(self, standing: set[int]) -> int:
        bits = set(range(8)) if self.state == "open" else set()
        for i in standing:
            bits -= {bit for bit in range(8) if self.rows[i][8] >> bit & 1}
        return sum(1 << bit for bit in bits)

    def fine(self, i: int, moment: Any) -> bool:
        analogue, index, required, name, limit, hysteresis, _, oldest = self.rows[i][:8]
        if not analogue:
            return bool(moment[1][index] <= oldest and moment[0][index] == required)
        value, subject = moment[2][index], moment[4][index]
        if moment[3][index] > oldest or math.isnan(value):
            return False
        room = (value - limit) if name in ("insulation_ohm_per_v", "charge_temperature_min_c") else (limit - value)
        fine = bool(room >= (hysteresis if self.beyond.get(i) == subject else 0.0))
        self.beyond.pop(i, None)
        if not fine:
            self.beyond[i] = subject
        return fine


@settings(max_examples=400, deadline=None)
@given(rows_of, moments, st.booleans())
def test_kernel_and_oracle_agree_on_every_history(rows: list[Any], history: list[Any], tripped_blocks: bool) -> None:
    interlock, oracle = Interlock(rows, 255, tripped_blocks), Oracle(rows, tripped_blocks)
    for moment in history:
        block = Block()
        block.discrete[:4], block.discrete_age[:4], block.analogue[:4], block.analogue_age[:4] = moment[:4]
        block.subject[:4] = moment[4]
        assert interlock.may_start(block.pack()) == oracle.may_start(moment)
        assert interlock.judge(block.pack(), moment[5], moment[6]) == oracle.judge(moment, moment[5], moment[6])
