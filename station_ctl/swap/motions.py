"""The steps in which the robot moves: what is ordered, and what has to be measured before it counts as done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from drivers.reading import Signal
from drivers.robot_protocol import MOUNT_CODE_BASE, EchoResult, EchoState, Opcode, RobotCommand, RobotStatus
from station_ctl.model.motion import Order
from station_ctl.model.places import bay, mount
from station_ctl.model.visit import Exchange
from station_ctl.swap.look import Give, Go, Look, Outcome, hold, wait

LOADED_KG, EMPTY_KG = 500.0, 100.0
"""Load cell: above the first a pack hangs on the robot (the lightest weighs over a tonne), below the second none."""
PROOF_S = 2.0
"""Sensors may lag behind the PLC's 'done' by so long (the load cell settles)."""

TRUE, FALSE = Signal.TRUE, Signal.FALSE


@dataclass(frozen=True, slots=True)
class Motion:
    """One ordered motion: `order` for the exchange under way, `proof` from sensors, not from the robot's own word."""

    order: Callable[[Exchange], Order]
    proof: Callable[[RobotStatus, Exchange], bool]
    trigger: str


def _loaded(robot: RobotStatus) -> bool:
    return robot.gripper_holding is TRUE and robot.load_kg is not None and robot.load_kg >= LOADED_KG


def empty(robot: RobotStatus) -> bool:
    """True if gripper and load cell agree that nothing hangs on the robot."""
    return robot.gripper_holding is FALSE and robot.load_kg is not None and robot.load_kg <= EMPTY_KG


def _unlocked(robot: RobotStatus, e: Exchange) -> bool:
    sensors = robot.mounts[e.mount - 1]
    return (sensors.unlocked, sensors.locked, sensors.mated) == (TRUE, FALSE, FALSE)


def _locked(robot: RobotStatus, e: Exchange) -> bool:
    sensors = robot.mounts[e.mount - 1]
    return (sensors.locked, sensors.unlocked, sensors.mated) == (TRUE, FALSE, TRUE)


def locked_in(robot: RobotStatus, number: int) -> bool:
    """True if a mount's sensors, gripper and load cell agree that its pack is seated, locked and connected."""
    sensors = robot.mounts[number - 1]
    found = (sensors.seated, sensors.locked, sensors.unlocked, sensors.mated)
    return found == (TRUE, TRUE, FALSE, TRUE) and empty(robot)


def stored(robot: RobotStatus, number: int) -> bool:
    """True if a bay's sensors, gripper and load cell agree that its pack was set down and connected."""
    sensors = robot.bays[number - 1]
    return (sensors.occupied, sensors.locked, sensors.mated) == (TRUE, TRUE, TRUE) and empty(robot)


def lifted(robot: RobotStatus, number: int) -> bool:
    """True if a bay's sensors, gripper and load cell agree that its pack hangs on the robot."""
    return robot.bays[number - 1].occupied is FALSE and _loaded(robot)


def _there(_robot: RobotStatus, _e: Exchange) -> bool:
    return True  # the PLC's own axis measurement is the only one there is for a position


