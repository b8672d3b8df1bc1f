"""The steps that open a mount or take hold of a pack: what is measured of place and pack right before. Pure.

Who a pack is can be asked as long as its coupler is mated: before UNLOCK at a mount, before LIFT_FROM at a bay. Once
the coupler is parted it is silent, and the same motion goes on with the same pack. docs/recovery.md has the table.
"""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import EchoState, Opcode, RobotStatus
from station_ctl.model.charge_estimate import ChargeEstimate, ChargeSpan
from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Exchange
from station_ctl.swap import motions
from station_ctl.swap.look import Go, Look, Outcome, hold, wait
from station_ctl.swap.plan import readiness, serial, standing
from station_ctl.thermal.look import bare


def motion(look: Look) -> Outcome:
    """A step of the swap that is one motion of the robot."""
    rule, exchange = motions.MOTIONS[look.state.step], look.swap.exchange
    return motions.proved(look, rule.order(exchange), lambda robot: rule.proof(robot, exchange), rule.trigger)


def unlock(look: Look) -> Outcome:
    """UNLOCK, of a mount that still holds the pack the plan says, by the pack's own word."""
    exchange, robot = look.swap.exchange, look.snapshot.robot
    parted = robot is not None and robot.mounts[exchange.mount - 1].mated is Signal.FALSE
    aboard = serial(look.snapshot.pack(mount(exchange.mount)))
    if look.state.pending is not None or parted or aboard == exchange.serial_out:
        return motion(look)
    if aboard is None and look.elapsed_s <= look.config.swap.handshake_timeout_s:
        return _identity_awaited(mount(exchange.mount))
    who = aboard or "a pack that does not say who it is"
    return hold("other_pack_aboard", f"mount {exchange.mount} holds {who}, planned was {exchange.serial_out}")


def fetch(look: Look) -> Outcome:
    """LIFT_FROM a bay, of the pack that was chosen, by its own word right before, if it is fit; else another is chosen.

    A truck's own pack that is fetched back has no other, and is not judged.
    """
    exchange, robot = look.swap.exchange, look.snapshot.robot
    place = bay(exchange.bay_out)
    if robot is None or look.state.pending is not None or _lifts_on(look.state, robot, place):
        return motion(look)
    said, own = serial(look.snapshot.pack(place)), exchange.serial_in == exchange.serial_out
    if said == exchange.serial_in and (own or not _unfit(look, exchange.bay_out)):
        return motion(look)
    if said is None and look.elapsed_s <= look.config.swap.handshake_timeout_s:
        return _identity_awaited(place)
    if not own:
        return Go("other_pack", look.state)
    who = said or "a pack that does not say who it is"
    return hold("other_pack_in_bay", f"{place} holds {who}, to be fetched was {exchange.serial_in}")


def _identity_awaited(place: Place) -> Outcome:
    return wait("pack_identity", f"waiting for the pack in {place} to say who it is")


def _unfit(look: Look, number: int) -> str:
    """Why the pack in this bay is not handed out, '' if it is: what it was chosen for can be over since."""
    return readiness(number, look.state, look.snapshot, look.config, look.swap.soc_promised_pct)


def _lifts_on(state: StationState, robot: RobotStatus, place: Place) -> bool:
    """True if this very lift was begun and the pack was asked then: it hangs on the robot, or its coupler is parted."""
    last = state.last
    if last is None or (last.command.opcode, last.command.source) != (Opcode.LIFT_FROM, place.code):
        return False
    if robot.gripper_holding is Signal.TRUE:
        return True
    return last.ended is not EchoState.DONE and robot.bays[place.number - 1].mated is Signal.FALSE


def stow(look: Look) -> Outcome:
    """PLACE_TO the bay of the old pack."""
    return _placed(look, bay(look.swap.exchange.bay_in))


def insert(look: Look) -> Outcome:
    """PLACE_TO the mount."""
    return _placed(look, mount(look.swap.exchange.mount))


def _placed(look: Look, place: Place) -> Outcome:
    """PLACE_TO a place that all of its switches see empty: the gate asks the seat alone, and one switch may err."""
    robot, last = look.snapshot.robot, look.state.last
    begun = last is not None and last.command.destination == place.code and last.command.opcode is Opcode.PLACE_TO
    if robot is None or look.state.pending is not None or begun or bare(place, robot):
        return motion(look)
    if standing(robot, place) is not Signal.FALSE:
        return motion(look)  # the gate says so by name
    return hold("place_in_doubt", f"{place} reads empty, and its lock or coupler switch does not: look what is there")


def lock(look: Look) -> Outcome:
    """LOCK, and what follows from it: the mount holds a pack of this swap; on to the next mount, or to the end."""
    outcome = motion(look)
    if not isinstance(outcome, Go):
        return outcome
    swap = look.swap
    more = swap.index + 1 < len(swap.exchanges) and not swap.backed_out
    installed = tuple(sorted({*swap.installed, swap.exchange.mount}))
    exchanges = tuple(_measured(look, e) if e == swap.exchange else e for e in swap.exchanges)
    swap = replace(swap, exchanges=exchanges, installed=installed, index=swap.index + more)
    return Go("locked_more" if more else "locked_last", replace(outcome.state, swap=swap))


def _measured(look: Look, exchange: Exchange) -> Exchange:
    """The exchange with what its two packs were estimated to hold when it was done."""
    out, put_in = (_span(look.snapshot.estimates.get(s)) for s in (exchange.serial_out, exchange.serial_in))
    return replace(exchange, charge_out=out, charge_in=put_in)


def _span(estimate: ChargeEstimate | None) -> ChargeSpan | None:
    return None if estimate is None else replace(estimate.charge, energy_kwh=estimate.energy_kwh)
