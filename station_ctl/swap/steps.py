"""The steps in which the controller watches the truck, its driver and the packs. Pure: a look in, an outcome out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from drivers.pack_status import PackLink, PackStatus
from drivers.reading import Quality, Signal
from drivers.robot_protocol import MotionClass, RobotMode, RobotStatus
from drivers.truck_status import SelfTest
from station_ctl.model import Authorisation, Exchange, Parking, Reason, Snapshot, StationState, Swap, bay, mount
from station_ctl.swap import motions, plan
from station_ctl.swap.look import Go, Look, Outcome, Suspend, hold, suspend, wait

STANDING_S = 1.0
"""The truck counts as parked when its position errors have not changed by more than STANDING_MM for so long."""
STANDING_MM = 10.0
REPARK_S = 120.0
"""A driver who was asked to park again and has not come back by then has left."""
DRIVER_S = 3.0
"""A brake or swap mode that is missing for so long is asked of the driver."""

_DRIVERS_TASKS = {"parking_brake_off", "swap_mode_off"}


def truck_gone(snapshot: Snapshot) -> bool:
    """True if the PLC sees the lane empty."""
    return snapshot.robot is not None and snapshot.robot.truck_present is Signal.FALSE


def waiting(look: Look) -> Outcome:
    """Until a truck is present."""
    robot = look.snapshot.robot
    if robot is None:
        return wait("plc_not_readable", look.snapshot.robot_error)
    if robot.mode is not RobotMode.PRODUCTION:
        return wait("mode", "the key switch at the robot's cabinet is not on Production")
    if not motions.empty(robot):
        return wait("gripper_full", "the robot holds a pack: set it down in Manual")
    if robot.truck_present is Signal.TRUE:
        return Go("arrived", look.state)
    return wait("lane_free", "waiting for a truck")


def identify(look: Look) -> Outcome:
    """Until VIN, number of mounts, and serial and charge of every pack aboard are known."""
    if truck_gone(look.snapshot):
        return Go("left", look.state)
    truck = look.snapshot.truck
    if truck.vin.value is None or truck.mounts_fitted.value is None:
        return wait("truck_silent", "the truck's swap controller has not said who it is")
    unknown = [n for n in look.mounts() if not plan.identified(look.snapshot.packs[mount(n)])]
    if not unknown:
        return Go("identified", look.state)
    if look.elapsed_s > look.config.swap.handshake_timeout_s:
        return hold("pack_silent", f"no serial or charge from the pack at mount {unknown[0]}")
    return wait("pack_identity", f"waiting for serial and charge of the pack at mount {unknown[0]}")


def authorise(look: Look) -> Outcome:
    """Until there is an authorisation for this truck and a plan that can be kept."""
    if truck_gone(look.snapshot):
        return Go("left", look.state)
    vin, leave = look.snapshot.truck.vin.value, look.state.authorisation
    if vin is None:
        return wait("truck_silent", "the truck's swap controller has gone silent")
    if leave is None:
        return suspend("not_authorised", f"waiting for the authorisation of truck {vin}")
    if leave.vin != vin:
        return suspend("not_authorised", f"truck {vin} is here, authorised is {leave.vin}")
    return _planned(look, leave)


def _planned(look: Look, leave: Authorisation) -> Outcome:
    promised = leave.soc_promised_pct if leave.soc_promised_pct is not None else look.config.swap.soc_promised_pct
    mounts = look.mounts()[: leave.packs]
    exchanges = plan.make(mounts, look.state, look.snapshot, look.config, promised)
    if isinstance(exchanges, Reason):
        return Suspend(exchanges)
    swap_id = f"{look.config.station.id}-{look.now_utc}"
    swap = Swap(swap_id, leave.vin, leave.issuer, promised, look.now_utc, exchanges)
    return Go("authorised", replace(look.state, swap=swap, parking=Parking()))


def position(look: Look) -> Outcome:
    """Until the truck stands within tolerance; standing wrong is normal and asks the driver to park again."""
    robot = look.snapshot.robot
    if robot is None:
        return wait("plc_not_readable", look.snapshot.robot_error)
    parking = _parking(look, robot)
    gone_s = look.now_s - parking.gone_since_s if parking.gone_since_s is not None else None
    if gone_s is not None and (parking.attempts == 0 or gone_s > REPARK_S):
        return Go("left", replace(look.state, swap=None))
    state = replace(look.state, parking=parking)
    standing = look.now_s - parking.since_s >= STANDING_S
    if not standing:
        return wait("parking", "waiting for the truck to stand still", state)
    if robot.truck_in_position is Signal.TRUE:
        return Go("positioned", state)
    return _repark(look, robot, state)


def _parking(look: Look, robot: RobotStatus) -> Parking:
    """The driver's attempt as it stands: a truck that moved starts a new one."""
    before = look.state.parking
    errors = (robot.truck_x_error_mm, robot.truck_y_error_mm, robot.truck_angle_deg)
    known = [e for e in errors if e is not None]
    old = [e for e in before.errors if e is not None]
    still = len(known) == len(old) == 3 and max(abs(a - b) for a, b in zip(known, old, strict=True)) <= STANDING_MM
    if still and robot.truck_present is Signal.TRUE and before.gone_since_s is None:
        return before
    gone = robot.truck_present is Signal.FALSE
    since_s = (before.gone_since_s if before.gone_since_s is not None else look.now_s) if gone else None
    return Parking(before.attempts, errors, look.now_s, counted=False, gone_since_s=since_s)


