"""The deciding rooms of two bays over the drivers of their chargers and meters: cycles, and what has to hold in each.

The packs, the robot and the supply contactors behave; what the cabinets say is the input's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from enum import Enum
from typing import Any, TypeVar

from drivers.charger import Charger
from drivers.charger_status import ChargerFault, ChargerMode, ChargerState, ChargerStatus, ChargerStop, SetPoint
from drivers.meter import Meter
from drivers.meter_status import WRAP_WH, MeterStatus
from drivers.modbus import ModbusClient
from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.register_codec import Block
from drivers.truck_status import TruckStatus
from fuzz import judge
from fuzz.cabinets import CHARGER, METER, PACK_V, Cabinet
from fuzz.judge import finite, must
from station_ctl import config
from station_ctl.charging import charger as bays
from station_ctl.charging import table
from station_ctl.charging.energy import EnergyMind
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import bay
from station_ctl.model.state import BayCharge, StationState
from station_ctl.snapshots import bay_message
from tests.safety.test_inputs import robot
from tests.unit.test_charging import DOCKED, EMPTY, OPEN

S = TypeVar("S", ChargerStatus, MeterStatus)
NUMBERS, GRID_UNIT = (1, 2), 20
LIMIT_KW, RESERVE_KW, MOST_KW, DEMAND_A, DEMAND_V = 390.0, 75.0, 150.0, 200.0, 637.0
COLD, FULL = 1, 2
"""Bits of how the packs are: bay 2's too cold to be charged, bay 1's at its voltage limit with uneven cells."""
DRAWN_S = 6.0
"""The age of a reading of the grid meter, and the time over which the controller does not know which draw it saw."""
ALIVE_S, METERED_S, EFFICIENCY, FIXED_W = 1.0, 3.0, 0.93, 2000.0
"""As docs/charging.md says it; not taken from the code that is judged."""
LIMITS: dict[str, Block] = {"charger": CHARGER.block("status"), "meter": METER.block("status")}
TABLE = table.load()
CONFIG = config.parse(
    {
        "station": {"id": "F"},
        "robot": {"host": "plc"},
        "can": [{"name": "packs"}],
        "bay": [
            {
                "number": n,
                "can_address": 0xB0 + n,
                "charger": {"host": "cabinets", "unit": n, "power_kw": MOST_KW},
                "meter": {"host": "cabinets", "unit": 10 + n},
            }
            for n in NUMBERS
        ],
        "mount": [{"number": 1, "can_address": 0xA1}],
        "grid": {
            "limit_kw": LIMIT_KW,
            "reserve_kw": RESERVE_KW,
            "meter": {"host": "cabinets", "unit": GRID_UNIT},
        },
    },
    "fuzz",
)
_ROBOT = robot()


class Bays:
    """chargers, meters: the drivers, on one connection. packs: COLD and FULL."""

    def __init__(self, client: ModbusClient, cabinets: dict[int, Cabinet], packs: int) -> None:
        self.chargers = {n: Charger(client, CHARGER, n) for n in NUMBERS}
        self.meters = {n: Meter(client, METER, 10 + n) for n in NUMBERS}
        self.grid = Meter(client, METER, GRID_UNIT)
        self.devices: tuple[Charger | Meter, ...] = (*self.chargers.values(), *self.meters.values(), self.grid)
        self.decider = bays.Charger(TABLE, CONFIG)
        self.state = StationState()
        self._cabinets, self._packs = cabinets, packs
        self._permits = 0
        self._drawn: list[tuple[float, float]] = []
        self._said: Mapping[int, BayCharge] = {}

    def cycle(self, now_s: float) -> None:
        """One cycle of the controller, judged."""
        snapshot = self._snapshot(now_s)
        for charger in snapshot.chargers.values():
            _charger(charger, now_s)
        for meter in (*snapshot.meters.values(), snapshot.grid):
            _meter(meter, now_s)
        before = self._counts()
        found = self.decider.decide(snapshot, self.state, OPEN)
        _counted(before, self._counts())
        for n in NUMBERS:
            _bay(n, found, snapshot)
        self._drawn = [(at_s, w) for at_s, w in self._drawn if now_s - at_s < DRAWN_S]
        self._drawn.append((now_s, sum(one.input_power_w or 0.0 for one in snapshot.chargers.values())))
        _within_grid(found, snapshot, max(w for _, w in self._drawn))
        self.state = replace(self.state, charging=found.charging)
        self._obey(found, now_s)
        if found.charging is not self._said:
            self._said = found.charging
            for n in NUMBERS:
                bay_message(n, False, self.state, snapshot, CONFIG, found.set_points[n]).model_dump_json()

    def _obey(self, found: Decision, now_s: float) -> None:
        self._permits = found.charge_permits
        for n, cabinet in self._cabinets.items():
            cabinet.supplied = bool(found.charge_permits >> (n - 1) & 1)
            cabinet.want(found.set_points[n], now_s)
            self.chargers[n].want(found.set_points[n], now_s)

    def _counts(self) -> list[EnergyMind]:
        """What is counted in each bay, as it stands."""
        return [replace(self.decider._cabinets[n].energy.mind) for n in NUMBERS]

    def _snapshot(self, now_s: float) -> Snapshot:
        live = [replace(DOCKED, energised=Signal(self._permits >> (n - 1) & 1)) for n in NUMBERS]
        plc = replace(_ROBOT, received_s=now_s, heartbeat_changed_s=now_s, bays=(*live, *[EMPTY] * (24 - len(live))))
        return Snapshot(
            now_s,
            plc,
            "",
            TruckStatus(),
            {bay(n): self._pack(n, now_s) for n in NUMBERS},
            chargers={n: shown for n, one in self.chargers.items() if (shown := one.status) is not None},
            meters={n: read for n, one in self.meters.items() if (read := one.status) is not None},
            grid=self.grid.status,
        )

    def _pack(self, number: int, now_s: float) -> PackStatus:
        cold, full = number == 2 and bool(self._packs & COLD), number == 1 and bool(self._packs & FULL)
        values: dict[str, Any] = {
            "identity": PackIdentity(f"PACK-{number:08d}", 3, 302.0, 566.4, 1),
            "soc_pct": 94.0 if full else 50.0, "energy_nominal_kwh": 171.0, "current_demand_a": DEMAND_A,
            "voltage_demand_v": DEMAND_V, "pack_voltage_v": 636.0 if full else PACK_V,
            "pack_current_a": self._cabinets[number].current_a, "cell_voltages_v": (3.30, 3.34),
            "temperature_max_c": 2.0 if cold else 25.0, "temperature_min_c": 1.0 if cold else 24.0,
            "insulation_ohm_per_v": 1500.0, "charge_permitted": Signal.TRUE, "thermal_event": Signal.FALSE,
            "insulation_fault": Signal.FALSE, "connector_fault": Signal.FALSE, "overtemperature": Signal.FALSE,
            "overcurrent": Signal.FALSE, "cell_voltage_fault": Signal.FALSE,
        }  # fmt: skip
        readings = {name: Reading(value, Quality.GOOD, now_s) for name, value in values.items()}
        return PackStatus(0xB0 + number, PackLink.MONITORED, now_s, **readings)


def _charger(status: ChargerStatus, now_s: float) -> None:
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


def _meter(status: MeterStatus | None, now_s: float) -> None:
    if status is None:
        return
    judge.readings(status, now_s)
    must(status.heartbeat_changed_s <= status.received_s <= now_s, "a reading from the future")
    for point in LIMITS["meter"].points:
        reading = getattr(status, point.name, None)
        if isinstance(reading, Reading) and reading.value is not None:
            must(point.low <= reading.value <= point.high, f"{point.name}: {reading.value!r}")


def _bay(number: int, found: Decision, snapshot: Snapshot) -> None:
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


def _within_grid(found: Decision, snapshot: Snapshot, drawn_w: float) -> None:
    """All set points together are within the limit, less what has to be kept for all else.

    drawn_w: by the chargers' word, the most of late: what the meter shows beyond it is other loads for sure.
    """
    metered = _alive(snapshot.grid, snapshot.now_s, METERED_S)
    total_w = metered.power_w.good(snapshot.now_s, METERED_S) if metered is not None else None
    kept_w = RESERVE_KW * 1e3 if total_w is None else max(total_w - drawn_w, 0.0)
    most_w = max(LIMIT_KW * 1e3 - kept_w, 0.0)
    wanted_w = sum(_grid_w(wanted) for wanted in found.set_points.values())
    must(wanted_w <= most_w + 1.0, f"{wanted_w:.0f} W are granted, {most_w:.0f} W may be")


def _counted(before: list[EnergyMind], after: list[EnergyMind]) -> None:
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
