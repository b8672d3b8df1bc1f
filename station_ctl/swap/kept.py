"""What a state that was kept in the journal has to be, so that a start can go on from it.

The JSON's form is checked where it is read. This is about what a right form can still say wrongly: a file of another
release, one that somebody edited, a disk that lost bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple

from drivers.robot_protocol import BAYS, RobotCommand
from station_ctl.model.places import PlaceKind
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation, Swap
from station_ctl.swap.changes import EVACUATING
from station_ctl.swap.machine import STEP
from station_ctl.swap.table import STEPS

SEQUENCE_MAX = 0xFFFF
"""Sequence numbers of orders are one register wide."""
MOUNTS = 3
_PREEMPTED = frozenset(step.name for step in STEPS)
_ASIDE = ("evacuate_clear", "evacuate_set_down")


def contradiction(state: StationState) -> str:
    """The first thing that no station can have kept, '' if there is none."""
    return next((what for holds, what in _checks(state) if not holds), "")


def _checks(state: StationState) -> Iterator[tuple[bool, str]]:
    yield _finite(astuple(state)), "a number is not finite"
    yield state.step in STEP, f"step {state.step[:40]!r} is none"
    yield _one_word(state.sequence), "the last sequence number is none"
    for command in (state.given, state.pending, state.last.command if state.last else None):
        yield command is None or _can_be_sent(command), "the last order is none"
    if state.swap is not None:
        yield from _swap(state.swap)
    if state.evacuation is not None:
        yield _evacuation(state.evacuation), "the evacuation is from or to a place there is not"
        yield state.evacuation.interrupted in _PREEMPTED, f"step {state.evacuation.interrupted[:40]!r} was pre-empted"
    yield state.evacuation is not None or state.step not in EVACUATING, f"step {state.step} without an evacuation"
    yield state.swap is not None or state.step not in _ASIDE, f"step {state.step} without a swap"


def _finite(value: object) -> bool:
    """JSON as Python reads it knows NaN and infinities; written again they would be null."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _swap(swap: Swap) -> Iterator[tuple[bool, str]]:
    yield 0 <= swap.index < len(swap.exchanges), f"exchange {swap.index + 1} of {len(swap.exchanges)}"
    for e in swap.exchanges:
        yield 1 <= e.mount <= MOUNTS, f"an exchange at mount {e.mount}"
        yield 1 <= e.bay_in <= BAYS and 1 <= e.bay_out <= BAYS, "an exchange with a bay there is not"
    yield all(1 <= number <= MOUNTS for number in swap.installed), "a pack in a mount there is not"


def _evacuation(evacuation: Evacuation) -> bool:
    highest = BAYS if evacuation.source.kind is PlaceKind.BAY else MOUNTS
    return 1 <= evacuation.source.number <= highest and 1 <= evacuation.isolation <= BAYS


def _can_be_sent(command: RobotCommand) -> bool:
    return all(-SEQUENCE_MAX <= number <= SEQUENCE_MAX for number in astuple(command)) and _one_word(command.sequence)


def _one_word(number: int | None) -> bool:
    return number is None or 0 <= number <= SEQUENCE_MAX
