"""The command block of one cycle: the only place where permits, lease and an admitted command meet."""

from __future__ import annotations

from drivers.robot_protocol import CommandBlock, MotionClass, Opcode, RobotCommand, RobotStatus
from station_ctl.model.look import Decision
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML
from station_ctl.safety.classes import motion_class, on_the_wire
from station_ctl.swap.changes import may_move

_WRAP = 0x10000
_STOPS = {PackML.ABORTING: 1, PackML.ABORTED: 1, PackML.STOPPING: 1, PackML.HOLDING: 2}
"""IEC 60204-1 category of the stop that goes with a state; a hold keeps the power on."""


def newer(a: int, b: int) -> bool:
    """True if sequence number a comes after b, modulo 65536."""
    return 0 < (a - b) % _WRAP < _WRAP // 2


def next_sequence(state: StationState, robot: RobotStatus) -> int:
    """The number after the last one given out or the last one the PLC knows, whichever is later."""
    last = robot.echo_sequence
    if state.sequence is not None and newer(state.sequence, last):
        last = state.sequence
    return (last + 1) % _WRAP


def make(
    state: StationState,
    decision: Decision,
    robot: RobotStatus,
    heartbeat: int,
    lease_ms: int,
    supply_lease_ms: int = 0,
) -> CommandBlock:
    """The block to write now.

    The one motion that is pending gets its permit, as long as the interlock lets it go on and the state may move at
    all; everything else, always, gets none. Without a pending motion the lease is 0: the PLC stands.
    Permits to charge have a lease of their own; it arms no motion.
    """
    pending = state.pending
    wanted = motion_class(pending, state.evacuation) if pending and may_move(state) else MotionClass(0)
    permits = on_the_wire(decision.permits & wanted)
    stop = decision.stop_category if decision.latched else _STOPS.get(state.packml, 0)
    idle = RobotCommand(robot.echo_sequence, Opcode.NONE)
    return CommandBlock(
        heartbeat,
        lease_ms if permits else 0,
        permits,
        stop,
        pending or idle,
        supply_lease_ms if decision.charge_permits else 0,
        decision.charge_permits,
    )
