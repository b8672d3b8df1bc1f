"""Watches every pack at every place for a thermal event; pure, synchronous, cheap when nothing is new.

A detector belongs to the pack at its place: another serial begins anew, and so does a place that is silent and whose
switches have all read empty for BARE_S. One bad read of one switch takes no event away.
What it decides is latched there; who may use the pack again is the quarantine's business (StationState.quarantined).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from drivers.pack_status import PackLink, PackStatus
from drivers.reading import Quality, Signal
from station_ctl.kernel.thermal import EVENT, Detector
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import Place, PlaceKind
from station_ctl.thermal import limits as shipped
from station_ctl.thermal.finding import Cause, Finding, Measured, Verdict, sentence
from station_ctl.thermal.limits import Limits
from station_ctl.thermal.look import bare, lowest, number, sensors, serial_of

TICK_S: Final = 1.0
"""A detector without news is asked so often: time alone makes a pack blind."""
AWAY_S: Final = 600.0
"""Whoever was nowhere for so long comes in anew."""
BARE_S: Final = 2.0
"""A pack has left once no switch of its place has seen it for so long: longer than a glitch or a PLC's restart."""
_NEVER_S: Final = -math.inf


@dataclass(slots=True)
class _Minder:
    """One pack at one place.

    hot_s, cells_s: receipt of what the detector has had; asked_s: when it was last asked. bare_s: receipt of the first
    status block in a row by which no switch sees the pack.
    """

    detector: Detector
    serial: str | None = None
    hot_s: float = _NEVER_S
    cells_s: float = _NEVER_S
    asked_s: float = _NEVER_S
    bare_s: float | None = None
    finding: Finding | None = None


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
        self._minders: dict[Place, _Minder] = {}
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
            self._ask(minder, pack, smoke, snapshot.now_s, attentive)
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

    def _minder(self, place: Place, pack: PackStatus) -> _Minder:
        """The one that minds this pack. As long as its BMS does not tell who it is, it is the one that was here."""
        minder, serial = self._minders.get(place), serial_of(pack)
        if minder is None or (serial and minder.serial and serial != minder.serial):
            minder = self._minders[place] = _Minder(Detector(self._row))
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

    def _ask(self, minder: _Minder, pack: PackStatus, smoke: Signal, now_s: float, attentive: bool) -> None:
        """Give the detector what is new; nothing if nothing is and it was asked lately."""
        hot, cells = pack.temperature_max_c, pack.cell_voltages_v
        alarm = pack.thermal_event.value if pack.thermal_event.quality is Quality.GOOD else Signal.NOT_AVAILABLE
        alarmed = alarm is Signal.TRUE or smoke is Signal.TRUE
        news = hot.received_s != minder.hot_s or cells.received_s != minder.cells_s
        if not (news or alarmed or now_s - minder.asked_s >= TICK_S):
            return
        hot_c = cold_c = low_v = mid_v = math.nan
        if hot.received_s != minder.hot_s:
            minder.hot_s, hot_c, cold_c = hot.received_s, number(hot), number(pack.temperature_min_c)
        if cells.received_s != minder.cells_s:
            minder.cells_s = cells.received_s
            low_v, mid_v = lowest(cells)
        minder.asked_s = now_s
        answer = minder.detector.update(now_s, hot_c, cold_c, low_v, mid_v, smoke, alarm or 0, attentive)
        self._note(minder, answer, now_s, attentive)

    def _note(self, minder: _Minder, answer: tuple[int, int, bool], now_s: float, attentive: bool) -> None:
        """Remember what the detector said, in words where it is new. An event stays as it was first seen."""
        verdict, causes, blind = answer
        old = minder.finding
        if old is not None and old.verdict == EVENT:
            if old.serial != minder.serial:
                minder.finding = replace(old, serial=minder.serial)
        elif not verdict and not blind:
            minder.finding = None
        elif old is None or (old.verdict, old.causes, old.blind, old.serial) != (*answer, minder.serial):
            measured = Measured(*minder.detector.measured())
            text = sentence(Cause(causes), blind, measured, self._limits, attentive)
            minder.finding = Finding(Verdict(verdict), Cause(causes), blind, text, minder.serial, now_s)

    def dump(self) -> dict[str, Any]:
        """All it remembers, in plain values, for `load`."""
        minders = [
            [
                p.kind.value,
                p.number,
                m.detector.dump().hex(),
                m.serial,
                m.hot_s,
                m.cells_s,
                m.asked_s,
                m.bare_s,
                _plain(m.finding),
            ]
            for p, m in self._minders.items()
        ]
        return {"minders": minders, "known": {s: [k.came_s, k.seen_s] for s, k in self._known.items()}}

    def load(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this release gave."""
        try:
            minders = dict(self._loaded(*entry) for entry in memory["minders"])
            known = {str(serial): _Known(*map(float, times)) for serial, times in memory["known"].items()}
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"memory of the thermal watch cannot be read: {error}") from error
        self._minders, self._known = minders, known

    def _loaded(
        self,
        kind: str,
        number: int,
        state: str,
        serial: str | None,
        hot: float,
        cells: float,
        asked: float,
        since: float | None,
        found: Any,
    ) -> tuple[Place, _Minder]:
        detector = Detector(self._row)
        detector.load(bytes.fromhex(state))
        finding = Finding(Verdict(found[0]), Cause(found[1]), *found[2:]) if found is not None else None
        return Place(PlaceKind(kind), number), _Minder(detector, serial, hot, cells, asked, since, finding)


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


def _plain(finding: Finding | None) -> list[Any] | None:
    if finding is None:
        return None
    f = finding
    return [f.verdict.value, f.causes.value, f.blind, f.text, f.serial, f.since_s]
