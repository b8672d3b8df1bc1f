"""Where the journal says that each pack of the open swap is: what a restart has to compare with the plant. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Exchange, Swap
from station_ctl.swap.changes import EVACUATING, work_step
from station_ctl.swap.hot_packs import OLD

GRIPPER = None
"""The place 'in the gripper' in a belief."""

_OLD_IN_MOUNT = ("position", "immobilise", "isolate", "approach_mount", "verify", "unlock")
_OLD: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_OLD_IN_MOUNT, ("mount",)),
    "extract": ("mount", "gripper"),
    "carry_to_bay": ("gripper",),
    "stow": ("gripper", "bay_in"),
}
_CHARGED: dict[str, tuple[str, ...]] = {
    "fetch": ("bay_out", "gripper"),
    "carry_to_mount": ("gripper",),
    "insert": ("gripper", "mount"),
    "lock": ("mount",),
}
"""By step, where the old and the charged pack of the exchange under way may be; a motion under way has two places."""


@dataclass(frozen=True, slots=True)
class Belief:
    """One pack, and the places where it may be by the journal; None among them is the gripper. serial '': not known."""

    serial: str
    places: tuple[Place | None, ...]


def beliefs(state: StationState) -> tuple[Belief, ...]:
    """Where the packs of what is open are by the journal, those that the station has not touched left out."""
    found: list[Belief] = []
    swap = state.swap
    if swap is not None:
        for index, exchange in enumerate(swap.exchanges):
            if exchange.mount in swap.installed:
                found += _done(exchange)
            elif index == swap.index:
                found += _under_way(exchange, work_step(state), swap)
    if state.evacuation is not None and state.step in EVACUATING:
        found = _with_evacuation(found, state)
    return tuple(found)


def _done(exchange: Exchange) -> list[Belief]:
    own = exchange.serial_in == exchange.serial_out
    old = [] if own else [Belief(exchange.serial_out, (bay(exchange.bay_in),))]
    return [*old, Belief(exchange.serial_in, (mount(exchange.mount),))]


def _under_way(exchange: Exchange, step: str, swap: Swap) -> list[Belief]:
    own = exchange.serial_in == exchange.serial_out
    if own and step in ("insert", "lock", "carry_to_mount", "fetch"):  # back out: the truck's own pack returns
        return [Belief(exchange.serial_out, _places(exchange, _CHARGED[step]))]
    if step in _OLD:
        return [Belief(exchange.serial_out, _places(exchange, _OLD[step]))]
    if swap.backed_out and step == "lock" and not own:  # locked again before it was lifted, or the charged one is in
        return [Belief("", (mount(exchange.mount),))]
    if step not in ("choose", "approach_bay", *_CHARGED):
        return []
    stowed = Belief(exchange.serial_out, (bay(exchange.bay_in),))
    charged = _CHARGED.get(step)
    return [stowed, Belief(exchange.serial_in, _places(exchange, charged))] if charged else [stowed]


def _places(exchange: Exchange, names: tuple[str, ...]) -> tuple[Place | None, ...]:
    where: dict[str, Place | None] = {
        "mount": mount(exchange.mount),
        "bay_in": bay(exchange.bay_in),
        "bay_out": bay(exchange.bay_out),
        "gripper": GRIPPER,
    }
    return tuple(where[name] for name in names)


def _with_evacuation(found: list[Belief], state: StationState) -> list[Belief]:
    """What the steps of an evacuation change: the good pack is set down, the hot one goes to isolation."""
    evacuation, swap, step = state.evacuation, state.swap, state.step
    if evacuation is None:
        return found
    if swap is not None:
        found = [b for b in found if GRIPPER not in b.places and b.serial != evacuation.serial]
        good = _good_in_hand(state, swap)
        found = [*found, good] if good else found
    hot = {
        "evacuate_lift": (evacuation.source, GRIPPER),
        "evacuate_carry": (GRIPPER,),
        "evacuate_place": (GRIPPER, bay(evacuation.isolation)),
        "evacuate_park": (bay(evacuation.isolation),),
    }.get(step, (evacuation.source,))
    return [*found, Belief(evacuation.serial or "", hot)]


def _good_in_hand(state: StationState, swap: Swap) -> Belief | None:
    """The pack that the robot held when it was pre-empted, unless it is the hot one."""
    evacuation, exchange = state.evacuation, swap.exchange
    if evacuation is None or evacuation.interrupted not in ("carry_to_bay", "carry_to_mount"):
        return None
    old = evacuation.interrupted == OLD
    serial, home = (exchange.serial_out, exchange.bay_in) if old else (exchange.serial_in, exchange.bay_out)
    if serial == evacuation.serial:
        return None
    places: dict[str, tuple[Place | None, ...]] = {
        "evacuate_clear": (GRIPPER,),
        "evacuate_set_down": (GRIPPER, bay(home)),
    }
    return Belief(serial, places.get(state.step, (bay(home),)))
