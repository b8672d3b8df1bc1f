"""The bays' deciders over real packs, chargers (their program and their plant) and meters, without any wire between."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from drivers.charger_status import (
    NEVER_TESTED,
    ChargerMode,
    ChargerState,
    ChargerStatus,
    ChargerStop,
    SetPoint,
)
from drivers.meter_status import MeterDoubt, MeterStatus
from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.registers import load
from hil.peers.charger_rules import ChargerProgram
from hil.plant.charger import Charger as ChargerPlant
from hil.plant.meter import Meter
from hil.plant.pack import Pack
from hil.plant.world import World
from station_ctl import config
from station_ctl.charging import table
from station_ctl.charging.charger import Charger
from station_ctl.model.charge_plan import ChargePlan
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import bay
from station_ctl.model.state import BayCharge, StationState
from tests.safety.test_inputs import robot
from tests.unit.test_charging import DOCKED, EMPTY, OPEN

MAP = load("charger-v1")
CYCLE_S, SCAN_S = 0.05, 0.01
LEASE_S, WANT_S = 0.4, 0.3


class Wire:
    """One charger's driver in short: says what is wanted, keeps the lease up, and what it does may be lost or late."""

    def __init__(self, plant: ChargerPlant) -> None:
        self.plant, self.program = plant, ChargerProgram(plant, MAP)
        self.counter = 1
        self.mute = False
        self.late_s = 0.0
        self.sent: deque[tuple[float, tuple[int, ...]]] = deque()
        self.heard = (float("-inf"), -1)  # when the heartbeat moved last

    def want(self, told: SetPoint, now_s: float) -> None:
        self.counter = (self.counter + 1) & 0xFFFF
        lease_ms = 0 if told.mode is ChargerMode.OFF else int(LEASE_S * 1000)
        points = {"counter": self.counter, "lease_ms": lease_ms, "mode": int(told.mode)}
        limits = {name: getattr(told, name) for name in ("current_a", "voltage_v", "power_w")}
        if not self.mute:
            self.sent.append((now_s + self.late_s, MAP.block("command").encode(points | limits)))

    def scan(self, now_s: float) -> None:
        while self.sent and self.sent[0][0] <= now_s:
            self.program.receive(self.sent.popleft()[1], now_s)
        self.program.scan(now_s)

    def status(self, now_s: float) -> ChargerStatus | None:
        if self.mute or self.program.mute:
            return None
        p: dict[str, Any] = dict(MAP.block("status").decode(self.program.words(now_s)).points)
        if p["heartbeat"] != self.heard[1]:
            self.heard = (now_s, p["heartbeat"])
        p = {k: v for k, v in p.items() if not k.startswith("map_")}
        ohm = p["insulation_ohm_per_v"]
        p |= {"state": ChargerState(p["state"]), "stop_reason": ChargerStop(p["stop_reason"])}
        p |= {"insulation_ohm_per_v": None if ohm == NEVER_TESTED else ohm}
        return ChargerStatus(received_s=now_s, heartbeat_changed_s=self.heard[0], **p)


