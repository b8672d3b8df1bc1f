"""Packs with a thermal event: in which order they are to be moved. Pure. Their quarantine is in `swap.quarantine`."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.pack_status import PackLink
from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, PlaceKind, bay
from station_ctl.model.state import StationState
from station_ctl.swap import plan
from station_ctl.swap.look import Look

OLD, CHARGED = "carry_to_bay", "carry_to_mount"
"""What a loaded robot was doing when it was pre-empted: carrying the truck's old pack, or a charged one."""
HOLDS = dict.fromkeys(("extract", "carry_to_bay", "stow"), OLD)
"""Steps in which the robot may hold a pack, and which."""
HOLDS |= dict.fromkeys(("fetch", "carry_to_mount", "insert"), CHARGED)


@dataclass(frozen=True, slots=True)
class Hot:
    """A pack to be moved. place: the bay it stands in, or the place it was lifted from if the robot holds it."""

    place: Place
    serial: str | None
    why: str
    held: bool = False


def hot_packs(look: Look) -> list[Hot]:
    """Packs to be moved, worst first: the one in the gripper, smoke, gone silent, hottest."""
    robot, snapshot = look.snapshot.robot, look.snapshot
    if robot is None:
        return []
    places = [place for place in in_ordinary_bays(look) if plan.standing(robot, place) is Signal.TRUE]
    stored = [
        Hot(p, plan.serial(snapshot.pack(p)), look.decision.thermal[p])
        for p in sorted(places, key=lambda p: _urgency(p, snapshot, robot))
    ]
    held = held_hot(look.state, robot)
    return [held, *stored] if held else stored


def in_ordinary_bays(look: Look) -> list[Place]:
    """Bays outside of the isolation area with a thermal event, whether or not a pack is measured there."""
    isolation = {b.number for b in look.config.bay if b.isolation}
    return [p for p in look.decision.thermal if p.kind is PlaceKind.BAY and p.number not in isolation]


def _urgency(place: Place, snapshot: Snapshot, robot: RobotStatus) -> tuple[bool, bool, float, Place]:
    pack = snapshot.pack(place)
    no_smoke = robot.bays[place.number - 1].smoke_clear is Signal.TRUE
    return no_smoke, pack.link is not PackLink.SILENT, -(pack.temperature_max_c.value or 0.0), place


def held_hot(state: StationState, robot: RobotStatus) -> Hot | None:
    """The pack in the gripper, if the swap has lifted it and it is quarantined for a thermal event."""
    swap, role = state.swap, HOLDS.get(state.step)
    if swap is None or role is None or robot.gripper_holding is not Signal.TRUE:
        return None
    exchange = swap.exchange
    serial = exchange.serial_out if role is OLD else exchange.serial_in
    if not plan.hot_name(state.quarantined, serial):
        return None
    origin = Place(PlaceKind.MOUNT, exchange.mount) if role is OLD else bay(exchange.bay_out)
    return Hot(origin, serial, state.quarantined[serial].removeprefix(plan.THERMAL), held=True)
