"""A truck that nothing holds: it rolls down the slight slope of the lane, along y, until brake or clamps catch it."""

from __future__ import annotations

DRIFT_MM_S = 40.0
"""How fast it gets by default; forward is -y, towards the cab."""
ACCELERATION_MM_S2 = 100.0
"""1.6 % of slope against 0.6 % of rolling resistance."""
HOLD_MM_S2 = 1500.0
"""A brake or clamp that catches it."""
CREEP_MM_S = 1.0
"""Slower than this counts as standing."""


class Rolling:
    """Along the lane. moved_mm: since it was parked; drift_mm_s: where it rolls to, with its sign.

    despite_clamps: the clamps have let go of the wheels, whatever their switches say.
    """

    def __init__(self) -> None:
        self.moved_mm = 0.0
        self.speed_mm_s = 0.0
        self.drift_mm_s = DRIFT_MM_S
        self.despite_clamps = False

    @property
    def standing(self) -> bool:
        """Whether it stands, as far as the lane's sensors can tell."""
        return abs(self.speed_mm_s) < CREEP_MM_S

    def advance(self, dt_s: float, braked: bool, clamped: bool) -> None:
        """Let plant time pass; exact for any dt_s, so that a tick's length changes nothing."""
        held = braked or (clamped and not self.despite_clamps)
        goal = 0.0 if held else self.drift_mm_s
        if self.speed_mm_s == goal:
            self.moved_mm += goal * dt_s
            return
        rate = HOLD_MM_S2 if held else ACCELERATION_MM_S2
        ramp_s = min(dt_s, abs(goal - self.speed_mm_s) / rate)
        change = rate * ramp_s if goal > self.speed_mm_s else -rate * ramp_s
        self.moved_mm += (self.speed_mm_s + change / 2) * ramp_s + goal * (dt_s - ramp_s)
        self.speed_mm_s = goal if ramp_s < dt_s else self.speed_mm_s + change
