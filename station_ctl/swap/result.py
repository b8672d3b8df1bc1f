"""What one step of the swap logic came to."""

from __future__ import annotations

from dataclasses import dataclass

from station_ctl.model.motion import Order
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap


@dataclass(frozen=True, slots=True)
class Result:
    """What one step came to. `finished`: the swap whose record is complete now."""

    state: StationState
    order: Order | None = None
    finished: Swap | None = None