class ChargeRoom:
    """Bays 1 to `len(socs)` hold packs and have chargers and meters; bay 6 is the isolation area. Time is held here."""

    def __init__(
        self, *socs: float, limit_kw: float = 2000.0, grid: dict[str, Any] | None = None, **section: Any
    ) -> None:
        numbers = range(1, len(socs) + 1)
        devices = {
            n: {"charger": {"host": "c", "unit": n}, "meter": {"host": "m", "unit": n}} for n in numbers
        }  # fmt: skip
        document = {
            "station": {"id": "T"},
            "robot": {"host": "plc"},
            "can": [{"name": "packs"}],
            "bay": [
                {"number": n, "can_address": 0xB0 + n, "isolation": n == 6, **devices.get(n, {})} for n in range(1, 7)
            ],
            "mount": [{"number": 1, "can_address": 0xA1}],
            "charging": {"bays_at_once": 24, **section},
            "grid": {"limit_kw": limit_kw, "reserve_kw": 50.0} | (grid or {}),
        }
        self.config = config.parse(document, "test")
        self.charger = Charger(table.load(), self.config)
        self.world = World(bays={n: 0xB0 + n for n in range(1, 7)}, mounts={1: 0xA1}, isolation=[6])
        self.now_s = 1000.0
        self.wires: dict[int, Wire] = {}
        for n, soc in enumerate(socs, 1):
            self.world.store(n, Pack(f"PACK-{n:08d}", soc))
            self.wires[n] = Wire(ChargerPlant())
            self.world.electrics.fit(n, self.wires[n].plant)
            self.world.electrics.meters[n] = Meter(4710 + n, energy_in_wh=1000.0 * n)
        self.state, self.decision = StationState(), OPEN
        self.plan: ChargePlan | None = None
        self.packs: dict[int, dict[str, Any]] = {}  # what a BMS says instead of the truth
        self.bays: dict[int, Any] = {}  # what a bay's sensors say instead
        self.meters: dict[int, dict[str, Any]] = {}  # what a meter's status is changed to
        self.metered: dict[int, tuple[float, int]] = {}
        self.grid = False  # whether the meter at the connection point is heard
        self.found = OPEN
        self.worst_w = 0.0
        self.said: list[tuple[int, str, str]] = []

    # ---- what is seen

    def pack(self, number: int) -> PackStatus:
        pack = self.world.bays[number].pack
        if pack is None:
            return PackStatus(0xB0 + number)
        values: dict[str, Any] = {
            "identity": PackIdentity(pack.serial, 3, 302.0, 566.4, 1), "soc_pct": float(round(pack.soc_pct)),
            "energy_nominal_kwh": 171.0, "current_demand_a": pack.current_demand_a, "voltage_demand_v": 637.2,
            "pack_voltage_v": pack.voltage_v, "pack_current_a": pack.current_a, "cell_voltages_v": (3.33, 3.34),
            "temperature_max_c": pack.temperature_c + 1.0, "temperature_min_c": pack.temperature_c,
            "insulation_ohm_per_v": 1500.0, "charge_permitted": Signal.TRUE, "thermal_event": Signal.FALSE,
            "insulation_fault": Signal.FALSE, "connector_fault": Signal.FALSE, "overtemperature": Signal.FALSE,
            "overcurrent": Signal.FALSE, "cell_voltage_fault": Signal.FALSE,
        }  # fmt: skip
        values |= self.packs.get(number, {})
        readings = {k: v if isinstance(v, Reading) else Reading(v, Quality.GOOD, self.now_s) for k, v in values.items()}
        return PackStatus(0xB0 + number, PackLink.MONITORED, self.now_s, **readings)

    def meter(self, number: int) -> MeterStatus:
        s = self.world.electrics.meters[number].shown
        if self.metered.get(number, (0.0, -1))[1] != s.heartbeat:
            self.metered[number] = (self.now_s, s.heartbeat)
        good = {k: Reading(getattr(s, k), Quality.GOOD, self.now_s) for k in s._fields[3:]}
        return MeterStatus(self.now_s, self.metered[number][0], s.heartbeat, s.serial, MeterDoubt(s.status), **good)

    def snapshot(self) -> Snapshot:
        closed = self.world.supplies.energised
        bays = []
        for n in range(1, 25):
            here = DOCKED if n <= 6 and self.world.bays[n].pack is not None else EMPTY
            bays.append(replace(self.bays.get(n, here), energised=Signal(closed >> n - 1 & 1)))
        status = robot(received_s=self.now_s, heartbeat_changed_s=self.now_s, bays=tuple(bays))
        chargers = {n: s for n, w in self.wires.items() if (s := w.status(self.now_s)) is not None}
        meters = {n: self.meter(n) for n in self.wires if not self.world.electrics.meters[n].faults.mute}
        packs = {bay(n): self.pack(n) for n in range(1, 7)}
        more: dict[str, Any] = {"chargers": chargers, "meters": meters, "plan": self.plan}
        if self.grid:
            power_w = self.drawn_w + self.world.electrics.auxiliary_w
            zero: Reading[Any] = Reading(0, Quality.GOOD, self.now_s)
            shown = Reading(power_w, Quality.GOOD, self.now_s)
            more["grid"] = MeterStatus(self.now_s, self.now_s, 1, 1, MeterDoubt(0), zero, zero, shown, zero, zero)
        return Snapshot(self.now_s, status, "", None, packs, **more)  # type: ignore[arg-type]

    # ---- time

    def cycle(self) -> Decision:
        """One cycle; PLC, chargers and packs do what they do."""
        before = {n: (c.code, c.phase) for n, c in self.state.charging.items()}
        self.found = self.charger.decide(self.snapshot(), self.state, self.decision)
        self.state = replace(self.state, charging=self.found.charging)
        self.world.supplies.command(self.found.charge_permits)
        for n, wire in self.wires.items():
            wire.want(self.found.set_points[n], self.now_s)
        for _ in range(round(CYCLE_S / SCAN_S)):
            self.now_s += SCAN_S
            self.world.advance(SCAN_S)
            for wire in self.wires.values():
                wire.scan(self.now_s)
            self.worst_w = max(self.worst_w, self.drawn_w)
        self.said += [
            (n, c.code, c.phase) for n, c in self.found.charging.items() if before.get(n) != (c.code, c.phase)
        ]
        return self.found

    def run(self, seconds: float) -> Decision:
        for _ in range(round(seconds / CYCLE_S)):
            self.cycle()
        return self.found

    def until(self, phase: str, number: int = 1, seconds: float = 60.0) -> ChargeRoom:
        for _ in range(round(seconds / CYCLE_S)):
            self.cycle()
            if self.bay(number).phase == phase:
                return self
        raise AssertionError(f"bay {number} never came to {phase}: {self.said[-8:]} {self.bay(number)}")

    def clear(self) -> None:
        self.state = replace(self.state, clears=self.state.clears + 1)

    # ---- what is

    def bay(self, number: int = 1) -> BayCharge:
        return self.state.charging[number]

    def wanted(self, number: int = 1) -> SetPoint:
        return self.found.set_points[number]

    def plant(self, number: int = 1) -> ChargerPlant:
        return self.wires[number].plant

    @property
    def drawn_w(self) -> float:
        return sum(w.plant.input_w for w in self.wires.values())
