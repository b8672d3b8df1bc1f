"""JUnit XML, as CI systems read it: a suite for each ground, a case for each run.

The form is the one that Jenkins, GitLab and GitHub's readers have in common: one <failure> for a case, properties
before it. https://github.com/jenkinsci/xunit-plugin (junit-10.xsd).
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from hil.record import Record
from hil.report.markup import clean, cut
from hil.report.tables import command, failures

_MESSAGE = 300
_LINES = 100


def junit(records: Sequence[Record]) -> str:
    """The XML document, with its declaration. `time` is wall time in seconds; a run's own time is a property."""
    top = Element("testsuites", {"name": "station-hil", **_totals(records)})
    for ground in sorted({r.ground for r in records}):
        _suite(top, ground, [r for r in records if r.ground == ground])
    ElementTree.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(top, encoding="unicode") + "\n"


def _totals(records: Sequence[Record]) -> dict[str, str]:
    failed, wall_s = sum(not r.passed for r in records), sum(r.wall_s for r in records)
    return {"tests": str(len(records)), "failures": str(failed), "errors": "0", "time": f"{wall_s:.3f}"}


def _suite(top: Element, ground: str, records: Sequence[Record]) -> None:
    began = clean(min(r.began_utc for r in records))
    suite = SubElement(top, "testsuite", {"name": f"station-hil.{ground}", "timestamp": began, **_totals(records)})
    for record in records:
        _case(suite, record)


def _case(suite: Element, record: Record) -> None:
    name = clean(f"{record.scenario}[seed {record.seed}]")
    place = f"station-hil.{record.ground}"
    case = SubElement(suite, "testcase", {"classname": place, "name": name, "time": f"{record.wall_s:.3f}"})
    properties = SubElement(case, "properties")
    for key, value in _properties(record):
        SubElement(properties, "property", {"name": clean(key), "value": clean(value)})
    if not record.passed:
        _failure(case, record)


def _properties(record: Record) -> list[tuple[str, str]]:
    told = [("title", record.title), ("seed", str(record.seed)), ("ground", record.ground)]
    told += [("began_utc", record.began_utc), ("duration_s", f"{record.duration_s:.3f}")]
    told += [("log_hash", record.log_hash), ("repeat", command(record))]
    told += [(f"version.{name}", version) for name, version in record.versions.items()]
    return told + [(f"measured.{c.name}", f"{c.measured:g} {c.unit}".rstrip()) for c in record.checks]


def _failure(case: Element, record: Record) -> None:
    lines = [f"{name}: {text}" for name, text in failures(record)]
    kind = "violation" if record.violations else "limit"
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    failure = SubElement(case, "failure", {"type": kind, "message": clean(cut(lines[0], _MESSAGE) + more)})
    rest = [f"and {len(lines) - _LINES} more, all in record.jsonl"] if len(lines) > _LINES else []
    failure.text = clean("\n".join([*lines[:_LINES], *rest, "", command(record)]))
