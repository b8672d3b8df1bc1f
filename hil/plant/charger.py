"""A bay's charger as a plant: converter, output relay, insulation monitor, and the bay's coolant unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from drivers.charger_status import OFF, ChargerMode, SetPoint
from hil.plant import coolant
from hil.plant.pack import Pack

RATED_A: Final = 400.0
RATED_W: Final = 240_000.0
UP_A_S: Final = 50.0
DOWN_A_S: Final = 200.0
MATCH_V: Final = 10.0
"""The output relay closes only between voltages that differ by no more."""
PRECHARGE_V_S: Final = 500.0
RELAY_S: Final = 0.05
"""From its coil to its contacts."""
TEST_S: Final = 3.0
SOUND_OHM_PER_V: Final = 100.0
"""GB/T 18487.1: less is a fault."""
STANDBY_W, RUNNING_W, CONVERSION = 150.0, 1200.0, 0.957
"""Standing losses, those of a converter that runs, and what of the rest gets through: 0.95 in all at 180 kW."""
WARM_C, HOT_C, TOO_HOT_C = 55.0, 75.0, 80.0
"""Of the cabinet: derating begins, ends at nothing; fault."""
_BLEED_S = 0.5
_CABINET_K_W = 25.0 / 9400.0
_CABINET_S = 600.0


@dataclass(slots=True)
class ChargerFaults:
    """What a scenario can make wrong with one charger. The defaults are a healthy one."""

    mute: bool = False  # gives no answer; takes no command either
    heartbeat_stuck: bool = False
    ignores_set_point: bool = False  # takes set points, says so, goes on with what it gave; OFF it obeys
    over_delivery_a: float = 0.0  # gives so much more than it is told
    runs_on: bool = False  # gives what it gave last, relay closed, whatever it is told
    relay_stuck: bool = False  # the output relay stays closed; the converter before it obeys
    internal: bool = False  # it finds a fault in itself
    derating: float = 1.0  # what a lost module or fan leaves of current and power, 0..1
    insulation_ohm_per_v: float = 5000.0  # of its own output and cable


class Charger:
    """One charger's power part. Its program (hil.peers.charger_rules) gives orders; the plant calls `advance`.

    current_a: > 0 charges. output_v: inside of the relay. insulation_sound: of the last test since the last end.
    temperature_c: of the cabinet. coolant_w: electric power of the coolant unit.
    """

    def __init__(self, *, ambient_c: float = 20.0) -> None:
        self.faults = ChargerFaults()
        self.ambient_c = self.temperature_c = ambient_c
        self.powered = True
        self.set_point = OFF
        self.current_a = self.output_v = self.coolant_w = 0.0
        self.relay_closed = False
        self.insulation_sound: bool | None = None
        self.insulation_ohm_per_v: float | None = None
        self.load_lost = False
        self._tested_s = 0.0
        self._coil_s = 0.0  # how long the relay's coil is not as its contacts are
        self._held_a = 0.0

    def order(self, set_point: SetPoint) -> None:
        """What it is told from now on; with OFF the converter is blocked at once, and the last test counts no more."""
        if set_point.mode is not self.set_point.mode:
            self._tested_s, self.load_lost = 0.0, False
            if set_point.mode in (ChargerMode.OFF, ChargerMode.INSULATION_TEST):
                self.insulation_sound = None
        self.set_point = set_point
        if not self._running:
            self.current_a = 0.0

    @property
    def share(self) -> float:
        """What it can give now, of what it is rated for: derating, 0..1."""
        cool = (HOT_C - self.temperature_c) / (HOT_C - WARM_C)
        return min(max(cool, 0.0), 1.0) * self.faults.derating

    @property
    def output_w(self) -> float:
        """At its output."""
        return self.output_v * self.current_a

    @property
    def input_w(self) -> float:
        """From the grid."""
        running_w = RUNNING_W + self.output_w / CONVERSION if self._running and self.relay_closed else 0.0
        return STANDBY_W + running_w + self.coolant_w if self.powered else 0.0

    @property
    def _running(self) -> bool:
        return self.powered and (self.set_point.mode is ChargerMode.CHARGE or self.faults.runs_on)

    def advance(self, dt_s: float, load: Pack | None, docked: Pack | None) -> None:
        """Plant time passes. load: what its relay would feed; docked: the pack on the bay's coolant couplers."""
        if self.set_point.mode is ChargerMode.INSULATION_TEST and not self.relay_closed:
            self._test(dt_s, load)
        self._switch(dt_s, load)
        self._convert(dt_s, load)
        self._set_voltage(dt_s, load)
        conditions = self.powered and self.set_point.mode is ChargerMode.CONDITION
        self.coolant_w = coolant.warm(docked, self.set_point.power_w if conditions else 0.0, dt_s)
        final_c = self.ambient_c + (self.input_w - self.output_w - self.coolant_w) * _CABINET_K_W
        self.temperature_c += (final_c - self.temperature_c) * -math.expm1(-dt_s / _CABINET_S)

    def _test(self, dt_s: float, load: Pack | None) -> None:
        """Its own output, and what is connected to it, against earth."""
        self._tested_s += dt_s
        if self._tested_s < TEST_S or not self.powered:
            return
        own = self.faults.insulation_ohm_per_v
        other = load.insulation_ohm_per_v if load is not None else math.inf
        self.insulation_ohm_per_v = own / (1.0 + own / other) if other > 0.0 else 0.0
        self.insulation_sound = self.insulation_ohm_per_v >= SOUND_OHM_PER_V

    def _switch(self, dt_s: float, load: Pack | None) -> None:
        """The relay, some time after its coil."""
        coil = self._running and (self.relay_closed or self._matched(load))
        if self.faults.relay_stuck:
            self.relay_closed = True
        elif coil is self.relay_closed:
            self._coil_s = 0.0
        else:
            self._coil_s += dt_s
            if self._coil_s >= RELAY_S - 1e-9:
                self.relay_closed, self._coil_s = coil, 0.0

    def _matched(self, load: Pack | None) -> bool:
        return bool(self.insulation_sound) and load is not None and abs(self.output_v - load.voltage_v) <= MATCH_V

    def _convert(self, dt_s: float, load: Pack | None) -> None:
        """The current after so much time of its ramp."""
        feeds = self._running and self.relay_closed
        if load is None or not feeds:
            self.load_lost = self.load_lost or (feeds and load is None)
            self.current_a = 0.0
        else:
            target_a = self._target_a(load)
            lowest_a, highest_a = self.current_a - DOWN_A_S * dt_s, self.current_a + UP_A_S * dt_s
            self.current_a = min(max(target_a, lowest_a), highest_a)
            if not self.disobeys:
                self.current_a = max(0.0, min(self.current_a, self._by_voltage_a(load)))
        if load is not None:
            load.current_a = self.current_a

    @property
    def disobeys(self) -> bool:
        """A fault makes it give something else than it is told."""
        faults = self.faults
        return faults.runs_on or faults.ignores_set_point or faults.over_delivery_a > 0.0

    def _target_a(self, load: Pack) -> float:
        """The least of what it is told and of what it can."""
        if self.faults.runs_on or self.faults.ignores_set_point:
            return self._held_a
        told, share = self.set_point, self.share
        by_power_a = _by_power_a(load, min(told.power_w, RATED_W * share))
        self._held_a = max(0.0, min(told.current_a, by_power_a, self._by_voltage_a(load), RATED_A * share))
        return self._held_a + self.faults.over_delivery_a

    def _by_voltage_a(self, load: Pack) -> float:
        return (self.set_point.voltage_v - load.source_v) / load.resistance_ohm

    def _set_voltage(self, dt_s: float, load: Pack | None) -> None:
        """At the converter's output: the pack's, precharging to it, the set point's in an open circuit, or bleeding."""
        if self.relay_closed and load is not None:
            self.output_v = load.voltage_v
        elif self._running and self.relay_closed:
            self.output_v = self.set_point.voltage_v
        elif self._running and load is not None and self.insulation_sound:
            step_v = PRECHARGE_V_S * dt_s
            self.output_v += min(max(load.voltage_v - self.output_v, -step_v), step_v)
        else:
            self.output_v *= math.exp(-dt_s / _BLEED_S)


def _by_power_a(load: Pack, power_w: float) -> float:
    """The current at which the load takes so much power: V(I) = source + R I."""
    source_v, ohm = load.source_v, load.resistance_ohm
    return (math.sqrt(source_v**2 + 4.0 * ohm * power_w) - source_v) / (2.0 * ohm)
