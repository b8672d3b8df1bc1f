"""A cause as one line for a person: the form of every interlock, of motions and of the bays' supplies."""

from __future__ import annotations

import math

from drivers.reading import Signal
from station_ctl.limits import SafetySection
from station_ctl.safety.table import Cause


def explain(cause: Cause, value: Signal | float, age_s: float, limits: SafetySection) -> str:
    """The cause, its measured value with unit, its age, the condition that should hold with its limit, what to do."""
    unit = f" {cause.input.unit}" if cause.input.unit else ""
    shown = value.name.lower() if isinstance(value, Signal) else f"{value:g}{unit}"
    age = f"{age_s * 1000:.0f} ms old" if math.isfinite(age_s) else "never received"
    back = f" (by {cause.hysteresis:g}{unit} once it was not)" if cause.hysteresis else ""
    safe = f"{cause.safe_condition(limits)}{back} and at most {getattr(limits, cause.input.age)} ms old"
    return f"{cause.name}: {cause.input.name} is {shown} ({age}), safe when {safe}; {cause.remedy}"
