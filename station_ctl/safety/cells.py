"""Pack voltage against its cells: two measurements of one thing, made by different parts of a BMS."""

from __future__ import annotations

import math

from drivers.pack_status import PackStatus
from drivers.reading import Quality
from station_ctl.safety.scene import UNKNOWN_NUMBER, Number, number

LIST_S = 30.0
"""How old BMV may be to be compared: three periods of 10 s, so that one lost transfer is no fault. At rest a pack's
voltages do not move in that time by what the limit allows."""
_CELL_V = {3: 3.2, 6: 3.6, 8: 2.3}
"""Lowest nominal voltage of a cell by chemistry (GB/T 27930, BRM): LFP, NCM, LTO. The lowest gives the most cells."""


def voltage_gap_v(pack: PackStatus, now_s: float) -> Number:
    """How far the pack's voltage (BCS) is from the sum of its cells (BMV); the age is that of BCS.

    BMV comes every 10 s only, and not at all while transfers are lost. Without it what can still be said is that no
    series of cells exceeds its number of cells times the highest of them (BCS): the gap is then by how much it does.
    """
    voltage_v, age_s = number(pack.pack_voltage_v, now_s)
    cells = pack.cell_voltages_v
    if cells.quality is Quality.UNTRUSTED and cells.age_s(now_s) <= LIST_S:
        return math.nan, age_s  # a cell is not measured
    if (listed := cells.good(now_s, LIST_S)) is not None:
        return abs(voltage_v - sum(listed)), age_s
    return _excess_v(pack, voltage_v, now_s)


def _excess_v(pack: PackStatus, voltage_v: float, now_s: float) -> Number:
    identity = pack.identity.value if pack.identity.quality is Quality.GOOD else None
    cell_v = _CELL_V.get(identity.chemistry) if identity else None
    if identity is None or cell_v is None:
        return UNKNOWN_NUMBER
    highest_v, age_s = number(pack.cell_voltage_max_v, now_s)
    cells = math.ceil(identity.rated_voltage_v / cell_v)
    return max(0.0, voltage_v - cells * highest_v) if not math.isnan(highest_v + voltage_v) else math.nan, age_s
