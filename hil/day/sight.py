"""What the controller is shown of the yard: PLC, packs, chargers and meters, as their drivers would have read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from drivers.meter_status import MeterDoubt, MeterStatus
from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import BaySensors, EchoState, MountSensors, RobotMode, RobotState, RobotStatus, StopReason
from drivers.truck_status import TruckStatus
from hil.day.line import Line
from hil.day.yard import Yard
from hil.plant import cells
from hil.plant.meter import Meter
from hil.plant.pack import Pack
from hil.plant.places import Place
from station_ctl.model.charge_plan import ChargePlan
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place as Named
from station_ctl.model.places import bay, mount

METER_S: Final = 1.0
IDLE_S: Final = 1.0
"""How often a meter is polled, and how often a pack is read that no charger is connected to."""
_LIMIT_V: Final = 646.0
_T, _F, _N = Signal.TRUE, Signal.FALSE, Signal.NOT_AVAILABLE
_EMPTY, _DOCKED, _CLOSED = BaySensors(_F, _F, _F, _T, _F), BaySensors(_T, _T, _T, _T, _F), BaySensors(*[_T] * 5)
_FITTED: Final = MountSensors(_T, _T, _F, _T)
_BARE: Final = MountSensors(_F, _F, _F, _F)
_SOUND = ("thermal_event", "insulation_fault", "connector_fault", "overtemperature", "overcurrent")
_PLC: Final = RobotStatus(
    received_s=0.0, heartbeat_changed_s=0.0, heartbeat=0, mode=RobotMode.PRODUCTION, state=RobotState.READY, step=0,
    fault_code=0, stop_reason=StopReason.NONE, echo_sequence=0, echo_opcode=0, echo_state=EchoState.DONE,
    echo_result=0, motions_started=0, lease_remaining_ms=0, permits=0, x_mm=0.0, y_mm=0.0, z_mm=0.0,
    x_speed_mm_s=0.0, y_speed_mm_s=0.0, z_speed_mm_s=0.0, load_kg=0.0, estop_released=_T, zone_clear=_T,
    doors_closed=_T, fire_clear=_T, platform_clear=_T, local_enable=_F, gripper_closed=_F, gripper_holding=_F,
    truck_present=_T, truck_in_position=_T, wheels_clamped=_T, barrier_closed=_T, robot_home=_T, robot_clear=_T,
    truck_x_error_mm=0.0, truck_y_error_mm=0.0, truck_angle_deg=0.0, mounts=(_BARE,) * 3, bays=(_EMPTY,) * 24,
)  # fmt: skip
"""A PLC at which everything is safe: what stops a robot is not what this bench is about."""


class Sight:
    """grid: whether the meter at the connection point is there for the controller."""

    def __init__(self, yard: Yard, lines: Mapping[int, Line], *, grid: bool) -> None:
        self._yard, self._lines, self._grid = yard, lines, grid
        self._meters: dict[int, MeterStatus] = {}
        self._packs: dict[Named, PackStatus] = {}

    def snapshot(self, now_s: float, plan: ChargePlan | None) -> Snapshot:
        """All of it now."""
        yard = self._yard
        chargers = {n: s for n, line in self._lines.items() if (s := line.status(now_s)) is not None}
        counters = yard.electrics.meters.items()
        meters = {n: found for n, meter in counters if (found := self._meter(n, meter, now_s)) is not None}
        point = yard.electrics.grid_meter
        grid = self._meter(0, point, now_s) if self._grid and point is not None else None
        more: dict[str, Any] = {"chargers": chargers, "meters": meters, "grid": grid, "plan": plan}
        return Snapshot(now_s, self._plc(now_s), "", TruckStatus(), self._read_packs(now_s), **more)

    def _plc(self, now_s: float) -> RobotStatus:
        yard, closed = self._yard, self._yard.supplies.energised
        places = enumerate(yard.bays.values())
        live = [(_CLOSED if closed >> i & 1 else _DOCKED) if place.pack is not None else _EMPTY for i, place in places]
        mounts = tuple(_FITTED if place.pack is not None else _BARE for place in yard.mounts.values())
        bays = (*live, *[_EMPTY] * (24 - len(live)))
        return replace(_PLC, received_s=now_s, heartbeat_changed_s=now_s, mounts=mounts, bays=bays)

    def _meter(self, key: int, meter: Meter, now_s: float) -> MeterStatus | None:
        """Polled once a second; one that is silent is forgotten."""
        before = self._meters.get(key)
        if meter.faults.mute:
            self._meters.pop(key, None)
            return None
        if before is not None and now_s - before.received_s < METER_S - 1e-6:
            return before
        shown = meter.shown
        moved_s = before.heartbeat_changed_s if before is not None and before.heartbeat == shown.heartbeat else now_s
        good = {name: Reading(getattr(shown, name), Quality.GOOD, now_s) for name in shown._fields[3:]}
        found = MeterStatus(now_s, moved_s, shown.heartbeat, shown.serial, MeterDoubt(shown.status), **good)
        self._meters[key] = found
        return found

    def _read_packs(self, now_s: float) -> dict[Named, PackStatus]:
        common: dict[str, Any] = dict.fromkeys(_SOUND, Reading(_F, Quality.GOOD, now_s))
        common["cell_voltage_fault"] = common["thermal_event"]
        yard = self._yard
        for n, place in yard.bays.items():
            self._read(bay(n), place, now_s, common)
        for n, place in yard.mounts.items():
            self._read(mount(n), place, now_s, common)
        return dict(self._packs)

    def _read(self, name: Named, place: Place, now_s: float, common: dict[str, Any]) -> None:
        pack, before = place.pack, self._packs.get(name)
        if pack is None or not pack.talking:
            if before is None or before.link is not PackLink.SILENT:
                self._packs[name] = PackStatus(place.address)
        elif before is None or pack.supplied or now_s - before.heard_s >= IDLE_S - 1e-6:
            self._packs[name] = told(pack, place.address, now_s, common)


def told(pack: Pack, address: int, now_s: float, common: Mapping[str, Any]) -> PackStatus:
    """What a BMS tells of its pack, in the steps of its messages: whole per cent, degrees and amperes, 0.1 V."""
    mean_v = pack.voltage_v / cells.CELLS
    values: dict[str, Any] = {
        "identity": PackIdentity(pack.serial, 3, cells.CAPACITY_AH, cells.CELLS * cells.NOMINAL_CELL_V, pack.cycles),
        "soc_pct": float(round(pack.soc_pct)),
        "energy_nominal_kwh": cells.NOMINAL_KWH,
        "current_demand_a": pack.current_demand_a,
        "voltage_demand_v": _LIMIT_V,
        "pack_voltage_v": round(pack.voltage_v, 1),
        "pack_current_a": round(pack.current_a, 1),
        "cell_voltages_v": (round(mean_v + min(cells.SPREAD_V), 2), round(mean_v + max(cells.SPREAD_V), 2)),
        "temperature_max_c": float(round(pack.temperature_max_c)),
        "temperature_min_c": float(round(pack.temperature_c + min(cells.PROFILE_K))),
        "insulation_ohm_per_v": pack.insulation_ohm_per_v,
        "charge_permitted": pack.faults.charge_permitted,
    }
    readings = {name: Reading(value, Quality.GOOD, now_s) for name, value in values.items()}
    return PackStatus(address, PackLink.MONITORED, now_s, **readings, **common)