def _repark(look: Look, robot: RobotStatus, state: StationState) -> Outcome:
    parking = state.parking
    if not parking.counted:
        parking = replace(parking, attempts=parking.attempts + 1, counted=True)
        state = replace(state, parking=parking)
    if parking.attempts > look.config.swap.repark_attempts:
        return hold("position", f"truck still out of position after {parking.attempts - 1} attempts to re-park")
    where = f"x {robot.truck_x_error_mm} mm, y {robot.truck_y_error_mm} mm, angle {robot.truck_angle_deg} deg"
    return suspend("repark", f"driver: please park again ({where})", state)


def isolate(look: Look) -> Outcome:
    """Until the interlock permits unlocking: contactors open, current about 0, voltage collapsed, all of it fresh."""
    if look.decision.permits & MotionClass.UNLOCK:
        return Go("isolated", look.state)
    names = look.decision.blocking(MotionClass.UNLOCK)
    if look.elapsed_s > DRIVER_S and names and set(names) <= _DRIVERS_TASKS:
        return suspend("driver", f"driver: please apply parking brake and swap mode ({', '.join(names)})")
    if look.elapsed_s > look.config.swap.isolate_timeout_s:
        return hold("not_isolated", f"truck not isolated after {look.elapsed_s:.0f} s: {', '.join(names)}")
    return wait("isolating", f"waiting for: {', '.join(names)}")


def choose(look: Look) -> Outcome:
    """The charged pack of this exchange, judged again on fresh data."""
    swap = look.swap
    chosen = plan.choose_again(swap.exchange, look.state, look.snapshot, look.config)
    if isinstance(chosen, Reason):
        return Suspend(chosen)
    return Go("chosen", replace(look.state, swap=with_exchange(swap, swap.index, chosen)))


def verify(look: Look) -> Outcome:
    """Until every pack put in so far says it is the right one, healthy and charged; then the next mount, or the end."""
    swap = look.swap
    for exchange in (e for e in swap.exchanges if e.mount in swap.installed):
        pack = look.snapshot.packs[mount(exchange.mount)]
        if pack.link is not PackLink.MONITORED:
            return _verifying(look, exchange.mount, f"BMS {pack.link.name.lower()}")
        if plan.serial(pack) != exchange.serial_in:
            return hold("wrong_pack", f"mount {exchange.mount}: {plan.serial(pack)}, expected {exchange.serial_in}")
        if wrong := plan.fault(pack, look.config, look.now_s) or _undercharged(look, exchange, pack):
            return _verifying(look, exchange.mount, wrong)
    if swap.backed_out or swap.exchange.mount in swap.installed:
        return Go("all_verified", look.state)
    return _next_mount(look, swap)


def _undercharged(look: Look, exchange: Exchange, pack: PackStatus) -> str:
    """'' if the pack has what was promised, to the 1 % that BCS can say; a truck's own pack is not asked."""
    soc_pct = pack.soc_pct.good(look.now_s, look.config.swap.pack_data_age_s)
    own = exchange.serial_in == exchange.serial_out
    if own or (soc_pct is not None and soc_pct >= look.swap.soc_promised_pct - 1.0):
        return ""
    return f"charge {soc_pct} %, promised {look.swap.soc_promised_pct:g} %"


def _next_mount(look: Look, swap: Swap) -> Outcome:
    """A mount is opened only if there is a bay for its pack now, and its pack is safe to take in."""
    placed = plan.place_again(swap.exchange, look.snapshot, look.config)
    if isinstance(placed, Reason):
        return Suspend(placed)
    return Go("verified", replace(look.state, swap=with_exchange(swap, swap.index, placed)))


def _verifying(look: Look, number: int, why: str) -> Outcome:
    if look.elapsed_s > look.config.swap.handshake_timeout_s:
        return hold("pack_not_verified", f"pack at mount {number}: {why}")
    return wait("verifying", f"pack at mount {number}: {why}")


def reconnect(look: Look) -> Outcome:
    """Until the truck's self-test has passed with high voltage back on."""
    if "mount_not_locked" in look.decision.active:
        return hold("mount_not_locked", "a mount is not measured locked: high voltage stays off")
    truck = look.snapshot.truck
    age_s = look.config.safety.truck_age_ms / 1000
    test = truck.self_test.good(look.now_s, 2 * age_s)
    high_voltage_on = truck.hv_off.good(look.now_s, age_s) is Signal.FALSE
    if test is SelfTest.PASSED and high_voltage_on:
        return Go("reconnected", look.state)
    if test is SelfTest.FAILED:
        return hold("self_test_failed", "the truck's self-test failed")
    if look.elapsed_s > look.config.swap.self_test_timeout_s:
        return hold("self_test_timeout", f"no passed self-test after {look.elapsed_s:.0f} s")
    return wait("self_test", "waiting for the truck's self-test")


