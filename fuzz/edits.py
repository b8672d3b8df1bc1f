"""Documents that are right but for a few edits: quicker at a parser's second thoughts than text with spoilt bytes.

An edit script is a row of u16 where, u8 what, and u16 from where if a value is copied.
"""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

from fuzz.tape import Tape

EDIT = b"\x01"
"""An input of a text target that begins so is an edit script; no text does."""
COMMON: tuple[Any, ...] = (
    True, False, 0, 1, -1, 2, 3, 7, 24, 25, 100, 255, 256, 500, 65535, 65536, -(2**63), 2**63 - 1,
    0.0, -0.0, 0.5, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"),
    "", "x", "waiting", "lock", "nan", "1", "\n", "\0", "é", "a" * 300, [], [[]], [0], ["x"], [{}], {}, {"x": {}},
    {"": 0},
)  # fmt: skip
JSON, TOML = (*COMMON, None, [None]), (*COMMON, date(2026, 1, 1), [date(2026, 1, 1)])
DELETE, COPY, RENAME = range(len(JSON), len(JSON) + 3)
MOST_EDITS = 12


def edited(document: dict[str, Any], tape: Tape, atoms: tuple[Any, ...]) -> dict[str, Any]:
    """A copy of the document after the edits that are left on the tape. atoms: JSON or TOML."""
    whole = copy.deepcopy(document)
    for _ in range(MOST_EDITS):
        if not tape:
            break
        _edit(whole, tape, atoms)
    return whole


def _edit(whole: dict[str, Any], tape: Tape, atoms: tuple[Any, ...]) -> None:
    places = _places(whole)
    if not places:
        return
    container, key = places[tape.word() % len(places)]
    what = tape.byte() % (RENAME + 1)
    if what < DELETE:
        container[key] = copy.deepcopy(atoms[what])
    elif what == DELETE:
        del container[key]
    else:
        other, there = places[tape.word() % len(places)]
        if what == COPY:
            container[key] = copy.deepcopy(other[there])
        elif isinstance(container, dict):
            container[str(there)] = container.pop(key)


def _places(container: Any) -> list[tuple[Any, Any]]:
    """Every value of a document, as where it is held and under what."""
    keys = list(container) if isinstance(container, dict) else range(len(container))
    found = []
    for key in keys:
        found.append((container, key))
        if isinstance(container[key], (dict, list)):
            found += _places(container[key])
    return found
