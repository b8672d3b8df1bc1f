"""Why a bay does not charge, in one line; and whose fault it is."""

from __future__ import annotations

import math

from drivers.reading import Signal
from station_ctl.charging.scene import READERS, BayScene
from station_ctl.limits import SafetySection
from station_ctl.safety.explain import explain
from station_ctl.safety.table import Cause
from station_ctl.swap import plan

QUARANTINES = ("insulation_fault", "insulation_low", "overtemperature", "cell_voltage_fault", "pack_alarm")
"""Trips that are the pack's fault if they were measured, not merely unknown."""
SOC_AGE_S = 2.0
"""BCS comes every 250 ms; PackLink.MONITORED goes sooner."""


def explained(cause: Cause, scene: BayScene, limits: SafetySection) -> str:
    """One line: the cause, its measured value and age, the condition that should hold, what to do."""
    value, age_s = READERS[cause.input.name](scene)
    return explain(cause, value, age_s, limits)


def culprit(cause: Cause, scene: BayScene, limits: SafetySection) -> str:
    """Serial of the pack if the trip is its own fault and was measured; '' otherwise."""
    if cause.name not in QUARANTINES:
        return ""
    value, _ = READERS[cause.input.name](scene)
    if isinstance(value, Signal):
        measured = value is Signal.TRUE
    else:  # a good value that is merely too old is nobody's fault
        measured = value < getattr(limits, cause.limit) if cause.at_least else value > getattr(limits, cause.limit)
    return (plan.serial(scene.pack) or "") if measured else ""


def empty(scene: BayScene) -> bool:
    """True if no pack is there, by seat and coupler."""
    robot = scene.snapshot.robot
    if robot is None:
        return False
    bay = robot.bays[scene.place.number - 1]
    return (bay.occupied, bay.mated) == (Signal.FALSE, Signal.FALSE)


def soc_pct_of(scene: BayScene) -> float:
    """Charge by the BMS's word; what is not known counts as full."""
    soc_pct = scene.pack.soc_pct.good(scene.snapshot.now_s, SOC_AGE_S)
    return math.inf if soc_pct is None else soc_pct
