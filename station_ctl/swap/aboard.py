"""Thermal event in a pack on the truck: no more of it is opened, and it does not leave with one of ours. Pure."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from station_ctl.model.places import Place, PlaceKind
from station_ctl.model.visit import Swap
from station_ctl.model.words import PackML, Reason
from station_ctl.swap.changes import hold
from station_ctl.swap.look import Look
from station_ctl.swap.result import Result


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
