"""Packs with a thermal event: in quarantine from that cycle on, by serial, or by place while they are nameless. Pure.

A pack whose BMS is silent is known by where it stands only. So its key goes with it: into the gripper when it is
lifted, to the place where it is set down, and to its serial as soon as that place tells one. What a place told last is
remembered as long as it stays occupied (`StationState.told`): a BMS that falls silent before its event is still named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from drivers.robot_protocol import Opcode, RobotCommand, RobotStatus
from station_ctl.model.places import Place, bay
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.swap import motions, plan
from station_ctl.swap.look import Look
from station_ctl.swap.packs import with_exchange
from station_ctl.thermal.look import bare

GRIPPER = "gripper"
"""The key of a nameless pack that hangs on the robot."""
HOT = ("evacuate_lift", "evacuate_carry", "evacuate_place")
"""Steps in which the robot may hold the pack that is evacuated."""


def quarantine(look: Look) -> StationState:
    """The state with every pack that has a thermal event in quarantine, from the cycle on in which it was detected."""
    state = look.state
    told = _told(look)
    found: dict[str, str] = {}
    for name, why in state.quarantined.items():
        if now := _now(name, look):
            found.setdefault(now, why)
    for place, why in sorted(look.decision.thermal.items()):
        for name in _names(place, told, look):
            if not plan.hot_name(found, name):
                found[name] = f"{plan.THERMAL}{why}"
    if told != state.told:
        state = replace(state, told=told)
    if found == state.quarantined:
        return state
    return replace(state, quarantined=found, swap=_not_accepted(state.swap, found))


def _told(look: Look) -> dict[str, str]:
    """By place the serial that was told there last, as long as it stays occupied and nowhere else tells the same."""
    robot, packs = look.snapshot.robot, look.snapshot.packs
    said = {str(p): serial for p, pack in sorted(packs.items()) if (serial := plan.serial(pack))}
    talking = set(said.values())
    kept = {
        str(p): last
        for p in sorted(packs)
        if (last := look.state.told.get(str(p))) and last not in talking and not (robot and bare(p, robot))
    }
    return kept | said


def _names(place: Place, told: Mapping[str, str], look: Look) -> tuple[str, ...]:
    """What a pack is quarantined by: its serial; if it is silent the place, and what was told there last."""
    serial = plan.serial(look.snapshot.pack(place))
    last = told.get(str(place))
    return (serial,) if serial else (str(place), last) if last else (str(place),)


def _now(name: str, look: Look) -> str:
    """By what a quarantined pack is known now; '' for a nameless one that is measured gone."""
    robot = look.snapshot.robot
    place = next((p for p in look.snapshot.packs if str(p) == name), None)
    if robot is None or (place is None and name != GRIPPER):
        return name
    if place is None:
        return _set_down(look, robot) if motions.empty(robot) else GRIPPER
    serial = plan.serial(look.snapshot.pack(place))
    if serial or not bare(place, robot):
        return serial or name
    if not motions.empty(robot) and _took(look.state, place):
        return GRIPPER
    return _left(place, look, robot)


def _left(place: Place, look: Look, robot: RobotStatus) -> str:
    """The key of a place that is bare by all its switches, and whose pack the robot did not just lift."""
    evacuation = look.state.evacuation
    if place in look.decision.thermal:
        return str(place)
    if evacuation is None or evacuation.source != place:
        return ""
    return (motions.empty(robot) and _set_down(look, robot)) or str(place)


def _took(state: StationState, place: Place) -> bool:
    """True if what hangs on the robot was lifted from this place."""
    command, evacuation = _last(state), state.evacuation
    lifted = command is not None and (command.opcode, command.source) == (Opcode.LIFT_FROM, place.code)
    return lifted or (evacuation is not None and evacuation.source == place and state.step in HOT)


def _set_down(look: Look, robot: RobotStatus) -> str:
    """Where the nameless pack stands that hung on the robot: its last placement, else the isolation; '' if nowhere."""
    command, evacuation = _last(look.state), look.state.evacuation
    isolation = [bay(evacuation.isolation)] if evacuation else [bay(b.number) for b in look.config.bay if b.isolation]
    placed = command is not None and command.opcode is Opcode.PLACE_TO
    goal = [p for p in sorted(look.snapshot.packs) if placed and command and p.code == command.destination]
    found = next((p for p in (*goal, *isolation) if not bare(p, robot)), None)
    if found is None:
        return ""
    return plan.serial(look.snapshot.pack(found)) or str(found)


def _last(state: StationState) -> RobotCommand | None:
    """The last motion that the PLC took up; after a restart the last one given."""
    return state.last.command if state.last is not None else state.given


def _not_accepted(swap: Swap | None, quarantined: Mapping[str, str]) -> Swap | None:
    """The swap with no old pack in stock that had a thermal event after it was accepted."""
    for index, exchange in enumerate(swap.exchanges if swap else ()):
        if swap and exchange.accepted and plan.hot_name(quarantined, exchange.serial_out):
            remark = quarantined[exchange.serial_out]
            swap = with_exchange(swap, index, replace(exchange, accepted=False, remark=remark))
    return swap
