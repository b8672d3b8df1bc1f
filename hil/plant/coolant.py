"""A bay's coolant unit: it warms the pack on its couplers."""

from __future__ import annotations

from typing import Final

from hil.plant.pack import Pack

HEATER_W: Final = 8000.0
SHARE: Final = 0.62
"""What of its heat gets into the cells: 0.27 K a minute at full power."""
WARM_C: Final = 35.0
"""Up to this pack its thermostat warms."""


def warm(docked: Pack | None, power_w: float, dt_s: float) -> float:
    """Warm the pack for so long with at most so much; what is taken for it, in W."""
    if docked is None or docked.temperature_c >= WARM_C:
        return 0.0
    taken_w = min(HEATER_W, power_w)
    docked.warm(taken_w * SHARE * dt_s)
    return taken_w
