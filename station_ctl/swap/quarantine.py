"""Packs with a thermal event: in quarantine from that cycle on, by serial, or by place while they are nameless. Pure.

A pack whose BMS is silent is known by where it stands only. So its key goes with it: into the gripper when it is
lifted, to the place where the robot sets it down, and to its serial as soon as that place tells one. What a place told
last is remembered (swap.seen_packs): a BMS that falls silent before its event is still named.

What people carry away is followed as far as it can be: the key is then "taken away from" its place, stays so for as
long as it takes, and falls to the first pack that turns up in a bay without the robot and that nobody here knows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from drivers.reading import Signal
from drivers.robot_protocol import Opcode, RobotCommand, RobotStatus
from station_ctl.model.places import Place, PlaceKind, bay
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.swap import motions, plan
from station_ctl.swap.look import Look
from station_ctl.swap.packs import with_exchange
from station_ctl.swap.seen_packs import GRIPPER, left
from station_ctl.thermal.look import bare

TAKEN_AWAY = "taken away from "
"""How the key of a nameless pack begins that people took away; its place follows."""
HOT = ("evacuate_lift", "evacuate_carry", "evacuate_place")
"""Steps in which the robot may hold the pack that is evacuated."""


def quarantine(look: Look, before: StationState) -> StationState:
    """The state with every pack that has a thermal event in quarantine, from the cycle on in which it was detected.

    before: the state before this cycle's reading was taken in (swap.seen_packs); what it knew, the reading can differ
    from.
    """
    state, robot = look.state, look.snapshot.robot
    found: dict[str, str] = {}
    keys = _Keys(look, robot, before) if robot is not None else None
    for name, why in state.quarantined.items():
        _put(found, keys.now(name, found) if keys else name, why)
    for place, why in sorted(look.decision.thermal.items()):
        if robot is not None and bare(place, robot):  # the event lingers; the pack's key went with it, or is there yet
            continue
        for name in _names(place, look):
            _put(found, name, f"{plan.THERMAL}{why}")
    if found == state.quarantined:
        return state
    return replace(state, quarantined=found, swap=_not_accepted(state.swap, found))


def _put(found: dict[str, str], name: str, why: str) -> None:
    """A thermal event outweighs any other reason; two packs that were taken away from one place stay two."""
    while name.startswith(TAKEN_AWAY) and name in found:
        name += ", too"
    if name and (name not in found or (plan.hot_name({name: why}, name) and not plan.hot_name(found, name))):
        found[name] = why


def _names(place: Place, look: Look) -> tuple[str, ...]:
    """What a pack is quarantined by: its serial; if it is silent the place, and what was told there last."""
    serial = plan.serial(look.snapshot.pack(place))
    last = look.state.told.get(str(place))
    return (serial,) if serial else (str(place), last) if last else (str(place),)


@dataclass(frozen=True, slots=True)
class _Keys:
    """By what quarantined packs are known now."""

    look: Look
    robot: RobotStatus
    before: StationState

    def now(self, name: str, taken: Collection[str]) -> str:
        """The key that a key has become; '' for a nameless pack that left with its truck. taken: keys of others."""
        if name.startswith(TAKEN_AWAY):
            return self._turned_up(taken) or name
        if name == GRIPPER:
            return self._from_gripper(taken)
        place = next((p for p in self.look.snapshot.packs if str(p) == name), None)
        return self._from(place, taken) if place is not None else name

    def _from(self, place: Place, taken: Collection[str]) -> str:
        """Of a nameless pack that stood there."""
        name, state = str(place), self.look.state
        serial = plan.serial(self.look.snapshot.pack(place))
        if serial:
            return TAKEN_AWAY + name if self._from_elsewhere(serial, name) else serial
        if not bare(place, self.robot):
            return name
        if not motions.empty(self.robot) and _took(state, place):
            return GRIPPER
        if place in self.look.decision.thermal:
            return name
        if place.kind is PlaceKind.MOUNT and self.robot.truck_present is Signal.FALSE:
            return "" if left(name, state, self.robot) else name
        evacuated = state.evacuation is not None and state.evacuation.source == place
        return self._carried(name, taken, isolated=evacuated)

    def _from_gripper(self, taken: Collection[str]) -> str:
        """Of a nameless pack that hung on the robot: where the robot set it down; where people did."""
        if not motions.empty(self.robot):
            return GRIPPER
        last = _last(self.look.state)
        if last is not None and last.opcode is Opcode.PLACE_TO:
            goal = next((p for p in self.look.snapshot.packs if p.code == last.destination), None)
            if goal is not None and not bare(goal, self.robot):
                return self._key(goal)
        return self._carried(GRIPPER, taken, isolated=True)

    def _carried(self, name: str, taken: Collection[str], *, isolated: bool) -> str:
        """Of a nameless pack that is no longer seen there, and that the robot did not take."""
        found = (isolated and self._isolated()) or self._turned_up(taken)
        return found or (TAKEN_AWAY + name if left(name, self.look.state, self.robot) else name)

    def _isolated(self) -> str:
        """The key at the isolation bay of the open evacuation, which was bare when it began; '' if it still is."""
        evacuation = self.look.state.evacuation
        if evacuation is None or bare(bay(evacuation.isolation), self.robot):
            return ""
        return self._key(bay(evacuation.isolation))

    def _key(self, place: Place) -> str:
        return plan.serial(self.look.snapshot.pack(place)) or str(place)

    def _turned_up(self, taken: Collection[str]) -> str:
        """A pack in a bay that the robot did not set down there and that nobody here knows; '' if there is none."""
        last = _last(self.look.state)
        for place, pack in sorted(self.look.snapshot.packs.items()):
            placed = last is not None and last.opcode is Opcode.PLACE_TO and last.destination == place.code
            others = self._key(place) in taken or self._key(place) in self.look.state.quarantined
            if place.kind is not PlaceKind.BAY or placed or others:
                continue
            serial = plan.serial(pack)
            if serial and not self._known(serial):
                return serial
            if not serial and left(str(place), self.before, self.robot) and not bare(place, self.robot):
                return str(place)
        return ""

    def _known(self, serial: str) -> bool:
        swap, evacuation = self.look.state.swap, self.look.state.evacuation
        own = {s for e in (swap.exchanges if swap else ()) for s in (e.serial_out, e.serial_in)}
        told, evacuated = self.before.told.values(), evacuation.serial if evacuation else None
        return serial in told or serial in own or serial == evacuated

    def _from_elsewhere(self, serial: str, name: str) -> bool:
        """Whether it told its serial at another place, where a pack still stands: it was put in the other's stead."""
        bare_now = self.look.state.bare_since_s
        return any(last == serial and at != name and at not in bare_now for at, last in self.before.told.items())


def _took(state: StationState, place: Place) -> bool:
    """True if what hangs on the robot was lifted from this place."""
    command, evacuation = _last(state), state.evacuation
    lifted = command is not None and (command.opcode, command.source) == (Opcode.LIFT_FROM, place.code)
    return lifted or (evacuation is not None and evacuation.source == place and state.step in HOT)


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
