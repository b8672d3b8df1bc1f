"""The watch over the plant: people, packs and trucks, by the plant's own truth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from drivers.reading import Signal
from hil.plant.pack import Pack
from hil.plant.truck import Truck
from hil.plant.world import World
from hil.watch.findings import Findings
from hil.watch.records import Visit
from station_ctl.config import Config

COMING_TO_REST_S = 1.0
"""Category-1 ramp of the longest axis at full speed, with the PLC's scan."""
PACKS_EVERY_S = 0.5
KNOWN_S = 6.0
"""A fault that is older was there when the pack was verified and the truck released; a younger one came after."""
FAULTS = ("thermal_event", "insulation", "connector", "overtemperature", "overcurrent")


class PlantWatch:
    """`tick` is to be called often, also while there is no controller.

    on_departed: called with each visit at its end.
    """

    def __init__(self, findings: Findings, world: World, config: Config, now: Callable[[], float]) -> None:
        self._findings, self._world, self._now = findings, world, now
        self._rest_s = (config.safety.plc_age_ms + config.robot.lease_ms) / 1000 + COMING_TO_REST_S
        self._soc_pct = config.swap.soc_promised_pct
        self._unsafe_s: dict[str, float] = {}
        self._serials: set[str] = set()
        self._visits: dict[str, Visit] = {}  # by VIN: what a truck came with, and what was here then
        self.on_departed: Callable[[Visit], None] = lambda _: None
        self._departed = self._told = 0
        self._looked_s = float("-inf")
        self._faulty_since_s: dict[str, float] = {}

    def tick(self) -> None:
        """Look at everything that is due."""
        now_s, world = self._now(), self._world
        for found in world.ledger.violations[self._told :]:
            self._findings.tell("plant", ", ".join(f"{k}: {v}" for k, v in found.items() if k != "at_s"))
        self._told = len(world.ledger.violations)
        self._people(now_s)
        if now_s - self._looked_s >= PACKS_EVERY_S or len(world.lane.departed) != self._departed:
            self._looked_s = now_s
            self._packs()
            self._trucks()

    def _people(self, now_s: float) -> None:
        """The robot comes to rest after what endangers people, whatever the wires do meanwhile."""
        inputs = self._world.inputs
        unsafe = {
            "zone": inputs.zone_clear is not Signal.TRUE,
            "emergency stop": inputs.estop_released is not Signal.TRUE,
            "doors": inputs.doors_closed is not Signal.TRUE,
        }
        for name, bad in unsafe.items():
            if not bad:
                self._unsafe_s.pop(name, None)
                continue
            for_s = now_s - self._unsafe_s.setdefault(name, now_s)
            rests = self._world.robot.still or for_s <= self._rest_s
            self._findings.judge("motion while people are in danger", rests, partial(_unsafe, name, for_s))

    def _packs(self) -> None:
        """Every pack in exactly one place; none appears from nowhere, none is lost."""
        lane = self._world.lane
        driving_in = lane.truck.packs.values() if lane.truck is not None and not lane.mounts else ()
        here = Counter(p.serial for p in (*self._world.packs(), *driving_in))
        gone = {p.serial for truck in lane.departed for p in truck.packs.values()}
        twice = sorted(serial for serial, times in here.items() if times > 1)
        self._findings.judge("a pack in two places", not twice, lambda: ", ".join(twice))
        lost = sorted(self._serials - set(here) - gone)
        self._findings.judge("a pack is lost", not lost, lambda: ", ".join(lost))
        self._serials |= set(here)
        for pack in self._world.packs():  # what has left keeps its entry until its truck is looked at
            if open_faults(pack):
                self._faulty_since_s.setdefault(pack.serial, self._now())
            else:
                self._faulty_since_s.pop(pack.serial, None)

    def carried_by_hand(self) -> None:
        """People have put stored packs into other bays: a record names the bay where the robot found its pack."""
        now = self._bays()
        for vin, visit in self._visits.items():
            stood = {serial: now.get(serial, number) for serial, number in visit.from_bay.items()}
            self._visits[vin] = replace(visit, from_bay=stood)

    def _bays(self) -> dict[str, int]:
        """Where each pack of the station stands."""
        return {place.pack.serial: number for number, place in self._world.bays.items() if place.pack is not None}

    def _trucks(self) -> None:
        lane = self._world.lane
        if lane.truck is not None and lane.truck.vin not in self._visits:
            self._visits[lane.truck.vin] = Visit(lane.truck.vin, _serials_by(lane.truck.packs), from_bay=self._bays())
        for truck in lane.departed[self._departed :]:
            self._left(truck)
        self._departed = len(lane.departed)

    def _left(self, truck: Truck) -> None:
        """No pack of ours goes out with an open fault, none below what was promised."""
        visit = self._visits.pop(truck.vin, Visit(truck.vin, {}))
        self.on_departed(replace(visit, left=_serials_by(truck.packs), to_bay=self._bays()))
        ours = [p for p in truck.packs.values() if p.serial not in visit.came.values()]
        known = [p for p in ours if self._now() - self._faulty_since_s.get(p.serial, math.inf) > KNOWN_S]
        bad = [f"{p.serial}: {', '.join(found)}" for p in known if (found := open_faults(p))]
        self._findings.judge("a pack handed out with an open fault", not bad, lambda: "; ".join(bad))
        low = [f"{p.serial}: {p.soc_pct:.1f} %" for p in ours if p.soc_pct < self._soc_pct - 1.0]
        self._findings.judge("a pack handed out below its promise", not low, lambda: "; ".join(low))


def _serials_by(packs: Mapping[int, Pack]) -> dict[int, str]:
    return {number: pack.serial for number, pack in sorted(packs.items())}


def _unsafe(name: str, for_s: float) -> str:
    return f"{name} for {for_s:.2f} s"


def open_faults(pack: Pack) -> list[str]:
    """Faults of a pack that the plant knows of."""
    found = [name for name in FAULTS if getattr(pack.faults, name) is Signal.TRUE]
    return found + (["cell voltage"] if pack.faults.cell_voltage else [])
