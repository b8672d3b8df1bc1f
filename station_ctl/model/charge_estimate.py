"""What the estimator says of one pack's charge: `station_ctl.estimates` makes the value, the deciding rooms read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grounds(StrEnum):
    """What a figure rests on: measured against the curve; a flat part of it; counted only; or it contradicts itself."""

    ANCHORED = "anchored"
    PLATEAU = "plateau"
    COASTING = "coasting"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class ChargeSpan:
    """A charge in % of what the pack holds; the truth is between p05 and p95 nine times out of ten.

    energy_kwh: deliverable, as in `ChargeEstimate`; None where only the charge is meant.
    """

    soc_pct: float
    soc_p05_pct: float
    soc_p95_pct: float
    grounds: Grounds
    energy_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class ChargeEstimate:
    """One pack, renewed about once a second.

    energy_kwh: what a steady drive ([soc] drive_kw) takes out of it down to its first empty cell.
    p_promised_pct: probability in % that it holds at least the station's promise ([swap] soc_promised_pct).
    least_pct: the charge that it holds with [swap] soc_confidence_pct; None where the figure is not anchored.
    bms_wrong: the BMS's own charge cannot be right.
    """

    charge: ChargeSpan
    capacity_ah: float
    energy_kwh: float
    p_promised_pct: float
    least_pct: float | None
    bms_wrong: bool
