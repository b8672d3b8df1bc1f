"""What of a charger's power part stands in its status block."""

from __future__ import annotations

from drivers.charger_status import NEVER_TESTED
from drivers.reading import Signal
from drivers.register_points import Value
from hil.plant.charger import RATED_A, RATED_W, Charger

HIGHEST_V = 1100.0


def charger_points(charger: Charger) -> dict[str, Value]:
    """Measured values, the set point as taken, and what it can give now."""
    told, known = charger.set_point, charger.insulation_ohm_per_v
    return {
        "relay_closed": Signal(charger.relay_closed),
        "insulation_tested": Signal(charger.insulation_sound is True),
        "insulation_ohm_per_v": NEVER_TESTED if known is None else min(round(known), NEVER_TESTED - 1),
        "output_voltage_v": min(charger.output_v, HIGHEST_V),
        "output_current_a": charger.current_a,
        "input_power_w": charger.input_w,
        "set_current_a": told.current_a,
        "set_voltage_v": told.voltage_v,
        "set_power_w": told.power_w,
        "current_max_a": RATED_A * charger.share,
        "power_max_w": RATED_W * charger.share,
        "cabinet_temperature_c": charger.temperature_c,
    }
