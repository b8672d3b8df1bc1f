"""Records for tests of the reports: plain ones, hostile ones, and any at all."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from hil.record import Check, Event, Record, Sample, Span, Violation

HOSTILE = "</script><script src=http://evil.example/x.js></script>\"'><img src=x onerror=alert(1)> & \x00\x1b\ud800 ]]>"


def samples(seconds: float = 60.0) -> list[Sample]:
    """A robot that moves up and down while steps and permits change."""
    found = []
    for i in range(round(seconds * 10)):
        at_s, step = i / 10, ("waiting", "extract", "stow")[i // 50 % 3]
        packml = "Idle" if step == "waiting" else "Execute"
        z_mm = 1100.0 + 1100.0 * math.sin(at_s)
        found.append(Sample(at_s, packml, step, 100.0 * at_s, 0.0, z_mm, 1800.0, ("travel",) if i // 50 % 2 else ()))
    return found


def passed(**changed: Any) -> Record:
    """A run with nothing wrong."""
    record = Record("swap", "One truck is swapped", "virtual", 4, "2026-01-02T03:04:05Z", {"station-ctl": "0.1.0"})
    record.duration_s, record.wall_s, record.samples = 60.0, 0.25, samples()
    record.events = [Event(0.0, "sent", "reset"), Event(1.0, "state", "Idle"), Event(2.0, "command", "#1 HOME")]
    record.checks = [Check("stop latency p99", 61.0, "ms", 100.0), Check("swaps", 3, "", 1, at_most=False)]
    record.histograms = {"cycle time": [0.5 + i / 1000 for i in range(500)]}
    record.log_hash = "ab12"
    for name, value in changed.items():
        setattr(record, name, value)
    return record


def failed(**changed: Any) -> Record:
    """A run with a violation, a missed limit, and faults, one of them to the end."""
    record = passed(scenario="zone-entered", seed=7, ground="local")
    record.violations = [Violation(30.0, "permit_without_input", "permit travel without zone_clear")]
    record.checks = [*record.checks, Check("reaction", 150.0, "ms", 100.0)]
    record.faults = [Span("people.zone", "light curtain", 29.0, 41.0), Span("can.loss", "20 %", 50.0)]
    record.events = [*record.events, Event(30.1, "alarm", "person in the zone"), Event(30.2, "stop", "category 1")]
    for name, value in changed.items():
        setattr(record, name, value)
    return record


def hostile() -> Record:
    """Every text tries to break out of the page; figures are not finite."""
    bad = [math.nan, math.inf, -math.inf, -1.0, 0.0]
    record = failed(scenario=HOSTILE, title=HOSTILE, began_utc=HOSTILE, log_hash=HOSTILE, versions={HOSTILE: HOSTILE})
    record.samples = [Sample(v, HOSTILE, HOSTILE, v, v, v, v, (HOSTILE,), (HOSTILE, "b")) for v in bad]
    record.events = [Event(v, kind, HOSTILE) for v in bad for kind in (HOSTILE, "alarm", "sent")]
    record.faults = [Span(HOSTILE, HOSTILE, v, w) for v in bad for w in (*bad, None)]
    record.checks = [Check(HOSTILE, v, HOSTILE, w) for v in bad for w in (*bad, None)]
    record.violations = [Violation(v, HOSTILE, HOSTILE) for v in bad]
    record.histograms = {
        HOSTILE: bad,
        "none": [],
        "one": [5.0],
        "not finite": [math.nan],
        "wide": [0.0, 1e-9, 1.0, 1e9],
    }
    return record


_TEXTS = st.text(st.characters(), max_size=12)
_NUMBERS = st.floats(allow_nan=False) | st.integers(-(10**6), 10**6)
_NAMES = st.lists(_TEXTS, max_size=3).map(tuple)

RECORDS = st.builds(
    Record,
    scenario=_TEXTS,
    title=_TEXTS,
    ground=st.sampled_from(["virtual", "local", "rig"]),
    seed=st.integers(),
    began_utc=_TEXTS,
    versions=st.dictionaries(_TEXTS, _TEXTS, max_size=3),
    duration_s=_NUMBERS,
    wall_s=_NUMBERS,
    samples=st.lists(
        st.builds(Sample, _NUMBERS, _TEXTS, _TEXTS, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, _NAMES, _NAMES), max_size=4
    ),
    events=st.lists(st.builds(Event, _NUMBERS, _TEXTS, _TEXTS), max_size=4),
    faults=st.lists(st.builds(Span, _TEXTS, _TEXTS, _NUMBERS, st.none() | _NUMBERS), max_size=3),
    checks=st.lists(st.builds(Check, _TEXTS, _NUMBERS, _TEXTS, st.none() | _NUMBERS, st.booleans()), max_size=3),
    violations=st.lists(st.builds(Violation, _NUMBERS, _TEXTS, _TEXTS), max_size=3),
    histograms=st.dictionaries(_TEXTS, st.lists(_NUMBERS, max_size=6), max_size=3),
    log_hash=_TEXTS,
)
"""Any record at all; without NaN, which equals nothing, not even itself."""
