"""The robot's part of a day: trucks in a queue, each served by the swap's own plan, an exchange taking its minutes."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from hil.day.demand import PACKS, Arrival
from hil.day.yard import Yard, take
from hil.plant.pack import Pack
from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import bay
from station_ctl.model.state import StationState
from station_ctl.model.visit import Exchange, Swap
from station_ctl.swap import choice

DRIVE_IN_S, DRIVE_OUT_S = 60.0, 30.0
FETCH_S, SET_DOWN_S, GO_S, BRING_S = 25.0, 30.0, 15.0, 30.0
"""The discharged pack is reached and lifted, set down in its bay; the charged one is reached, brought and locked in."""
UNLIKE: Final = (0.9, 1.15)
_NOBODY: Final = Swap("", "", "", 0.0, "")


@dataclass(frozen=True, slots=True)
class Handed:
    """A pack that was handed out. told_pct: by its BMS then; true_pct: by the plant."""

    at_s: float
    bay: int
    told_pct: float
    true_pct: float


@dataclass(slots=True)
class Served:
    """What became of the trucks. waits_s: from arrival to the first motion; for_packs_s: of it, with the lane free."""

    arrived: int = 0
    waits_s: list[float] = field(default_factory=list)
    for_packs_s: list[float] = field(default_factory=list)
    handed: list[Handed] = field(default_factory=list)
    swaps: int = 0
    returned: int = 0
    chosen_anew: int = 0
    most_waiting: int = 0


class Lane:
    """promised_pct: the least charge that is handed out, by the BMS's word. `step` once a cycle."""

    def __init__(self, yard: Yard, trucks: list[Arrival], config: Config, promised_pct: float, seed: int) -> None:
        self.served = Served()
        self._yard, self._trucks, self._config = yard, deque(trucks), config
        self._promised_pct = promised_pct
        self._rng = random.Random(f"{seed} robot")
        self._queue: deque[Arrival] = deque()
        self._job: Iterator[float] | None = None
        self._until_s = 0.0
        self.moves = False
        self.swap = _NOBODY

    @property
    def under_way(self) -> Swap | None:
        """The swap whose bays the robot handles."""
        return self.swap if self.swap.exchanges else None

    @property
    def waiting(self) -> int:
        """Trucks in the queue."""
        return len(self._queue)

    @property
    def next_s(self) -> float:
        """When a truck comes, or the robot has done what it does."""
        comes_s = self._trucks[0].at_s if self._trucks else math.inf
        return comes_s if self._job is None else min(comes_s, self._until_s)

    def step(self, now_s: float, snapshot: Snapshot, state: StationState) -> None:
        """Trucks come; the robot goes on with what it does, if that is done by now."""
        self._snapshot, self._state, self._now_s = snapshot, state, now_s
        while self._trucks and self._trucks[0].at_s <= now_s:
            self._queue.append(self._trucks.popleft())
            self.served.arrived += 1
        self.served.most_waiting = max(self.served.most_waiting, len(self._queue))
        if self._job is None and self._queue:
            self._job = self._visit(self._queue[0])
        while self._job is not None and now_s >= self._until_s:
            for_s = next(self._job, None)
            if for_s is None:
                self._job = None
            else:
                self._until_s = now_s + for_s

    def _lasts(self, seconds: float) -> float:
        return seconds * self._rng.uniform(*UNLIKE)

    def _visit(self, truck: Arrival) -> Iterator[float]:
        """One truck. Each value that comes is the time until it goes on."""
        free_s = self._now_s
        for number, (soc_pct, warmer_k) in enumerate(zip(truck.socs_pct, truck.warmer_k, strict=True), 1):
            self._yard.mounts[number].put(self._yard.pack(soc_pct, warmer_k))
        yield self._lasts(DRIVE_IN_S)
        while not isinstance(found := self._plan(), tuple):
            yield 2.0
        self._queue.popleft()
        self.served.waits_s.append(self._now_s - truck.at_s)
        self.served.for_packs_s.append(max(self._now_s - free_s - DRIVE_IN_S * UNLIKE[1], 0.0))
        self.swap = Swap("", "", "", self._promised_pct, "", found)
        for index in range(len(found)):
            yield from self._exchange(index)
        self.swap = _NOBODY
        yield self._lasts(DRIVE_OUT_S)
        for place in self._yard.mounts.values():
            take(place)
        self.served.swaps += 1

    def _plan(self) -> object:
        return choice.make(range(1, PACKS + 1), self._state, self._snapshot, self._config, self._promised_pct, ())

    def _exchange(self, index: int) -> Iterator[float]:
        """One pack out of the truck, one in; the bay's charge ends by the interlock while the robot is on its way."""
        yield from self._choose_again(index)
        one = self.swap.exchanges[index]
        self.moves = True
        yield self._lasts(FETCH_S)
        old = take(self._yard.mounts[one.mount])
        yield self._lasts(SET_DOWN_S)
        self._yard.dock(one.bay_in, old)
        self.served.returned += 1
        yield self._lasts(GO_S)
        self.moves = False
        yield from self._choose_again(index)
        one = self.swap.exchanges[index]
        while self._yard.supplies.at(one.bay_out):
            yield 1.0
        self.moves = True
        pack = self._lift(one)
        yield self._lasts(BRING_S)
        self._yard.mounts[one.mount].put(pack)
        self.moves = False

    def _choose_again(self, index: int) -> Iterator[float]:
        """The pack that was planned if it is still ready, else another one, else wait."""
        while True:
            at = replace(self.swap, index=index)
            state = replace(self._state, swap=at)
            found = choice.choose_again(at.exchanges[index], state, self._snapshot, self._config)
            if isinstance(found, Exchange):
                self.served.chosen_anew += found.bay_out != at.exchanges[index].bay_out
                others = (*at.exchanges[:index], found, *at.exchanges[index + 1 :])
                self.swap = replace(at, exchanges=others)
                return
            yield 1.0

    def _lift(self, one: Exchange) -> Pack:
        told_pct = self._snapshot.packs[bay(one.bay_out)].soc_pct.value
        pack = self._yard.lift(one.bay_out)
        told = told_pct if told_pct is not None else -1.0
        self.served.handed.append(Handed(self._now_s, one.bay_out, told, pack.soc_pct))
        return pack
