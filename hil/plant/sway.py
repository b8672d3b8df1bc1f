"""The sway of what hangs from the hoist: a damped pendulum in x and y, excited by the travel's acceleration."""

from __future__ import annotations

import math

from hil.plant.movers import Axis
from hil.plant.oscillator import Oscillator

PERIOD_S = 2.0
"""The ropes are reeved in V: the period hardly depends on height. The travel ramps to full speed last as long, which
leaves the least sway; a short way, a stop in between and a hard stop leave more."""
DAMPING = 0.08
CALM_LOADED_MM = 15.0
"""The funnels of a place catch a pack that swings by so much."""
CALM_EMPTY_MM = 40.0
GRAVITY_MM_S2 = 9810.0


class Sway:
    """Deflection of the gripper from under its axes; as a Mover it arrives once the swing is down to target mm."""

    def __init__(self) -> None:
        self._x, self._y = Oscillator(1 / PERIOD_S, DAMPING), Oscillator(1 / PERIOD_S, DAMPING)
        self._resting = True

    @property
    def amplitude_mm(self) -> float:
        """How far it will swing at most from here on, while the axes stand."""
        return 0.0 if self._resting else math.hypot(self._x.envelope(), self._y.envelope())

    @property
    def load_share(self) -> float:
        """Share by which the pull on the ropes differs from the weight: less in deflection, more in passing."""
        if self._resting:
            return 0.0
        x, y = self._x, self._y
        length_mm = GRAVITY_MM_S2 / x.stiffness
        passing = (x.speed**2 + y.speed**2) / (GRAVITY_MM_S2 * length_mm)
        return passing - (x.x**2 + y.x**2) / (2 * length_mm**2)

    def drive(self, target: float, dt_s: float) -> float | None:
        """Wait for calm; exact for any dt_s. `follow` is what lets the time pass."""
        amplitude_mm = self.amplitude_mm
        wait_s = math.log(amplitude_mm / target) / self._x.decay_per_s if amplitude_mm > target else 0.0
        return None if wait_s > dt_s else dt_s - wait_s

    def brake(self, dt_s: float, hard: bool) -> None:
        """Nothing brakes a pendulum."""

    def follow(self, x: Axis, y: Axis, dt_s: float) -> None:
        """Let dt_s pass in which the axes did what their `pushes` say."""
        if self._resting and not x.pushes and not y.pushes:
            return
        for pendulum, axis in ((self._x, x), (self._y, y)):
            spent_s = 0.0
            for push_s, acceleration_mm_s2 in axis.pushes:
                pendulum.advance(push_s, -acceleration_mm_s2 / pendulum.stiffness)
                spent_s += push_s
            if spent_s < dt_s - 1e-12:
                pendulum.advance(dt_s - spent_s, 0.0)
            axis.pushes = ()
        self._resting = self._x.x == self._x.speed == self._y.x == self._y.speed == 0.0

    def jolt(self, x_mm_s: float, y_mm_s: float) -> None:
        """The axes stop dead from these speeds; what hangs there goes on."""
        self._x.speed += x_mm_s
        self._y.speed += y_mm_s
        self._resting = self._resting and x_mm_s == y_mm_s == 0.0
