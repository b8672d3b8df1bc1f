"""The watch over packs with a thermal event: never handed out, and evacuated into isolation only.

That charging ends in the cycle of the finding is judged in hil.watch.supplies, each order in hil.watch.orders.
"""

from __future__ import annotations

from hil.plant.world import World
from hil.watch.findings import Findings
from hil.watch.records import Visit
from station_ctl.config import Config
from station_ctl.model.look import Decision
from station_ctl.model.places import Place, PlaceKind
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation


class ThermalWatch:
    """`cycle` for each control cycle, `left` for each truck that has left. What the packs are comes from the plant.

    A pack that the controller once found to have an event stays suspect over every restart: the policy says so.
    """

    def __init__(self, findings: Findings, world: World, config: Config) -> None:
        self._findings, self._world = findings, world
        self._isolation = [section.number for section in config.bay if section.isolation]
        self._found: dict[str, str] = {}  # serial: where and by what
        self._open: Evacuation | None = None
        self._moved: str | None = None  # serial of the pack that it is about

    def cycle(self, decision: Decision, state: StationState) -> None:
        """A control cycle has ended."""
        for place, why in sorted(decision.thermal.items()):
            serial = self._standing(place)
            if serial is not None and place.kind is PlaceKind.BAY:
                self._found.setdefault(serial, f"{place}: {why}")
        if state.evacuation != self._open:
            self._ended(state)
            self._open = state.evacuation
            self._moved = self._about(state.evacuation) if state.evacuation is not None else None

    def left(self, visit: Visit) -> None:
        """A truck has left: what it did not bring itself must not be a pack that had an event in a bay."""
        ours = [serial for serial in visit.left.values() if serial not in visit.came.values()]
        bad = [f"{serial} ({self._found[serial]})" for serial in ours if serial in self._found]
        self._findings.judge("a pack with a thermal event was handed out", not bad, lambda: "; ".join(bad))

    def _ended(self, state: StationState) -> None:
        """One that ends by itself, or gives way to the next, has its pack in isolation; a person may give it up."""
        done = state.evacuation is not None or (state.reason is not None and state.reason.code == "evacuated")
        if self._moved is None or not done:
            return
        isolated = [pack.serial for n in self._isolation if (pack := self._world.bays[n].pack) is not None]
        text = f"{self._moved} is not there, but {', '.join(isolated) or 'nothing'}"
        self._findings.judge("an evacuation ended outside of isolation", self._moved in isolated, text.__str__)

    def _about(self, evacuation: Evacuation) -> str | None:
        held = self._world.robot.pack
        return self._standing(evacuation.source) or (held.serial if held is not None else None)

    def _standing(self, place: Place) -> str | None:
        at = self._world.place(place.code)
        return at.pack.serial if at is not None and at.pack is not None else None
