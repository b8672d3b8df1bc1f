"""The retained messages, made from one cycle's values: state, bays, truck."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

from drivers.charger_status import SetPoint
from drivers.pack_status import PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import MotionClass, RobotMode, RobotStatus
from station_ctl import whereabouts
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import bay, mount
from station_ctl.model.state import Asked, StationState
from station_ctl.model.words import Mode, Verb
from station_ctl.stats import Distribution
from station_ctl.swap import changes, plan, reconcile, verbs
from station_ctl.swap.machine import STEP
from station_ctl.swap.table import STEPS
from station_ctl.uplink import message
from station_ctl.uplink.place_messages import BayMessage, MountPart, TruckMessage
from station_ctl.uplink.record_messages import Spread
from station_ctl.uplink.state_messages import InterlockPart, RobotPart, StateMessage


def _value(reading: Reading[float]) -> float | None:
    return reading.value if reading.quality is Quality.GOOD else None


def _signal(reading: Reading[Signal]) -> message.Presence:
    if reading.quality is Quality.GOOD and reading.value is not None:
        return message.presence(reading.value)
    return "untrusted" if reading.quality is Quality.UNTRUSTED else "not_available"


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


def bay_message(
    number: int,
    isolation: bool,
    state: StationState,
    snapshot: Snapshot,
    config: Config,
    wanted: SetPoint | None = None,
) -> BayMessage:
    """`bay/<n>`: one bay and the pack in it; `reason` says why the pack cannot be handed out.

    wanted: of its charger.
    """
    pack = snapshot.pack(bay(number))
    occupied = snapshot.robot.bays[number - 1].occupied if snapshot.robot else Signal.NOT_AVAILABLE
    reason = None
    if occupied is Signal.TRUE:
        reason = plan.readiness(number, state, snapshot, config, config.swap.soc_promised_pct) or None
    charge = state.charging.get(number)
    volts, amperes = _value(pack.pack_voltage_v), _value(pack.pack_current_a)
    return BayMessage(
        bay=number,
        occupied=message.presence(occupied),
        serial=plan.serial(pack),
        soc_pct=_value(pack.soc_pct),
        soh_pct=_value(pack.soh_pct),
        temperature_max_c=_value(pack.temperature_max_c),
        link=pack.link.name.lower(),
        state=_bay_state(occupied, isolation, {plan.serial(pack), str(bay(number))} & state.quarantined.keys()),
        reason=reason,
        energised=message.presence(
            snapshot.robot.bays[number - 1].energised if snapshot.robot else Signal.NOT_AVAILABLE
        ),
        charging=charge.code if charge else "unknown",
        charging_reason=charge.reason or None if charge else None,
        current_a=amperes,
        power_kw=round(volts * amperes / 1000, 1) if volts is not None and amperes is not None else None,
        phase=charge.phase if charge else "",
        limited_by=charge.limited_by if charge else "",
        trouble=charge.trouble or None if charge else None,
        set_current_a=round(wanted.current_a, 1) if wanted is not None else None,
        charged_kwh=charge.energy_kwh if charge else None,
        **_estimated(plan.serial(pack), snapshot),
    )


def _estimated(serial: str | None, snapshot: Snapshot) -> dict[str, Any]:
    """What the estimator says of a pack, or why nothing."""
    if serial is None:
        return {}
    estimate = snapshot.estimates.get(serial)
    if estimate is None:
        return {"soc_reason": snapshot.not_estimated.get(serial, "off")}
    charge = estimate.charge
    return {
        "soc_estimate_pct": charge.soc_pct,
        "soc_p05_pct": charge.soc_p05_pct,
        "soc_p95_pct": charge.soc_p95_pct,
        "capacity_ah": estimate.capacity_ah,
        "energy_kwh": estimate.energy_kwh,
        "p_promised_pct": estimate.p_promised_pct,
        "soc_reason": charge.grounds.value,
        "bms_soc_wrong": estimate.bms_wrong,
    }


def _bay_state(
    occupied: Signal, isolation: bool, quarantined: Collection[str | None]
) -> Literal["empty", "stored", "quarantined", "isolation", "unknown"]:
    if occupied is Signal.FALSE:
        return "empty"
    if occupied is not Signal.TRUE:
        return "unknown"
    if isolation:
        return "isolation"
    return "quarantined" if quarantined else "stored"


def truck_message(numbers: Iterable[int], state: StationState, snapshot: Snapshot) -> TruckMessage:
    """`truck`: the truck in the lane."""
    robot, truck = snapshot.robot, snapshot.truck
    here = robot is not None and robot.truck_present is Signal.TRUE
    return TruckMessage(
        present=message.presence(robot.truck_present if robot else Signal.NOT_AVAILABLE),
        vin=truck.vin.value,
        in_position=message.presence(robot.truck_in_position if robot else Signal.NOT_AVAILABLE),
        x_error_mm=robot.truck_x_error_mm if robot and here else None,
        y_error_mm=robot.truck_y_error_mm if robot and here else None,
        angle_deg=robot.truck_angle_deg if robot and here else None,
        request=STEP[state.step].request.name.lower(),
        swap_mode=_signal(truck.swap_mode),
        hv_off=_signal(truck.hv_off),
        self_test=truck.self_test.value.name.lower() if truck.self_test.value is not None else "unknown",
        mounts=tuple(_mount_part(n, snapshot) for n in numbers) if here else (),
    )


def _mount_part(number: int, snapshot: Snapshot) -> MountPart:
    pack: PackStatus = snapshot.pack(mount(number))
    sensors = snapshot.robot.mounts[number - 1] if snapshot.robot else None
    unknown = Signal.NOT_AVAILABLE
    return MountPart(
        mount=number,
        serial=plan.serial(pack),
        seated=message.presence(sensors.seated if sensors else unknown),
        locked=message.presence(sensors.locked if sensors else unknown),
        mated=message.presence(sensors.mated if sensors else unknown),
        contactor_closed=_signal(snapshot.truck.contactors_closed[number - 1]),
        soc_pct=_value(pack.soc_pct),
    )


def spread(distribution: Distribution) -> Spread:
    """p50, p99 and maximum of a distribution, in ms."""
    p50, p99 = distribution.quantile_ms(0.5), distribution.quantile_ms(0.99)
    return Spread(p50=p50, p99=p99, max=distribution.max_ms)
