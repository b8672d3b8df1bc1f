"""One pack's estimate in the units of the station: the compiled estimator, its type, its record, and the BMS's word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate
from typing import Final

from station_ctl.kernel import soc as kernel
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.curves import beyond
from station_ctl.soc.record import Record

DISAGREES_SDS: Final = 3.0
DISAGREES_S: Final = 60.0
WITNESS_CHARGE: Final = 0.05
"""Rest alone convicts no BMS: from a record, or after so much charge that passed here (docs/soc.md, a pack at rest)."""
BMS_SD: Final = 0.015
"""A good BMS's own error: it has to be wrong beyond this as well."""
HORIZONS_S: Final = (10.0, 30.0, 900.0)
"""The last one stands for "continuous"."""


class Grounds(IntEnum):
    """What the figure rests on."""

    ANCHORED = kernel.ANCHORED
    PLATEAU = kernel.PLATEAU
    COASTING = kernel.COASTING
    DOUBTFUL = kernel.DOUBTFUL


SURE: Final = (Grounds.ANCHORED, Grounds.PLATEAU)
"""What accuses a BMS: one that doubts itself or is blind accuses nobody anew."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Parts of 1, Ah, A; p05 and p95: the truth is between them nine times out of ten."""

    soc: float
    soc_p05: float
    soc_p50: float
    soc_p95: float
    capacity_ah: float
    capacity_p05_ah: float
    capacity_p95_ah: float
    current_bias_a: float
    current_bias_sd_a: float
    reason: Grounds

    @property
    def sd(self) -> float:
        """Of the charge, from the interval."""
        return (self.soc_p95 - self.soc_p05) / 3.29


@dataclass(frozen=True, slots=True)
class Power:
    """W of the pack for so many seconds, at its weakest cell; discharge as a positive number."""

    seconds: float
    discharge_w: float
    charge_w: float


class PackEstimate:
    """Feed `frame`, read `estimate`. record: from `record.load`; None: the pack is unknown. cells: told one by one."""

    def __init__(
        self, cell_type: CellType, compiled: kernel.CellType, record: Record | None = None, cells: int = 0
    ) -> None:
        self.type = cell_type
        healths = record.healths if record else tuple(h.row() for h in cell_type.health)
        kept = (record.bias, record.scale, record.level_v) if record else None
        self.kernel = kernel.Estimator(compiled, healths, kept, cells)
        self.visits = record.visits if record else 0
        self.temperature_c = 25.0
        self.against_s = 0.0
        self.passed = 0.0

    def start(self, soc: float, soc_sd: float, doubt: float = 0.005) -> None:
        """The charge is known; doubt: how likely not at all. ValueError unless 0..1.05, sd > 0, doubt in 0..1."""
        self.kernel.start(soc, soc_sd, doubt)
        self.passed = WITNESS_CHARGE

    def frame(
        self, dt_s: float, current_a: float, cell_v: float, temperature_c: float, meter_a: float = math.nan,
        bms_soc: float = math.nan, cells_v: object | None = None,
    ) -> bool:  # fmt: skip
        """One frame after dt_s: A (> 0 charges), V of the mean cell, degC, the station's meter, the BMS's own charge.

        NaN: not told. cells_v: a float64 buffer. True when the estimate was renewed from a voltage."""
        if math.isfinite(temperature_c):
            self.temperature_c = temperature_c
        looked = self.kernel.step(dt_s, current_a, cell_v, temperature_c, meter_a)
        flowed_a = meter_a if math.isfinite(meter_a) else current_a
        witnessed = math.isfinite(flowed_a) and not self.kernel.blind()
        self.passed += abs(flowed_a) * dt_s / 3600 / self.type.capacity_ah if witnessed else 0.0
        if cells_v is not None:
            self.kernel.hear_cells(cells_v)
        if looked and math.isfinite(bms_soc):
            self._compare(bms_soc)
        return looked

    def _compare(self, bms_soc: float) -> None:
        now = self.estimate()
        apart = abs(bms_soc - now.soc) > DISAGREES_SDS * math.hypot(now.sd, BMS_SD)
        if not apart or self.passed < WITNESS_CHARGE:
            self.against_s = 0.0
        elif now.reason in SURE and not self.kernel.blind():  # else it adds nothing, and takes nothing back
            self.against_s += self.type.trust.window_s

    @property
    def bms_cannot_be_right(self) -> bool:
        """The BMS's charge has been three standard deviations off for a minute, and not by rest alone."""
        return self.against_s >= DISAGREES_S

    def estimate(self) -> Estimate:
        """As it is now."""
        soc, p05, p50, p95, _, capacity, low, high, bias, bias_sd, reason = self.kernel.estimate()
        return Estimate(soc, p05, p50, p95, capacity, low, high, bias, bias_sd, Grounds(reason))

    def chance(self, soc: float) -> float:
        """Probability that the charge is at least the promised one."""
        return self.kernel.chance(soc)

    def least(self, confidence: float) -> float:
        """The charge that the pack holds with this probability (0..1), to 0.0003."""
        low, high = 0.0, 1.05
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if self.kernel.chance(middle) >= confidence else (low, middle)
        return low

    def arrival(self) -> tuple[float, float, float]:
        """Charge when it was docked, with what is known now: (soc, p05, p95)."""
        soc, low, _, high = self.kernel.arrival()
        return soc, low, high

    def health(self) -> tuple[float, float, float]:
        """Capacity over the nominal one: (soh, p05, p95)."""
        now, nominal = self.estimate(), self.type.nominal_ah
        return now.capacity_ah / nominal, now.capacity_p05_ah / nominal, now.capacity_p95_ah / nominal

    def energy_kwh(self, power_w: float) -> tuple[float, float]:
        """What a steady discharge at this power gives to the first empty cell: (expected, 5 % quantile)."""
        per_cell_w = power_w / self.type.cells_in_series
        rate = per_cell_w / 3.2 / self.type.capacity_ah
        expected, least = self.kernel.energy(max(rate, 0.0))
        return expected * self.type.cells_in_series / 1e3, least * self.type.cells_in_series / 1e3

    def power(self, horizons_s: Sequence[float] = HORIZONS_S) -> list[Power]:
        """Limits of power at the weakest cell, within the type's limits of current and voltage.

        horizons_s: rising; what a longer one allows, every shorter one has to allow as well."""
        lim = self.type.limits
        discharge_c, charge_c = (
            beyond(lim.at_c, table, min(max(self.temperature_c, lim.at_c[0]), lim.at_c[-1]))
            for table in (lim.discharge_c, lim.charge_c)
        )
        within = (lim.cell_low_v, lim.cell_high_v, max(discharge_c, 1e-6), max(charge_c, 1e-6))
        rates = self.kernel.power(within, horizons_s)
        volts = self.type.cells_in_series * self.type.capacity_ah
        out_w = accumulate((-out * out_v * volts for out, out_v, _, _ in rates), min)
        into_w = accumulate((into * into_v * volts for _, _, into, into_v in rates), min)
        return [Power(s, out, into) for s, out, into in zip(horizons_s, out_w, into_w, strict=True)]

    def record(self, serial: str) -> Record:
        """What to keep when the pack leaves."""
        healths, (bias, scale, level) = self.kernel.keep()
        return Record(serial, self.type.name, tuple(healths), bias, scale, level, self.visits + 1)
