"""Where in a TOML text a field stands, for an error that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?")


def line_of(text: str, path: Sequence[str]) -> int:
    """Line of the field; of its table where the field is missing; 1 where that is missing too.

    path: names of tables and the key; a number after a table's name is which of `[[..]]` from 0, after a key ignored.
    """
    table, nth, key = _split(path)
    here, seen, at = "", 0, 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            seen = seen + 1 if header[1] == here else 0
            here = header[1]
            if here == table and seen == nth:
                at = number
            if not table and here == key:  # a whole table is meant: its first header
                return number
        elif here == table and seen == nth and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line):
            return number
    return at


def _split(path: Sequence[str]) -> tuple[str, int, str]:
    names = [part for part in path if not part.isdigit()]
    if len(names) < 2:
        return "", 0, names[0] if names else ""
    nth = int(path[1]) if path[1].isdigit() else 0
    return names[0], nth, names[1]
