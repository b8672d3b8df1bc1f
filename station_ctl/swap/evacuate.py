"""Thermal event: how a swap is pre-empted for a pack that is to be moved, and what becomes of its plan. Pure.

The written policy is in `swap.thermal_policy`; which packs are hot in `swap.hot_packs`, what stands in the way in
`swap.hindrance`, the motions of an evacuation in `swap.evacuate_motions`.
"""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from station_ctl.model.places import Place, bay
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation, Exchange, Swap
from station_ctl.model.words import PackML, Reason
from station_ctl.swap import plan
from station_ctl.swap.aboard import aboard
from station_ctl.swap.changes import abort, at, go, hold
from station_ctl.swap.hindrance import WAITS, aside_bay, hindrance, isolation_bays, people_unknown, waits
from station_ctl.swap.hot_packs import CHARGED, HOLDS, OLD, Hot, held_hot, hot_packs, in_ordinary_bays
from station_ctl.swap.look import Look
from station_ctl.swap.machine import SWAP
from station_ctl.swap.packs import with_exchange
from station_ctl.swap.result import Result
from station_ctl.swap.thermal_table import FINISHED

AUTOMATIC = (PackML.IDLE, PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.COMPLETE, PackML.SUSPENDED)
"""States in which an evacuation starts by itself. In all others people may be inside: a person asks for it."""
_AFTER_STOW = ("stow", "choose", "approach_bay", "fetch", CHARGED, "insert", "lock")


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
    if look.snapshot.robot is None and in_ordinary_bays(look):
        return Result(abort(state, look.now_s, people_unknown(look)))
    if state.packml is PackML.SUSPENDED and state.reason is not None and state.reason.code == WAITS:
        gone = Reason("thermal_event_gone", "the thermal event has gone without an evacuation: look, then resume")
        return Result(hold(state, look.now_s, gone))
    return aboard(look)


def _move(look: Look, pack: Hot) -> Result | None:
    if look.state.visited:
        return Result(abort(look.state, look.now_s, people_unknown(look, pack)))
    obstacle = hindrance(look, pack)
    return _wait(look, pack, obstacle) if obstacle else Result(started(look, pack))


def asked(look: Look, place: Place) -> Result:
    """A person's `evacuate`: started if it can be, else the reason says what stands in the way and it is not."""
    state, robot, snapshot = look.state, look.snapshot.robot, look.snapshot
    why = look.decision.thermal.get(place, "a person asked")
    held = held_hot(state, robot) if robot is not None else None
    pack = held if held and held.place == place else Hot(place, plan.serial(snapshot.pack(place)), why)
    obstacle = people_unknown(look, pack).text if state.visited else hindrance(look, pack)
    return Result(replace(state, reason=waits(pack, obstacle))) if obstacle else Result(started(look, pack))


def started(look: Look, pack: Hot) -> StationState:
    """The state at the first step of the evacuation. Travel under way is given up; the PLC brings it to a stop."""
    state, robot = look.state, look.snapshot.robot
    swap, interrupted, trigger = state.swap, _interrupted(look), "evacuate_empty"
    if robot is not None and robot.gripper_holding is Signal.TRUE and swap is not None:
        interrupted, trigger = HOLDS[state.step], "evacuate_hot" if pack.held else "evacuate_loaded"
        if not pack.held:
            swap = _with_aside(swap, interrupted, aside_bay(look))
    isolation = isolation_bays(state, look.snapshot, look.config, look.decision.thermal)[0]
    evacuation = Evacuation(pack.place, isolation, pack.serial, pack.why, interrupted)
    state = replace(state, evacuation=evacuation, swap=swap)
    state = at(state, SWAP.follow(state.step, trigger), look.now_s)
    return state if state.packml is PackML.EXECUTE else go(state, "evacuate", look.now_s)


def _interrupted(look: Look) -> str:
    """The step to come back to. A mount whose locks were not opened yet is approached anew."""
    state, robot = look.state, look.snapshot.robot
    untouched = state.step == "unlock" and robot is not None and plan.unopened(robot, look.swap.exchange.mount)
    return "approach_mount" if untouched else state.step


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


def _wait(look: Look, pack: Hot, obstacle: str) -> Result | None:
    """Nothing moves while the obstacle stands; a truck that is whole again, or backed out, is let go."""
    state, reason = look.state, waits(pack, obstacle)
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
