"""Thermal event: which pack is to be moved, what stands in the way, and how a swap is pre-empted for it. Pure.

The written policy is in `swap.thermal_table`; the motions of an evacuation are in `swap.evacuate_motions`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from drivers.pack_status import PackLink
from drivers.reading import Signal
from drivers.robot_protocol import MotionClass, RobotMode, RobotStatus
from station_ctl.config import Config
from station_ctl.model import (
    Evacuation,
    Exchange,
    PackML,
    Place,
    PlaceKind,
    Reason,
    Snapshot,
    StationState,
    Swap,
    bay,
)
from station_ctl.safety.classes import EVACUATE
from station_ctl.swap import plan
from station_ctl.swap.changes import abort, at, go, hold
from station_ctl.swap.look import Look
from station_ctl.swap.machine import SWAP
from station_ctl.swap.packs import with_exchange
from station_ctl.swap.result import Result
from station_ctl.swap.thermal_table import FINISHED
from station_ctl.thermal.look import bare

AUTOMATIC = (PackML.IDLE, PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.COMPLETE, PackML.SUSPENDED)
"""States in which an evacuation starts by itself. In all others people may be inside: a person asks for it."""
NEEDED = MotionClass.TRAVEL | EVACUATE
OLD, CHARGED = "carry_to_bay", "carry_to_mount"
"""What a loaded robot was doing when it was pre-empted: carrying the truck's old pack, or a charged one."""
_HOLDS = dict.fromkeys(("extract", "carry_to_bay", "stow"), OLD)
_HOLDS |= dict.fromkeys(("fetch", "carry_to_mount", "insert"), CHARGED)


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
    serial = plan.serial(snapshot.packs[place]) if place in snapshot.packs else None
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
    isolation = {b.number for b in look.config.bay if b.isolation}
    places = [
        place
        for place in look.decision.thermal
        if place.kind is PlaceKind.BAY and place.number not in isolation and plan.standing(robot, place) is Signal.TRUE
    ]
    stored = [
        Hot(p, plan.serial(snapshot.packs[p]), look.decision.thermal[p])
        for p in sorted(places, key=lambda p: _urgency(p, snapshot, robot))
    ]
    held = held_hot(look.state, robot)
    return [held, *stored] if held else stored


def _urgency(place: Place, snapshot: Snapshot, robot: RobotStatus) -> tuple[bool, bool, float, Place]:
    pack = snapshot.packs[place]
    no_smoke = robot.bays[place.number - 1].smoke_clear is Signal.TRUE
    return no_smoke, pack.link is not PackLink.SILENT, -(pack.temperature_max_c.value or 0.0), place


def held_hot(state: StationState, robot: RobotStatus) -> Hot | None:
    """The pack in the gripper, if the swap has lifted it and it is quarantined for a thermal event."""
    swap, role = state.swap, _HOLDS.get(state.step)
    if swap is None or role is None or robot.gripper_holding is not Signal.TRUE:
        return None
    exchange = swap.exchange
    serial = exchange.serial_out if role is OLD else exchange.serial_in
    if not plan.hot_name(state.quarantined, serial):
        return None
    origin = Place(PlaceKind.MOUNT, exchange.mount) if role is OLD else bay(exchange.bay_out)
    return Hot(origin, serial, state.quarantined[serial].removeprefix(plan.THERMAL), held=True)


def attend(look: Look) -> Result | None:
    """What a thermal event makes of this cycle; None: the step goes on. For states that go on by themselves."""
    state = look.state
    if state.evacuation is not None or (state.pending is not None and state.pending.opcode in FINISHED):
        return None
    found = hot_packs(look)
    if found and (taken := _move(look, found[0])) is not None:
        return taken
    if found:
        return aboard(look)  # that one waits, and the truck goes on: unless it is hot itself
    if look.snapshot.robot is None and _stored_hot(look):
        return Result(abort(state, look.now_s, people_unknown(look.snapshot.robot, look.snapshot.robot_error)))
    if state.packml is PackML.SUSPENDED and state.reason is not None and state.reason.code == WAITS:
        gone = Reason("thermal_event_gone", "the thermal event has gone without an evacuation: look, then resume")
        return Result(hold(state, look.now_s, gone))
    return aboard(look)


def _stored_hot(look: Look) -> bool:
    isolation = {b.number for b in look.config.bay if b.isolation}
    return any(p.kind is PlaceKind.BAY and p.number not in isolation for p in look.decision.thermal)


