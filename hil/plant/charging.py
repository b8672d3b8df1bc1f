"""What a BMS asks its charger for: constant current by temperature, then constant voltage (LFP, 1 C at the most)."""

from __future__ import annotations

from typing import Final

from hil.plant import cells
from hil.plant.cell_block import CellBlock

FULL_A: Final = cells.CAPACITY_AH
"""1 C."""
LIMIT_V: Final = 3.60 * cells.CELLS
"""Where constant voltage begins: a little below the cells' 3.65 V."""
LEAST_A: Final = 0.05 * cells.CAPACITY_AH
"""The taper ends here: the pack is full."""
COLD_C, MILD_C, WARM_C, HOT_C = 0.0, 15.0, 45.0, 55.0
_COLDEST_K: Final = min(cells.PROFILE_K)


def demand_a(block: CellBlock) -> float:
    """Whole amperes, as BMSs ask; 0 if the block is full, too cold or too hot."""
    if block.soc_pct >= 100.0:
        return 0.0
    taper_a = (LIMIT_V - block.source_v) / block.resistance_ohm
    share = share_by_temperature(block.temperature_c + _COLDEST_K, block.temperature_max_c)
    wanted_a = min(FULL_A * share, taper_a)
    return float(round(wanted_a)) if wanted_a >= LEAST_A else 0.0


def share_by_temperature(coldest_c: float, hottest_c: float) -> float:
    """Share of full current, 0 to 1: rising from 0 to 15 degC (lithium plating), falling from 45 to 55 degC."""
    cold = (coldest_c - COLD_C) / (MILD_C - COLD_C)
    hot = (HOT_C - hottest_c) / (HOT_C - WARM_C)
    return min(max(min(cold, hot), 0.0), 1.0)
