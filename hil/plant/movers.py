"""Things that move between positions: axes with trapezoid speed, and actuators with two end switches."""

from __future__ import annotations

import math
from typing import Protocol

ARRIVED = 1e-6
Pushes = tuple[tuple[float, float], ...]
"""(seconds, acceleration in mm/s2), in order."""


class Mover(Protocol):
    """Something a stage of a motion drives to a target."""

    def drive(self, target: float, dt_s: float) -> float | None:
        """Move for up to dt_s. The seconds left over once there, None while still under way."""

    def brake(self, dt_s: float, hard: bool) -> None:
        """Come to rest where it is."""


class Axis:
    """A driven axis. Position in mm, speed in mm/s with its sign, acceleration in mm/s2.

    pushes: (seconds, acceleration) of what the last `drive` or `brake` did, for what hangs from the axis.
    """

    HARD = 3.0  # an emergency stop brakes so many times harder
    __slots__ = ("_acceleration", "_top", "position_mm", "pushes", "speed_mm_s")

    def __init__(self, position_mm: float, top_speed_mm_s: float, acceleration_mm_s2: float) -> None:
        self.position_mm = position_mm
        self.speed_mm_s = 0.0
        self.pushes: Pushes = ()
        self._top, self._acceleration = top_speed_mm_s, acceleration_mm_s2

    @property
    def still(self) -> bool:
        """Whether the axis stands."""
        return self.speed_mm_s == 0.0

    def drive(self, target: float, dt_s: float) -> float | None:
        """The trapezoid from the present speed, exact for any dt_s, so that a tick's length changes no arrival."""
        way = math.copysign(1.0, target - self.position_mm)
        distance, speed = abs(target - self.position_mm), self.speed_mm_s * way
        if distance < ARRIVED and abs(speed) < ARRIVED:
            self.position_mm, self.speed_mm_s, self.pushes = target, 0.0, ()
            return dt_s
        if speed < 0 or speed**2 / (2 * self._acceleration) > distance * 1.001 + 0.01:
            self.brake(dt_s, hard=False)
            return None
        phases_s = _phases_s(distance, speed, self._top, self._acceleration)
        self.pushes = _pushes(phases_s, way * self._acceleration, dt_s)
        left_s = dt_s - (phases_s[0] + phases_s[1] + phases_s[2])
        if left_s >= 0:
            self.position_mm, self.speed_mm_s = target, 0.0
            return left_s
        gone, now = _trapezoid(distance, speed, self._acceleration, phases_s, dt_s)
        self.position_mm, self.speed_mm_s = self.position_mm + way * gone, way * now
        return None

    def brake(self, dt_s: float, hard: bool) -> None:
        """Ramp down; `hard` as for an emergency stop."""
        rate = self._acceleration * (self.HARD if hard else 1.0)
        ramp_s = min(dt_s, abs(self.speed_mm_s) / rate)
        way = math.copysign(1.0, self.speed_mm_s)
        self.position_mm += self.speed_mm_s * ramp_s - way * rate * ramp_s**2 / 2
        self.speed_mm_s -= way * rate * ramp_s
        self.pushes = ((ramp_s, -way * rate),) if ramp_s > 0 else ()
        if abs(self.speed_mm_s) < ARRIVED:
            self.speed_mm_s = 0.0

    def drop_dead(self) -> None:
        """Power is gone: the brakes fall in."""
        self.speed_mm_s = 0.0


def _phases_s(distance: float, speed: float, top: float, rate: float) -> tuple[float, float, float]:
    """Seconds of speeding up, of steady speed and of slowing down of the quickest way to rest at `distance`."""
    peak = max(min(top, math.sqrt(rate * distance + speed**2 / 2)), speed)
    up_s, down_s = (peak - speed) / rate, peak / rate
    flat = distance - (speed + peak) / 2 * up_s - peak / 2 * down_s
    return up_s, max(0.0, flat) / peak, down_s


def _trapezoid(
    distance: float, speed: float, rate: float, phases_s: tuple[float, float, float], dt_s: float
) -> tuple[float, float]:
    """Distance gone and speed after dt_s, which ends before the last phase does."""
    up_s, flat_s, down_s = phases_s
    if dt_s < up_s:
        return speed * dt_s + rate * dt_s**2 / 2, speed + rate * dt_s
    if dt_s < up_s + flat_s:
        peak = rate * down_s
        return (speed + peak) / 2 * up_s + peak * (dt_s - up_s), peak
    rest_s = up_s + flat_s + down_s - dt_s
    return distance - rate * rest_s**2 / 2, rate * rest_s


def _pushes(phases_s: tuple[float, float, float], rate: float, dt_s: float) -> Pushes:
    """The accelerations within dt_s, in order."""
    if dt_s <= phases_s[0]:
        return ((dt_s, rate),)
    pushes, left_s = [], dt_s
    for phase_s, acceleration in zip(phases_s, (rate, 0.0, -rate), strict=True):
        push_s = min(phase_s, left_s)
        if push_s > 0:
            pushes.append((push_s, acceleration))
            left_s -= push_s
    return tuple(pushes)


class Actuator:
    """Something with two ends: 0.0 and 1.0 are where its switches are; between them neither is made."""

    def __init__(self, position: float, stroke_s: float) -> None:
        self.position = position
        self.jammed = False
        self._stroke_s = stroke_s

    @property
    def made(self) -> bool:
        """Whether the switch at 1.0 is made (locked, mated, closed)."""
        return self.position >= 1.0

    @property
    def open(self) -> bool:
        """Whether the switch at 0.0 is made."""
        return self.position <= 0.0

    def drive(self, target: float, dt_s: float) -> float | None:
        """Move; a jammed one stays in mid-stroke for ever."""
        needed_s = abs(target - self.position) * self._stroke_s
        if self.jammed and needed_s > 0:
            self.position = min(max(self.position, 0.3), 0.7)
            return None
        if needed_s <= dt_s:
            self.position = target
            return dt_s - needed_s
        self.position += math.copysign(dt_s / self._stroke_s, target - self.position)
        return None

    def brake(self, dt_s: float, hard: bool) -> None:
        """Stops where it is, at once."""
