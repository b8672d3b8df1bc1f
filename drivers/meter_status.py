"""What an energy meter tells, as plain values (docs/charger.md, 7, is its contract)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from drivers.reading import Reading

WRAP_WH = 2**32
"""The energy registers count up to one less than this, then go on from 0."""


class MeterDoubt(IntFlag):
    """What the meter itself does not trust; the bits of its `status` register. Others are the maker's."""

    VOLTAGE = 1
    CURRENT = 2
    ENERGY = 4  # its memory failed its test: the registers may have lost counts


@dataclass(frozen=True, slots=True)
class MeterStatus:
    """One status block, decoded. A reading out of the map's range, or that the meter doubts, is UNTRUSTED.

    received_s: event-loop time the block arrived; heartbeat_changed_s: when the sample counter `heartbeat` last moved.
    serial: of the meter; another one means another meter, whose registers have nothing to do with the last one's.
    current_a, power_w: above 0 is "in": into the pack, or from the grid.
    energy_in_wh, energy_out_wh: counted by the meter since it was made, modulo WRAP_WH; never set back by anybody
    but by a reset, which only who compares two readings can see.
    """

    received_s: float
    heartbeat_changed_s: float
    heartbeat: int
    serial: int
    doubts: MeterDoubt
    voltage_v: Reading[float]
    current_a: Reading[float]
    power_w: Reading[float]
    energy_in_wh: Reading[int]
    energy_out_wh: Reading[int]
