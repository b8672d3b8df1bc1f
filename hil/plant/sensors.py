"""Switches and measuring sensors between plant and PLC: delay, bounce, noise, whole steps; worn ones as told."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from drivers.reading import Signal

FILTER_S: Final = (0.012, 0.035)
"""A healthy switch is behind by its own time in this range: contact bounce, and the input module's filter over it."""
FORGOTTEN_S: Final = 0.1
"""Whoever looks after a longer time finds switches that have settled long ago."""

GAUGES: Final = {
    "x_mm": (0.0, 0.1),
    "y_mm": (0.0, 0.1),
    "z_mm": (0.0, 0.1),
    "load_kg": (0.0, 1.0),
    "truck_x_error_mm": (0.3, 1.0),
    "truck_y_error_mm": (0.3, 1.0),
    "truck_angle_deg": (0.01, 0.01),
}
"""Name: noise (standard deviation) and step of a healthy sensor. Encoders have no noise, the load cell has its own."""
DRIVE_BUS_S: Final = 0.008
"""Positions and speeds come from the drives so late."""


@dataclass(slots=True)
class Wear:
    """What is wrong with one sensor.

    delay_s, chatter_s:    of a switch: so much later after each edge, and showing this or that meanwhile.
    noise, offset, frozen: of a gauge: standard deviation on top of its own, in its unit; what it is off; whether it
                           shows the same for ever.
    """

    delay_s: float = 0.0
    chatter_s: float = 0.0
    noise: float = 0.0
    offset: float = 0.0
    frozen: bool = False


class Gauges:
    """The measuring sensors."""

    def __init__(self, rng: random.Random, worn: dict[str, Wear]) -> None:
        self._rng, self._worn = rng, worn
        self._frozen: dict[str, float] = {}

    def show(self, name: str, value: float) -> float:
        """One reading of a true value."""
        noise, step = GAUGES[name]
        wear = self._worn.get(name)
        if wear is not None:
            if wear.frozen:
                return self._frozen.setdefault(name, value)
            noise, value = noise + wear.noise, value + wear.offset
            self._frozen.pop(name, None)
        if noise:
            value += self._rng.gauss(0.0, noise)
        return round(value / step) * step


class Switches:
    """Switches of one place. `shown` follows the truth, each by its own delay; a shorter pulse is filtered out."""

    __slots__ = ("_delays_s", "_due_s", "_edge_s", "_names", "_rng", "_worn", "key", "shown", "truth")

    def __init__(
        self, names: tuple[str, ...], truth: tuple[bool, ...], rng: random.Random, worn: dict[str, Wear]
    ) -> None:
        self.shown: tuple[Signal, ...] = tuple(_SIGNALS[t] for t in truth)
        self.key: object = None  # what the owner has made `truth` from last
        self._names, self.truth, self._rng, self._worn = names, truth, rng, worn
        self._delays_s = tuple(rng.uniform(*FILTER_S) for _ in names)
        self._due_s: dict[int, float] = {}
        self._edge_s: dict[int, float] = {}

    @property
    def settling(self) -> bool:
        """Whether one of them is behind."""
        return bool(self._due_s)

    def follow(self, truth: tuple[bool, ...], now_s: float, forgotten: bool) -> None:
        """The truth as it is now."""
        for i, (before, after) in enumerate(zip(self.truth, truth, strict=True)):
            if before is not after:
                wear = self._worn.get(self._names[i])
                self._edge_s[i] = now_s
                late_s = self._delays_s[i] + (max(wear.delay_s, wear.chatter_s) if wear is not None else 0.0)
                self._due_s[i] = now_s if forgotten and wear is None else now_s + late_s
        self.truth = truth

    def settle(self, now_s: float) -> None:
        """Let those that are due show the truth; a worn one chatters until then."""
        shown = list(self.shown)
        for i, due_s in list(self._due_s.items()):
            wear = self._worn.get(self._names[i])
            if now_s >= due_s:
                shown[i] = _SIGNALS[self.truth[i]]
                del self._due_s[i]
            elif wear is not None and now_s - self._edge_s[i] < wear.chatter_s:
                shown[i] = _SIGNALS[self._rng.random() < 0.5]
        self.shown = tuple(shown)


_SIGNALS: Final = (Signal.FALSE, Signal.TRUE)
