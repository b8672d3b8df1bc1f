"""What people do between a restart and the confirmation that makes the picture a wrong one, and that it is noticed."""

from __future__ import annotations

import asyncio

from drivers.errors import StationError
from hil.plant.places import Place
from hil.soak.kill import Found
from hil.soak.misnamed import misplaced
from hil.virtual.station import VirtualStation
from station_ctl.model.places import PlaceKind, bay
from station_ctl.model.state import StationState
from station_ctl.swap.believed import beliefs

HANDSHAKE_S = 4.0
ANSWER_S = 15.0
CARRIES_S = 3.0
"""Nobody carries a pack from bay to bay any quicker: both addresses fall silent meanwhile."""


class Meddler:
    """Exchanges a pack that the journal names, or takes a bay that it names out of the configuration.

    bay: the one that is out, '' if none is. Everything is put right again before the work goes on, but for a charged
    pack that nobody has touched yet: the station has to notice that itself, and to hand out another one.
    """

    def __init__(self, station: VirtualStation, found: Found) -> None:
        self.bay = ""
        self._station, self._found = station, found
        self._full = station.config

    def died(self) -> None:
        """The controller has just lost its power; its next start reads another configuration."""
        state = self._state()
        if self._found.kill.people != "bay_gone" or state is None:
            return
        swap, evacuation = state.swap, state.evacuation
        number = evacuation.isolation if evacuation else swap.exchange.bay_in if swap else min(self._station.world.bays)
        self.bay, self._found.met = f"bay {number}", swap is not None or evacuation is not None
        left = tuple(section for section in self._full.bay if section.number != number)
        self._station.controller.reconfigure(self._full.model_copy(update={"bay": left}))

    async def meddle(self) -> None:
        """After the restart, before anybody confirms."""
        if self.bay:
            await self._bay_gone()
        elif self._found.kill.people == "exchanged":
            await self._exchanged()

    def _state(self) -> StationState | None:
        service = self._station.controller.service
        return service.runner.state if service is not None else None

    # -- a bay is gone

    async def _bay_gone(self) -> None:
        said, judge = self._station.operator.recovery, self._station.findings.judge
        wrong = list(misplaced(self._station, without=self.bay))
        judge("a restart names what is where", not wrong, lambda: "; ".join(wrong))
        told = said is not None and said.kind == "fault" and self.bay in "; ".join(said.contradictions)
        judge("a bay that is gone is named", told or not self._found.met, lambda: f"{self.bay}: {said}")
        if self._found.met:
            await self._refused(f"the configuration has no {self.bay}")
        self._station.controller.reconfigure(self._full)
        await self._station.kill()
        await self._station.start()
        await asyncio.sleep(HANDSHAKE_S)

    # -- a pack is exchanged

    async def _exchanged(self) -> None:
        place, relied = self._believed(self._state())
        other = self._another(place)
        if place is None or place.pack is None or other is None or other.pack is None:
            return
        self._found.met, moved, stranger = True, place.pack.serial, other.pack.serial
        await self._exchange(place, other)
        await asyncio.sleep(HANDSHAKE_S)
        said, judge = self._station.operator.recovery, self._station.findings.judge
        wrong = list(misplaced(self._station))
        judge("an exchanged pack is named", not wrong, lambda: "; ".join(wrong))
        if not relied:
            return
        told = said is not None and said.kind == "fault" and moved in "; ".join(said.contradictions)
        judge("an exchanged pack is a fault", told, lambda: f"{moved} for {stranger}: {said}")
        await self._refused(moved)
        await self._exchange(place, other)
        await asyncio.sleep(HANDSHAKE_S)

    async def _exchange(self, one: Place, other: Place) -> None:
        """By hand: each pack stands in the other's bay, some time after its coupler was parted."""
        packs = one.pack, other.pack
        for place, pack in zip((one, other), packs, strict=True):
            place.coupler.position = 0.0
            if pack is not None:
                pack.part()
        await asyncio.sleep(CARRIES_S)
        for place, pack in zip((other, one), packs, strict=True):
            if pack is not None:
                place.put(pack)
        self._station.watched.carried_by_hand()

    def _believed(self, state: StationState | None) -> tuple[Place | None, bool]:
        """A pack to exchange: one that the journal relies on in one bay, else the charged one that is chosen."""
        bays = self._station.world.bays
        if state is None or state.evacuation is not None:
            return None, False
        for belief in beliefs(state):
            (at, *others) = belief.places
            place = bays.get(at.number) if at is not None and at.kind is PlaceKind.BAY and not others else None
            if place is not None and place.pack is not None and place.pack.serial == belief.serial:
                return place, True
        if state.swap is None:
            return None, False
        chosen = bays[state.swap.exchange.bay_out]
        there = chosen.pack is not None and chosen.pack.serial == state.swap.exchange.serial_in and chosen.pack.talking
        return (chosen if there else None), False

    def _another(self, place: Place | None) -> Place | None:
        """Where another pack stands that can be exchanged for it; nobody carries a hot one out of isolation.

        Not where a motion under way may have set one down: the journal relies on that one, too.
        """
        state = self._state()
        named = {at for belief in (beliefs(state) if state else ()) for at in belief.places}
        ordinary = [s.number for s in self._full.bay if not s.isolation and bay(s.number) not in named]
        bays = [self._station.world.bays[number] for number in ordinary]
        return next((p for p in bays if p is not place and p.pack is not None and p.pack.talking), None)

    # -- people try all the same

    async def _refused(self, why: str) -> None:
        """Clear, reset, resume: the last is refused, and the reason says why."""
        judge = self._station.findings.judge
        try:
            for verb in ("clear", "reset"):
                await self._station.operator.send(verb, timeout_s=ANSWER_S, wait=True)
            reply = await self._station.operator.send("resume", timeout_s=ANSWER_S, wait=True)
        except StationError as e:
            judge("a wrong picture refuses resume", False, e.__str__)
            return
        refused = reply.verdict == "rejected" and why in reply.reason
        judge("a wrong picture refuses resume", refused, lambda: f"{reply.verdict}: {reply.reason}")
