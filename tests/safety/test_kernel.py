"""The compiled kernel against an oracle of its own, and every row of the shipped table at its limits."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.robot_protocol import MotionClass
from station_ctl.config import SafetySection
from station_ctl.kernel.interlock import INPUT_BLOCK_FORMAT, Interlock
from station_ctl.safety import table
from station_ctl.safety.guard import ALL_CLASSES

TABLE, LIMITS = table.load(), SafetySection()
CLASSES = int(ALL_CLASSES)
UNTRUSTED, NOT_AVAILABLE = 2, 3


@dataclass
class Block:
    """An input block under construction; fresh zeros unless set."""

    discrete: list[int] = field(default_factory=lambda: [0] * 32)
    discrete_age: list[int] = field(default_factory=lambda: [0] * 32)
    analogue: list[float] = field(default_factory=lambda: [0.0] * 16)
    analogue_age: list[int] = field(default_factory=lambda: [0] * 16)

    def pack(self) -> bytes:
        return struct.pack(INPUT_BLOCK_FORMAT, *self.discrete, *self.discrete_age, *self.analogue, *self.analogue_age)


def all_safe() -> Block:
    """A block in which no cause of the shipped table is active but the two that exclude each other."""
    block = Block()
    for cause in TABLE.causes:
        if cause.input.kind == table.DISCRETE:
            block.discrete[cause.input.index] = int(bool(cause.safe_when))
        else:
            block.analogue[cause.input.index] = float(getattr(LIMITS, cause.limit))
    return block


def shipped() -> Interlock:
    return Interlock([cause.row(LIMITS) for cause in TABLE.causes], CLASSES)


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
        for value in (math.nextafter(bound, away), away, math.nan):
            block = all_safe()
            block.analogue[index] = value
            assert active(block) == sharing


@pytest.mark.parametrize("cause", TABLE.causes, ids=lambda c: c.name)
def test_each_cause_withholds_its_classes_and_trips_as_the_table_says(cause: table.Cause) -> None:
    for moving in [MotionClass(0), *MotionClass]:
        interlock = unlatched()
        block = all_safe()
        if cause.input.kind == table.DISCRETE:
            block.discrete[cause.input.index] = UNTRUSTED
        else:
            block.analogue[cause.input.index] = math.nan
        _, permits, latched, category, first, tripped = interlock.judge(block.pack(), int(moving), False)
        trips = cause.stop > 0 and (cause.at_rest or bool(moving & cause.withholds))
        assert latched == trips
        assert category == (cause.stop if trips else 0)
        assert first == (TABLE.causes.index(cause) if trips else -1)
        assert tripped == (1 << TABLE.causes.index(cause) if trips else 0)
        standing = 0 if trips else CLASSES & ~(0 if cause.start_only else int(cause.withholds))
        assert permits == standing
        assert interlock.may_start(block.pack())[1] == (0 if trips else CLASSES & ~int(cause.withholds))


def test_it_boots_latched_and_a_reset_line_stuck_high_does_not_open_it() -> None:
    interlock, block = shipped(), all_safe().pack()
    for _ in range(3):
        assert interlock.judge(block, 0, True)[2]
    assert interlock.may_start(block)[1] == 0
    interlock.judge(block, 0, False)
    assert not interlock.judge(block, 0, True)[2]


def test_reset_needs_every_tripping_and_every_blocking_cause_gone() -> None:
    names = [cause.name for cause in TABLE.causes]
    interlock = unlatched()
    bad = all_safe()
    bad.discrete[TABLE.causes[names.index("object_on_platform")].input.index] = 0
    assert interlock.judge(bad.pack(), int(MotionClass.TRAVEL), False)[2]
    interlock.judge(bad.pack(), 0, False)
    assert interlock.judge(bad.pack(), 0, True)[2], "the cause that tripped it still stands"
    person = all_safe()
    person.discrete[TABLE.causes[names.index("person_in_zone")].input.index] = 0
    interlock.judge(person.pack(), 0, False)
    assert interlock.judge(person.pack(), 0, True)[2], "a cause that blocks a reset stands"
    good = all_safe().pack()
    interlock.judge(good, 0, False)
    assert not interlock.judge(good, 0, True)[2]


def test_first_out_is_remembered_and_later_causes_do_not_replace_it() -> None:
    names = [cause.name for cause in TABLE.causes]
    interlock, block = unlatched(), all_safe()
    block.discrete[TABLE.causes[names.index("parking_brake_off")].input.index] = 0
    assert interlock.judge(block.pack(), int(MotionClass.UNLOCK), False)[4] == names.index("parking_brake_off")
    block.discrete[TABLE.causes[names.index("emergency_stop")].input.index] = 0
    assert interlock.judge(block.pack(), int(MotionClass.UNLOCK), False)[4] == names.index("parking_brake_off")


def test_bad_blocks_and_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="input block is 352 bytes"):
        shipped().judge(b"short", 0, False)
    row = TABLE.causes[0].row(LIMITS)
    for rows in ([], [row] * 65, [(row[0], 32, *row[2:])], [(*row[:2], 2, *row[3:])], [(*row[:7], 3, *row[8:])]):
        with pytest.raises(ValueError):
            Interlock(rows, CLASSES)
    with pytest.raises(ValueError):
        Interlock([(True, 16, 0, 0.0, 1.0, 100, 1, 1, False, False, False)], CLASSES)
    with pytest.raises(ValueError):
        Interlock([(True, 0, 0, math.nan, 1.0, 100, 1, 1, False, False, False)], CLASSES)


# --- an oracle that shares no code: sets and plain comparisons -------------------------------------------------------

rows_of = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(0, 3),
        st.integers(0, 1),
        st.sampled_from([-math.inf, -1.0, 0.0]),
        st.sampled_from([math.inf, 1.0, 0.0]),
        st.integers(0, 4),
        st.integers(0, 255),
        st.integers(0, 2),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)
moments = st.lists(
    st.tuples(
        st.lists(st.integers(0, 3), min_size=4, max_size=4),
        st.lists(st.integers(0, 5), min_size=4, max_size=4),
        st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, math.nan, math.inf]), min_size=4, max_size=4),
        st.lists(st.integers(0, 5), min_size=4, max_size=4),
        st.integers(0, 255),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


class Oracle:
    """The rules of docs/cause-and-effect.md in plain Python."""

    def __init__(self, rows: list[tuple]) -> None:  # type: ignore[type-arg]
        self.rows = rows
        self.state = "latched"
        self.line = True
        self.blamed: set[int] = set()
        self.first: int | None = None
        self.stop = 1

    def judge(self, moment: tuple, moving: int, reset: bool) -> tuple:  # type: ignore[type-arg]
        standing = {i for i, row in enumerate(self.rows) if not self.fine(row, moment)}
        if reset and not self.line and self.state == "latched":
            blockers = self.blamed | {i for i, row in enumerate(self.rows) if row[9]}
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
        allowed = set(range(8)) if self.state == "open" else set()
        for i in standing:
            if not self.rows[i][10]:
                allowed -= {bit for bit in range(8) if self.rows[i][6] >> bit & 1}
        mask = sum(1 << bit for bit in allowed)
        first = -1 if self.first is None else self.first
        blamed = sum(1 << i for i in self.blamed)
        return sum(1 << i for i in standing), mask, self.state == "latched", self.stop, first, blamed

    @staticmethod
    def fine(row: tuple, moment: tuple) -> bool:  # type: ignore[type-arg]
        analogue, index, required, low, high, oldest = row[:6]
        values, ages = (moment[2], moment[3]) if analogue else (moment[0], moment[1])
        if ages[index] > oldest:
            return False
        return low <= values[index] <= high if analogue else values[index] == required


@settings(max_examples=400, deadline=None)
@given(rows_of, moments)
def test_kernel_and_oracle_agree_on_every_history(rows: list, history: list) -> None:  # type: ignore[type-arg]
    interlock, oracle = Interlock(rows, 255), Oracle(rows)
    for moment in history:
        block = Block()
        block.discrete[:4], block.discrete_age[:4], block.analogue[:4], block.analogue_age[:4] = moment[:4]
        assert interlock.judge(block.pack(), moment[4], moment[5]) == oracle.judge(moment, moment[4], moment[5])
