"""The load cell in the hoist: rings with the ropes, drifts, hisses, and shows whole steps."""

from __future__ import annotations

import random

from hil.plant.oscillator import Oscillator

RING_HZ = 2.5
RING_DAMPING = 0.35
"""Rope and cell: settled to 2 % in 0.7 s."""
NOISE_KG = 2.0
STEP_KG = 2.0
ZERO_KG = 4.0
"""The zero point of a healthy cell is off by no more."""


class LoadCell:
    """`advance` with what pulls; `read` is what the terminal shows."""

    def __init__(self, rng: random.Random) -> None:
        self._ring = Oscillator(RING_HZ, RING_DAMPING)
        self._rng = rng
        self._zero_kg = rng.uniform(-ZERO_KG, ZERO_KG)

    @property
    def force_kg(self) -> float:
        """What the cell feels."""
        return self._ring.x

    def advance(self, dt_s: float, pull_kg: float) -> None:
        """Let time pass under this pull."""
        self._ring.advance(dt_s, pull_kg)

    def read_kg(self) -> float:
        """One reading, 0 or more: the terminal suppresses what is below zero."""
        shown = self._ring.x + self._zero_kg + self._rng.gauss(0.0, NOISE_KG)
        return max(0.0, round(shown / STEP_KG) * STEP_KG)
