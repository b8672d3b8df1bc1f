"""One battery pack as a plant: a 171 kWh LFP block (177 cells in series, 302 Ah) and what its BMS would measure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from drivers.reading import Signal
from hil.plant import charging
from hil.plant.cell_block import CellBlock
from hil.plant.runaway import Runaway

WAKE_UP_S = 0.3
"""Plant time from mating the coupler to the BMS's first frame."""

_LINK_DECAY_S = 0.25
_NO_CURRENT_A = 5.0
_OPENS_AT_LAST_S = 3.0
_OVERTEMPERATURE_C = 65.0
_CELL_LOW_V = 2.0


@dataclass(slots=True)
class PackFaults:
    """What a scenario can make wrong with one pack. The defaults are a healthy pack."""

    mute: bool = False  # the BMS sends nothing
    demand_lost: bool = False  # the BMS sends all but BCL
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


class Pack(CellBlock):
    """One pack. Whoever owns the world sets `address` and `mated` when a coupler mates or parts, and calls `advance`.

    serial:               maker's four characters, '-', eight digits, as BRM carries it.
    address:              J1939 source address coded by the connector; None while parted.
    mated:                True while the coupler is mated; the BMS lives on the station's or the truck's 24 V.
    contactor_closed:     main contactors; on a truck they follow the truck's.
    current_a:            > 0 charges; flows only through a closed contactor.
    link_voltage_v:       voltage outside of the contactors.
    supplied:             a charger is connected; the BMS closes its contactor while it wants current.
    driven:               that charger is one of hil.plant.charger and sets current_a; else it follows the BMS.
    insulation_ohm_per_v: insulation resistance to the frame.
    rng:                  what its sensors draw their noise from; a world hands its own in by `seed`.
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
        super().__init__(soc_pct, soh_pct, temperature_c, ambient_c)
        self.serial = serial
        self.insulation_ohm_per_v = insulation_ohm_per_v
        self.cycles = cycles
        self.mass_kg = mass_kg
        self.address: int | None = None
        self.mated = False
        self.link_voltage_v = 0.0
        self.supplied = self.driven = False
        self.faults = PackFaults()
        self._contactor_closed = False
        self._awake_s = 0.0
        self._unwanted_s = 0.0
        self.rng = random.Random(serial)

    def seed(self, seed: int) -> None:
        """Whatever it draws from now on comes from the world's seed and its own serial."""
        self.rng = random.Random(f"{seed} {self.serial}")

    def mate(self, address: int) -> None:
        """The coupler of the place with this source address mates."""
        self.address, self.mated = address, True

    def part(self) -> None:
        """The coupler parts: the BMS dies, the contactors fall open."""
        self.address, self.mated, self._awake_s = None, False, 0.0
        self.contactor_closed = False
        self.supplied, self.current_a = False, 0.0

    @property
    def contactor_closed(self) -> bool:
        """True while a main contactor is closed; a welded one always is."""
        return self._contactor_closed or self.faults.contactor_welded

    @contactor_closed.setter
    def contactor_closed(self, closed: bool) -> None:
        self._contactor_closed = closed

    def supply(self, connected: bool, *, driven: bool = False) -> None:
        """A charger is connected, or is no more: then no current flows from this instant on, and the BMS lets go."""
        if not connected and self.supplied:
            self.current_a, self.contactor_closed = 0.0, False
        self.supplied, self.driven = connected, driven

    @property
    def current_demand_a(self) -> float:
        """What the BMS asks its charger for (BCL), A > 0; 0: nothing."""
        return charging.demand_a(self) if self.faults.charge_permitted is Signal.TRUE else 0.0

    @property
    def talking(self) -> bool:
        """True while the BMS is awake and sends frames."""
        if not self.mated or self.address is None or self._awake_s < WAKE_UP_S or self.faults.mute:
            return False
        return self.runaway is None or self.runaway.bms_endures(self.temperature_c)

    @property
    def waking(self) -> bool:
        """True from mating until the BMS sends its first frame."""
        return self.mated and self._awake_s < WAKE_UP_S and not self.faults.mute

    def run_away(self, *, short_w: float, alarm_s: float | None, fire_s: float) -> None:
        """A cell shorts inside (see Runaway). Raises ValueError if one has already, or for an argument out of range."""
        if self.runaway is not None:
            raise ValueError(f"{self.serial} runs away already")
        self.runaway = Runaway(self.rng, self.temperature_c, short_w=short_w, alarm_s=alarm_s, fire_s=fire_s)

    def advance(self, dt_s: float) -> None:
        """Let `dt_s` seconds of plant time pass."""
        self._awake_s = self._awake_s + dt_s if self.mated else 0.0
        if self.supplied and self.driven:
            self._let_charge(dt_s)
        elif self.supplied:
            self._charge()
        closed = self.contactor_closed
        if not closed:
            self.current_a = 0.0
        self.age(dt_s)
        if self.runaway is not None:
            self._suffer(self.runaway, dt_s)
        if closed:
            self.link_voltage_v = self.voltage_v
        elif self.link_voltage_v != 0.0:
            link_v = self.link_voltage_v * math.exp(-dt_s / _LINK_DECAY_S)
            self.link_voltage_v = link_v if link_v > 0.01 else 0.0

    def _charge(self) -> None:
        """The charger follows the demand as long as it is connected, whether anybody hears the BMS or not."""
        wanted_a = self.current_demand_a if self._awake_s >= WAKE_UP_S else 0.0
        self.contactor_closed = wanted_a > 0.0
        self.current_a = wanted_a

    def _let_charge(self, dt_s: float) -> None:
        """The BMS closes its contactor while it wants current, and opens it without current, or under it at last."""
        if self._awake_s >= WAKE_UP_S and self.current_demand_a > 0.0:
            self.contactor_closed, self._unwanted_s = True, 0.0
            return
        self._unwanted_s += dt_s
        if abs(self.current_a) < _NO_CURRENT_A or self._unwanted_s >= _OPENS_AT_LAST_S:
            self.contactor_closed = False

    def _suffer(self, runaway: Runaway, dt_s: float) -> None:
        """What insulation and BMS have of it."""
        if runaway.smoking:  # electrolyte and soot
            self.insulation_ohm_per_v *= math.exp(-dt_s / 120.0)
        if runaway.alarmed:
            self.faults.thermal_event = Signal.TRUE
            if runaway.sound * self.ocv_v < _CELL_LOW_V:
                self.faults.cell_voltage = 2
        if runaway.probe_c >= _OVERTEMPERATURE_C:
            self.faults.overtemperature = Signal.TRUE
