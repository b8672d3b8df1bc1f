"""What a truck's pack had when it came, told once its full charge in the bay has shown it; and whose BMS is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from station_ctl.estimates.followed import Followed
from station_ctl.model.charge_estimate import ChargeEstimate, ChargeSpan
from station_ctl.model.places import PlaceKind
from station_ctl.model.state import StationState
from station_ctl.model.words import Event

FINAL, PROVISIONAL, DOUBTED = "soc.arrival_final", "soc.arrival_provisional", "soc.bms_doubted"


@dataclass(slots=True)
class _Awaited:
    swap_id: str
    dockings: int  # of the pack, when it came: another one and its charge is counted from another moment
    charged: bool = False


class Arrivals:
    """Exchanged packs whose final arrival charge is waited for, by serial; and packs whose BMS was found wrong."""

    def __init__(self) -> None:
        self._awaited: dict[str, _Awaited] = {}
        self._noted: set[tuple[str, str]] = set()
        self._doubted: set[str] = set()
        self._told: list[Event] = []

    def gone(self, serial: str) -> None:
        """Nobody follows this pack any more."""
        self._doubted.discard(serial)
        if (awaited := self._awaited.pop(serial, None)) is not None:
            self._lost(serial, awaited.swap_id, "it left before its full charge")

    def restarted(self, serial: str, swap_id: str) -> None:
        """It was waited for when the station went down: what was counted until then is lost."""
        self._noted.add((swap_id, serial))
        self._lost(serial, swap_id, "the station was restarted before its full charge")

    def _lost(self, serial: str, swap_id: str, why: str) -> None:
        """Its arrival charge stays as the swap's record has it."""
        text = f"arrival charge of pack {serial} stays provisional: {why}"
        self._told.append(Event(PROVISIONAL, "info", text, {"swap": swap_id, "pack": serial, "why": why}))

    def look(self, state: StationState, packs: Mapping[str, Followed]) -> tuple[Event, ...]:
        """What there is to tell of this cycle."""
        if state.swap is not None or self._noted:
            self._note(state, packs)
        for serial in list(self._awaited):
            self._follow(serial, state, packs[serial])
        told, self._told = tuple(self._told), []
        return told

    def doubt(self, serial: str, value: ChargeEstimate, bms_pct: float | None) -> None:
        """A new value of a pack; what is wrong is told once as long as the pack is here."""
        if value.bms_wrong and serial not in self._doubted:
            now = value.charge
            said = "nothing" if bms_pct is None else f"{bms_pct:g} %"
            text = f"pack {serial}: its BMS says {said}, which cannot be right: it has {now.soc_pct:g} %"
            details = {"pack": serial, "bms_pct": bms_pct, **_figures(now)}
            self._told.append(Event(DOUBTED, "warning", text, details))
            self._doubted.add(serial)

    def _note(self, state: StationState, packs: Mapping[str, Followed]) -> None:
        """Packs that an open swap has brought in; each once."""
        swap = state.swap
        if swap is None:
            self._noted.clear()
            return
        for e in swap.exchanges:
            exchanged, key = e.mount in swap.installed and e.serial_in != e.serial_out, (swap.id, e.serial_out)
            if exchanged and key not in self._noted and e.serial_out in packs:
                self._noted.add(key)
                self._await(swap.id, packs[e.serial_out])

    def _await(self, swap_id: str, pack: Followed) -> None:
        if not pack.came:
            self._lost(pack.serial, swap_id, "the station was restarted while it came")
            return
        self._awaited[pack.serial] = _Awaited(swap_id, pack.dockings)
        pack.swap_id, pack.saved_s = swap_id, -math.inf  # a restart has to know

    def _follow(self, serial: str, state: StationState, pack: Followed) -> None:
        awaited = self._awaited[serial]
        if pack.place.kind is not PlaceKind.BAY:
            self._end(serial, pack)
            self._lost(serial, awaited.swap_id, "it left its bay before its full charge")
            return
        charge = state.charging.get(pack.place.number)
        if charge is None:
            return
        awaited.charged |= charge.permitted
        if awaited.charged and charge.code == "full":
            self._end(serial, pack)
            self._tell(serial, awaited, pack)

    def _end(self, serial: str, pack: Followed) -> None:
        del self._awaited[serial]
        pack.swap_id = ""

    def _tell(self, serial: str, awaited: _Awaited, pack: Followed) -> None:
        if not pack.docked or pack.dockings != awaited.dockings:
            self._lost(serial, awaited.swap_id, "no meter or charger has counted the whole charge")
            return
        had = pack.arrival()
        span = f"{had.soc_p05_pct:g} to {had.soc_p95_pct:g} %"
        text = f"pack {serial} came with {had.soc_pct:g} % ({span}), seen from the end of its charge"
        details = {"swap": awaited.swap_id, "pack": serial, **_figures(had)}
        self._told.append(Event(FINAL, "info", text, details))


def _figures(span: ChargeSpan) -> dict[str, str | float | bool | None]:
    figures = {"soc_pct": span.soc_pct, "soc_p05_pct": span.soc_p05_pct, "soc_p95_pct": span.soc_p95_pct}
    return {**figures, "reason": span.grounds.value}
