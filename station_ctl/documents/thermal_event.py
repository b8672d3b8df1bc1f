"""docs/thermal-event.md: the written policy of a thermal event, the steps of an evacuation and its edges."""

from __future__ import annotations

from station_ctl.documents.forms import NOTE, rows, ways
from station_ctl.swap.table import STEPS
from station_ctl.swap.thermal_policy import POLICY
from station_ctl.swap.thermal_table import BACK_TO, EVACUATION_EDGES, EVACUATION_STEPS, FINISHED, RETURN_EDGES

_PAGE = """\
<!-- {note} -->
# Thermal event: what the station does, and what a person must do

It is detected by `station_ctl.thermal`; charging ends at once by `station_ctl.charging`. This page is the policy of
moving the pack (GB/T 51077-2024 12.4.3, 12.4.5, 12.4.7), as data in `station_ctl/swap/thermal_policy.py`; each row has
its test in `tests/simulation/test_thermal_policy.py`. **It is a supervisory function: it does not replace smoke and
fire detection, extinguishing, or the fire plan.**

| in which case | the station by itself | because | a person |
|---|---|---|---|
{policy}

## Steps of an evacuation

PackML Execute: the machine acts by itself, in Production, and everything that holds for a swap's motion holds here:
each order passes the gate, is followed by its sequence number, has a time-out (`swap.motion_timeout_s`), and counts as
done only when other sensors prove it. Why not Aborting: that is a ramp to standstill, and nothing may move in Aborted.
The interlock knows the lift of the hot pack and its placement in isolation as a class of motion of their own,
EVACUATE: like HANDLE_BAY, but smoke in that bay does not withhold it, and only a measured event calls for it.
Motions that are finished before the robot turns to the pack: {finished}.

| step | phase | what happens | choices when held or aborted here |
|---|---|---|---|
{steps}

{edges}

## Where a pre-empted swap is held afterwards

| pre-empted in | held in |
|---|---|
{back}

A swap that was pre-empted in `verify` after the last exchange is held in `verify`. A lock that was opened is found
again by `back_out` from `unlock` or `extract`. Without an open swap the station is Stopped and a person resets it.

## Resumed where the robot has been elsewhere

A step that handles a place is resumed by approaching that place again, if the robot's last motion was not there.

{returns}
"""


def text() -> str:
    """The page."""
    edges = [e for e in EVACUATION_EDGES if not e.trigger.startswith(("evacuate_", "back_to_"))]
    back = {**{s.name: s.name for s in STEPS}, **BACK_TO}
    return _PAGE.format(
        note=NOTE,
        policy=rows((r.case, r.station, r.because, r.person) for r in POLICY),
        finished=", ".join(sorted(opcode.name for opcode in FINISHED)),
        steps=rows((s.name, s.phase, s.says, s.choices) for s in EVACUATION_STEPS),
        edges=ways(edges),
        returns=ways(RETURN_EDGES),
        back=rows(back.items()),
    )
