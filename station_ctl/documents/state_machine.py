"""docs/state-machine.md, from the swap table and the PackML states."""

from __future__ import annotations

from station_ctl.documents.forms import NOTE, diagram, rows, ways
from station_ctl.model.words import PackML
from station_ctl.swap.table import EDGES, PACKML_EDGES, STEPS, Edge

_PAGE = """\
<!-- {note} -->
# The swap as a state machine

Outward the station shows a PackML state (ISA-TR88.00.02); the swap step is a second field. Both tables are data in
`station_ctl/swap/table.py`, and the same edges drive the `transitions` machines.

## Steps of a swap

{diagram}

| step | phase | truck is asked | what happens | choices when held or aborted here |
|---|---|---|---|---|
{steps}

### Edges

{edges}

### Back out

From Held, by a person. Which edge is taken is decided by the gripper's own sensor.

{back}

An evacuation that pre-empts a swap has its own page: `docs/thermal-event.md`.

## PackML states

{packml_diagram}

{packml}
"""


def text() -> str:
    """The page."""
    way = [e for e in EDGES if not e.trigger.startswith("back_out")]
    back = [e for e in EDGES if e.trigger.startswith("back_out")]
    packml = _merged(PACKML_EDGES)
    return _PAGE.format(
        note=NOTE,
        diagram=diagram(way),
        steps=rows((s.name, s.phase, s.request.name, s.says, s.choices) for s in STEPS),
        edges=ways(way),
        back=ways(back),
        packml_diagram=diagram(packml),
        packml=ways(packml),
    )


def _merged(edges: tuple[Edge, ...]) -> list[Edge]:
    """The edges that lead from nearly everywhere to Aborting as one."""
    wide = next(e for e in edges if e.trigger == "abort")
    rest = [e for e in edges if e.trigger != "abort"]
    return [*rest, Edge("abort", "any_other_state", str(PackML.ABORTING), wide.reason)]
