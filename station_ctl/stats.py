"""Distributions of durations in bounded memory, as exact as their step."""

from __future__ import annotations

from dataclasses import dataclass, field

STEP_MS = 0.05
STEPS = 4000  # up to 200 ms; above, the last step and the exact maximum


@dataclass(slots=True)
class Distribution:
    """Counts durations in steps of 0.05 ms."""

    counts: list[int] = field(default_factory=lambda: [0] * STEPS)
    total: int = 0
    max_ms: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration; negative ones count as 0."""
        ms = max(seconds * 1000, 0.0)
        self.counts[min(int(ms / STEP_MS), STEPS - 1)] += 1
        self.total += 1
        self.max_ms = max(self.max_ms, ms)

    def quantile_ms(self, share: float) -> float:
        """The duration that `share` (0..1) of all do not exceed, to one step; 0.0 if none was counted."""
        wanted, seen = share * self.total, 0
        for index, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return min((index + 1) * STEP_MS, self.max_ms)
        return self.max_ms
