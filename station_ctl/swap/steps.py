"""What looks at each step of the table."""

from __future__ import annotations

from collections.abc import Callable

from drivers.reading import Quality
from station_ctl.swap import evacuate_motions, handling, lane, motions, packs, people
from station_ctl.swap.changes import EVACUATING
from station_ctl.swap.look import Look, Outcome, hold, wait

_TRUCK_FREE = ("settle", "depart", *sorted(EVACUATING))
_ASKS_WHO = ("immobilise", "isolate", "approach_mount", "verify", "unlock")
"""Steps that do not begin, or end, without the truck's VIN."""

LOOKS: dict[str, Callable[[Look], Outcome]] = {
    **dict.fromkeys(motions.MOTIONS, handling.motion),
    **dict.fromkeys(evacuate_motions.MOTIONS, evacuate_motions.motion),
    "unlock": handling.unlock,
    "stow": handling.stow,
    "fetch": handling.fetch,
    "insert": handling.insert,
    "lock": handling.lock,
    "waiting": lane.waiting,
    "identify": lane.identify,
    "authorise": lane.authorise,
    "position": lane.position,
    "isolate": lane.isolate,
    "choose": packs.choose,
    "verify": packs.verify,
    "reconnect": lane.reconnect,
    "settle": packs.settle,
    "depart": lane.depart,
}
"""What looks at each step of the table."""


def look_at(look: Look) -> Outcome:
    """Look at the step under way; nothing starts by itself while somebody may be inside."""
    return people.withheld(look, _look(look))


def _look(look: Look) -> Outcome:
    """An open swap goes on with its own truck only, by the truck's own word."""
    swap, vin = look.state.swap, look.snapshot.truck.vin
    said = vin.value if vin.quality is Quality.GOOD else None
    if swap is not None and said is not None and said != swap.vin and look.state.step not in _TRUCK_FREE:
        return hold("other_truck", f"truck {said} stands in the lane, the open swap is of {swap.vin}")
    if swap is not None and said is None and look.state.step in _ASKS_WHO:
        if look.elapsed_s > look.config.swap.handshake_timeout_s:
            return hold("truck_silent", "the truck does not say who it is")
        return wait("truck_silent", "waiting for the truck to say who it is")
    return LOOKS[look.state.step](look)
