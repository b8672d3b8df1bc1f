"""The category of the stop: the most urgent of all causes that tripped, whichever came first."""

from __future__ import annotations

import struct

import pytest

from station_ctl.kernel.interlock import INPUT_BLOCK_FORMAT, INPUT_SLOTS, Interlock

DISCRETE, ANALOGUE = INPUT_SLOTS


def block(*values: int) -> bytes:
    """An input block in which the first discrete inputs read these values, all of it fresh."""
    discrete = [*values, *[0] * (DISCRETE - len(values))]
    return struct.pack(INPUT_BLOCK_FORMAT, *discrete, *[0] * (DISCRETE + 3 * ANALOGUE))


def opened(*categories: int) -> Interlock:
    """An interlock with one cause for each category, each with an input of its own, reset by a person."""
    rows = [
        (False, i, 1, "", 0.0, 0.0, "plc_age_ms", 300, 1, category, False, False, False)
        for i, category in enumerate(categories)
    ]
    interlock = Interlock(rows, 1, tripped_blocks=True)
    interlock.judge(block(*[1] * len(rows)), 0, False)
    assert interlock.judge(block(*[1] * len(rows)), 0, True)[2:5] == (False, 0, -1)
    return interlock


@pytest.mark.parametrize(("first", "then", "after"), [(2, 1, 1), (1, 2, 1), (2, 2, 2), (1, 1, 1)])
def test_a_later_cause_makes_the_stop_more_urgent_never_less(first: int, then: int, after: int) -> None:
    interlock = opened(first, then)
    assert interlock.judge(block(0, 1), 1, False)[2:] == (True, first, 0, 0b01)
    assert interlock.judge(block(0, 0), 1, False)[2:] == (True, after, 0, 0b11)


@pytest.mark.parametrize(("one", "two"), [(2, 1), (1, 2)])
def test_of_causes_in_the_same_cycle_the_most_urgent_counts_and_the_first_row_is_first_out(one: int, two: int) -> None:
    assert opened(one, two).judge(block(0, 0), 1, False)[2:] == (True, 1, 0, 0b11)
