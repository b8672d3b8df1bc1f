"""What a station draws beside its chargers: light and controls, cooling, and a robot whose power jumps about."""

from __future__ import annotations

import random
from typing import Final

BASE_W: Final = 8_000.0
COMPRESSOR_W: Final = 12_000.0
ROBOT_W: Final = (1_000.0, 26_000.0)
MOST_W: Final = BASE_W + COMPRESSOR_W + ROBOT_W[1]
RISE_W: Final = COMPRESSOR_W + ROBOT_W[1]
"""The most that is switched on at once."""


class Loads:
    """`draw` once a cycle; all that is random comes from the seed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"{seed} loads")
        self._compressor_w = self._robot_w = 0.0
        self._compressor_until_s = self._robot_until_s = 0.0

    @property
    def next_s(self) -> float:
        """When something is switched while the robot rests."""
        return self._compressor_until_s

    def draw(self, now_s: float, *, robot_moves: bool) -> float:
        """Power of all of them now, in W."""
        rng = self._rng
        if now_s >= self._compressor_until_s:
            self._compressor_w = COMPRESSOR_W - self._compressor_w
            self._compressor_until_s = now_s + rng.uniform(60.0, 600.0)
        if not robot_moves:
            self._robot_w = self._robot_until_s = 0.0
        elif now_s >= self._robot_until_s:
            self._robot_w = rng.choice((ROBOT_W[0], ROBOT_W[1], rng.uniform(*ROBOT_W)))
            self._robot_until_s = now_s + rng.uniform(0.5, 4.0)
        return BASE_W + self._compressor_w + self._robot_w
