"""Killed in the middle of a swap, an evacuation or a charge: what the station says it found, against the plant's truth.

The controller loses its power at a write to its journal, or at an instant drawn from the seed; in half of the runs the
PLC is restarted meanwhile. After the restart nothing moves, and `recovery` names what is where; then people put the
station right, and the work comes to its end.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drivers.errors import StationError
from drivers.reading import Signal
from hil.plant.lane import Driving
from hil.plant.pack import Pack
from hil.plant.places import Place
from hil.record import Violation
from hil.soak.people import People, look_again
from hil.soak.run import fast_folder
from hil.virtual.config import station_config
from hil.virtual.io import Kind
from hil.virtual.loop import VirtualLoop
from hil.virtual.station import VirtualStation

Work = Literal["swap", "evacuation", "charge"]
BAYS = 3
SPEED: dict[Work, float] = {"swap": 200.0, "evacuation": 200.0, "charge": 20.0}
STOCK: dict[Work, list[float | None]] = {
    "swap": [95.0, 94.0],
    "evacuation": [95.0, 94.0],
    "charge": [60.0, 55.0, 50.0],
}
VIN, OWN = "LZZ5CLSB8NA000001", "TRK1-00000001"
AT_STEP = ("approach_mount", "carry_to_bay", "approach_bay", "carry_to_mount")
"""A pack gets its thermal event in one of these steps of a swap; which one is drawn."""
CHARGES_S = 4.0
LOOKS_S = 4.0
"""Handshake of every pack after a restart, and what the retained messages take."""
PLC_AWAY_S = 0.4
ENDS_S = 240.0


@dataclass(frozen=True, slots=True)
class Kill:
    """One run. write: the journal write that it dies at, 0: at an instant instead, `share` of the work's time in.

    after: when that write is done, and before anything follows from it; else before it is done.
    plc: whether the PLC is restarted meanwhile.
    """

    work: Work
    seed: int
    write: int = 0
    after: bool = False
    share: float = 0.0
    lasts_s: float = 0.0
    plc: bool = False


@dataclass(slots=True)
class Found:
    """What came of one run. hit: whether it died while the work was under way. kind: of the published `recovery`."""

    kill: Kill
    hit: bool = False
    kind: str = ""
    ended: str = ""
    took_s: float = 0.0
    violations: tuple[Violation, ...] = ()

    @property
    def good(self) -> bool:
        """Nothing was wrong and the work came to its end."""
        return not self.violations and not self.ended


def one(kill: Kill) -> Found:
    """Run it, in this process."""
    with (
        tempfile.TemporaryDirectory(prefix="kill-", dir=fast_folder()) as folder,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        return runner.run(_one(kill, Path(folder)))


async def _one(kill: Kill, folder: Path) -> Found:
    config = station_config(folder, bays=BAYS)
    stock = STOCK[kill.work]
    async with VirtualStation(config, seed=kill.seed, speed=SPEED[kill.work], packs_soc=stock) as station:
        shift = Shift(kill, station)
        await shift.run()
        station.close_books(unsure=True)
    shift.found.violations = tuple(station.findings.violations)
    return shift.found


class Shift:
    """Leads one run: people, the work, the kill, and the look after it."""

    def __init__(self, kill: Kill, station: VirtualStation) -> None:
        self.found = Found(kill)
        self._kill, self._station = kill, station
        self._rng = random.Random(f"{kill.seed} {kill.work}")
        self._people = People(station, lambda kind, text: None, self._rng, patience_s=(0.0,))
        self._began_s: float | None = None
        self._hot = ""
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
        return self._station.world.supplies.energised != 0 and self._packml == "Idle" and not self._people.away

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
        wrong = list(misnamed(station))
        judge("a restart names what is where", not wrong, lambda: "; ".join(wrong))
        moved = station.plc.plc.retained.motions_started - before
        judge("a restart moves nothing", moved == 0, lambda: f"{moved} motions")
        judge("a restart waits for a person", self._packml == "Aborted", lambda: self._packml)
        dead = station.world.supplies.energised == 0
        judge("a restart charges nothing", dead, lambda: f"bays {station.world.supplies.energised:b}")
        self.found.kind = said.kind if said is not None else ""
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


def misnamed(station: VirtualStation) -> Iterator[str]:
    """Where the published `recovery` says something else than the plant."""
    said, world = station.operator.recovery, station.world
    if said is None:
        yield "no recovery was published"
        return
    if said.kind not in ("idle", "resumable") or said.contradictions:
        yield f"kind {said.kind}: {said.unread}; {'; '.join(said.contradictions)}"
    parts = {part.place: part for part in said.where}
    places = {f"bay {n}": p for n, p in world.bays.items()} | {f"mount {n}": p for n, p in world.lane.mounts.items()}
    for name, place in places.items():
        truth = _truth(station, place)
        part = parts.get(name)
        told = (part.says, part.serial) if part is not None else ("not named", None)
        if told != truth:
            yield f"{name} is {truth}, said is {told}"
    gripper = parts["gripper"].says if "gripper" in parts else "not named"
    if (gripper == "silent") != (world.robot.pack is not None):
        yield f"the robot holds {world.robot.pack and world.robot.pack.serial}, said is {gripper}"
    service = station.controller.service
    state = service.runner.state if service is not None else None
    if state is not None and state.swap is not None and state.swap.id not in said.under_way:
        yield f"the open swap {state.swap.id} is not named: {said.under_way}"
    if state is not None and state.evacuation is not None and str(state.evacuation.source) not in said.under_way:
        yield f"the open evacuation from {state.evacuation.source} is not named: {said.under_way}"


def _truth(station: VirtualStation, place: Place) -> tuple[str, str | None]:
    if not station.world.seated(place):
        return "empty", None
    pack = place.pack
    return ("named", pack.serial) if pack is not None and pack.talking else ("silent", None)


def lasts_s(work: Work, seed: int) -> float:
    """How long the work takes undisturbed. Raises StationError if it does not come to its end."""
    found = one(Kill(work, seed))
    if not found.good:
        raise StationError("does not come to its end undisturbed", where=work, value=found.ended or found.violations)
    return found.took_s
