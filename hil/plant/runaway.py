"""Thermal runaway of one cell: short, self-heating, venting, alarm, fire; 10 Hz of plant time.

The self-heating is one Arrhenius reaction of the size that accelerating-rate calorimetry of large LFP cells shows:
0.02 K/min at about 100 degC, over 1 K/s at about 200 degC, a peak of 400 to 500 degC. The alarm may come up to 300 s
after the cell has run away (GB 38031-2025, 5.2.7).
"""

from __future__ import annotations

import math
import random
from enum import IntEnum

STEP_S = 0.1
ALARM_LIMIT_S = 300.0
SHORT_W = 3000.0
FIRE_S = 600.0

_CELL_J_K = 5800.0
_PACK_W_K = 3.0  # from the cell to the rest of the pack
_ACTIVATION_K = 14433.0  # 120 kJ/mol over the gas constant
_RATE_100C_K_S = 3.3e-4
_REACTION_K = 280.0  # the cell gets so much hotter from its reaction alone
_SHORT_GONE_C = 200.0  # the short has burnt itself away
_MELTING_C = 130.0  # the separator: the voltage goes
_RUN_AWAY_K_S = 1.0
_VENT_C = 165.0
_PROBE_S = 20.0
_FIRE_W = 60000.0
_BMS_ENDURES_C = 250.0


class Phase(IntEnum):
    """How far it is."""

    HEATING = 0
    VENTING = 1  # gas and smoke
    RUN_AWAY = 2
    BURNING = 3


class Runaway:
    """One cell of a pack. The owner adds `heat_j` (taken by `take_heat_j`) to the pack.

    cell_c:  the cell's temperature.       probe_c: what the nearest probe of the BMS has come to.
    sound:   1 a sound cell's voltage .. 0 none.
    """

    def __init__(
        self,
        rng: random.Random,
        body_c: float,
        *,
        short_w: float = SHORT_W,
        alarm_s: float | None = None,
        fire_s: float = FIRE_S,
    ) -> None:
        """short_w: heat of the inner short. alarm_s: from running away to the BMS's alarm, 0..300 (None: drawn).
        fire_s: from running away to fire. Raises ValueError out of these ranges."""
        drawn_s = rng.uniform(30.0, ALARM_LIMIT_S)
        self._alarm_s = drawn_s if alarm_s is None else alarm_s
        if not 0 <= self._alarm_s <= ALARM_LIMIT_S or short_w <= 0 or fire_s < 0:
            raise ValueError(f"alarm_s 0..{ALARM_LIMIT_S:g} (GB 38031-2025), short_w above 0, fire_s 0 or more")
        self.phase = Phase.HEATING
        self.cell_c = self.probe_c = body_c
        self.sound = 1.0
        self._smoke_s = rng.uniform(10.0, 40.0)
        self._sees = rng.uniform(0.3, 0.7)  # the probe sits beside the cell, not in it
        self._short_w, self._fire_s = short_w, fire_s
        self._reacted, self._since_s, self._vented_s, self._left_s, self._heat_j = 0.0, 0.0, 0.0, 0.0, 0.0

    @property
    def smoking(self) -> bool:
        """Whether gas and smoke come out."""
        return self.phase >= Phase.VENTING

    @property
    def detectable(self) -> bool:
        """Whether the smoke has reached a detector over the pack."""
        return self._vented_s >= self._smoke_s

    @property
    def burning(self) -> bool:
        """Whether the pack is on fire."""
        return self.phase is Phase.BURNING

    @property
    def alarmed(self) -> bool:
        """Whether the BMS has seen the thermal event by now."""
        return self.phase >= Phase.RUN_AWAY and self._since_s >= self._alarm_s

    def advance(self, dt_s: float, body_c: float) -> None:
        """Let plant time pass, in whole steps; what is left over waits for the next call."""
        self._left_s += dt_s
        while self._left_s >= STEP_S - 1e-9:
            self._left_s -= STEP_S
            self._step(body_c)

    def take_heat_j(self) -> float:
        """What has gone into the rest of the pack since the last call."""
        heat_j, self._heat_j = self._heat_j, 0.0
        return heat_j

    def bms_endures(self, body_c: float) -> bool:
        """Whether the pack's electronics still live."""
        return not self.burning and body_c < _BMS_ENDURES_C

    def _step(self, body_c: float) -> None:
        arrhenius = math.exp(_ACTIVATION_K * (1 / 373.15 - 1 / (self.cell_c + 273.15)))
        self_k_s = min(_RATE_100C_K_S * arrhenius * (1.0 - self._reacted), 40.0)
        self._reacted = min(1.0, self._reacted + self_k_s * STEP_S / _REACTION_K)
        short_k_s = self._short_w / _CELL_J_K if self.cell_c < _SHORT_GONE_C and self._reacted < 0.5 else 0.0
        lost_w = (self.cell_c - body_c) * _PACK_W_K
        self.cell_c += (self_k_s + short_k_s - lost_w / _CELL_J_K) * STEP_S
        self._heat_j += lost_w * STEP_S + (_FIRE_W * STEP_S if self.burning else 0.0)
        seen_c = body_c + self._sees * (self.cell_c - body_c)
        self.probe_c += (seen_c - self.probe_c) * STEP_S / _PROBE_S
        if self.cell_c > _MELTING_C:
            self.sound *= 1.0 - min(1.0, math.exp((self.cell_c - 200.0) / 15.0) * STEP_S)
        self._age(self_k_s)

    def _age(self, self_k_s: float) -> None:
        if self.phase is Phase.HEATING and self.cell_c >= _VENT_C:
            self.phase = Phase.VENTING
        if self.phase >= Phase.VENTING:
            self._vented_s += STEP_S
        if self.phase is Phase.VENTING and self_k_s >= _RUN_AWAY_K_S:
            self.phase = Phase.RUN_AWAY
        if self.phase >= Phase.RUN_AWAY:
            self._since_s += STEP_S
            if self._since_s >= self._fire_s:
                self.phase = Phase.BURNING
