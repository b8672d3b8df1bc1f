"""The parts of the messages that say what is where, what a restart found, and what is done about a thermal event."""

from __future__ import annotations

from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import PlaceKind
from station_ctl.model.state import StationState
from station_ctl.swap import plan
from station_ctl.swap.evacuate import AUTOMATIC
from station_ctl.swap.reconcile import RESTING, reconcile
from station_ctl.uplink.state_messages import EvacuationPart, RecoveryMessage, ThermalPart, WherePart
from station_ctl.uplink.state_messages import Reason as ReasonPart


def recovery(state: StationState, snapshot: Snapshot, config: Config) -> RecoveryMessage:
    """`recovery`: journal and plant side by side while the station stands; just `running` while it works."""
    if state.packml not in RESTING:
        return RecoveryMessage(kind="running", under_way=f"step {state.step}", choices="")
    found = reconcile(state, snapshot, config)
    return RecoveryMessage(
        kind=found.kind.value,
        where=tuple(
            WherePart(place=w.place, says=w.says.value, serial=w.serial, by_journal=w.by_journal or None)
            for w in found.where
        ),
        under_way=found.under_way,
        choices=found.choices,
        contradictions=found.contradictions,
        unread=found.unread or None,
    )


def reason(state: StationState, found: RecoveryMessage) -> ReasonPart | None:
    """Why the station stands; until PLC and packs have been read it says that it does not know."""
    if state.reason is None:
        return None
    unknown = found.kind == "unknown" and state.reason.code in ("restarted", "first_start")
    text = f"unknown: {found.unread}; {state.reason.text}" if unknown else state.reason.text
    return ReasonPart(code=state.reason.code, text=text)


def evacuation(state: StationState) -> EvacuationPart | None:
    """The evacuation that is open."""
    e = state.evacuation
    if e is None:
        return None
    return EvacuationPart(
        source=str(e.source), isolation=e.isolation, serial=e.serial, why=e.why, interrupted=e.interrupted
    )


def thermal(state: StationState, snapshot: Snapshot, decision: Decision, config: Config) -> tuple[ThermalPart, ...]:
    """Every place with a thermal event: what was measured, what the station does, what a person must do."""
    isolation = {b.number for b in config.bay if b.isolation}
    parts = []
    for place, why in sorted(decision.thermal.items()):
        in_isolation = place.kind is PlaceKind.BAY and place.number in isolation
        done, todo = _isolated() if in_isolation else _doing(state, str(place), place.kind)
        serial = plan.serial(snapshot.packs[place]) if place in snapshot.packs else None
        parts.append(ThermalPart(place=str(place), serial=serial, why=why, station=done, person=todo))
    return tuple(parts)


def _isolated() -> tuple[str, str]:
    return "it stands in isolation; charging is off", "keep away, watch it, follow the fire plan"


def _doing(state: StationState, place: str, kind: PlaceKind) -> tuple[str, str]:
    off = "charging is off, the pack is quarantined"
    if kind is PlaceKind.MOUNT:
        return "the truck is not opened, switched on or released", "everybody away from the truck, follow the fire plan"
    if state.evacuation is not None and str(state.evacuation.source) == place:
        return f"{off}; it is moved to isolation, step {state.step}", "keep everybody away from robot and bays"
    if state.packml in AUTOMATIC:
        waits = state.reason.text if state.reason and state.reason.code == "evacuation_waits" else "it is moved next"
        return f"{off}; {waits}", "keep everybody away from robot and bays; mend what is named"
    return f"{off}; nothing moves by itself in {state.packml}", "get everybody away; in Held or Stopped: evacuate"