def _move(look: Look, pack: Hot) -> Result | None:
    robot = look.snapshot.robot
    if robot is None or may_be_inside(robot):
        return Result(abort(look.state, look.now_s, people_unknown(robot, look.snapshot.robot_error, pack)))
    obstacle = hindrance(look, pack)
    return _wait(look, pack, obstacle) if obstacle else Result(started(look, pack))


def asked(look: Look, place: Place) -> Result:
    """A person's `evacuate`: started if it can be, else the reason says what stands in the way and it is not."""
    state, robot, snapshot = look.state, look.snapshot.robot, look.snapshot
    why = look.decision.thermal.get(place, "a person asked")
    held = held_hot(state, robot) if robot is not None else None
    pack = held if held and held.place == place else Hot(place, plan.serial(snapshot.packs[place]), why)
    obstacle = (
        people_unknown(robot, snapshot.robot_error, pack).text
        if robot is None or may_be_inside(robot)
        else hindrance(look, pack)
    )
    return Result(replace(state, reason=_waits(pack, obstacle))) if obstacle else Result(started(look, pack))


def may_be_inside(robot: RobotStatus) -> bool:
    """True unless it is measured that nobody is at the robot: then a person has to confirm before anything moves."""
    empty = (robot.zone_clear, robot.doors_closed) == (Signal.TRUE, Signal.TRUE)
    return not empty or robot.mode is not RobotMode.PRODUCTION


def people_unknown(robot: RobotStatus | None, error: str, pack: Hot | None = None) -> Reason:
    """Why nothing moves: a person may be inside, and has to confirm."""
    what = f"thermal event in {pack.place} ({pack.why})" if pack else "thermal event in a bay"
    found = [("zone clear", robot.zone_clear), ("doors closed", robot.doors_closed)] if robot else []
    wrong = [f"{name} is {value.name.lower()}" for name, value in found if value is not Signal.TRUE]
    wrong += ["the key switch is not on Production"] if robot and robot.mode is not RobotMode.PRODUCTION else []
    text = ", ".join(wrong) or f"the PLC is not readable: {error}"
    todo = "get everybody away from the bay and out of the zone, close the doors; clear, then evacuate"
    return Reason("people_unknown", f"{what}: not moved, a person may be inside ({text}); {todo}")


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
    if look.state.swap is None or look.state.step not in _HOLDS:
        return "the robot holds a pack that no swap knows: set it down in Manual"
    return "" if _aside(look) else "no ordinary bay is free for the pack that the robot holds: make room"


def _aside(look: Look) -> int | None:
    """The bay for the good pack in the gripper: where it came from or was to go, else the nearest free one."""
    exchange = look.swap.exchange
    home = exchange.bay_in if _HOLDS[look.state.step] is OLD else exchange.bay_out
    free = plan.free_bays(look.state, look.snapshot, look.config, look.decision.thermal)
    return min(free, key=lambda n: (abs(n - home), n), default=None)


def started(look: Look, pack: Hot) -> StationState:
    """The state at the first step of the evacuation. Travel under way is given up; the PLC brings it to a stop."""
    state, robot = look.state, look.snapshot.robot
    swap, interrupted, trigger = state.swap, _interrupted(look), "evacuate_empty"
    if robot is not None and robot.gripper_holding is Signal.TRUE and swap is not None:
        interrupted, trigger = _HOLDS[state.step], "evacuate_hot" if pack.held else "evacuate_loaded"
        if not pack.held:
            swap = _with_aside(swap, interrupted, _aside(look))
    isolation = isolation_bays(state, look.snapshot, look.config, look.decision.thermal)[0]
    evacuation = Evacuation(pack.place, isolation, pack.serial, pack.why, interrupted)
    state = replace(state, evacuation=evacuation, swap=swap)
    state = at(state, SWAP.follow(state.step, trigger), look.now_s)
    return state if state.packml is PackML.EXECUTE else go(state, "evacuate", look.now_s)


def _interrupted(look: Look) -> str:
    """The step to come back to. A mount whose locks were not opened yet is approached anew."""
    state, robot = look.state, look.snapshot.robot
    if state.step == "unlock" and robot is not None:
        sensors = robot.mounts[look.swap.exchange.mount - 1]
        if (sensors.locked, sensors.unlocked, sensors.mated) == (Signal.TRUE, Signal.FALSE, Signal.TRUE):
            return "approach_mount"
    return state.step


