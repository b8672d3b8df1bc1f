"""A charge plan as a value: so much power a bay over time. `charging.plan` reads and checks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChargePlan:
    """What each bay may draw from the grid, in slots of equal length.

    id: who made it may name it. start_s: event-loop time at which the first slot begins. slot_s: length of a slot.
    power_w: by bay, a number a slot. Bays that are not named, and all of them before the first and after the last slot,
    follow the default.
    """

    id: str
    start_s: float
    slot_s: float
    power_w: Mapping[int, tuple[float, ...]]

    def at(self, number: int, now_s: float) -> float | None:
        """Power of bay `number` in W at the grid now; None where the plan says nothing."""
        slots, index = self.power_w.get(number, ()), int((now_s - self.start_s) // self.slot_s)
        return slots[index] if 0 <= index < len(slots) else None
