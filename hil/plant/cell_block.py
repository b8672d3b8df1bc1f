"""The cells of one pack as a whole: charge, voltage, temperature."""

from __future__ import annotations

import math

from hil.plant import cells
from hil.plant.runaway import Runaway

_HEAT_CAPACITY_J_K = 1.1e6
_COOLING_S = 7200.0
_SAME_K = 0.05
_HIGHEST_V = max(cells.SPREAD_V)
_WARMEST_K = max(cells.PROFILE_K)


class CellBlock:
    """Rested voltage on two branches, ohmic drop, lag of the particles' surface, one temperature; a cell may run away.

    soc_pct, soh_pct:         charge of what the pack holds at its present health; may be set from outside.
    temperature_c, ambient_c: of the cells, and of the air around.
    current_a:                > 0 charges.
    lag:                      of the cells' particles, and the branch of their voltage.
    pace:                     seconds of the cells for one of the plant's: below 1 where a plant is made faster and they
                              are not.
    runaway:                  None, or the cell that runs away.
    """

    def __init__(self, soc_pct: float, soh_pct: float, temperature_c: float, ambient_c: float) -> None:
        self.soc_pct, self.soh_pct = soc_pct, soh_pct
        self.temperature_c, self.ambient_c = temperature_c, ambient_c
        self.current_a = 0.0
        self.runaway: Runaway | None = None
        self.lag, self.pace = cells.Lag(), 1.0
        self._still = (math.nan, 0.0, 0.0, 0.0, 0.0)
        self._ocv = (soc_pct, cells.ocv_v(soc_pct))
        self._terms = cells.terms(temperature_c)

    @property
    def capacity_ah(self) -> float:
        """What the pack holds at its present health."""
        return cells.CAPACITY_AH * self.soh_pct / 100.0

    @property
    def ocv_v(self) -> float:
        """Rested voltage of one sound cell, from the LFP curve."""
        if self._ocv[0] != self.soc_pct:
            self._ocv = (self.soc_pct, cells.ocv_v(self.soc_pct))
        return self._ocv[1]

    @property
    def _still_v(self) -> float:
        """Of one sound cell as it would be this instant without current."""
        now = (self.soc_pct / 100.0, self.lag.lag, self.lag.branch, self.temperature_c)
        if self._still[:4] != now:
            self._still = (*now, cells.cell_v(*now))
        return self._still[4]

    @property
    def voltage_v(self) -> float:
        """Terminal voltage inside the contactors."""
        lost_v = 0.0 if self.runaway is None else (1.0 - self.runaway.sound) * self.ocv_v
        drop_v = self.current_a * self.resistance_ohm if self.current_a != 0.0 else 0.0
        return self._still_v * cells.CELLS + drop_v - lost_v

    @property
    def source_v(self) -> float:
        """Terminal voltage as it would be this instant without current."""
        return self.voltage_v - self.current_a * self.resistance_ohm

    @property
    def resistance_ohm(self) -> float:
        """By which a change of current changes the terminal voltage at once."""
        return cells.resistance_ohm(self._here, self.current_a)

    @property
    def _here(self) -> cells.Terms:
        if abs(self._terms.temperature_c - self.temperature_c) > _SAME_K:
            self._terms = cells.terms(self.temperature_c)
        return self._terms

    def warm(self, heat_j: float) -> None:
        """Heat from outside gets into the cells."""
        self.temperature_c += heat_j / _HEAT_CAPACITY_J_K

    def cell_voltages_v(self) -> tuple[float, ...]:
        """All cells; they differ by a few fixed millivolts each, and the last one is the one that runs away."""
        mean_v = self._mean_cell_v
        sound = [mean_v + v for v in cells.SPREAD_V]
        if self.runaway is not None:
            sound[-1] *= self.runaway.sound
        return tuple(sound)

    @property
    def cell_voltage_max_v(self) -> float:
        """The highest cell."""
        return self._mean_cell_v + _HIGHEST_V

    @property
    def _mean_cell_v(self) -> float:
        lost_v = 0.0 if self.runaway is None else (1.0 - self.runaway.sound) * self.ocv_v
        return (self.voltage_v + lost_v) / cells.CELLS

    def temperatures_c(self) -> tuple[float, ...]:
        """All probes; the middle of the pack is the warmest, and the last one is next to the cell that runs away."""
        body = [self.temperature_c + k for k in cells.PROFILE_K]
        if self.runaway is not None:
            body[-1] = max(body[-1], self.runaway.probe_c)
        return tuple(body)

    @property
    def temperature_max_c(self) -> float:
        """The hottest probe."""
        body_c = self.temperature_c + _WARMEST_K
        return body_c if self.runaway is None else max(body_c, self.runaway.probe_c)

    def age(self, dt_s: float) -> None:
        """Let plant time pass under the present current."""
        dt_s *= self.pace
        if self.current_a != 0.0 or self.lag.lag != 0.0:
            self._work(dt_s)
        self.temperature_c += (self.ambient_c - self.temperature_c) * -math.expm1(-dt_s / _COOLING_S)
        if self.runaway is not None:
            self.runaway.advance(dt_s, self.temperature_c)
            self.temperature_c += self.runaway.take_heat_j() / _HEAT_CAPACITY_J_K

    def _work(self, dt_s: float) -> None:
        """What the current does: heat, charge, lag of the particles' surface and branch of the voltage."""
        heat_w = self.current_a**2 * self.resistance_ohm
        heat_w += self.current_a * (self._still_v - self.ocv_v) * cells.CELLS
        self.temperature_c += max(heat_w, 0.0) * dt_s / _HEAT_CAPACITY_J_K
        charged = self.current_a * dt_s / 3600.0 / self.capacity_ah
        self.soc_pct = min(max(self.soc_pct + 100.0 * charged, 0.0), 100.0)
        self.lag.flow(self.current_a, self._here, dt_s)
