"""An energy meter as a plant: it samples, and counts what flows through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from drivers.meter_status import WRAP_WH, MeterDoubt

SAMPLE_S = 0.5


@dataclass(slots=True)
class MeterFaults:
    """What a scenario can make wrong with one meter. The defaults are a healthy one."""

    mute: bool = False  # gives no answer
    frozen: bool = False  # samples go on counting, what they show stands still, and nothing is counted
    stuck: bool = False  # samples stand still too
    gain: float = 1.0  # it measures current wrongly by this factor
    doubts: int = 0  # bits of MeterDoubt that it says of itself


class Sample(NamedTuple):
    """What the registers show."""

    heartbeat: int
    serial: int
    status: int
    voltage_v: float
    current_a: float
    power_w: float
    energy_in_wh: int
    energy_out_wh: int


class Meter:
    """One meter; "in" is what flows with current_a > 0. shown: its last sample.

    energy_in_wh, energy_out_wh: its registers with their fractions; the registers wrap at WRAP_WH.
    """

    def __init__(self, serial: int, *, energy_in_wh: float = 0.0, energy_out_wh: float = 0.0) -> None:
        self.serial = serial
        self.energy_in_wh, self.energy_out_wh = energy_in_wh, energy_out_wh
        self.faults = MeterFaults()
        self._due_s = SAMPLE_S
        self.shown = Sample(0, serial, 0, 0.0, 0.0, 0.0, 0, 0)
        self._sample(0.0, 0.0, 0.0)

    def measure(self, voltage_v: float, current_a: float, power_w: float, dt_s: float) -> None:
        """So much flows for so long."""
        faults = self.faults
        if faults.stuck:
            return
        if not faults.frozen:
            counted_wh = power_w * faults.gain * dt_s / 3600.0
            self.energy_in_wh = (self.energy_in_wh + max(counted_wh, 0.0)) % WRAP_WH
            self.energy_out_wh = (self.energy_out_wh + max(-counted_wh, 0.0)) % WRAP_WH
        self._due_s -= dt_s
        if self._due_s <= 1e-9:
            self._due_s = max(self._due_s + SAMPLE_S, 0.0)
            self._sample(voltage_v, current_a * faults.gain, power_w * faults.gain)

    def reset(self) -> None:
        """Somebody sets its registers to zero."""
        self.energy_in_wh = self.energy_out_wh = 0.0

    def exchange(self, serial: int, *, energy_in_wh: float = 0.0, energy_out_wh: float = 0.0) -> None:
        """Another meter is fitted in its place."""
        self.serial, self.energy_in_wh, self.energy_out_wh = serial, energy_in_wh, energy_out_wh
        self.faults = MeterFaults()

    def _sample(self, voltage_v: float, current_a: float, power_w: float) -> None:
        beat = (self.shown.heartbeat + 1) & 0xFFFF
        if self.faults.frozen:
            self.shown = self.shown._replace(heartbeat=beat)
            return
        status = int(MeterDoubt(self.faults.doubts))
        counted = int(self.energy_in_wh), int(self.energy_out_wh)
        self.shown = Sample(beat, self.serial, status, voltage_v, current_a, power_w, *counted)
