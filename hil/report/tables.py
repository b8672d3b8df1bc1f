"""Tables of a run: what was measured against which limit, violations, the log of what happened, what ran."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from hil.record import Check, Record, Violation
from hil.report.markup import Markup, amount, cut, join, tag

_EVENTS = (100, 300)
"""So many of the first and of the last events are written; record.jsonl has all."""
_VIOLATIONS = 100
_TEXT = 400
_METER_PX = 120.0


def table(head: Sequence[str], rows: Iterable[Markup], kind: str) -> Markup:
    """A table with its head."""
    line = tag("tr", *(tag("th", name) for name in head))
    return tag("div", tag("table", tag("thead", line), tag("tbody", *rows), class_=kind), class_="scroll")


def command(record: Record) -> str:
    """The command line that repeats the run."""
    if record.scenario == "soak":
        return f"station-hil replay {record.seed} --duration-s {record.duration_s:.0f} --log"
    return f"station-hil run {shlex.quote(record.scenario)} --ground {record.ground} --seed {record.seed}"


def limit(check: Check) -> str:
    """The limit in words; empty without one."""
    if check.limit is None:
        return ""
    return f"at {'most' if check.at_most else 'least'} {amount(check.limit, check.unit)}"


def failures(record: Record) -> list[tuple[str, str]]:
    """Why a run failed: kind and sentence, violations first; the same one again is counted."""
    times = Counter((v.invariant, v.text) for v in record.violations)
    first: dict[tuple[str, str], Violation] = {}
    for violation in record.violations:
        first.setdefault((violation.invariant, violation.text), violation)
    found = [(key[0], _when(violation, times[key])) for key, violation in first.items()]
    missed = (c for c in record.checks if not c.held)
    return found + [(c.name, f"measured {amount(c.measured, c.unit)}, limit {limit(c)}") for c in missed]


def _when(first: Violation, times: int) -> str:
    again = f" ({times} times, first then)" if times > 1 else ""
    return f"{first.at_s:.2f} s{again}: {cut(first.text, _TEXT)}"


def why(record: Record) -> Markup:
    """What failed, as a list; nothing for a run that passed."""
    found = failures(record)
    items = [tag("li", tag("b", name), " ", text) for name, text in found[:_VIOLATIONS]]
    if len(found) > _VIOLATIONS:
        items.append(tag("li", f"and {len(found) - _VIOLATIONS} more, all in record.jsonl"))
    return tag("ul", *items, class_="why") if found else Markup()


def checks(record: Record) -> Markup:
    """Every measured value, its limit and how much of it was used; missed ones first."""
    if not record.checks:
        return Markup()
    rows = (
        tag(
            "tr",
            tag("td", verdict(c.held) if c.limit is not None else "reported"),
            tag("td", c.name),
            tag("td", amount(c.measured, c.unit), class_="number"),
            tag("td", limit(c), class_="number"),
            tag("td", _meter(c)),
        )
        for c in sorted(record.checks, key=lambda c: (c.held, c.limit is None))
    )
    return join(tag("h3", "Measured against limits"), table(("", "what", "measured", "limit", ""), rows, "checks"))


def verdict(held: bool) -> Markup:
    """Passed or failed, by sign and word as well as by colour."""
    return tag("span", "✓ passed" if held else "✗ failed", class_="passed" if held else "failed")


def _meter(check: Check) -> Markup:
    """A bar of the measured value with the limit as a line across it."""
    top = max(check.measured, check.limit or 0.0) * 1.15
    if check.limit is None or min(check.measured, check.limit) < 0 or not 0 < top < math.inf:
        return Markup()
    bar, at = check.measured / top * _METER_PX, check.limit / top * _METER_PX
    parts = (
        tag("rect", x=0, y=0, width=_METER_PX, height=10, class_="row"),
        tag("rect", x=0, y=0, width=max(bar, 1.0), height=10, class_="bar" if check.held else "bad"),
        tag("line", x1=at, x2=at, y1=-2, y2=12, class_="limit"),
    )
    return tag("svg", *parts, class_="meter", width=_METER_PX, height=14.0, viewBox=f"0 -2 {_METER_PX:.0f} 14")


def log(record: Record) -> Markup:
    """Events, faults and violations in order of time, the middle left out if there are very many."""
    found = sorted(_happened(record), key=lambda row: row[0] if math.isfinite(row[0]) else 0.0)
    first, last = _EVENTS
    left_out = len(found) - first - last
    rows = [_row(*one) for one in found] if left_out <= 0 else _shortened(found, left_out)
    body = table(("time", "kind", "what"), rows, "log")
    return tag("details", tag("summary", f"Events ({len(found)})"), body) if found else Markup()


def _shortened(found: Sequence[tuple[float, str, str]], left_out: int) -> list[Markup]:
    first, last = _EVENTS
    between = tag("tr", tag("td"), tag("td"), tag("td", f"… {left_out} more, all in record.jsonl"))
    return [*(_row(*one) for one in found[:first]), between, *(_row(*one) for one in found[-last:])]


def _happened(record: Record) -> Iterable[tuple[float, str, str]]:
    yield from ((e.at_s, e.kind, e.text) for e in record.events)
    yield from ((f.from_s, "fault", f"on: {f.name} {f.text}") for f in record.faults)
    yield from ((f.until_s, "fault", f"off: {f.name}") for f in record.faults if f.until_s is not None)
    yield from ((v.at_s, "violation", f"{v.invariant}: {v.text}") for v in record.violations)


def _row(at_s: float, kind: str, text: str) -> Markup:
    cells = (tag("td", f"{at_s:.2f}", class_="number"), tag("td", cut(kind, 40)), tag("td", cut(text, _TEXT)))
    return tag("tr", *cells, class_=kind if kind in ("violation", "alarm", "stop", "fault", "sent") else None)


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """Names and values side by side; empty values are left out."""
    items = (tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if str(value))
    return tag("dl", *items, class_="facts")
