"""How a charge under way follows what the bay's interlock and verdict say: on, to an ordinary end, or off."""

from __future__ import annotations

from collections.abc import Sequence

from station_ctl.charging.cabinet import Cabinet
from station_ctl.charging.mind import Mind
from station_ctl.charging.phases import PHASES
from station_ctl.charging.scene import BayScene
from station_ctl.charging.session_values import End
from station_ctl.charging.verdict import GOES, ORDINARY, Said
from station_ctl.safety.table import Cause

PAUSE_S = 10.0
"""A bay whose charging ended by itself is not tried again sooner; the PLC sees its permit gone meanwhile."""
COLD = "pack_cold"
COLDEST_S = 1.0
"""A pack whose temperature is older, or in doubt, is not warmed: nobody would know when to stop."""
WARMED = (COLD, "charge_not_permitted")
"""Causes that warming takes away: a BMS of a cold pack forbids charging, too."""


def warms(mask: int, causes: Sequence[Cause], scene: BayScene) -> bool:
    """All that withholds a supply is that the pack is too cold, as it says itself. mask: the causes that stand."""
    if scene.pack.temperature_min_c.good(scene.snapshot.now_s, COLDEST_S) is None:
        return False
    standing = [cause.name for index, cause in enumerate(causes) if mask >> index & 1]
    return COLD in standing and all(name in WARMED for name in standing)


def lead(cabinet: Cabinet, mind: Mind, scene: BayScene, said: Said, *, cold: bool) -> Said:
    """Lead the charge on; gives the permit when the supply has to close. What comes of it, as the bay says it."""
    code, reason = said
    now_s = scene.snapshot.now_s
    if code not in GOES and code not in ORDINARY:
        cabinet.cut(now_s)
        mind.not_before_s = now_s + PAUSE_S
        return said
    ended = cabinet.step(scene.snapshot, End(code, reason) if code in ORDINARY else None, cold=cold)
    if ended is not None:
        mind.not_before_s = now_s + PAUSE_S
        return ended.code, ended.reason
    if not cabinet.session.supplied:
        return "starting", PHASES[cabinet.session.phase]
    if not mind.permitted:
        mind.permitted, mind.since_s, mind.full = True, now_s, None
    return "charging", ""
