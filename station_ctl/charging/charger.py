"""All bays of a station: who may charge now, who does, in the order of need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from drivers.charger_status import SetPoint
from drivers.pack_status import PackLink, PackStatus
from drivers.reading import Signal
from drivers.robot_protocol import MOUNT_CODE_BASE
from station_ctl.charging import pack_limits
from station_ctl.charging.bay import Bay
from station_ctl.charging.cabinet import Cabinet
from station_ctl.charging.dispatch import Dispatch
from station_ctl.charging.scene import BayScene
from station_ctl.charging.supervision import Findings
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import PlaceKind, bay
from station_ctl.model.state import BayCharge, StationState
from station_ctl.safety.table import Table
from station_ctl.swap import plan

LOOK_S = 1.0
"""A bay that does not charge is looked at so often: a start needs no hurry. One that does is looked at every cycle."""
STAGGER_S = 0.041
"""The looks are spread, so that no cycle but the first has to look at all of them."""


class Charger:
    """Holds one interlock a bay. Like every decider it is asked once a cycle and decides from what it is handed alone.

    Raises TableError or ValueError if the table, this build's inputs and the configuration do not fit each other.
    """

    def __init__(self, table: Table, config: Config) -> None:
        self._config = config
        limits = pack_limits.load()
        self._cabinets = {b.number: Cabinet(bay(b.number), config, limits) for b in config.bay if b.charger is not None}
        self._bays = [Bay(bay(b.number), b.isolation, table, config, self._cabinets.get(b.number)) for b in config.bay]
        self._dispatch = Dispatch(self._cabinets, config)
        self._confirmed = False  # the station's own latch, closed at every start, has been opened by a person since
        self._clears: int | None = None  # as seen last
        self._charging: Mapping[int, BayCharge] = {}

    def decide(self, snapshot: Snapshot, state: StationState, decision: Decision) -> Decision:
        """The decision with the permits to charge in it. What `decision` says of thermal events counts at once."""
        now_s, handled = snapshot.now_s, (handled_bays(state), ordered_bays(state))
        self._cleared(state, decision)

        def look(one: Bay) -> bool:
            return one.look(self._scene(one, snapshot, state, decision, handled), confirmed=self._confirmed)

        for one in self._bays:
            if self._due(one, now_s):
                look(one)
        if state.shutting_down:
            for one in self._bays:
                one.end("shutdown", "the service is being stopped", now_s)
        else:
            self._start(look, now_s)
        set_points = self._dispatch.decide(snapshot) if self._cabinets else decision.set_points
        return self._told(decision, set_points)

    def _due(self, one: Bay, now_s: float) -> bool:
        """Every cycle while it charges, or somebody waits for it; else once a second."""
        mind = one.mind
        if now_s >= mind.due_s:
            mind.due_s = now_s + LOOK_S + (0.0 if mind.due_s else STAGGER_S * one.place.number)
            return True
        return one.busy or mind.asked or mind.odd_s is not None

    def _cleared(self, state: StationState, decision: Decision) -> None:
        """Notice a person's clear: it opens every latch whose causes are gone."""
        first = not self._confirmed and not decision.latched
        again = self._clears is not None and state.clears != self._clears
        self._confirmed, self._clears = self._confirmed or first, state.clears
        if self._confirmed and (first or again):
            for one in self._bays:
                one.mind.asked = True
                if one.cabinet is not None:
                    one.cabinet.forget()

    def _start(self, look: Callable[[Bay], bool], now_s: float) -> None:
        """The fullest first: it is the next one to be handed out. What charges goes on; who begins is looked at."""
        waiting = [one for one in self._bays if one.charge.code in ("ready", "queued")]
        if not waiting:
            return
        charging, most = sum(one.busy for one in self._bays), self._config.charging.bays_at_once
        if charging >= most:
            for one in waiting:
                one.wait(most)
            return
        for one in sorted(waiting, key=lambda one: (-one.mind.soc_pct, one.place.number)):
            if charging >= most:
                one.wait(most)
            elif look(one):
                one.start(now_s)
                charging += 1

    def _told(self, decision: Decision, set_points: Mapping[int, SetPoint]) -> Decision:
        charging = {one.place.number: one.charge for one in self._bays}
        if charging != self._charging:
            self._charging = charging
        permits = sum(1 << (one.place.number - 1) for one in self._bays if one.mind.permitted)
        return replace(decision, charge_permits=permits, charging=self._charging, set_points=set_points)

    def _scene(
        self,
        one: Bay,
        snapshot: Snapshot,
        state: StationState,
        decision: Decision,
        robot: tuple[frozenset[int], frozenset[int]],
    ) -> BayScene:
        pack, (handled, ordered) = snapshot.packs[one.place], robot
        leaving = one.place.number in handled
        let_go = one.let_go(leaving, snapshot.now_s) or one.place.number in ordered
        return BayScene(
            snapshot,
            decision,
            one.place,
            pack,
            one.isolation,
            handled=leaving and let_go,
            quarantined=bool(state.quarantined) and quarantined(plan.serial(pack), one.place, state),
            disobeys=one.disobeys(snapshot),
            equipment=self._watched(one, snapshot, pack),
            leaving=leaving,
        )

    @staticmethod
    def _watched(one: Bay, snapshot: Snapshot, pack: PackStatus) -> Findings | None:
        if one.cabinet is None:
            return None
        robot = snapshot.robot
        bare = robot is not None and robot.bays[one.place.number - 1].occupied is Signal.FALSE
        return one.cabinet.watch(snapshot, plan.serial(pack), empty=bare and pack.link is PackLink.SILENT)

    def dump(self) -> dict[str, object]:
        """What it remembers, in plain values."""
        bays = {str(one.place.number): one.dump() for one in self._bays}
        found = {"clears": self._clears, "confirmed": self._confirmed, "bays": bays}
        return found | ({"dispatch": self._dispatch.dump()} if self._cabinets else {})

    def load(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this release gave."""
        if set(memory) != {"clears", "confirmed", "bays"} | ({"dispatch"} if self._cabinets else set()):
            raise ValueError(f"no memory of the charger: {sorted(memory)}")
        if set(memory["bays"]) != {str(one.place.number) for one in self._bays}:
            raise ValueError(f"memory of bays {sorted(memory['bays'])}")
        self._clears, self._confirmed = memory["clears"], memory["confirmed"]
        for one in self._bays:
            one.load(memory["bays"][str(one.place.number)])
        if self._cabinets:
            self._dispatch.load(memory["dispatch"])


def quarantined(serial: str | None, place: object, state: StationState) -> bool:
    """Whether the pack must not be used: by its serial, or by its place where nobody knows it."""
    return serial in state.quarantined or str(place) in state.quarantined


def handled_bays(state: StationState) -> frozenset[int]:
    """Bays that the robot handles or is about to: of the exchange, and those of `ordered_bays`."""
    found = set(ordered_bays(state))
    if state.swap is not None and state.swap.exchanges:
        found |= {state.swap.exchange.bay_in, state.swap.exchange.bay_out}
    return frozenset(found)


def ordered_bays(state: StationState) -> frozenset[int]:
    """Bays that the robot may be at in this instant: of the evacuation, the order under way, a person's."""
    found: set[int] = set()
    if state.evacuation is not None:
        found.add(state.evacuation.isolation)
        if state.evacuation.source.kind is PlaceKind.BAY:
            found.add(state.evacuation.source.number)
    if state.pending is not None:
        found |= {code for code in (state.pending.source, state.pending.destination) if 0 < code <= MOUNT_CODE_BASE}
    if state.manual is not None:
        places = (state.manual.source, state.manual.destination)
        found |= {place.number for place in places if place is not None and place.kind is PlaceKind.BAY}
    return frozenset(found)
