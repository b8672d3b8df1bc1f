"""What stands in the way of moving a pack with a thermal event, and the words in which that is said. Pure."""

from __future__ import annotations

from collections.abc import Collection

from drivers.reading import Signal
from drivers.robot_protocol import MotionClass
from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, bay
from station_ctl.model.state import StationState
from station_ctl.model.words import Reason
from station_ctl.safety.classes import EVACUATE
from station_ctl.swap import people, plan
from station_ctl.swap.hot_packs import HOLDS, OLD, Hot
from station_ctl.swap.look import Look

NEEDED = MotionClass.TRAVEL | EVACUATE
WAITS = "evacuation_waits"
"""Reason code of a pack that is not moved yet."""


def hindrance(look: Look, pack: Hot) -> str:
    """What stands in the way of moving this pack now and what a person does about it, '' if nothing does."""
    decision, robot = look.decision, look.snapshot.robot
    if robot is None:
        return f"the PLC is not readable: {look.snapshot.robot_error}"
    if decision.latched:
        return "the interlock is latched: look, then clear"
    if missing := NEEDED & ~decision.permits:
        return f"withheld by {', '.join(decision.blocking(missing)) or 'the interlock'}: make the place safe"
    if robot.gripper_holding not in (Signal.TRUE, Signal.FALSE):
        return "it is not known whether the robot holds a pack: look, set it right in Manual"
    if why := _no_isolation(look):
        return why
    if pack.held or robot.gripper_holding is Signal.FALSE:
        return "" if pack.held or plan.standing(robot, pack.place) is not Signal.FALSE else f"{pack.place} is empty"
    return _no_way_aside(look)


def _no_isolation(look: Look) -> str:
    area = [b.number for b in look.config.bay if b.isolation]
    if not area:
        return "no isolation bay is configured: the pack is taken away by hand, follow the fire plan"
    if isolation_bays(look.state, look.snapshot, look.config, look.decision.thermal):
        return ""
    numbers = ", ".join(str(n) for n in area)
    return f"isolation bay {numbers} is occupied or its sensor is in doubt: make room there"


def isolation_bays(state: StationState, snapshot: Snapshot, config: Config, thermal: Collection[Place]) -> list[int]:
    """Isolation bays that are vacant. thermal: places with a thermal event."""
    robot = snapshot.robot
    area = [b.number for b in config.bay if b.isolation]
    return [n for n in area if robot is not None and plan.vacant(bay(n), state, robot, thermal)]


def _no_way_aside(look: Look) -> str:
    if look.state.swap is None or look.state.step not in HOLDS:
        return "the robot holds a pack that no swap knows: set it down in Manual"
    return "" if aside_bay(look) else "no ordinary bay is free for the pack that the robot holds: make room"


def aside_bay(look: Look) -> int | None:
    """The bay for the good pack in the gripper: where it came from or was to go, else the nearest free one."""
    exchange = look.swap.exchange
    home = exchange.bay_in if HOLDS[look.state.step] is OLD else exchange.bay_out
    free = plan.free_bays(look.state, look.snapshot, look.config, look.decision.thermal)
    return min(free, key=lambda n: (abs(n - home), n), default=None)


def people_unknown(look: Look, pack: Hot | None = None) -> Reason:
    """Why nothing moves: a person may be inside, and has to confirm."""
    what = f"thermal event in {pack.place} ({pack.why})" if pack else "thermal event in a bay"
    found = people.unseen(look.snapshot, look.config) or "somebody may have been in the zone since a person looked last"
    todo = "get everybody away from the bay and out of the zone, close the doors; clear, then evacuate"
    return Reason("people_unknown", f"{what}: not moved, a person may be inside ({found}); {todo}")


def waits(pack: Hot, obstacle: str) -> Reason:
    """Why this pack is not moved yet."""
    return Reason(WAITS, f"thermal event in {pack.place} ({pack.why}): not moved: {obstacle}")
