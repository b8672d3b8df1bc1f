"""A damped second-order system, solved exactly for a constant input: what swings and what rings in the plant."""

from __future__ import annotations

import math
from functools import lru_cache

AT_REST = 0.01


class Oscillator:
    """x'' + 2 d w x' + w**2 (x - rest) = 0 with x in any unit. `advance` is exact for any length of time."""

    def __init__(self, hertz: float, damping: float) -> None:
        """hertz: undamped frequency; damping: share of critical damping, above 0 and below 1."""
        self.x = 0.0
        self.speed = 0.0
        self._w, self._damping = 2 * math.pi * hertz, damping

    @property
    def decay_per_s(self) -> float:
        """How fast the envelope of a free swing goes down: exp(-decay_per_s * t)."""
        return self._damping * self._w

    @property
    def stiffness(self) -> float:
        """w**2: an acceleration a of what the thing hangs from has its rest at -a / stiffness."""
        return self._w**2

    def envelope(self, rest: float = 0.0) -> float:
        """The largest deflection from rest that a free swing from here on could have."""
        u = self.x - rest
        damped = self._w * math.sqrt(1.0 - self._damping**2)
        return math.hypot(u, (self.speed + self.decay_per_s * u) / damped)

    def advance(self, dt_s: float, rest: float) -> None:
        """Let time pass with the input held."""
        u, v = self.x - rest, self.speed
        if abs(u) < AT_REST and abs(v) < AT_REST:
            self.x, self.speed = rest, 0.0
            return
        uu, uv, vu, vv = _turn(self._w, self._damping, dt_s)
        self.x, self.speed = rest + uu * u + uv * v, vu * u + vv * v


@lru_cache(maxsize=256)
def _turn(w: float, damping: float, dt_s: float) -> tuple[float, float, float, float]:
    """The transition matrix of (x - rest, x') over dt_s."""
    decay, damped = damping * w, w * math.sqrt(1.0 - damping**2)
    envelope = math.exp(-decay * dt_s)
    c, s = envelope * math.cos(damped * dt_s), envelope * math.sin(damped * dt_s) / damped
    return c + decay * s, s, -(w**2) * s, c - decay * s
