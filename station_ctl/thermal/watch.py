"""Watches every pack at every place for a thermal event; pure, synchronous, cheap when nothing is new.

A detector belongs to the pack at its place: another serial begins anew, and so does a place that is silent and whose
switches have all read empty for BARE_S. One bad read of one switch takes no event away.
What it decides is latched there; who may use the pack again is the quarantine's business (StationState.quarantined).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from drivers.pack_status import PackLink, PackStatus
from drivers.reading import Signal
from station_ctl.kernel.thermal import Detector
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import Place, PlaceKind
from station_ctl.thermal import limits as shipped
from station_ctl.thermal.finding import Finding, Verdict
from station_ctl.thermal.limits import Limits
from station_ctl.thermal.look import bare, sensors, serial_of
from station_ctl.thermal.minder import Minder, loaded

AWAY_S: Final = 600.0
"""Whoever was nowhere for so long comes in anew."""
BARE_S: Final = 2.0
"""A pack has left once no switch of its place has seen it for so long: longer than a glitch or a PLC's restart."""


@dataclass(slots=True)
class _Known:
    """When a pack came in and when it was last seen, event-loop time."""

    came_s: float
    seen_s: float


class Watch:
    """Holds a detector for each place with a pack. limits: None takes the shipped ones."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or shipped.load()
        self._row = self._limits.row()
        self._minders: dict[Place, Minder] = {}
        self._known: dict[str, _Known] = {}

    def look(self, snapshot: Snapshot) -> Mapping[Place, Finding]:
        """Take what is new in a cycle. Only places with something to say are in the answer."""
        found = {}
        for place, pack in snapshot.packs.items():
            finding = self._at(place, pack, snapshot)
            if finding is not None:
                found[place] = finding
        return found

    def _at(self, place: Place, pack: PackStatus, snapshot: Snapshot) -> Finding | None:
        there, expected, smoke = sensors(place, snapshot.robot)
        if there is Signal.FALSE and pack.link is PackLink.SILENT:
            return self._leaving(place, snapshot)
        minder = self._minder(place, pack)
        minder.bare_s = None
        attentive = self._attentive(place, minder.serial, snapshot.now_s)
        if expected or pack.link is not PackLink.SILENT:
            minder.ask(pack, smoke, snapshot.now_s, attentive)
        return minder.finding

    def _leaving(self, place: Place, snapshot: Snapshot) -> Finding | None:
        """Its seat reads empty and its BMS is silent: an event stays until all its switches have said so for BARE_S."""
        minder, robot = self._minders.get(place), snapshot.robot
        if minder is None:
            return None
        if robot is None or not bare(place, robot):
            minder.bare_s = None
        elif minder.bare_s is None:
            minder.bare_s = robot.received_s
        elif robot.received_s - minder.bare_s >= BARE_S:
            del self._minders[place]
            return None
        finding = minder.finding
        return finding if finding is not None and finding.verdict is Verdict.EVENT else None

    def _minder(self, place: Place, pack: PackStatus) -> Minder:
        """The one that minds this pack. As long as its BMS does not tell who it is, it is the one that was here."""
        minder, serial = self._minders.get(place), serial_of(pack)
        if minder is None or (serial and minder.serial and serial != minder.serial):
            minder = self._minders[place] = Minder(Detector(self._row), self._limits)
        minder.serial = serial or minder.serial
        return minder

    def _attentive(self, place: Place, serial: str | None, now_s: float) -> bool:
        """Whether it came in lately. Aboard a truck it has not come in yet; who it is not known, it came just now."""
        if serial is None:
            return True
        known = self._known.get(serial)
        if known is None or now_s - known.seen_s > AWAY_S:
            self._known = {s: k for s, k in self._known.items() if now_s - k.seen_s <= AWAY_S}
            known = self._known[serial] = _Known(now_s, now_s)
        elif place.kind is PlaceKind.MOUNT:
            known.came_s = now_s
        known.seen_s = now_s
        return now_s - known.came_s < self._limits.attentive_s

    def dump(self) -> dict[str, Any]:
        """All it remembers, in plain values, for `load`."""
        minders = [[p.kind.value, p.number, *m.dump()] for p, m in self._minders.items()]
        return {"minders": minders, "known": {s: [k.came_s, k.seen_s] for s, k in self._known.items()}}

    def load(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this release gave."""
        try:
            minders = dict(self._loaded(*entry) for entry in memory["minders"])
            known = {str(serial): _Known(*map(float, times)) for serial, times in memory["known"].items()}
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"memory of the thermal watch cannot be read: {error}") from error
        self._minders, self._known = minders, known

    def _loaded(self, kind: str, number: int, *memory: Any) -> tuple[Place, Minder]:
        return Place(PlaceKind(kind), number), loaded(Detector(self._row), self._limits, list(memory))


def tell(decision: Decision, found: Mapping[Place, Finding]) -> Decision:
    """The decision with what the watch found in it. An event that is blind as well is told as an event."""
    if not found:
        return decision
    return replace(
        decision,
        thermal={p: f.text for p, f in found.items() if f.verdict is Verdict.EVENT},
        suspect={p: f.text for p, f in found.items() if f.verdict is Verdict.SUSPECT},
        blind={p: f.text for p, f in found.items() if f.blind and f.verdict is not Verdict.EVENT},
    )