def _with_aside(swap: Swap, role: str, number: int | None) -> Swap:
    if number is None:
        return swap
    exchange = swap.exchange
    own = exchange.serial_in == exchange.serial_out
    exchange = replace(exchange, bay_in=number) if own or role == OLD else exchange
    exchange = replace(exchange, bay_out=number) if own or role == CHARGED else exchange
    return with_exchange(swap, swap.index, exchange)


def aside(state: StationState) -> int:
    """The bay where the good pack in the gripper is set down."""
    if state.swap is None or state.evacuation is None:
        raise LookupError(f"step {state.step} without a swap and an evacuation")
    exchange = state.swap.exchange
    return exchange.bay_in if state.evacuation.interrupted == OLD else exchange.bay_out


def isolated(swap: Swap | None, evacuation: Evacuation) -> Swap | None:
    """The swap with the bays as they are once the hot pack stands in isolation."""
    if swap is None:
        return None
    for index, exchange in enumerate(swap.exchanges):
        if _is_old_of(exchange, swap, index, evacuation):
            own = exchange.serial_in == exchange.serial_out
            moved = replace(exchange, bay_in=evacuation.isolation)
            swap = with_exchange(swap, index, replace(moved, bay_out=evacuation.isolation) if own else moved)
    return swap


def _is_old_of(exchange: Exchange, swap: Swap, index: int, evacuation: Evacuation) -> bool:
    """True if the evacuated pack is the truck's old one of this exchange, taken out of its mount before."""
    if evacuation.serial is not None:
        return exchange.serial_out == evacuation.serial
    out = exchange.mount in swap.installed or (index == swap.index and evacuation.interrupted in _AFTER_STOW)
    return out and bay(exchange.bay_in) == evacuation.source


_AFTER_STOW = ("stow", "choose", "approach_bay", "fetch", CHARGED, "insert", "lock")

WAITS = "evacuation_waits"


def _waits(pack: Hot, obstacle: str) -> Reason:
    return Reason(WAITS, f"thermal event in {pack.place} ({pack.why}): not moved: {obstacle}")


def _wait(look: Look, pack: Hot, obstacle: str) -> Result | None:
    """Nothing moves while the obstacle stands; a truck that is whole again, or backed out, is let go."""
    state, reason = look.state, _waits(pack, obstacle)
    if state.packml in (PackML.IDLE, PackML.SUSPENDED):
        return Result(state if state.reason == reason else replace(state, reason=reason))
    if state.packml in (PackML.COMPLETING, PackML.COMPLETE) or (not pack.held and _lets_go(state)):
        return None
    return Result(replace(go(state, "suspend", look.now_s, reason), resume_to=state.packml, pending=None))


def _lets_go(state: StationState) -> bool:
    """A swap that a person backs out goes on, but not to fetch a hot pack."""
    swap = state.swap
    if swap is None or not swap.backed_out:
        return False
    return state.step == "choose" or not plan.hot_name(state.quarantined, swap.exchange.serial_in)


def aboard(look: Look) -> Result | None:
    """A hot pack on the truck: it is not opened, switched on or released. A backed-out truck keeps its own packs."""
    state, robot = look.state, look.snapshot.robot
    mounts = sorted(p for p in look.decision.thermal if p.kind is PlaceKind.MOUNT)
    if not mounts or state.packml in (PackML.IDLE, PackML.COMPLETE) or state.step == "settle":
        return None
    if robot is not None and robot.truck_present is Signal.FALSE:
        return None
    swap = state.swap
    ours = [p for p in mounts if swap is not None and p.number in _foreign(swap)]
    leaving = state.step in ("verify", "park", "reconnect", "release")
    if ours and leaving:
        todo = "it is neither switched on nor released; service takes the pack out in Manual"
        return _held_aboard(look, ours[0], todo)
    if (swap is not None and swap.backed_out) or (leaving and state.step != "verify"):
        return None
    way_out = "back out gives the truck back as it came, to be driven out" if swap else "let it drive off, then resume"
    opened = f"nothing more is opened or lifted; {way_out}"
    return _held_aboard(look, mounts[0], opened)


def _foreign(swap: Swap) -> list[int]:
    """Mounts that hold a pack of the station's."""
    return [e.mount for e in swap.exchanges if e.mount in swap.installed and e.serial_in != e.serial_out]


def _held_aboard(look: Look, place: Place, todo: str) -> Result:
    why = f"thermal event in {place} of the truck ({look.decision.thermal[place]}): {todo}; everybody away, fire plan"
    return Result(hold(replace(look.state, pending=None), look.now_s, Reason("thermal_event_aboard", why)))
