"""What a Modbus client counts and times."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple


class RoundTrip(NamedTuple):
    """Round-trip times of the last answered requests."""

    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(slots=True)
class ModbusStats:
    """Counters since start, and a ring of the last round trips."""

    requests: int = 0
    timeouts: int = 0
    refused: int = 0
    garbage: int = 0
    link_losses: int = 0
    connections: int = 0
    round_trips_s: deque[float] = field(default_factory=lambda: deque(maxlen=2048))

    @property
    def errors(self) -> int:
        """Requests that did not end with a good answer, and frames that made no sense."""
        return self.timeouts + self.refused + self.garbage + self.link_losses

    def round_trip(self) -> RoundTrip | None:
        """Percentiles over the ring; None before the first answer."""
        ring = sorted(self.round_trips_s)
        if not ring:
            return None
        return RoundTrip(ring[len(ring) // 2] * 1e3, ring[len(ring) * 99 // 100] * 1e3, ring[-1] * 1e3)
