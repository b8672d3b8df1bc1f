"""What one step of the swap logic came to."""

from __future__ import annotations

from dataclasses import dataclass

from station_ctl.model import Order, StationState, Swap


@dataclass(frozen=True, slots=True)
class Result:
    """What one step came to. `finished`: the swap whose record is complete now."""

    state: StationState
    order: Order | None = None
    finished: Swap | None = None