def settle(look: Look) -> Outcome:
    """Until every discharged pack is accepted; what is not by then is quarantined with the reason."""
    open_ones = [e for e in exchanged(look.swap) if e.accepted is None]
    if not open_ones:
        return Go("settled", look.state)
    if look.elapsed_s <= look.config.swap.handshake_timeout_s:
        return wait("accepting", f"pack in bay {open_ones[0].bay_in}: {_doubt(look, open_ones[0])}")
    state = look.state
    for exchange in open_ones:
        found = plan.serial(look.snapshot.packs[bay(exchange.bay_in)])
        state = decided(state, exchange, False, _doubt(look, exchange), found)
    return Go("settled", state)


def depart(look: Look) -> Outcome:
    """Until the truck has left the lane."""
    if truck_gone(look.snapshot):
        return Go("departed", look.state)
    if look.elapsed_s > look.config.swap.depart_timeout_s:
        return wait("still_here", f"the truck was released {look.elapsed_s:.0f} s ago and is still in the lane")
    return wait("departing", "waiting for the truck to leave")


def exchanged(swap: Swap) -> list[Exchange]:
    """Exchanges whose discharged pack stays in the station."""
    return [e for e in swap.exchanges if e.mount in swap.installed and e.serial_in != e.serial_out]


def with_exchange(swap: Swap, index: int, exchange: Exchange) -> Swap:
    """The swap with one exchange replaced."""
    return replace(swap, exchanges=(*swap.exchanges[:index], exchange, *swap.exchanges[index + 1 :]))


def _doubt(look: Look, exchange: Exchange) -> str:
    """Why the discharged pack is not accepted into stock, '' if it can be."""
    pack = look.snapshot.packs[bay(exchange.bay_in)]
    if pack.link is not PackLink.MONITORED:
        return f"BMS {pack.link.name.lower()}"
    if plan.serial(pack) != exchange.serial_out:
        return f"serial is {plan.serial(pack)}, expected {exchange.serial_out}"
    return plan.fault(pack, look.config, look.now_s)


def accept(look: Look) -> StationState:
    """Accept discharged packs into stock while the robot goes on working."""
    state, swap = look.state, look.state.swap
    for exchange in swap.exchanges if swap else ():
        if exchange.accepted is None and exchange.serial_out and not _doubt(look, exchange):
            state = decided(state, exchange, True, "")
    return state


def decided(
    state: StationState, exchange: Exchange, accepted: bool, remark: str, found: str | None = None
) -> StationState:
    """The state with a discharged pack accepted, or quarantined for the reason in `remark`.

    found: the serial that the bay's BMS tells; if it is not the expected one, both are quarantined.
    """
    swap = state.swap
    if swap is None:
        return state
    new = with_exchange(swap, swap.exchanges.index(exchange), replace(exchange, accepted=accepted, remark=remark))
    quarantined = {serial: why for serial, why in state.quarantined.items() if serial != exchange.serial_out}
    if not accepted:
        quarantined |= {serial: remark for serial in (exchange.serial_out, found) if serial}
    return replace(state, swap=new, quarantined=quarantined)


_TRUCK_FREE = ("settle", "depart")
_ASKS_WHO = ("immobilise", "isolate", "approach_mount", "verify", "unlock")
"""Steps that do not begin, or end, without the truck's VIN."""

LOOKS: dict[str, Callable[[Look], Outcome]] = {
    **dict.fromkeys(motions.MOTIONS, motions.motion),
    "unlock": motions.unlock,
    "lock": motions.lock,
    "waiting": waiting,
    "identify": identify,
    "authorise": authorise,
    "position": position,
    "isolate": isolate,
    "choose": choose,
    "verify": verify,
    "reconnect": reconnect,
    "settle": settle,
    "depart": depart,
}
"""What looks at each step of the table."""


def look_at(look: Look) -> Outcome:
    """Look at the step under way; an open swap goes on with its own truck only, by the truck's own word."""
    swap, vin = look.state.swap, look.snapshot.truck.vin
    said = vin.value if vin.quality is Quality.GOOD else None
    if swap is not None and said is not None and said != swap.vin and look.state.step not in _TRUCK_FREE:
        return hold("other_truck", f"truck {said} stands in the lane, the open swap is of {swap.vin}")
    if swap is not None and said is None and look.state.step in _ASKS_WHO:
        if look.elapsed_s > look.config.swap.handshake_timeout_s:
            return hold("truck_silent", "the truck does not say who it is")
        return wait("truck_silent", "waiting for the truck to say who it is")
    return LOOKS[look.state.step](look)
