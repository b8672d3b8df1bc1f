"""What was drawn at the connection point, at every step of the plant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

NEAR: Final = 0.9


@dataclass(frozen=True, slots=True)
class Instant:
    """One instant. by_w: what each bay's charger drew; the rest are the other loads. set_points: in words."""

    at_s: float
    grid_w: float
    auxiliary_w: float
    by_w: dict[int, float]


@dataclass(slots=True)
class Peak:
    """limit_w: the true one. worst: the greatest of all. over: how often it was more; near_s: how long over NEAR."""

    limit_w: float
    worst: Instant = field(default_factory=lambda: Instant(0.0, 0.0, 0.0, {}))
    over_steps: int = 0
    over_s: float = 0.0
    near_s: float = 0.0
    steps: int = 0

    def see(self, at_s: float, grid_w: float, auxiliary_w: float, by_w: dict[int, float], dt_s: float) -> None:
        """One step of the plant."""
        self.steps += 1
        if grid_w > NEAR * self.limit_w:
            self.near_s += dt_s
        if grid_w > self.limit_w:
            self.over_steps += 1
            self.over_s += dt_s
        if grid_w > self.worst.grid_w:
            self.worst = Instant(at_s, grid_w, auxiliary_w, dict(by_w))
