"""Decide again what a recording holds, with the controller that is installed here, and find the first difference.

Every cycle begins in the recorded state and sees what was recorded; the deciders remember for themselves, from what
they remembered at the recording's beginning. So a difference is shown where it arises, and does not hide what follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from station_ctl import block
from station_ctl.blackbox.file import Recording
from station_ctl.config import Config
from station_ctl.cycle import Cycle, Decided, confirm, decide, undone
from station_ctl.deciders import Deciders
from station_ctl.model.look import Decision


@dataclass(frozen=True, slots=True)
class Difference:
    """What a cycle came to, and what it comes to now. where: the part that differs, 'decided.decision.permits'."""

    where: str
    recorded: str
    replayed: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """One cycle, and where it differs; None: nowhere. number: counted from the first one of the file."""

    number: int
    cycle: Cycle
    difference: Difference | None


def replay(recording: Recording, config: Config, deciders: Deciders) -> Iterator[Replayed]:
    """Every cycle of a recording in order. Raises ValueError for a memory that this release cannot take up."""
    number, expected = 0, None
    for chunk in recording.chunks:
        remembered = differing(chunk.memory, _plain(deciders.dump()), "memory") if expected == chunk.number else None
        if expected != chunk.number:  # the beginning, or what is behind a gap
            deciders.load(chunk.memory)
        expected = chunk.number + 1
        for cycle in chunk.cycles:
            found = differing(_outcome(cycle), _outcome(again(deciders, config, cycle)), "")
            yield Replayed(number, cycle, remembered or found)
            number, remembered = number + 1, None


def again(deciders: Deciders, config: Config, recorded: Cycle) -> Cycle:
    """The cycle, decided from what the recorded one saw."""
    cycle = Cycle(recorded.before, recorded.seen, unwritten=recorded.unwritten, undone_s=recorded.undone_s)
    cycle.after, cycle.failed = recorded.after, recorded.failed
    if cycle.seen is None:
        return cycle
    try:
        cycle.decided = decided = decide(deciders, config, recorded.before, cycle.seen)
        _went_on(deciders, config, recorded, cycle, decided)
    except Exception as e:  # noqa: BLE001 - as the runner supervises its cycles; the difference is reported
        cycle.failed = f"{type(e).__name__}: {e}"
    return cycle


def _went_on(deciders: Deciders, config: Config, recorded: Cycle, cycle: Cycle, decided: Decided) -> None:
    """What the runner does behind a decision: write, or record first and judge again."""
    state, decision, snapshot = decided.state, decided.decision, recorded.seen.snapshot if recorded.seen else None
    if recorded.unwritten is not None and recorded.undone_s is not None:
        state = undone(recorded.before, decided.state, recorded.undone_s, recorded.unwritten)
    if decided.command is not None and recorded.again is not None:
        cycle.again = snapshot = recorded.again
        cycle.judged, state = confirm(deciders, config, decided, state, snapshot)
        decision = cycle.judged
    if recorded.block is not None and snapshot is not None and snapshot.robot is not None:
        wrote = state if decided.command is not None else decided.state
        leases = (config.robot.lease_ms, config.charging.lease_ms)
        cycle.block = block.make(wrote, decision, snapshot.robot, recorded.block.heartbeat, *leases)
    if not recorded.failed:
        cycle.after = state


def _outcome(cycle: Cycle) -> dict[str, Any]:
    """What a cycle came to, in the order in which it came to it."""
    names = ("decided", "judged", "after", "block", "failed")
    return {name: getattr(cycle, name) for name in names}


def differing(a: Any, b: Any, where: str) -> Difference | None:
    """The first part that differs."""
    if a is b or (type(a) is type(b) and (a == b or (a != a and b != b))):  # NaN is NaN
        return None
    pairs = _parts(a, b)
    for name, left, right in pairs:
        if found := differing(left, right, f"{where}.{name}" if where else str(name)):
            return found
    return None if pairs else Difference(where, _shown(a), _shown(b))


def _parts(a: Any, b: Any) -> list[tuple[object, Any, Any]]:
    """Parts of two values of the same shape, by name; none if they have to be shown whole."""
    if type(a) is not type(b):
        return []
    if is_dataclass(a):
        return [(f.name, getattr(a, f.name), getattr(b, f.name)) for f in fields(a)]
    if isinstance(a, dict) and list(a) == list(b):
        return [(key, a[key], b[key]) for key in a]
    if isinstance(a, (list, tuple)) and len(a) == len(b):
        return [(index, left, right) for index, (left, right) in enumerate(zip(a, b, strict=True))]
    return []


def _shown(value: Any) -> str:
    if isinstance(value, Decision):
        return f"{value.permits!r} latched {value.latched}, first-out {value.first_out}, active {list(value.active)}"
    return repr(value)


def _plain(value: Any) -> Any:
    """As it is after a way through JSON: tuples are lists, keys are texts."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value
