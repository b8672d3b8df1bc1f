"""What chargers and meters show, as plain numbers: fresh or not at all, and what it means at the grid."""

from __future__ import annotations

import math

from drivers.charger_status import ChargerState, ChargerStatus
from drivers.meter_status import MeterStatus

ALIVE_S = 1.0
"""A charger's status that is older, or whose heartbeat has stood still for longer, is none (polled every 0.1 s)."""
METERED_S = 3.0
"""The same of a meter (polled every second)."""
EFFICIENCY, FIXED_W = 0.93, 2000.0
"""A charger that is on draws no more from the grid than its output / EFFICIENCY + FIXED_W; one that does is seen."""


def charger(status: ChargerStatus | None, now_s: float) -> ChargerStatus | None:
    """The status if the charger is alive, else None."""
    if status is None or now_s - min(status.received_s, status.heartbeat_changed_s) > ALIVE_S:
        return None
    return status


def meter(status: MeterStatus | None, now_s: float) -> MeterStatus | None:
    """The status if the meter is alive, else None."""
    if status is None or now_s - min(status.received_s, status.heartbeat_changed_s) > METERED_S:
        return None
    return status


def grid_w(output_w: float) -> float:
    """What a charger that is on draws from the grid at most for this output, or for this much of its coolant unit."""
    return output_w / EFFICIENCY + FIXED_W


def output_w(grid_w: float) -> float:
    """The output that draws no more than this from the grid."""
    return max(grid_w - FIXED_W, 0.0) * EFFICIENCY


def worst_draw_w(status: ChargerStatus) -> float | None:
    """The most that a charger draws by its own word: what it measures, and what the set point it has taken allows.

    None if it does not tell. One that is off, or at fault, has taken nothing: it begins only by a new command.
    """
    if status.input_power_w is None or status.state is None:
        return None
    if status.state in (ChargerState.OFF, ChargerState.FAULT):
        return status.input_power_w
    if status.set_power_w is None:
        return None
    return max(status.input_power_w, grid_w(status.set_power_w))


def current_a(charged: ChargerStatus | None, metered: MeterStatus | None, now_s: float) -> float | None:
    """The greater of the two measured output currents that are known (A > 0 charges); None if none is."""
    return greatest(charger_current_a(charged, now_s), meter_current_a(metered, now_s))


def greatest(*currents_a: float | None) -> float | None:
    """The one of those known that is farthest from 0, either way; None if none is known."""
    return max((a for a in currents_a if a is not None), key=abs, default=None)


def charger_current_a(status: ChargerStatus | None, now_s: float) -> float | None:
    """Output current by a charger that is alive."""
    alive = charger(status, now_s)
    return alive.output_current_a if alive is not None else None


def meter_current_a(status: MeterStatus | None, now_s: float) -> float | None:
    """Current by a meter that is alive."""
    alive = meter(status, now_s)
    return alive.current_a.good(now_s, METERED_S) if alive is not None else None


def finite(value: float | None) -> float:
    """The value, infinite if it is not known: for the least of several limits it sets none."""
    return math.inf if value is None else value
