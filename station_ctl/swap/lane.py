"""The steps in which the controller watches the truck and its driver. Pure: a look in, an outcome out."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import MotionClass, RobotMode, RobotStatus
from drivers.truck_status import SelfTest
from station_ctl.model.look import Snapshot
from station_ctl.model.places import mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Authorisation, Parking, Swap
from station_ctl.model.words import Reason
from station_ctl.swap import choice, motions, plan
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
    unknown = [n for n in look.mounts() if not plan.identified(look.snapshot.pack(mount(n)))]
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
    exchanges = choice.make(mounts, look.state, look.snapshot, look.config, promised, look.decision.thermal)
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


def depart(look: Look) -> Outcome:
    """Until the truck has left the lane."""
    if truck_gone(look.snapshot):
        return Go("departed", look.state)
    if look.elapsed_s > look.config.swap.depart_timeout_s:
        return wait("still_here", f"the truck was released {look.elapsed_s:.0f} s ago and is still in the lane")
    return wait("departing", "waiting for the truck to leave")