MOTIONS: dict[str, Motion] = {
    "immobilise": Motion(
        lambda e: Order(Opcode.CLAMP),
        lambda r, e: (r.wheels_clamped, r.barrier_closed) == (TRUE, TRUE),
        "immobilised",
    ),
    "approach_mount": Motion(lambda e: Order(Opcode.MOVE_TO, destination=mount(e.mount)), _there, "at_mount"),
    "unlock": Motion(lambda e: Order(Opcode.UNLOCK, mount=e.mount), _unlocked, "unlocked"),
    "extract": Motion(
        lambda e: Order(Opcode.LIFT_FROM, source=mount(e.mount)),
        lambda r, e: r.mounts[e.mount - 1].seated is FALSE and _loaded(r),
        "extracted",
    ),
    "carry_to_bay": Motion(lambda e: Order(Opcode.MOVE_TO, destination=bay(e.bay_in)), _there, "at_bay"),
    "stow": Motion(
        lambda e: Order(Opcode.PLACE_TO, destination=bay(e.bay_in)), lambda r, e: stored(r, e.bay_in), "stowed"
    ),
    "approach_bay": Motion(lambda e: Order(Opcode.MOVE_TO, destination=bay(e.bay_out)), _there, "at_bay"),
    "fetch": Motion(
        lambda e: Order(Opcode.LIFT_FROM, source=bay(e.bay_out)),
        lambda r, e: lifted(r, e.bay_out),
        "fetched",
    ),
    "carry_to_mount": Motion(lambda e: Order(Opcode.MOVE_TO, destination=mount(e.mount)), _there, "at_mount"),
    "insert": Motion(
        lambda e: Order(Opcode.PLACE_TO, destination=mount(e.mount)),
        lambda r, e: r.mounts[e.mount - 1].seated is TRUE and empty(r),
        "inserted",
    ),
    "lock": Motion(lambda e: Order(Opcode.LOCK, mount=e.mount), _locked, "locked"),
    "park": Motion(lambda e: Order(Opcode.HOME), lambda r, e: r.robot_home is TRUE, "parked"),
    "release": Motion(
        lambda e: Order(Opcode.RELEASE),
        lambda r, e: (r.wheels_clamped, r.barrier_closed) == (FALSE, FALSE),
        "released",
    ),
}


def ordered(look: Look, robot: RobotStatus, order: Order) -> Outcome | None:
    """Give an order once and follow it by its sequence number; None once the PLC reports it done."""
    pending = look.state.pending
    if pending is None or pending != order.command(pending.sequence):
        return Give(order)
    doing = verb(pending)
    echo = robot.echo_state if robot.echo_sequence == pending.sequence else None
    match echo:
        case EchoState.DONE:
            return None
        case EchoState.REJECTED | EchoState.FAILED:
            return hold(f"command_{echo.name.lower()}", f"PLC: {doing} {echo.name.lower()}: {_why(robot)}")
        case EchoState.STOPPED:
            reason = robot.stop_reason.name.lower() if robot.stop_reason is not None else "unknown"
            return hold("motion_stopped", f"PLC stopped {doing}, reason: {reason}")
    if look.elapsed_s > look.config.swap.motion_timeout_s:
        return hold("motion_timeout", f"{doing} is not done after {look.elapsed_s:.0f} s")
    return wait("moving", f"robot: {doing}")


def verb(command: RobotCommand) -> str:
    """A command in words: its opcode and where."""
    code = command.source or command.destination or (MOUNT_CODE_BASE + command.mount if command.mount else 0)
    if not code:
        return command.opcode.name
    place = f"mount {code - MOUNT_CODE_BASE}" if code > MOUNT_CODE_BASE else f"bay {code}"
    return f"{command.opcode.name} {place}"


def _why(robot: RobotStatus) -> str:
    known = robot.echo_result in list(EchoResult)
    result = EchoResult(robot.echo_result).name.lower() if known else f"result {robot.echo_result}"
    return f"{result}, fault code {robot.fault_code}"


def proved(look: Look, order: Order, proof: Callable[[RobotStatus], bool], trigger: str) -> Outcome:
    """One motion of the robot: ordered, reported done, then proved by other sensors."""
    robot = look.snapshot.robot
    if robot is None:
        return wait("plc_not_readable", look.snapshot.robot_error)
    outcome = ordered(look, robot, order)
    if outcome is not None:
        return outcome
    if proof(robot):
        return Go(trigger, look.state)
    since_s = look.state.done_since_s if look.state.done_since_s is not None else look.now_s
    if look.now_s - since_s > PROOF_S:
        return hold("not_proved", f"{look.state.step}: the PLC says done, its sensors do not agree after {PROOF_S:g} s")
    state = replace(look.state, done_since_s=since_s)
    return wait("proving", f"{look.state.step}: waiting for the sensors to agree", state)
