"""One page that shows runs: a summary, a table of them, and for each a time line, distributions and tables.

Self-contained: style and drawings are in it, nothing is loaded, no script. It works from a file and printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import resources

from hil.record import Record
from hil.report.histogram import histogram
from hil.report.markup import Markup, amount, clock, cut, join, tag
from hil.report.tables import checks, command, facts, failures, log, table, verdict, why
from hil.report.timeline import strip, timeline

FIRST = 12
"""So many of the first runs have their full time line even if they passed."""
FULL_BYTES = 7_000_000
"""Once the page has grown to this, further runs are shown without time line, distributions and events."""

_HATCH = Markup(
    '<svg width="0" height="0" class="defs"><defs><pattern id="hatch" width="6" height="6" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="hatch-back"/>'
    '<rect width="2.5" height="6" class="hatch-line"/></pattern></defs></svg>'
)
_HEAD = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' + (
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)


def html(records: Sequence[Record]) -> str:
    """The page. Failed runs come first and are open; of runs that passed the first ones have all their figures."""
    ordered = sorted(records, key=lambda r: r.passed)
    title = f"{_headline(ordered)} – station-hil"
    style = resources.files("hil.report").joinpath("page.css").read_text("utf-8")
    head = f"{_HEAD}{tag('title', title)}<style>{style}</style></head>"
    body = tag("body", _HATCH, tag("main", _summary(ordered), _table(ordered), *_runs(ordered)))
    return f"{head}{body}</html>\n"


def _headline(records: Sequence[Record]) -> str:
    failed = sum(not r.passed for r in records)
    if not records:
        return "No runs"
    if len(records) == 1:
        return "The run failed" if failed else "The run passed"
    return f"{failed} of {len(records)} runs failed" if failed else f"All {len(records)} runs passed"


def _summary(records: Sequence[Record]) -> Markup:
    failed = any(not r.passed for r in records)
    ran_s, wall_s = sum(r.duration_s for r in records), sum(r.wall_s for r in records)
    limits = [c.held for r in records for c in r.checks if c.limit is not None]
    pairs = [
        ("ground", ", ".join(f"{ground} ({n})" for ground, n in sorted(Counter(r.ground for r in records).items()))),
        ("scenarios", amount(len({r.scenario for r in records}))),
        ("run time", clock(ran_s)),
        ("on the wall", f"{clock(wall_s)}, {amount(ran_s / wall_s)} times real time" if wall_s > 0 else ""),
        ("limits held", f"{sum(limits)} of {len(limits)}"),
        ("violations", amount(sum(len(r.violations) for r in records))),
        ("began", min((r.began_utc for r in records), default="")),
        *_versions(records),
    ]
    name = tag("h1", "✗ " if failed else "✓ " if records else "", _headline(records))
    kind = "bad" if failed else "good"
    return tag("header", tag("p", "station-hil report", class_="soft"), name, facts(pairs), class_=kind)


def _versions(records: Sequence[Record]) -> list[tuple[str, str]]:
    """What ran, by name; where runs differ all versions are named."""
    names = dict.fromkeys(name for r in records for name in r.versions)
    return [(name, ", ".join(sorted({r.versions.get(name, "not told") for r in records}))) for name in names]


def _table(records: Sequence[Record]) -> Markup:
    rows = (_table_row(i, record) for i, record in enumerate(records, 1))
    head = ("", "scenario", "ground", "seed", "run time", "wall", "PackML", "what failed")
    return join(tag("h2", "Runs"), table(head, rows, "runs"))


def _table_row(number: int, record: Record) -> Markup:
    found = failures(record)
    more = f" (+{len(found) - 1})" if len(found) > 1 else ""
    return tag(
        "tr",
        tag("td", verdict(record.passed)),
        tag("td", tag("a", cut(record.scenario, 80), href=f"#run-{number}")),
        tag("td", record.ground),
        tag("td", record.seed, class_="number"),
        tag("td", clock(record.duration_s), class_="number"),
        tag("td", clock(record.wall_s), class_="number"),
        tag("td", strip(record)),
        tag("td", cut(found[0][0] + more, 60) if found else ""),
    )


def _runs(records: Sequence[Record]) -> list[Markup]:
    sections: list[Markup] = []
    size = 0
    for number, record in enumerate(records, 1):
        wanted = not record.passed or number <= FIRST
        section = _run(number, record, wanted and size < FULL_BYTES, len(records) == 1)
        size += len(section)
        sections.append(section)
    return sections


def _run(number: int, record: Record, full: bool, alone: bool) -> Markup:
    head = tag(
        "summary",
        verdict(record.passed),
        " ",
        tag("b", cut(record.scenario, 80)),
        tag("span", f" {record.ground}, seed {record.seed}, {clock(record.duration_s)}", class_="soft"),
    )
    title = tag("p", cut(record.title, 300), id=f"run-{number}", class_="title")
    body = join(title, why(record), _about(record), _figures(record) if full else _left_out(), checks(record))
    shown = join(body, log(record)) if full else body
    return tag("details", head, shown, class_="run", open="" if alone or not record.passed else None)


def _about(record: Record) -> Markup:
    pairs: list[tuple[str, object]] = [("repeat it", tag("code", command(record))), ("began", record.began_utc)]
    log_hash = tag("code", record.log_hash) if record.log_hash else ""
    return facts([*pairs, ("wall time", clock(record.wall_s)), ("log hash", log_hash), *record.versions.items()])


def _figures(record: Record) -> Markup:
    figures = [histogram(name, values) for name, values in record.histograms.items()]
    spread = tag("div", *figures, class_="figures") if any(figures) else Markup()
    return join(timeline(record), tag("h3", "Distributions") if spread else Markup(), spread)


def _left_out() -> Markup:
    return tag("p", "Time line and events are left out to keep this page small; record.jsonl has them.", class_="soft")
