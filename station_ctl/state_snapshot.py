"""The retained message of the station, made from one cycle's values: what it does and why it waits."""

from __future__ import annotations

from drivers.robot_protocol import MotionClass, RobotMode, RobotStatus
from station_ctl import whereabouts
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import Asked, StationState
from station_ctl.model.words import Mode, Verb
from station_ctl.swap import changes, reconcile, verbs
from station_ctl.swap.table import STEPS
from station_ctl.uplink.state_messages import InterlockPart, RobotPart, StateMessage


def mode(robot: RobotStatus | None) -> Mode:
    """The unit mode that the key switch shows."""
    names = {
        RobotMode.PRODUCTION: Mode.PRODUCTION,
        RobotMode.MAINTENANCE: Mode.MAINTENANCE,
        RobotMode.MANUAL: Mode.MANUAL,
    }
    return names.get(robot.mode, Mode.UNKNOWN) if robot and robot.mode else Mode.UNKNOWN


def progress_pct(state: StationState) -> float:
    """How far the open swap is: steps passed of all steps to pass, 0 without a swap."""
    swap = state.swap
    if state.step == "depart":
        return 100.0
    if swap is None or not swap.exchanges:
        return 0.0
    names = [step.name for step in STEPS]
    first, last = names.index("approach_mount"), names.index("lock")
    here, each = names.index(changes.work_step(state)), last - first + 1
    total = len(names) + each * (len(swap.exchanges) - 1)
    behind = each * (swap.index if here <= last else len(swap.exchanges) - 1)
    return round(100.0 * (here + behind) / total, 1)


def state_message(state: StationState, snapshot: Snapshot, decision: Decision, config: Config) -> StateMessage:
    """`state`: what the station does and why it waits."""
    robot, swap = snapshot.robot, state.swap
    possible = [v for v in Verb if not verbs.refusal(Asked(v, ""), state, snapshot, config, decision.thermal)]
    choices = [v.value for v in possible if not reconcile.refusal(v, state, snapshot, config)]
    found = whereabouts.recovery(state, snapshot, config)
    return StateMessage(
        packml=state.packml.value,
        mode=mode(robot).value,
        step=state.step,
        reason=whereabouts.reason(state, found),
        choices=tuple(choices),
        swap_id=swap.id if swap else None,
        exchange=swap.index + 1 if swap else 0,
        exchanges=len(swap.exchanges) if swap else 0,
        progress_pct=progress_pct(state),
        robot=RobotPart(
            x_mm=robot.x_mm if robot else None,
            y_mm=robot.y_mm if robot else None,
            z_mm=robot.z_mm if robot else None,
            load_kg=robot.load_kg if robot else None,
            state=robot.state.name.lower() if robot and robot.state is not None else "unknown",
        ),
        interlock=InterlockPart(
            latched=decision.latched,
            first_out=decision.tripped or decision.first_out,
            active=tuple(decision.active),
            permits=tuple(c.name.lower() for c in MotionClass if c & decision.permits and c.name),
        ),
        evacuation=whereabouts.evacuation(state),
        thermal=whereabouts.thermal(state, snapshot, decision, config),
    )
