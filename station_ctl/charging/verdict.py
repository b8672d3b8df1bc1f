"""How charging stands in one bay after a look: the first of all the reasons that holds."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.reading import Signal
from station_ctl.charging import plan as plans
from station_ctl.charging.mind import Mind
from station_ctl.charging.scene import BayScene
from station_ctl.charging.stall import stalled
from station_ctl.charging.why import empty, explained, soc_pct_of
from station_ctl.config import Config
from station_ctl.safety.table import Cause
from station_ctl.swap import plan

UNCONFIRMED = "nothing charges before a person has cleared the station after its start"
OBEYS_S = 1.0
"""A supply has closed or opened by then: lease, scan, contactor and poll together are shorter."""
REFILL_PCT = 3.0
"""A pack that was full charges again once it has lost so much (self-discharge); BCS counts whole percents."""

GOES = frozenset({"charging", "ready"})
"""Nothing speaks against it."""
ORDINARY = frozenset({"full", "no_demand", "planned", "handled"})
"""Ends that are no hurry: the current goes before the contactor opens, where the bay has a charger."""

Said = tuple[str, str]
"""Code and reason."""


def verdict(scene: BayScene, mind: Mind, mask: int, causes: Sequence[Cause], config: Config, *, cold: bool) -> Said:
    """How the bay stands. mask: causes that withhold its supply; cold: only because the pack is to be warmed."""
    if mind.tripped:
        return "tripped", mind.tripped
    if empty(scene) and not mind.permitted:
        return "empty", "no pack"
    if mind.latched:
        return "unconfirmed", UNCONFIRMED
    if mask and not cold:
        cause = next(c for i, c in enumerate(causes) if mask >> i & 1)
        return ("isolation" if scene.isolation else "withheld"), explained(cause, scene, config.safety)
    return _ordinary(scene, mind, config, cold=cold)


def _ordinary(scene: BayScene, mind: Mind, config: Config, *, cold: bool) -> Said:
    """Nothing forbids it: whether there is anything to charge."""
    now_s, section = scene.snapshot.now_s, config.charging
    if scene.leaving:
        return "handled", "the robot comes for this bay"
    soc_pct = mind.soc_pct = soc_pct_of(scene)
    serial, least_pct = plan.serial(scene.pack), section.target_soc_pct
    if mind.full is not None and mind.full == serial:
        least_pct -= REFILL_PCT
    if soc_pct >= least_pct:
        if mind.permitted:
            mind.full = serial
        return "full", f"charge {soc_pct:g} %, target {section.target_soc_pct:g} %"
    if not cold and not (scene.pack.current_demand_a.value or 0.0) > 0.0:
        return "no_demand", "the BMS asks for no current"
    if scene.equipment is not None and _unplanned(scene):
        return "planned", "the charge plan gives this bay no power now"
    if not mind.permitted:
        wait_s = mind.not_before_s - now_s
        return ("ready", "") if wait_s <= 0.0 else ("pause", f"tried again in {wait_s:.0f} s")
    return _supplied(scene, mind)


def _supplied(scene: BayScene, mind: Mind) -> Said:
    """The supply has its permit: whether it follows."""
    robot, now_s = scene.snapshot.robot, scene.snapshot.now_s
    closed = robot is not None and robot.bays[scene.place.number - 1].energised is Signal.TRUE
    if (said := stalled(scene.snapshot)) is not None:
        mind.stalled, mind.stalled_s = said, now_s
    if not closed and now_s - mind.since_s > OBEYS_S:
        if now_s - mind.stalled_s <= OBEYS_S:
            return mind.stalled  # its lease ran out
        return "supply_open", "the supply did not close, or the PLC opened it: look at its contactor"
    return "charging", ""


def _unplanned(scene: BayScene) -> bool:
    allowed_w = plans.power_w(scene.snapshot.plan, scene.place.number, scene.snapshot.now_s)
    return allowed_w is not None and allowed_w < plans.LEAST_W
