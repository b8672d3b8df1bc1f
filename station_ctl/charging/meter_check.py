"""Whether a meter's energy register goes on as the power does that the same meter shows."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.meter_status import MeterStatus
from station_ctl.charging import seen
from station_ctl.charging.energy import advance_wh

SHARE, FLOOR_WH = 0.02, 50.0
"""Register and integral differ by more than SHARE of the integral and FLOOR_WH: the meter counts wrongly."""
LAG_S = 2.0
"""The register is so much older than the power beside it."""
GAP_S = 5.0
"""Over a longer pause between two readings nobody knows what flowed: the comparison begins anew."""


@dataclass(slots=True)
class MeterCheckMind:
    """What is remembered: serial None before the first reading; first_wh: the register then.

    last_wh, power_w, read_s: of the last reading; most_w: the greatest power; integral_wh: of the power since; wrong:
    what was found, '' if nothing.
    """

    serial: int | None = None
    first_wh: int = 0
    last_wh: int = 0
    power_w: float = 0.0
    most_w: float = 0.0
    read_s: float = 0.0
    integral_wh: float = 0.0
    wrong: str = ""


class MeterCheck:
    """Compares the register of one meter with the integral of its own voltage and current."""

    def __init__(self) -> None:
        self.mind = MeterCheckMind()

    def begin(self) -> None:
        """What was found is forgotten: another charge begins, or none is under way."""
        self.mind = MeterCheckMind()

    def look(self, metered: MeterStatus | None, now_s: float) -> str:
        """Take note of a reading; what is wrong, '' if nothing is known to be."""
        mind, alive = self.mind, seen.meter(metered, now_s)
        if mind.wrong or alive is None or alive.received_s == mind.read_s:
            return mind.wrong
        at_s, age_s = alive.received_s, seen.METERED_S
        volts, amperes = alive.voltage_v.good(at_s, age_s), alive.current_a.good(at_s, age_s)
        register_wh = alive.energy_in_wh.good(at_s, age_s)
        if volts is None or amperes is None or register_wh is None:
            return ""
        power_w = max(volts * amperes, 0.0)
        if mind.serial != alive.serial or at_s - mind.read_s > GAP_S:
            self.mind = MeterCheckMind(alive.serial, register_wh, register_wh, power_w, power_w, at_s)
            return ""
        mind.integral_wh += (mind.power_w + power_w) / 2.0 * (at_s - mind.read_s) / 3600.0
        if advance_wh(mind.last_wh, register_wh) is None:
            mind.wrong = f"its register went back from {mind.last_wh} to {register_wh} Wh"
        mind.last_wh, mind.power_w, mind.read_s = register_wh, power_w, at_s
        mind.most_w = max(mind.most_w, power_w)
        mind.wrong = mind.wrong or self._difference(register_wh)
        return mind.wrong

    def _difference(self, register_wh: int) -> str:
        mind = self.mind
        counted_wh = advance_wh(mind.first_wh, register_wh) or 0
        allowed_wh = SHARE * mind.integral_wh + FLOOR_WH + LAG_S * mind.most_w / 3600.0
        if abs(counted_wh - mind.integral_wh) <= allowed_wh:
            return ""
        return f"it counted {counted_wh} Wh while {mind.integral_wh:.0f} Wh flowed by its own voltage and current"
