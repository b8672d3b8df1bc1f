"""What is measured to be isolated: truck, packs and bays, by hand from docs/cause-and-effect.md, as hil.watch.needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import RobotStatus
from drivers.truck_status import TruckStatus
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place
from station_ctl.model.visit import Evacuation

MOUNTS = 3
TRUCK_S, PACK_S, CURRENT_S, HELD_S = 0.5, 0.5, 1.0, 2.0
LIMIT_V, LIMIT_C, LIMIT_A = 60.0, 60.0, 1.0


def truck_is_held(truck: TruckStatus, now_s: float) -> bool:
    """Brake on and swap mode, not long ago: it does not drive off."""
    return all(_is(signal, Signal.TRUE, now_s, HELD_S) for signal in (truck.parking_brake, truck.swap_mode))


def bay_is_isolated(snapshot: Snapshot, robot: RobotStatus, number: int, evacuation: Evacuation | None) -> bool:
    """Supply open, and coupler parted or contactor open without voltage behind; supply open is enough to evacuate."""
    sensors, pack, now_s = robot.bays[number - 1], _pack_at(snapshot.packs, "bay", number), snapshot.now_s
    if sensors.energised is not Signal.FALSE:
        return False
    if sensors.mated is Signal.FALSE or (evacuation is not None and evacuation.source.code == number):
        return True
    opened = pack is not None and _is(pack.contactor_closed, Signal.FALSE, now_s, PACK_S)
    dead = pack is not None and _below(pack.link_voltage_v, LIMIT_V, now_s, PACK_S)
    return sensors.mated is Signal.TRUE and opened and dead


def fitted_mounts(truck: TruckStatus, robot: RobotStatus) -> list[int]:
    """Mounts that the truck says it has, and any where a pack is, or may be, seen; all while it does not say."""
    told = _told(truck)
    seen = (Signal.TRUE, Signal.UNTRUSTED)
    return [n for n, sensors in enumerate(robot.mounts, 1) if n <= told or sensors.seated in seen]


def _told(truck: TruckStatus) -> int:
    fitted = truck.mounts_fitted
    return fitted.value if fitted.quality is Quality.GOOD and fitted.value is not None else MOUNTS


def truck_is_safe(truck: TruckStatus, now_s: float) -> bool:
    """Brake on, swap mode, high voltage off, contactors open, voltage collapsed; all of it fresh."""
    fitted = _told(truck)
    signals = (truck.parking_brake, truck.swap_mode, truck.hv_off)
    return (
        all(_is(signal, Signal.TRUE, now_s, TRUCK_S) for signal in signals)
        and all(_is(closed, Signal.FALSE, now_s, TRUCK_S) for closed in truck.contactors_closed[:fitted])
        and _below(truck.link_voltage_v, LIMIT_V, now_s, TRUCK_S)
    )


def pack_is_isolated(pack: PackStatus, now_s: float) -> bool:
    """Contactor open, no event, not hot, no current, voltage collapsed; all of it fresh."""
    return (
        _is(pack.contactor_closed, Signal.FALSE, now_s, PACK_S)
        and _is(pack.thermal_event, Signal.FALSE, now_s, PACK_S)
        and _below(pack.temperature_max_c, LIMIT_C, now_s, CURRENT_S)
        and _below(pack.pack_current_a, LIMIT_A, now_s, CURRENT_S, magnitude=True)
        and _below(pack.link_voltage_v, LIMIT_V, now_s, PACK_S)
    )


def coupled(robot: RobotStatus, packs: Mapping[Place, PackStatus], fitted: Sequence[int]) -> list[PackStatus]:
    """Packs whose coupler at the truck is mated, or not known to be parted."""
    numbers = [n for n in fitted if robot.mounts[n - 1].mated is not Signal.FALSE]
    return [pack for n in numbers if (pack := _pack_at(packs, "mount", n)) is not None]


def _pack_at(packs: Mapping[Place, PackStatus], kind: str, number: int) -> PackStatus | None:
    return next((pack for place, pack in packs.items() if (place.kind, place.number) == (kind, number)), None)


def _is(reading: Reading[Signal], wanted: Signal, now_s: float, age_s: float) -> bool:
    return reading.value is wanted and reading.quality is Quality.GOOD and now_s - reading.received_s <= age_s


def _below(reading: Reading[float], limit: float, now_s: float, age_s: float, *, magnitude: bool = False) -> bool:
    if reading.value is None or reading.quality is not Quality.GOOD or now_s - reading.received_s > age_s:
        return False
    value = abs(reading.value) if magnitude else reading.value
    return math.isfinite(value) and value <= limit
