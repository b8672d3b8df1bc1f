"""What goes over the wire to the swap robot's PLC, as plain values (docs/robot-plc.md is its contract)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from drivers.reading import Signal


class Opcode(IntEnum):
    """Verbs the PLC executes. All are idempotent: done at once where the plant already is as asked."""

    NONE = 0
    UNLOCK = 1  # mount: part the coupler, open the locks
    LOCK = 2  # mount: close the locks, mate the coupler
    LIFT_FROM = 3  # source: part the coupler (bay), grip, lift to travel height
    PLACE_TO = 4  # destination: lower, seat, let go, raise; in a bay also lock and mate
    MOVE_TO = 5  # destination: travel there at travel height
    HOME = 6  # travel to the parking position
    STOP = 7  # controlled stop, the command under way ends as STOPPED
    RESET = 8  # leave FAULTED or EMERGENCY_STOPPED once the cause is gone; moves nothing
    JOG = 9  # parameters = dx, dy in mm; only in mode Manual with local enable
    CLAMP = 10  # close barrier and wheel clamps
    RELEASE = 11  # open wheel clamps and barrier, lane light to green


class MotionClass(IntFlag):
    """Kinds of motion that are permitted separately; the bits of the `permits` register."""

    TRAVEL = 1  # MOVE_TO, HOME
    HANDLE_BAY = 2  # LIFT_FROM or PLACE_TO at a bay
    HANDLE_MOUNT = 4  # LIFT_FROM or PLACE_TO at a mount
    UNLOCK = 8
    LOCK = 16
    CLAMP = 32
    RELEASE = 64
    JOG = 128


class RobotMode(IntEnum):
    """Position of the key switch at the robot's cabinet."""

    PRODUCTION = 1
    MAINTENANCE = 2
    MANUAL = 3


class RobotState(IntEnum):
    """State of the PLC's own sequencer."""

    STOPPED = 0  # after power-up or a stop; the next accepted command leaves it
    READY = 1
    EXECUTING = 2
    STOPPING = 3
    FAULTED = 4  # needs RESET
    EMERGENCY_STOPPED = 5  # needs the button released, then RESET


class StopReason(IntEnum):
    """Why the PLC last stopped a motion."""

    NONE = 0
    COMMAND = 1
    LEASE = 2
    HEARTBEAT = 3
    EMERGENCY_STOP = 4
    SAFETY_CHAIN = 5
    POWER = 6
    AXIS_FAULT = 7


class EchoState(IntEnum):
    """What became of the command whose sequence number is echoed."""

    NONE = 0
    ACCEPTED = 1
    EXECUTING = 2
    DONE = 3
    REJECTED = 4
    FAILED = 5
    STOPPED = 6


class EchoResult(IntEnum):
    """Why a command was rejected or failed."""

    OK = 0
    BAD_CHECKSUM = 1
    UNKNOWN_OPCODE = 2
    BAD_LOCATION = 3
    NOT_PERMITTED = 4
    BUSY = 5
    NEEDS_RESET = 6
    SENSOR_MISMATCH = 7
    TIMEOUT = 8
    OUT_OF_ORDER = 9


BAYS = 24
"""Bays that the PLC's map has room for; bit n - 1 of `charge_permits` is bay n."""

MOUNT_CODE_BASE = 100
"""Location code of mount n is this + n; bay n is n; 0 is no location."""


@dataclass(frozen=True, slots=True)
class MountSensors:
    """Sensors of one mount on the truck. `locked` and `unlocked` are two separate switches."""

    seated: Signal
    locked: Signal
    unlocked: Signal
    mated: Signal


@dataclass(frozen=True, slots=True)
class BaySensors:
    """Sensors of one bay. `energised`: feedback of the supply's contactor, TRUE while the charger is on the coupler."""

    occupied: Signal
    locked: Signal
    mated: Signal
    smoke_clear: Signal
    energised: Signal = Signal.NOT_AVAILABLE


@dataclass(frozen=True, slots=True)
class RobotStatus:
    """One status block, decoded. Numbers out of the map's range are None; signals then are UNTRUSTED.

    received_s: event-loop time the block arrived; heartbeat_changed_s: when `heartbeat` last moved
    (a PLC that answers with a heartbeat that stands still is not alive).
    """

    received_s: float
    heartbeat_changed_s: float
    heartbeat: int
    mode: RobotMode | None
    state: RobotState | None
    step: int
    fault_code: int
    stop_reason: StopReason | None
    echo_sequence: int
    echo_opcode: int
    echo_state: EchoState | None
    echo_result: int
    motions_started: int
    lease_remaining_ms: int
    permits: int
    x_mm: float | None
    y_mm: float | None
    z_mm: float | None
    x_speed_mm_s: float | None
    y_speed_mm_s: float | None
    z_speed_mm_s: float | None
    load_kg: float | None
    estop_released: Signal
    zone_clear: Signal
    doors_closed: Signal
    fire_clear: Signal
    platform_clear: Signal
    local_enable: Signal
    gripper_closed: Signal
    gripper_holding: Signal
    truck_present: Signal
    truck_in_position: Signal
    wheels_clamped: Signal
    barrier_closed: Signal
    robot_home: Signal
    robot_clear: Signal
    truck_x_error_mm: float | None
    truck_y_error_mm: float | None
    truck_angle_deg: float | None
    mounts: tuple[MountSensors, ...]
    bays: tuple[BaySensors, ...]
    supply_lease_remaining_ms: int = 0


@dataclass(frozen=True, slots=True)
class RobotCommand:
    """One command as the PLC executes it: at most once for each sequence number."""

    sequence: int
    opcode: Opcode
    source: int = 0
    destination: int = 0
    mount: int = 0
    parameter_1: int = 0
    parameter_2: int = 0


@dataclass(frozen=True, slots=True)
class CommandBlock:
    """The whole command block, written in one Modbus transaction every cycle.

    heartbeat must advance (modulo 65536) with every write; a block with an older one is ignored by the PLC.
    lease_ms is how long the permits hold without the next write (0 stops at once, category 1).
    supply_lease_ms is the same for charge_permits alone: bit n - 1 lets the supply of bay n be closed. Charging goes on
    while the robot rests (lease_ms 0), and moves nothing.
    """

    heartbeat: int
    lease_ms: int
    permits: MotionClass
    stop_category: int
    command: RobotCommand
    supply_lease_ms: int = 0
    charge_permits: int = 0
