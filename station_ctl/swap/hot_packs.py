"""Which packs have a thermal event: in quarantine from that cycle on, and in which order they are to be moved. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from drivers.pack_status import PackLink
from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, PlaceKind, bay
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.swap import plan
from station_ctl.swap.look import Look
from station_ctl.swap.packs import with_exchange
from station_ctl.thermal.look import bare

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


def quarantine(look: Look) -> StationState:
    """The state with every pack that has a thermal event in quarantine, from the cycle on in which it was detected."""
    state, robot = look.state, look.snapshot.robot
    found = {k: why for k, why in state.quarantined.items() if not _gone(k, look, robot)}
    for place, why in sorted(look.decision.thermal.items()):
        for name in _names(place, state, look.snapshot):
            if not plan.hot_name(found, name):
                found[name] = f"{plan.THERMAL}{why}"
    if found == state.quarantined:
        return state
    return replace(state, quarantined=found, swap=_not_accepted(state.swap, found))


def _not_accepted(swap: Swap | None, quarantined: Mapping[str, str]) -> Swap | None:
    """The swap with no old pack in stock that had a thermal event after it was accepted."""
    for index, exchange in enumerate(swap.exchanges if swap else ()):
        if swap and exchange.accepted and plan.hot_name(quarantined, exchange.serial_out):
            remark = quarantined[exchange.serial_out]
            swap = with_exchange(swap, index, replace(exchange, accepted=False, remark=remark))
    return swap


def _names(place: Place, state: StationState, snapshot: Snapshot) -> tuple[str, ...]:
    """What a pack is quarantined by: its serial; the place as long as that is not known."""
    serial = plan.serial(snapshot.pack(place)) if place in snapshot.packs else None
    return (serial,) if serial else (str(place),)


def _gone(name: str, look: Look, robot: RobotStatus | None) -> bool:
    """True for a place in quarantine whose nameless pack is measured gone: by all its switches, no event told there."""
    place = next((p for p in look.snapshot.packs if str(p) == name), None)
    if place is None or robot is None or place in look.decision.thermal:
        return False
    return bare(place, robot)


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
