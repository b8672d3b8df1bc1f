"""docs/cause-and-effect.md: the interlock's table with the default limits, causes against motion classes."""

from __future__ import annotations

from station_ctl.documents.forms import NOTE, causes, conditions, row, rows
from station_ctl.kernel.interlock import MAXIMA
from station_ctl.limits import SafetySection
from station_ctl.safety import table
from station_ctl.safety.classes import CLASSES

_PAGE = """\
<!-- {note} -->
# Cause and effect

**This interlock is a supervisory second layer and not certified. Emergency stop and the guarding of people are
hard-wired in the safety PLC; the interlock can only withhold permission, never override.**

A cause is active when its safe condition is not measured: the input reads anything else, is untrusted, not available or
too old. X: the motion class loses its permit while the cause is active. EVACUATE is the controller's own class: lifting
a pack with a thermal event from its bay and setting it down in the isolation bay; the PLC knows it as HANDLE_BAY.

Hysteresis: once a value was beyond its limit, the cause stands until the value is back inside by so much. Only a value
that is fresh and known sets or clears that; one that is too old or not known activates the cause while it lasts and
changes nothing. What is remembered belongs to the packs that the value is of: other packs are judged afresh.

Trips: `moving` latches and stops when a withheld class is in motion, `always` also at rest, `start` is checked when a
motion is to start. The latch boots set; it opens only on the rising edge of a person's reset, with every cause gone
that blocks a reset (R). What else stands goes on to withhold its classes: a person who has looked can clear, and set
right by hand in Manual what the cause is about, with the motions that it does not withhold.

{rows}

## Limits

Compiled into the kernel. It refuses a table or a configuration beyond them; `[safety]` can only tighten them within.

| limit | from | to | default |
|---|---|---|---|
{limits}

{said}"""


def text() -> str:
    """The page."""
    found, limits = table.load(), SafetySection()
    return _PAGE.format(
        note=NOTE,
        rows=_against_classes(found, limits),
        limits=rows((n, f"{least:g}", f"{most:g}", f"{getattr(limits, n):g}") for n, (least, most) in MAXIMA.items()),
        said=causes(found),
    )


def _against_classes(found: table.Table, limits: SafetySection) -> str:
    head = row("#", "cause", "safe when", "age at most", "hysteresis", *CLASSES, "trips")
    lines = [head, "|" + "---|" * (6 + len(CLASSES))]
    for number, cause in enumerate(found.causes, 1):
        marks = ["X" if c & cause.withholds else "" for c in CLASSES.values()]
        lines.append(row(*conditions(number, cause, limits), *marks, _trips(cause)))
    return "\n".join(lines)


def _trips(cause: table.Cause) -> str:
    if cause.start_only:
        return "start"
    when = "always" if cause.at_rest else "moving"
    return (f"{when}, category {cause.stop}" if cause.stop else "never") + (" R" if cause.blocks_reset else "")
