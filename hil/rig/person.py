"""The people of a station, as a program: the one who puts a stopped station right, and the drivers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass

from hil.rig.operator import Operator
from hil.rig.processes import RigError
from hil.rig.station import Rig
from station_ctl.swap.people import WAS_INSIDE
from station_ctl.uplink.message import Message
from station_ctl.uplink.requests import Verb
from station_ctl.uplink.state_messages import StateMessage

NEXT: dict[str, Verb] = {"Aborted": "clear", "Stopped": "reset", "Held": "resume"}
"""What a person does with a station that stands so, once the place is safe."""
PASSING = ("Aborting", "Clearing", "Holding", "Unholding", "Stopping", "Resetting")
"""States in which a person waits, unless the station says that it waits for a person."""
LOOK_AGAIN_S = 0.1
SILENT_S = 30.0
LANE_FREE_S = 1.2
"""No truck follows another quicker, however fast the plant is: a node that is silent for 1 s is forgotten, and three
packs on one address without a silence between are two that claim it."""


class Person:
    """Puts the station right whenever it stands, and counts what it took.

    counts: by verb, what was done to an end; `not_done` what was refused or failed and was tried again.
    stood:  by reason, how often the station stood.
    """

    def __init__(self, operator: Operator) -> None:
        self.counts: Counter[str] = Counter()
        self.stood: Counter[str] = Counter()
        self._operator = operator

    @property
    def needed(self) -> bool:
        """True while the station stands and waits for a person."""
        state = self._operator.state
        return state is not None and _word(state) is not None

    async def put_right(self, within_s: float = 60.0) -> None:
        """Clear, reset and resume until the station runs, or is idle. Raises RigError if it does not in that time."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    await self._operator.until(self._settled, within_s, "state that lasts")
                    if not self.needed:
                        return
                    await self._act()
        except TimeoutError:
            raise RigError(
                "a person cannot put it right", where="station", value=self._operator.now, limit=f"{within_s:g} s"
            ) from None

    async def _act(self) -> None:
        state = self._operator.state
        verb = _word(state) if state is not None else None
        if state is None or verb is None:
            return
        if state.reason is not None and state.packml != "Stopped":  # Stopped is half way up again
            self.stood[f"{state.packml}: {state.reason.code}"] += 1
        reply = await self._operator.send(verb)
        self.counts[verb if reply.verdict == "completed" else "not_done"] += 1
        if reply.verdict != "completed":
            await asyncio.sleep(LOOK_AGAIN_S)
            return
        with contextlib.suppress(RigError):  # the state message follows the answer on a queue of its own
            await self._operator.until(lambda: self._moved_on(state), 1.0, "news")

    def _moved_on(self, before: StateMessage) -> Message | None:
        state = self._operator.state
        moved = state is not None and (state.packml != before.packml or _word(state) != _word(before))
        return state if moved else None

    def _settled(self) -> Message | None:
        state = self._operator.state
        lasts = state is not None and (state.packml not in PASSING or _word(state) is not None)
        return state if lasts else None


def _word(state: StateMessage) -> Verb | None:
    """What a person says next, None if the station waits for none."""
    if state.reason is not None and state.reason.code == WAS_INSIDE:
        return "reset"
    return NEXT.get(state.packml)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A truck on its way in, with the serials of its packs by mount."""

    vin: str
    serials: tuple[str, ...]


async def lane_free(operator: Operator) -> None:
    """Until the station says that it hears no truck, late as it may be; then as long as packs take to be forgotten."""

    def silent() -> Message | None:
        truck = operator.truck
        return truck if truck is not None and truck.vin is None else None

    await operator.until(silent, SILENT_S, "silence of the last truck")
    await asyncio.sleep(LANE_FREE_S)


async def send_truck(station: Rig, number: int, mounts: int = 2, soc_pct: float = 12.0) -> Visitor:
    """A truck of its own VIN and serials drives in within tolerance, authorised already, but on nobody's heels.

    Raises RigError if the authorisation is refused.
    """
    visitor = Visitor(f"LZZ5CLSB8NA{number:06d}", tuple(f"TRK{n}-{number:08d}" for n in range(1, mounts + 1)))
    await lane_free(station.operator)
    reply = await station.operator.send("authorise", wait=False, vin=visitor.vin)
    if reply.verdict != "accepted":
        raise RigError("the authorisation was refused", where=visitor.vin, value=reply.reason)
    await station.plant.ask(
        "truck_arrives", vin=visitor.vin, mounts=mounts, soc_pct=soc_pct, serials=list(visitor.serials)
    )
    return visitor
