"""Whether the plant's truth meets a condition, and what no truth may ever show. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from hil.scenario.conditions import EMPTY, FULL, When

Truth = dict[str, Any]


def meets(truth: Truth, when: When, begun_before: int | None = None) -> bool:
    """Whether the plant's part of a condition is so; begun_before: motions so far when it had to begin to hold."""
    if when.moving is False and begun_before is not None and truth["plc"]["motions_started"] > begun_before:
        return False
    return all(_TRUE[name](truth, getattr(when, name)) for name in when.true)


def moving(truth: Truth) -> bool:
    """Whether the robot moves, or a motion of its is under way."""
    return bool(truth["robot"]["moving"] or truth["robot"]["active"])


def standing(truth: Truth, place: str) -> str | None:
    """The serial of the pack at a place, None if there is none, or no such place now."""
    kind, _, number = place.partition(" ")
    if kind == "robot":
        return _serial(truth["gripper"])
    return _serial(_numbered(truth[f"{kind}s"], number))


def _numbered(rows: dict[Any, Any], number: str) -> Any:
    """A row by its number, which is text where the truth came over a wire."""
    return rows.get(number, rows.get(int(number)))


def _serial(value: Any) -> str | None:
    return None if value is None else str(value)


def _all_at(truth: Truth, wanted: dict[str, str]) -> bool:
    return all(_is_at(standing(truth, place), what) for place, what in wanted.items())


def _is_at(serial: str | None, wanted: str) -> bool:
    return serial is None if wanted == EMPTY else serial is not None if wanted == FULL else serial == wanted


def _locked(truth: Truth, wanted: dict[str, bool]) -> bool:
    return all(_numbered(truth[f"{p.split()[0]}s_locked"], p.split()[1]) is locked for p, locked in wanted.items())


def _left_with(truth: Truth, wanted: dict[str, str]) -> bool:
    if not truth["departed"]:
        return False
    packs = truth["departed"][-1]["packs"]
    return all(_is_at(_serial(_numbered(packs, place.split()[1])), what) for place, what in wanted.items())


def _orders(truth: Truth, wanted: dict[str, int]) -> bool:
    begun = Counter(motion["opcode"] for motion in truth["motions"] if motion["started"])
    return all(begun[opcode] == count for opcode, count in wanted.items())


def _energised(truth: Truth, wanted: dict[str, bool]) -> bool:
    return all(bool(_numbered(truth["supplies"], bay.split()[1])) is closed for bay, closed in wanted.items())


def _charges(truth: Truth, wanted: dict[str, bool]) -> bool:
    return all((_numbered(truth["charging_a"], bay.split()[1]) > 0.0) is flows for bay, flows in wanted.items())


_TRUE: dict[str, Callable[[Truth, Any], bool]] = {
    "moving": lambda t, wanted: moving(t) is wanted,
    "robot": lambda t, wanted: t["plc"]["state"] == wanted,
    "stop_reason": lambda t, wanted: t["plc"]["stop_reason"] == wanted,
    "at": _all_at,
    "locked": _locked,
    "driving": lambda t, wanted: t["truck"]["driving"] == wanted,
    "departed": lambda t, wanted: len(t["departed"]) == wanted,
    "left_with": _left_with,
    "orders": _orders,
    "energised": _energised,
    "charges": _charges,
}


class Packs:
    """Every pack is in exactly one place, and none vanishes."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def wrong(self, truth: Truth) -> Iterator[str]:
        """What is wrong with the packs now."""
        places = Counter(_here(truth))
        for serial, count in places.items():
            if count > 1:
                yield f"pack {serial} is in {count} places"
        if truth["truck"]["driving"] != "arriving":
            for serial in self._known:
                if serial not in places:
                    yield f"pack {serial} is nowhere"
        self._known.update(dict.fromkeys(places))


def _here(truth: Truth) -> Iterator[str]:
    rows = [truth["bays"], truth["mounts"], *(truck["packs"] for truck in truth["departed"])]
    for row in rows:
        yield from (serial for serial in row.values() if serial is not None)
    if truth["gripper"] is not None:
        yield truth["gripper"]


def twice(truth: Truth) -> Iterator[str]:
    """Commands that the robot carried out more than once."""
    for motion in truth["motions"]:
        if motion["started"] > 1:
            yield f"command {motion['sequence']} ({motion['opcode']}) began {motion['started']} times"
