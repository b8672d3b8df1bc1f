"""The retained messages of places, made from one cycle's values: bays, truck and its mounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

from drivers.charger_status import SetPoint
from drivers.pack_status import PackStatus
from drivers.reading import Quality, Reading, Signal
from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import bay, mount
from station_ctl.model.state import StationState
from station_ctl.swap import plan
from station_ctl.swap.machine import STEP
from station_ctl.uplink import message
from station_ctl.uplink.place_messages import BayMessage, MountPart, TruckMessage


def _value(reading: Reading[float]) -> float | None:
    return reading.value if reading.quality is Quality.GOOD else None


def _signal(reading: Reading[Signal]) -> message.Presence:
    if reading.quality is Quality.GOOD and reading.value is not None:
        return message.presence(reading.value)
    return "untrusted" if reading.quality is Quality.UNTRUSTED else "not_available"


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
