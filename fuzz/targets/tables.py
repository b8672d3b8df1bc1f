"""Data files of the deciding rooms, by the first byte: cause and effect, alarms, charging, limits of the thermal watch.

Then the file's text, or edits of the shipped one (fuzz.edits).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import resources
from typing import Any

from drivers import toml
from drivers.errors import StationError
from fuzz.edits import EDIT, TOML, edited
from fuzz.files import words_of
from fuzz.judge import must
from fuzz.tape import Tape
from station_ctl.alarms import catalogue
from station_ctl.alarms.checks import SAFETY_SHELVED_MAX_MIN
from station_ctl.alarms.entry import SHELVED_MAX_MIN
from station_ctl.charging.table import FILE, Effect
from station_ctl.limits import SafetySection
from station_ctl.safety import table
from station_ctl.thermal import limits

_TEXTS = tuple(
    resources.files(room).joinpath(name).read_text(encoding="utf-8")
    for room, name in (
        ("station_ctl.safety", "cause_and_effect.toml"),
        ("station_ctl.alarms", "catalogue.toml"),
        ("station_ctl.charging", FILE),
        ("station_ctl.thermal", "limits.toml"),
    )
)
_DOCUMENTS = tuple(map(toml.loads, _TEXTS))
_CAUSES = table.load().causes
WORDS = words_of(_TEXTS)
_LIMITS = SafetySection()


def one(data: bytes) -> None:
    """Judge one file."""
    which = int.from_bytes(data[:1], "big") % len(_TEXTS)
    try:
        if data[1:2] == EDIT:
            document = edited(_DOCUMENTS[which], Tape(data[2:]), TOML)
        else:
            document = toml.loads(data[1:].decode("utf-8"))
    except (UnicodeDecodeError, toml.TOMLDecodeError):
        return
    try:
        _JUDGES[which](document)
    except StationError as e:
        must(bool(e.what and e.where), "a refusal that says nothing")


def _cause_table(document: dict[str, Any]) -> None:
    _table(table.parse(document))


def _charging(document: dict[str, Any]) -> None:
    _table(table.parse(document, Effect.__members__, FILE))


def _table(found: table.Table) -> None:
    watched = {cause.input.name for cause in found.causes}
    must({entry.name for entry in found.inputs} == watched, "an input without a cause")
    for cause in found.causes:
        must(bool(cause.withholds), f"{cause.name} has no effect")
        cause.row(_LIMITS)
        must(bool(cause.safe_condition(_LIMITS)), f"{cause.name} has no condition")


def _catalogue(document: dict[str, Any]) -> None:
    found = catalogue.parse(document, _CAUSES)
    for code, entry in found.alarms.items():
        must(entry.code == code and entry.priority in ("high", "medium", "low"), f"{code} has no priority")
        must(bool(entry.remedy), f"{code} says no remedy")
        longest = SAFETY_SHELVED_MAX_MIN if entry.alarm_class == "safety" else SHELVED_MAX_MIN
        must(entry.shelvable_min <= longest, f"{code} is shelved for too long")
    for cause in _CAUSES:
        must(not cause.stop or found.of_cause(cause.name) in found.alarms, f"{cause.name} raises no alarm")


def _limits(document: dict[str, Any]) -> None:
    must(all(map(math.isfinite, limits.parse(document).row())), "a limit is not finite")


_JUDGES = (_cause_table, _catalogue, _charging, _limits)


def seeds() -> Iterator[bytes]:
    """The shipped files, and edits of each."""
    for which, text in enumerate(_TEXTS):
        yield bytes([which]) + text.encode()
        yield from (bytes([which]) + EDIT + bytes([n, n % 4, n % 49, 0, n]) for n in range(0, 250, 5))
