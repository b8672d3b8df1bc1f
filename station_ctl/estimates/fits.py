"""Whether a pack is of the configured type, by its own word: only such a pack is estimated."""

from __future__ import annotations

from typing import Final

from drivers.pack_status import PackIdentity, PackStatus
from station_ctl.soc.cell_type import CellType

CAPACITY_SHARE: Final = 0.02
VOLTAGE_SHARE: Final = 0.05
"""Rated voltages are of 3.2 V a cell, or of what its plateau has; NCM (3.6 V) and LTO (2.3 V) are further off."""


def unlike(identity: PackIdentity, status: PackStatus, of: CellType) -> str:
    """Why the pack is of another type, '' if it is of this one. BMV counts its cells, BRM has capacity and voltage."""
    if abs(identity.rated_capacity_ah - of.nominal_ah) > CAPACITY_SHARE * of.nominal_ah:
        return f"other_type: {identity.rated_capacity_ah:g} Ah, {of.name} has {of.nominal_ah:g} Ah"
    cells = status.cell_voltages_v.value
    if cells is not None and len(cells) != of.cells_in_series:
        return f"other_type: {len(cells)} cells, {of.name} has {of.cells_in_series}"
    middle = len(of.curve.soc) // 2
    cell_v = (of.curve.charge_v[middle] + of.curve.discharge_v[middle]) / 2
    rated_v = cell_v * of.cells_in_series
    if abs(identity.rated_voltage_v - rated_v) > VOLTAGE_SHARE * rated_v:
        return f"other_type: {identity.rated_voltage_v:g} V, {of.name} has about {rated_v:.0f} V"
    return ""
