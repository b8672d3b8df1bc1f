"""One battery pack as a plant: a 171 kWh LFP block (177 cells in series, 302 Ah) and what its BMS would measure."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from drivers.reading import Signal

CELLS = 177
TEMPERATURE_POINTS = 30
CAPACITY_AH = 302.0
NOMINAL_CELL_V = 3.2
NOMINAL_KWH = 171.0
WAKE_UP_S = 0.3
"""Plant time from mating the coupler to the BMS's first frame."""

_RESISTANCE_OHM = 0.06
_HEAT_CAPACITY_J_K = 1.1e6
_COOLING_S = 7200.0
_LINK_DECAY_S = 0.25

# Rested cell voltage of LFP over state of charge: steep ends, two flat plateaus.
_OCV_SOC_PCT = (0.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 60.0, 70.0, 90.0, 97.0, 99.0, 100.0)
_OCV_V = (2.60, 2.95, 3.10, 3.20, 3.25, 3.28, 3.29, 3.30, 3.33, 3.34, 3.36, 3.42, 3.55)


@dataclass(slots=True)
class PackFaults:
    """What a scenario can make wrong with one pack. The defaults are a healthy pack."""

    mute: bool = False  # the BMS sends nothing
    counter_stuck: bool = False  # PMS goes on, its counter stands still
    contactor_welded: bool = False  # stays closed whatever is asked
    contactor_signal: Signal | None = None  # what PMS says instead of the truth
    thermal_event: Signal = Signal.FALSE
    insulation: Signal = Signal.FALSE  # BSM: TRUE is a fault
    connector: Signal = Signal.FALSE
    overtemperature: Signal = Signal.FALSE
    overcurrent: Signal = Signal.FALSE
    cell_voltage: int = 0  # BSM: 0 normal, 1 too high, 2 too low
    charge_permitted: Signal = Signal.TRUE


class Pack:
    """One pack. Whoever owns the world sets `address` and `mated` when a coupler mates or parts, and calls `advance`.

    serial:               maker's four characters, '-', eight digits, as BRM carries it.
    address:              J1939 source address coded by the connector; None while parted.
    mated:                True while the coupler is mated; the BMS lives on the station's or the truck's 24 V.
    contactor_closed:     main contactors; on a truck they follow the truck's.
    current_a:            > 0 charges; flows only through a closed contactor.
    link_voltage_v:       voltage outside of the contactors.
    insulation_ohm_per_v: insulation resistance to the frame.
    """

    def __init__(
        self,
        serial: str,
        soc_pct: float,
        *,
        soh_pct: float = 98.0,
        temperature_c: float = 25.0,
        insulation_ohm_per_v: float = 2000.0,
        ambient_c: float = 20.0,
        cycles: int = 350,
        mass_kg: float = 1800.0,
    ) -> None:
        if len(serial) != 13 or serial[4] != "-" or not serial[5:].isdigit() or not serial[:4].isascii():
            raise ValueError(f"serial {serial!r}: four characters, '-', eight digits")
        self.serial = serial
        self.soc_pct = soc_pct
        self.soh_pct = soh_pct
        self.temperature_c = temperature_c
        self.insulation_ohm_per_v = insulation_ohm_per_v
        self.ambient_c = ambient_c
        self.cycles = cycles
        self.mass_kg = mass_kg
        self.address: int | None = None
        self.mated = False
        self.current_a = 0.0
        self.link_voltage_v = 0.0
        self.faults = PackFaults()
        self._contactor_closed = False
        self._awake_s = 0.0

    def mate(self, address: int) -> None:
        """The coupler of the place with this source address mates."""
        self.address, self.mated = address, True

    def part(self) -> None:
        """The coupler parts: the BMS dies, the contactors fall open."""
        self.address, self.mated, self._awake_s = None, False, 0.0
        self.contactor_closed = False

    @property
    def contactor_closed(self) -> bool:
        """True while a main contactor is closed; a welded one always is."""
        return self._contactor_closed or self.faults.contactor_welded

    @contactor_closed.setter
    def contactor_closed(self, closed: bool) -> None:
        self._contactor_closed = closed

    @property
    def talking(self) -> bool:
        """True while the BMS is awake and sends frames."""
        return self.mated and self.address is not None and self._awake_s >= WAKE_UP_S and not self.faults.mute

    @property
    def capacity_ah(self) -> float:
        """What the pack holds at its present health."""
        return CAPACITY_AH * self.soh_pct / 100.0

    @property
    def ocv_v(self) -> float:
        """Rested voltage of one cell, from the LFP curve."""
        soc_pct = min(max(self.soc_pct, 0.0), 100.0)
        i = min(bisect_right(_OCV_SOC_PCT, soc_pct), len(_OCV_V) - 1)
        x0, x1, y0, y1 = _OCV_SOC_PCT[i - 1], _OCV_SOC_PCT[i], _OCV_V[i - 1], _OCV_V[i]
        return y0 + (y1 - y0) * (soc_pct - x0) / (x1 - x0)

    @property
    def voltage_v(self) -> float:
        """Terminal voltage inside the contactors."""
        return self.ocv_v * CELLS + self.current_a * _RESISTANCE_OHM

    def cell_voltages_v(self) -> tuple[float, ...]:
        """All cells; they differ by a few fixed millivolts each."""
        mean_v = self.voltage_v / CELLS
        return tuple(mean_v + 0.004 * math.sin(1.7 * n) for n in range(CELLS))

    def temperatures_c(self) -> tuple[float, ...]:
        """All probes; the middle of the pack is the warmest."""
        last = TEMPERATURE_POINTS - 1
        return tuple(self.temperature_c + 1.5 * math.sin(math.pi * n / last) for n in range(TEMPERATURE_POINTS))

    def advance(self, dt_s: float) -> None:
        """Let `dt_s` seconds of plant time pass."""
        self._awake_s = self._awake_s + dt_s if self.mated else 0.0
        if not self.contactor_closed:
            self.current_a = 0.0
        charged_pct = self.current_a * dt_s / 3600.0 / self.capacity_ah * 100.0
        self.soc_pct = min(max(self.soc_pct + charged_pct, 0.0), 100.0)
        heat_k = self.current_a**2 * _RESISTANCE_OHM * dt_s / _HEAT_CAPACITY_J_K
        self.temperature_c += heat_k + (self.ambient_c - self.temperature_c) * (1.0 - math.exp(-dt_s / _COOLING_S))
        if self.contactor_closed:
            self.link_voltage_v = self.voltage_v
        else:
            self.link_voltage_v *= math.exp(-dt_s / _LINK_DECAY_S)
