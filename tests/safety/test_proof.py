"""The proof can fail: an interlock with one row changed, or that forgets, does not agree with the document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proof.exhaustive.__main__ import DOCUMENT, prove, shipped
from proof.exhaustive.plan import Part, parts
from proof.exhaustive.walk import Disagreement
from proof.oracle.document import read
from proof.oracle.rules import OPEN, Oracle, Reading, Remembered, is_active, remembered
from station_ctl.kernel.interlock import Interlock
from station_ctl.limits import SafetySection
from station_ctl.safety import table
from station_ctl.safety.classes import ALL_CLASSES

FOUND = read(DOCUMENT)
ROWS = [cause.row(SafetySection()) for cause in table.load().causes]
NUMBER = {cause.name: i for i, cause in enumerate(table.load().causes)}


def changed(name: str, at: int, value: Callable[[Any], Any]) -> Interlock:
    """The shipped interlock but for one field of one row."""
    rows: list[Any] = list(ROWS)
    row = rows[NUMBER[name]]
    rows[NUMBER[name]] = (*row[:at], value(row[at]), *row[at + 1 :])
    return Interlock(rows, int(ALL_CLASSES), tripped_blocks=False)


CHANGES: list[tuple[str, int, Callable[[Any], Any], Part]] = [
    ("person_in_zone", 2, lambda required: 1 - required, Part("CLAMP", (("zone_clear", "two"),))),
    ("person_in_zone", 7, lambda age_ms: age_ms - 1, Part("CLAMP", (("doors_closed", "five"), ("zone_clear", "five")))),
    ("person_in_zone", 8, lambda classes: classes & ~128, Part("JOG", (("zone_clear", "two"),))),
    ("person_in_zone", 9, lambda category: 2, Part("JOG", (("zone_clear", "two"),))),
    ("fire_alarm", 10, lambda at_rest: False, Part("RELEASE", (("fire_clear", "two"),))),
    ("plc_faulted", 11, lambda blocks: False, Part("RELEASE", (("plc_healthy", "two"),))),
    ("overload", 4, lambda limit: limit - 1e-9, Part("TRAVEL", (("load_kg", "few"),))),
    ("overload", 5, lambda hysteresis: hysteresis / 2, Part("TRAVEL", (("load_kg", "few"),))),
    ("robot_in_the_way", 8, lambda classes: 128, Part("RELEASE", (("robot_clear", "two"),))),
]


@pytest.mark.parametrize(("name", "at", "value", "part"), CHANGES, ids=lambda v: v if isinstance(v, str) else None)
def test_one_changed_field_of_one_row_is_found(name: str, at: int, value: Callable[[Any], Any], part: Part) -> None:
    with pytest.raises(Disagreement, match=f"(?s)the oracle says .* the kernel .*{part.vary[-1][0]} = "):
        prove(part, FOUND, changed(name, at, value))
    assert prove(part, FOUND, shipped()) > 0


def test_two_rows_in_another_order_are_found() -> None:
    rows = list(ROWS)
    one, two = NUMBER["person_in_zone"], NUMBER["plc_faulted"]
    rows[one], rows[two] = rows[two], rows[one]
    both = Part("JOG", (("zone_clear", "two"), ("plc_healthy", "two")))
    with pytest.raises(Disagreement):
        prove(both, FOUND, Interlock(rows, int(ALL_CLASSES), tripped_blocks=False))


def test_every_combination_of_discrete_inputs_is_in_the_plan() -> None:
    for moving in FOUND.classes:
        bearing = {c.input for c in FOUND.causes if moving in c.classes}
        discrete = {name for name in bearing if not FOUND.inputs[name].analogue}
        work = list(parts(FOUND, moving))
        whole = [part for part in work if {name for name, _ in part.vary} == discrete]
        options = 5 if whole[0].vary[0][1] == "five" else 2
        assert sorted(part.only for part in whole) == [(a, b) for a in range(options) for b in range(options)]
        assert bearing - discrete <= {name for part in work for name, _ in part.vary}


def test_the_oracle_judges_a_band_in_both_directions() -> None:
    hot = next(cause for cause in FOUND.causes if cause.name == "pack_aboard_hot")
    cool, was_hot = Remembered(False, 0), Remembered(True, 0)
    back = hot.limit - hot.hysteresis
    between = Reading((hot.limit + back) / 2, 0)
    assert hot.hysteresis > 0
    assert [is_active(hot, between, cool), is_active(hot, between, was_hot)] == [False, True]
    assert not is_active(hot, between._replace(subject=1), was_hot)
    assert not is_active(hot, Reading(back, 0), was_hot)
    assert remembered(hot, Reading(float("nan"), 0), was_hot) == was_hot
    assert remembered(hot, Reading(0.0, hot.age_ms + 1), was_hot) == was_hot
    assert remembered(hot, Reading(0.0, hot.age_ms), was_hot) == cool


def test_the_oracle_opens_only_with_nothing_in_the_way() -> None:
    oracle = Oracle(FOUND)
    person = 1 << NUMBER["person_in_zone"]
    latched = (True, 1, NUMBER["door_open"], 1 << NUMBER["door_open"])
    nothing = (0, 0, 0, 0, 9, 0, 9)
    assert oracle.judge(nothing, latched, False, True)[2:] == OPEN
    assert oracle.judge((person, 0, 0, 0, 9, 0, 9), latched, False, True)[2:] == latched
    assert oracle.judge(nothing, latched, False, False)[2:] == latched


def test_a_document_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    text = DOCUMENT.read_text("utf-8").replace("zone_clear is true", "zone_clear is mostly true")
    (tmp_path / "odd.md").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"not understood.*person_in_zone"):
        read(tmp_path / "odd.md")
