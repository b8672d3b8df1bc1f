"""What has to hold of chargers, meters, wants, permits and counted energy, whatever the cabinets say."""

from __future__ import annotations

import math
from dataclasses import fields
from enum import Enum
from typing import TypeVar

from drivers.charger_status import ChargerFault, ChargerMode, ChargerState, ChargerStatus, ChargerStop, SetPoint
from drivers.meter_status import WRAP_WH, MeterStatus
from drivers.reading import Reading, Signal
from drivers.register_codec import Block
from fuzz import judge
from fuzz.cabinets import CHARGER, METER, PACK_V
from fuzz.judge import finite, must
from station_ctl.charging.energy import EnergyMind
from station_ctl.model.look import Decision, Snapshot

S = TypeVar("S", ChargerStatus, MeterStatus)
LIMIT_KW, RESERVE_KW, MOST_KW, DEMAND_A, DEMAND_V = 390.0, 75.0, 150.0, 200.0, 637.0
DRAWN_S = 6.0
"""The age of a reading of the grid meter, and the time over which the controller does not know which draw it saw."""
ALIVE_S, METERED_S, EFFICIENCY, FIXED_W = 1.0, 3.0, 0.93, 2000.0
"""As docs/charging.md says it; not taken from the code that is judged."""
LIMITS: dict[str, Block] = {"charger": CHARGER.block("status"), "meter": METER.block("status")}


def charger(status: ChargerStatus, now_s: float) -> None:
    """Each figure within the map's range or None, labels known, nothing from the future."""
    must(status.heartbeat_changed_s <= status.received_s <= now_s, "a status from the future")
    must(status.state is None or isinstance(status.state, ChargerState), f"state {status.state!r}")
    must(status.stop_reason is None or isinstance(status.stop_reason, ChargerStop), f"stop {status.stop_reason!r}")
    for point in LIMITS["charger"].points:
        value = getattr(status, point.name, None)
        finite(point.name, value)
        if point.signal:
            must(isinstance(value, Signal), f"{point.name}: {value!r}")
        elif value is not None and not isinstance(value, Enum):
            must(point.low <= value <= point.high, f"{point.name}: {value!r}")


def meter(status: MeterStatus | None, now_s: float) -> None:
    """As charger; its readings are judged one by one."""
    if status is None:
        return
    judge.readings(status, now_s)
    must(status.heartbeat_changed_s <= status.received_s <= now_s, "a reading from the future")
    for point in LIMITS["meter"].points:
        reading = getattr(status, point.name, None)
        if isinstance(reading, Reading) and reading.value is not None:
            must(point.low <= reading.value <= point.high, f"{point.name}: {reading.value!r}")


def bay(number: int, found: Decision, snapshot: Snapshot) -> None:
    """What is wanted of one charger, and its permit."""
    wanted, now_s = found.set_points[number], snapshot.now_s
    permitted = bool(found.charge_permits >> (number - 1) & 1)
    for name in ("current_a", "voltage_v", "power_w"):
        value = getattr(wanted, name)
        must(math.isfinite(value) and value >= 0.0, f"bay {number}: wanted {name} {value}")
    must(wanted.current_a <= DEMAND_A and wanted.voltage_v <= DEMAND_V, f"bay {number}: above what is asked: {wanted}")
    must(_grid_w(wanted) <= MOST_KW * 1e3 + 1.0, f"bay {number}: above what its charger may draw: {wanted}")
    charger = _alive(snapshot.chargers.get(number), now_s, ALIVE_S)
    if wanted.mode is not ChargerMode.OFF or permitted:
        must(charger is not None, f"bay {number}: wants {wanted} of a charger that is silent")
    if charger is None:
        return
    if permitted:
        _goes(number, charger, snapshot)
    if wanted.current_a > 0.0:
        must(permitted, f"bay {number}: current without a permit")
        most_a, most_w = _finite(charger.current_max_a), _finite(charger.power_max_w)
        must(wanted.current_a <= most_a + 1e-6, f"bay {number}: {wanted}, it can {most_a} A")
        must(wanted.current_a * PACK_V <= most_w + PACK_V, f"bay {number}: {wanted}, it can {most_w} W")


def _goes(number: int, charger: ChargerStatus, snapshot: Snapshot) -> None:
    """A supply is permitted only with a charger and a meter that are alive and sound, read within seconds."""
    sound = charger.state is not ChargerState.FAULT and charger.fault_code == ChargerFault.NONE
    must(sound, f"bay {number}: a permit with {charger}")
    metered = _alive(snapshot.meters.get(number), snapshot.now_s, METERED_S)
    must(metered is not None, f"bay {number}: a permit without its meter")
    told = (charger.state, charger.output_current_a, charger.output_voltage_v, charger.input_power_w)
    must(None not in told, f"bay {number}: a permit with {charger}")


def _grid_w(wanted: SetPoint) -> float:
    return wanted.power_w / EFFICIENCY + FIXED_W if wanted.power_w > 0.0 else 0.0


def _finite(value: float | None) -> float:
    return math.inf if value is None else value


def _alive(status: S | None, now_s: float, within_s: float) -> S | None:
    """The status, if it is young and its heartbeat moves."""
    if status is None or now_s - min(status.received_s, status.heartbeat_changed_s) > within_s:
        return None
    return status


def within_grid(found: Decision, snapshot: Snapshot, drawn_w: float) -> None:
    """All set points together are within the limit, less what has to be kept for all else.

    drawn_w: by the chargers' word, the most of late: what the meter shows beyond it is other loads for sure.
    """
    metered = _alive(snapshot.grid, snapshot.now_s, METERED_S)
    total_w = metered.power_w.good(snapshot.now_s, METERED_S) if metered is not None else None
    kept_w = RESERVE_KW * 1e3 if total_w is None else max(total_w - drawn_w, 0.0)
    most_w = max(LIMIT_KW * 1e3 - kept_w, 0.0)
    wanted_w = sum(_grid_w(wanted) for wanted in found.set_points.values())
    must(wanted_w <= most_w + 1.0, f"{wanted_w:.0f} W are granted, {most_w:.0f} W may be")


def counted(before: list[EnergyMind], after: list[EnergyMind]) -> None:
    """What is counted goes on as one meter's registers go on, and is not known any more where they go back."""
    for was, now in zip(before, after, strict=True):
        for field in fields(now):
            value = getattr(now, field.name)
            must(not (isinstance(value, float) and math.isnan(value)), f"energy: {field.name} is NaN")
        gone_wh = now.wh - was.wh
        if now.why or was.serial is None or now.read_s < was.read_s:
            continue
        into, back = ((b - a) % WRAP_WH for a, b in ((was.in_wh, now.in_wh), (was.out_wh, now.out_wh)))
        same = was.serial == now.serial
        must(gone_wh == (into - back if same else 0), f"{gone_wh} Wh were counted, the registers went on by {into}")
        must(not same or max(into, back) <= _most_wh(now.read_s - was.read_s), f"{into} Wh, {back} Wh back, at once")


def _most_wh(gone_s: float) -> float:
    """What can flow in this time at all, and the step of a coarse register."""
    return 1e6 * (gone_s + 2.0) / 3600.0 + 2000.0
