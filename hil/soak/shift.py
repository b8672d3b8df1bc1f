"""Leads one run of `recover`: people, the work, the kill, and the look after it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from drivers.reading import Signal
from hil.plant.lane import Driving
from hil.plant.pack import Pack
from hil.soak.kill import BAYS, Found, Kill
from hil.soak.meanwhile import Meddler
from hil.soak.misnamed import misnamed
from hil.soak.people import People, look_again
from hil.virtual.io import Kind
from hil.virtual.station import VirtualStation

VIN, OWN = "LZZ5CLSB8NA000001", "TRK1-00000001"
AT_STEP = ("approach_mount", "carry_to_bay", "approach_bay", "carry_to_mount")
"""A pack gets its thermal event in one of these steps of a swap; which one is drawn."""
CHARGES_S = 4.0
LOOKS_S = 4.0
"""Handshake of every pack after a restart, and what the retained messages take."""
PLC_AWAY_S = 0.4
ENDS_S = 240.0


class Shift:
    """Leads one run: people, the work, the kill, and the look after it."""

    def __init__(self, kill: Kill, station: VirtualStation) -> None:
        self.found = Found(kill)
        self._kill, self._station = kill, station
        self._rng = random.Random(f"{kill.seed} {kill.work}")
        self._people = People(station, lambda kind, text: None, self._rng, patience_s=(0.0,))
        self._began_s: float | None = None
        self._hot = ""
        self._meddler = Meddler(station, self.found)
        self._looks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Raises nothing: what goes wrong is in `found`."""
        step = self._rng.choice(AT_STEP)
        if self._kill.work == "charge":  # it begins with the person's clear
            self._begin()
        await self._until(lambda: self._packml == "Idle")
        if self._kill.work == "charge":
            await self._for(CHARGES_S)
        else:
            await self._truck()
            if self._kill.work == "evacuation":
                await self._until(lambda: self._runs == step, every_s=0.01)
                self._heat()
            self._begin()
        over = self._charges if self._kill.work == "charge" else self._left
        await self._until(over)
        while self._people.away:
            await look_again()
        await self._until(over)
        self._station.cabling.io.spare()
        loop_s = self._station.loop.time()
        self.found.took_s = loop_s - (self._began_s or loop_s)

    # -- the work

    async def _truck(self) -> None:
        self._people.new_truck(VIN)
        await self._station.operator.send("authorise", wait=False, vin=VIN)
        await self._station.ask("truck_arrives", vin=VIN, mounts=1, soc_pct=12.0, serials=[OWN])

    def _heat(self) -> None:
        """A stored pack, drawn: one that stays, the planned one, or the truck's old one once it is stowed."""
        stored = [p.pack for _, p in sorted(self._station.world.bays.items()) if p.pack is not None and p.pack.talking]
        pack: Pack = self._rng.choice(stored)
        pack.faults.thermal_event = Signal.TRUE
        self._hot = pack.serial

    def _left(self) -> bool:
        """The truck is gone and its record written; a hot pack stands in isolation."""
        isolated = [p.pack.serial for n, p in self._station.world.bays.items() if n > BAYS and p.pack is not None]
        gone = self._station.world.lane.driving is Driving.AWAY and bool(self._station.world.lane.departed)
        return gone and self._packml in ("Idle", "Complete", "Resetting") and (not self._hot or self._hot in isolated)

    def _charges(self) -> bool:
        """Every pack gets its current."""
        chargers = self._station.world.electrics.chargers.values()
        return all(c.current_a > 0.0 for c in chargers) and self._packml == "Idle" and not self._people.away

    # -- the kill

    def _begin(self) -> None:
        """From here on the kill may come."""
        self._began_s = self._station.loop.time()
        io = self._station.cabling.io
        io.on_reached = self._die
        if self._kill.write:
            journal: tuple[Kind, ...] = ("journal",)
            io.choose(self._kill.write, journal, after=self._kill.after)
        elif self._kill.lasts_s:
            self._looks.append(asyncio.create_task(self._die_later(), name="dies"))

    async def _die_later(self) -> None:
        await asyncio.sleep(self._kill.share * self._kill.lasts_s)
        self._die()

    def _die(self) -> None:
        self.found.hit = self._people.away = True
        self._station.injector.power_cut()
        self._meddler.died()
        if self._kill.plc:
            self._looks.append(asyncio.create_task(self._plc(), name="PLC restarts"))
        self._looks.append(asyncio.create_task(self._look(), name="looks after the restart"))

    async def _plc(self) -> None:
        await self._station.ask("power_cut")
        await asyncio.sleep(PLC_AWAY_S)
        await self._station.ask("power_return")

    async def _look(self) -> None:
        """After the restart, before anybody acts."""
        station = self._station
        await asyncio.sleep(PLC_AWAY_S)  # what was under way when the power went comes to rest
        await asyncio.sleep(1.0)
        before = station.plc.plc.retained.motions_started
        await asyncio.sleep(LOOKS_S)
        judge, said = station.findings.judge, station.operator.recovery
        if not self._meddler.bay:
            wrong = list(misnamed(station))
            judge("a restart names what is where", not wrong, lambda: "; ".join(wrong))
        judge("a restart waits for a person", self._packml == "Aborted", lambda: self._packml)
        dead = station.world.supplies.energised == 0
        judge("a restart charges nothing", dead, lambda: f"bays {station.world.supplies.energised:b}")
        on = [n for n, charger in station.world.electrics.chargers.items() if charger.current_a or charger.relay_closed]
        judge("a restart leaves no charger on", not on, lambda: f"bays {on}")
        self.found.kind = said.kind if said is not None else ""
        await self._meddler.meddle()
        moved = station.plc.plc.retained.motions_started - before
        judge("a restart moves nothing", moved == 0, lambda: f"{moved} motions")
        self._people.away = False

    # -- people and time

    @property
    def _packml(self) -> str:
        state = self._station.operator.state
        return state.packml if state is not None else ""

    @property
    def _step(self) -> str:
        state = self._station.operator.state
        return state.step if state is not None else ""

    @property
    def _runs(self) -> str:
        """The step under way in the controller: a step of a quick plant may be over before it is published."""
        service = self._station.controller.service
        return service.runner.state.step if service is not None else ""

    async def _until(self, over: Callable[[], bool], every_s: float = 0.05) -> None:
        """People act twice a second, the plant is looked at more often; after ENDS_S it does not come any more."""
        end_s, acts_s = self._station.loop.time() + ENDS_S, 0.0
        while not over() and not self.found.ended:
            if self._station.loop.time() > end_s:
                state = self._station.operator.state
                text = state.reason.text if state is not None and state.reason else "no reason"
                self.found.ended = f"{self._packml}/{self._step}: {text}"
                return
            if self._station.loop.time() >= acts_s:
                acts_s = self._station.loop.time() + 0.5
                await self._people.act()
            await asyncio.sleep(every_s)

    async def _for(self, seconds: float) -> None:
        end_s = self._station.loop.time() + seconds
        await self._until(lambda: self._station.loop.time() > end_s)
