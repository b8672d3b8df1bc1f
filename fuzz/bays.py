"""The deciding rooms of two bays over the drivers of their chargers and meters, cycle by cycle, each of them judged.

The packs, the robot and the supply contactors behave; what the cabinets say is the input's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drivers.charger import Charger
from drivers.meter import Meter
from drivers.modbus import ModbusClient
from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.truck_status import TruckStatus
from fuzz import bay_judge
from fuzz.bay_judge import DEMAND_A, DEMAND_V, DRAWN_S, LIMIT_KW, MOST_KW, RESERVE_KW
from fuzz.cabinets import CHARGER, METER, PACK_V, Cabinet
from station_ctl import config
from station_ctl.charging import charger as bays
from station_ctl.charging import table
from station_ctl.charging.energy import EnergyMind
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import bay
from station_ctl.model.state import BayCharge, StationState
from station_ctl.place_snapshots import bay_message
from tests.safety.test_inputs import robot
from tests.unit.test_charging import DOCKED, EMPTY, OPEN

NUMBERS, GRID_UNIT = (1, 2), 20
COLD, FULL = 1, 2
"""Bits of how the packs are: bay 2's too cold to be charged, bay 1's at its voltage limit with uneven cells."""
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
            bay_judge.charger(charger, now_s)
        for meter in (*snapshot.meters.values(), snapshot.grid):
            bay_judge.meter(meter, now_s)
        before = self._counts()
        found = self.decider.decide(snapshot, self.state, OPEN)
        bay_judge.counted(before, self._counts())
        for n in NUMBERS:
            bay_judge.bay(n, found, snapshot)
        self._drawn = [(at_s, w) for at_s, w in self._drawn if now_s - at_s < DRAWN_S]
        self._drawn.append((now_s, sum(one.input_power_w or 0.0 for one in snapshot.chargers.values())))
        bay_judge.within_grid(found, snapshot, max(w for _, w in self._drawn))
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
