"""What is fitted between the grid and the bays' supplies: chargers, their meters, and the meter of the grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hil.plant.charger import CONVERSION, Charger
from hil.plant.meter import Meter
from hil.plant.pack import Pack
from hil.plant.places import Place
from hil.plant.supplies import Supplies

GRID_V = 400.0
AUXILIARY_W = 3000.0


class Electrics:
    """Of the bays that have chargers; nothing happens in a station without any, nor without meters.

    meters: by bay, at the charger's output. grid_meter: at the connection point. auxiliary_w: light, pumps, drives.
    """

    def __init__(self, bays: Mapping[int, Place], supplies: Supplies) -> None:
        self.meters: dict[int, Meter] = {}
        self.grid_meter: Meter | None = None
        self.auxiliary_w = AUXILIARY_W
        self._bays, self._supplies = bays, supplies

    @property
    def chargers(self) -> dict[int, Charger]:
        """By bay."""
        return self._supplies.chargers

    def fit(self, number: int, charger: Charger) -> None:
        """Give a bay a charger of its own. Raises ValueError if there is no such bay."""
        if number not in self._bays:
            raise ValueError(f"there is no bay {number}")
        self._supplies.chargers[number] = charger
        self._supplies.connect()

    @property
    def grid_w(self) -> float:
        """What the station takes from the grid now, AC."""
        own_w = sum(charger.input_w for charger in self.chargers.values())
        others_w = sum(_flow(place.pack)[2] for n, place in self._bays.items() if n not in self.chargers)
        return self.auxiliary_w + own_w + others_w / CONVERSION

    def advance(self, plant_s: float, dt_s: float) -> None:
        """Let so much of the plant's time pass; the meters count in the bench's (dt_s), as who reads them does."""
        for number, charger in self.chargers.items():
            place = self._bays[number]
            pack = place.pack
            load = pack if pack is not None and pack.supplied and pack.contactor_closed else None
            charger.advance(plant_s, load, pack if place.mated else None)
        for number, meter in self.meters.items():
            meter.measure(*self._dc(number), dt_s)
        if self.grid_meter is not None:
            power_w = self.grid_w
            self.grid_meter.measure(GRID_V, power_w / (math.sqrt(3.0) * GRID_V), power_w, dt_s)

    def truth(self) -> dict[str, Any]:
        """As plain values, by bay; empty without chargers and meters."""
        told: dict[str, Any] = {}
        if self.chargers:
            told["chargers"] = {n: _shown(c) for n, c in self.chargers.items()}
            told["arcs"] = dict(self._supplies.arcs)
            told["grid_w"] = round(self.grid_w)
        if self.meters:
            told["metered_wh"] = {n: round(m.energy_in_wh, 1) for n, m in self.meters.items()}
        return told

    def _dc(self, number: int) -> tuple[float, float, float]:
        """Voltage, current and power at a bay's meter."""
        charger = self.chargers.get(number)
        if charger is None:
            return _flow(self._bays[number].pack)
        return charger.output_v, charger.current_a, charger.output_w


def _flow(pack: Pack | None) -> tuple[float, float, float]:
    """From a charger that follows the BMS."""
    if pack is None or not pack.supplied:
        return 0.0, 0.0, 0.0
    voltage_v = pack.voltage_v
    return voltage_v, pack.current_a, voltage_v * pack.current_a


def _shown(charger: Charger) -> dict[str, Any]:
    return {
        "mode": charger.set_point.mode.name,
        "current_a": round(charger.current_a, 1),
        "relay_closed": charger.relay_closed,
        "input_w": round(charger.input_w),
    }
