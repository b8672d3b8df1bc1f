"""The bays' supplies: a contactor and a charger each, between the grid and the coupler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.plant.charger import Charger
from hil.plant.places import Place

ARC_A = 5.0
"""A contactor that opens under more than this wears."""


class Supplies:
    """One supply a bay, by bit (bay n is bit n - 1).

    commanded: coils the PLC has on. welded: contactors that stay closed whatever their coil does.
    energised: contactors that are closed, as their auxiliary contacts say.
    energy_kwh: what each charger has put out since the start, at the coupler.
    chargers: of bays whose charger is one of its own; those of the others follow the BMS.
    arcs: how often each bay's contactor has opened under current.
    """

    def __init__(self, bays: Mapping[int, Place]) -> None:
        self.commanded = self.welded = self.energised = 0
        self.energy_kwh = dict.fromkeys(bays, 0.0)
        self.chargers: dict[int, Charger] = {}
        self.arcs = dict.fromkeys(bays, 0)
        self._bays = bays
        self._feeding = False

    def command(self, coils: int) -> None:
        """The PLC's coils; what opens is dead at once."""
        if coils != self.commanded:
            self.commanded = coils
            self._switch()

    def weld(self, number: int, welded: bool = True) -> None:
        """A contactor welds closed, or is replaced."""
        bit = 1 << (number - 1)
        self.welded = self.welded | bit if welded else self.welded & ~bit
        self._switch()

    def at(self, number: int) -> bool:
        """Whether this bay's contactor is closed; False for what is no bay."""
        return number in self._bays and bool(self.energised >> (number - 1) & 1)

    def _switch(self) -> None:
        self.energised = self.commanded | self.welded
        self.connect()

    def connect(self) -> None:
        """Packs see whether there is a charger at their coupler."""
        if not self.energised and not self._feeding:
            return
        for number, place in self._bays.items():
            pack = place.pack
            if pack is not None:
                connected = place.mated and self.at(number)
                self.arcs[number] += pack.supplied and not connected and abs(pack.current_a) > ARC_A
                pack.supply(connected, driven=number in self.chargers)
        self._feeding = self.energised != 0

    def meter(self, dt_s: float) -> None:
        """Count the energy of so much plant time."""
        if not self._feeding:
            return
        for number, place in self._bays.items():
            pack = place.pack
            if pack is not None and pack.supplied and pack.current_a > 0.0:
                self.energy_kwh[number] += pack.voltage_v * pack.current_a * dt_s / 3.6e6

    def truth(self) -> dict[str, Any]:
        """As plain values, by bay."""
        return {
            "supplies": {n: self.at(n) for n in self._bays},
            "charging_a": {n: round(p.pack.current_a, 1) if p.pack else 0.0 for n, p in self._bays.items()},
            "charged_kwh": {n: round(kwh, 3) for n, kwh in self.energy_kwh.items()},
        }
