"""What is asked of a charger: the least of what the pack asks for and may get, the charger can, and the plan gives."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from drivers.charger_status import ChargerMode, ChargerStatus, SetPoint
from drivers.pack_status import PackStatus
from station_ctl.charging import seen
from station_ctl.charging.pack_limits import PackLimits

DEMAND_S = 1.0
"""A demand (BCL) that is older is none."""
STEP_V = 10.0
"""Power is reckoned at a voltage that is rounded up to such steps, one of them ahead of what is measured."""


@dataclass(frozen=True, slots=True)
class Most:
    """What a bay could take now, whatever the grid gives. by: who sets the current: bms, type, charger or plan.

    power_w: of the output, at most. reckoned_v: no lower than the voltage will be within the next seconds.
    """

    current_a: float
    voltage_v: float
    power_w: float
    reckoned_v: float
    by: str

    @property
    def grid_w(self) -> float:
        """What it would draw from the grid at most."""
        return seen.grid_w(self.power_w)

    def at_most(self, current_a: float) -> Most:
        """The same with no more than this current."""
        least_a = min(self.current_a, current_a)
        return replace(self, current_a=least_a, power_w=least_a * self.reckoned_v)


def most(
    pack: PackStatus, limits: PackLimits, status: ChargerStatus | None, plan_w: float | None, now_s: float
) -> Most:
    """The least of BMS demand, pack limits, what the charger can and what the plan lets it draw from the grid.

    plan_w: None sets no limit. What is not known of the pack counts as 0, what the charger does not tell sets no limit.
    """
    demand_v = pack.voltage_demand_v.good(now_s, DEMAND_S) or 0.0
    voltage_v = max(min(demand_v, limits.voltage_v(pack)), 0.0)
    reckoned_v = _reckoned_v(pack, status, voltage_v, now_s)
    power_w = math.inf if plan_w is None else seen.output_w(plan_w)
    by_plan_a = power_w / reckoned_v if reckoned_v > 0.0 else 0.0
    can_a, can_w = (status.current_max_a, status.power_max_w) if status is not None else (0.0, 0.0)
    candidates = {
        "bms": pack.current_demand_a.good(now_s, DEMAND_S) or 0.0,
        "type": limits.current_a(pack, now_s),
        "charger": min(seen.finite(can_a), seen.finite(can_w) / max(reckoned_v, 1.0)),
        "plan": by_plan_a,
    }
    by = min(candidates, key=candidates.__getitem__)
    current_a = max(candidates[by], 0.0) if math.isfinite(candidates[by]) else 0.0
    return Most(current_a, voltage_v, current_a * reckoned_v, reckoned_v, by)


def _reckoned_v(pack: PackStatus, status: ChargerStatus | None, voltage_v: float, now_s: float) -> float:
    """A step or two above the measured voltage, no more than the voltage asked for unless more is measured."""
    measured = [pack.pack_voltage_v.good(now_s, DEMAND_S), status.output_voltage_v if status is not None else None]
    known = max((v for v in measured if v is not None), default=None)
    if known is None or voltage_v <= 0.0:
        return voltage_v
    return max(min((math.floor(max(known, 0.0) / STEP_V) + 2.0) * STEP_V, voltage_v), known)


def charge(bay: Most, granted_w: float) -> tuple[SetPoint, str]:
    """The set point for this share of the grid, and who sets it: `Most.by`, or grid. Rounded down as the wire does."""
    power_w = min(bay.power_w, seen.output_w(granted_w))
    current_a = min(bay.current_a, power_w / bay.reckoned_v) if bay.reckoned_v > 0.0 else 0.0
    by = "grid" if current_a < bay.current_a - 0.1 else bay.by
    return SetPoint(ChargerMode.CHARGE, _tenths(current_a), _tenths(bay.voltage_v), float(math.floor(power_w))), by


def idle(voltage_v: float) -> SetPoint:
    """Relay closed, no current."""
    return SetPoint(ChargerMode.CHARGE, 0.0, _tenths(voltage_v), 0.0)


def warm(granted_w: float) -> SetPoint:
    """The coolant unit may draw so much."""
    return SetPoint(ChargerMode.CONDITION, power_w=float(math.floor(max(granted_w, 0.0))))


def _tenths(value: float) -> float:
    return math.floor(value * 10.0 + 1e-6) / 10.0
