"""The production runner over the plant in one piece: no wires, no processes, time that passes when told.

Robot driver, register codec and PLC rules are the real ones; packs and truck are read straight from the plant.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from drivers import registers
from drivers.errors import LinkDown
from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import NEVER, Quality, Reading, Signal
from drivers.robot import Robot
from drivers.robot_protocol import RobotStatus
from drivers.truck_status import TruckRequest, TruckStatus
from hil.peers.plc_rules import Plc
from hil.plant.lane import Parking
from hil.plant.pack import Pack
from hil.plant.truck import Truck
from hil.plant.world import World, stocked
from hil.verdict import VIN
from station_ctl import config, wall_clock
from station_ctl.cycle import Cycle
from station_ctl.deciders import Deciders
from station_ctl.journal import Entry, JournalError
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.plant import Plant
from station_ctl.report import Reporter
from station_ctl.runner import Runner
from station_ctl.swap.doorkeeper import Doorkeeper
from station_ctl.swap.restart import recovered, stable
from station_ctl.uplink.admission import Admitted
from station_ctl.uplink.figures import UplinkFigures
from station_ctl.uplink.requests import COMMANDS
from station_ctl.wall_clock import iso_ms, utc_now

CYCLE_S = 0.05
SCANS = 2  # PLC scans in a cycle: fewer than on the wire, for speed
MAP = registers.load("robot-plc-v2")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
QUICK = 2.0
"""So many times faster moves the plant up to what a test looks at, and after it: a second a scan, as on the wire."""
BETWEEN_S = 0.01
"""After the last cycle and before the next: then people send what they want."""


def station_config(bays: int = 6, isolation: tuple[int, ...] = (), **swap: Any) -> config.Config:
    """A configuration with so many bays, the last one the isolation area unless others are named."""
    area = isolation or (bays,)
    return config.parse(
        {
            "station": {"id": "SIM-01"},
            "robot": {"host": "127.0.0.1"},
            "can": [{"name": "packs"}],
            "bay": [{"number": n, "can_address": 0xB0 + n, "isolation": n in area} for n in range(1, bays + 1)],
            "mount": [{"number": n, "can_address": 0xA0 + n} for n in (1, 2, 3)],
            "swap": swap,
        },
        "test",
    )


class MemoryClient:
    """The Modbus client's place: registers straight from the PLC's rules. `broken` refuses everything."""

    name, connection, connected = "PLC", 1, True

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.broken = False

    async def read(self, address: int, count: int) -> tuple[int, ...]:
        if self.broken:
            raise LinkDown("broken by the test", where="PLC")
        return self._ground.plc.status(self._ground.now_s)

    async def write(self, address: int, words: Sequence[int]) -> None:
        if self.broken:
            raise LinkDown("broken by the test", where="PLC")
        self._ground.plc.receive(words, self._ground.now_s)
        self._ground.writes.append(tuple(words))


@dataclass
class MemoryJournal:
    """A journal in memory. `fail` makes appends fail."""

    entries: list[Entry] = field(default_factory=list)
    fail: bool = False

    async def append(self, entry: Entry) -> None:
        if self.fail:
            raise JournalError("full", where="memory")
        self.entries.append(entry)

    async def seen(self, id: str) -> str | None:
        return None

    async def record(self, id: str, verb: str, verdict_json: str, issuer: str, at: datetime) -> None:
        return None


class MemoryUplink:
    """An uplink in memory."""

    def __init__(self) -> None:
        self.commands: asyncio.Queue[Admitted] = asyncio.Queue()
        self.said: list[Any] = []
        self.states: list[Any] = []
        self.verdicts: dict[str, list[tuple[str, str]]] = {}
        self.connected, self.rejected, self.dropped = True, 0, 0

    def state(self, message: Any) -> None:
        self.states.append(message)

    def emit(self, message: Any) -> None:
        self.said.append(message)

    def figures(self) -> UplinkFigures:
        return UplinkFigures(self.connected, self.rejected, self.dropped)

    def answer(self, admitted: Admitted, verdict: str, reason: str = "") -> None:
        self.verdicts.setdefault(admitted.id, []).append((verdict, reason))


class Ground:
    """A station in memory. Build it inside a running loop; `restart` is a power cut of the station PC."""

    def __init__(
        self, *, speed: float = 20.0, seed: int = 1, bays: int = 6, isolation: tuple[int, ...] = (), **swap: Any
    ) -> None:
        self.config = station_config(bays, isolation, **swap)
        self.world = World(
            bays={b.number: b.can_address for b in self.config.bay},
            mounts={m.number: m.can_address for m in self.config.mount},
            isolation=[b.number for b in self.config.bay if b.isolation],
            seed=seed,
            speed=speed,
        )
        stocked(self.world, [95.0, 94.0, 93.0])
        self.plc = Plc(self.world, MAP)
        self.now_s = 100.0
        self.writes: list[tuple[int, ...]] = []
        self.journal, self.uplink = MemoryJournal(), MemoryUplink()
        self.client = MemoryClient(self)
        self.truck_port = SimpleNamespace(request=TruckRequest.NONE, status=TruckStatus())
        self.healthy = 0
        self.can: dict[str, str] = {}
        self.heartbeat_s: float | None = None  # set: the PLC's program stands still since then
        wall_clock.source.set(lambda: EPOCH + timedelta(seconds=self.now_s))
        self._start(recovered(None))

    def _start(self, state: StationState) -> None:
        self.doorkeeper = Doorkeeper(self.config.safety.plc_age_ms / 1000)
        self.robot = Robot(self.client, MAP, on_danger=lambda: None, on_status=self._look)  # type: ignore[arg-type]
        packs = SimpleNamespace(status=self._pack)
        self.truck_port.request = TruckRequest.NONE
        plant = Plant(
            self.robot,
            packs,  # type: ignore[arg-type]
            self.truck_port,  # type: ignore[arg-type]
            self.uplink,  # type: ignore[arg-type]
            self.journal,
            self._can,
            self._now,
            self.doorkeeper,
        )
        reporter = Reporter(self.config, self.uplink, lambda: None)  # type: ignore[arg-type, return-value]
        deciders = Deciders.of(self.config)
        self.runner = Runner(self.config, deciders, plant, reporter, state, self._beat)

        with contextlib.suppress(StopIteration):  # as in service, the driver has read before the first cycle
            self.robot.poll().send(None)
        self.robot.status = None

    def _look(self, status: RobotStatus) -> None:
        self.doorkeeper.look(status, self.now_s)

    def _can(self) -> dict[str, str]:
        return dict(self.can)

    def _now(self) -> float:
        return self.now_s

    def _beat(self) -> None:
        self.healthy += 1

    @property
    def state(self) -> StationState:
        return self.runner.state

    def restart(self) -> None:
        """The controller dies and starts again from what its journal holds."""
        last = self.journal.entries[-1].state if self.journal.entries else None
        self._start(recovered(stable(last) if last else None))

    def pass_time(self, seconds: float) -> None:
        """The plant goes on without the controller."""
        for _ in range(round(seconds / CYCLE_S)):
            self._advance()

    async def cycle(self) -> None:
        """One period: the plant goes on, the robot is read, the control cycle runs."""
        await self.poll()
        self.truck_port.status = self._truck()
        cycle = Cycle(self.runner.state)
        await self.runner._cycle(self.now_s, cycle)
        cycle.after = self.runner.state
        self.runner.on_end(cycle)

    async def poll(self) -> None:
        """The plant goes on for a cycle's time, and the driver reads it."""
        self._advance()
        await self.robot.poll()
        if self.robot.status is not None:  # the driver stamps with the loop's clock, time here is our own
            beat_s = self.now_s if self.heartbeat_s is None else self.heartbeat_s
            self.robot.status = replace(self.robot.status, received_s=self.now_s, heartbeat_changed_s=beat_s)

    async def until(self, found: Callable[[], bool], seconds: float = 120.0) -> None:
        """Cycle until something is so. Fails with the state if it does not come."""
        end_s = self.now_s + seconds
        while not found():
            assert self.now_s < end_s, f"not reached: {self.state.packml}/{self.state.step}: {self.state.reason}"
            await self.cycle()

    async def reaches(self, packml: str, seconds: float = 120.0) -> None:
        await self.until(lambda: self.state.packml == packml, seconds)

    async def at_step(self, name: str, seconds: float = 120.0) -> None:
        with self.quick():
            await self.until(lambda: self.state.step == name, seconds)

    async def to_the_end(self) -> None:
        """The swap is recorded and the truck has left."""
        with self.quick():
            await self.until(lambda: bool(self.finished()))
            await self.reaches("Idle")

    @contextlib.contextmanager
    def quick(self) -> Iterator[None]:
        """The plant moves QUICK times as fast for so long."""
        usual, self.world.speed = self.world.speed, self.world.speed * QUICK
        try:
            yield
        finally:
            self.world.speed = usual

    def send(self, verb: str, **arguments: Any) -> str:
        """A command as the uplink would hand it in; its id."""
        now = utc_now() + timedelta(seconds=BETWEEN_S)
        identifier = f"test-{len(self.uplink.verdicts):08d}-{self.uplink.commands.qsize()}"
        self.uplink.verdicts[identifier] = []
        content = {"schema": 1, "id": identifier, "issued_at": iso_ms(now), "expires_at": iso_ms(now), "issuer": "test"}
        content["expected_state"] = str(self.state.packml)
        command = COMMANDS[verb].model_validate_json(  # type: ignore[index]
            json.dumps({**content, "arguments": arguments})
        )
        self.uplink.commands.put_nowait(Admitted(verb, command, None, None))  # type: ignore[arg-type]
        return identifier

    def verdicts(self, identifier: str) -> list[str]:
        return [verdict for verdict, _ in self.uplink.verdicts[identifier]]

    async def ready(self) -> None:
        """Power-up as a person does it: clear, reset, Idle."""
        await self.reaches("Aborted")
        self.send("clear")
        await self.reaches("Stopped", 5.0)
        self.send("reset")
        await self.reaches("Idle", 30.0)

    def arrive(self, packs: int = 2, vin: str = VIN, soc_pct: float = 12.0, x_error_mm: float = 0.0) -> None:
        aboard = {n: Pack(f"TRK1-{n:08d}", soc_pct) for n in range(1, packs + 1)}
        self.world.arrive(Truck(vin, aboard), Parking(x_error_mm, 0.0, 0.0))

    def finished(self) -> list[Swap]:
        return [e.finished for e in self.journal.entries if e.finished is not None]

    def started(self) -> Counter[int]:
        """How often each sequence number was executed."""
        counts: Counter[int] = Counter()
        for (sequence, _), times in self.plc.motions.items():
            counts[sequence] += times
        return counts

    def mounts(self) -> dict[int, str | None]:
        return {n: p.pack.serial if p.pack else None for n, p in self.world.lane.mounts.items()}

    def departed(self) -> dict[int, str]:
        """What the last truck left with."""
        return {n: p.serial for n, p in self.world.lane.departed[-1].packs.items()}

    def serials(self) -> list[str]:
        """Every pack there is, in the station or gone with a truck."""
        gone = [p.serial for t in self.world.lane.departed for p in t.packs.values()]
        return sorted([p.serial for p in self.world.packs()] + gone)

    def _advance(self) -> None:
        for _ in range(SCANS):
            self.now_s += CYCLE_S / SCANS
            truck = self.world.truck
            if truck is not None:
                truck.request = self.truck_port.request
            self.world.advance(CYCLE_S / SCANS)
            self.plc.scan(self.now_s)

    def _reading(self, value: Any) -> Reading[Any]:
        return Reading(value, Quality.GOOD, self.now_s)

    def _pack(self, address: int) -> PackStatus:
        pack = next((p for p in self.world.packs() if p.address == address), None)
        if pack is None or not pack.talking:
            return PackStatus(address)
        read, faults = self._reading, pack.faults
        return PackStatus(
            address,
            PackLink.MONITORED,
            self.now_s,
            identity=read(PackIdentity(pack.serial, 3, 302.0, 566.4, pack.cycles)),
            soc_pct=read(pack.soc_pct),
            soh_pct=read(pack.soh_pct),
            pack_current_a=read(pack.current_a),
            pack_voltage_v=read(pack.voltage_v),
            cell_voltages_v=read(pack.cell_voltages_v()),
            temperature_max_c=read(max(pack.temperatures_c())),
            cell_voltage_fault=read(Signal(bool(faults.cell_voltage))),
            overcurrent=read(faults.overcurrent),
            overtemperature=read(faults.overtemperature),
            insulation_fault=read(faults.insulation),
            connector_fault=read(faults.connector),
            contactor_closed=read(Signal(pack.contactor_closed)),
            charge_permitted=read(faults.charge_permitted),
            current_demand_a=NEVER if faults.demand_lost else read(pack.current_demand_a),
            temperature_min_c=read(min(pack.temperatures_c())),
            thermal_event=read(faults.thermal_event),
            link_voltage_v=read(pack.link_voltage_v),
            insulation_ohm_per_v=read(pack.insulation_ohm_per_v),
        )

    def _truck(self) -> TruckStatus:
        truck = self.world.truck
        if truck is None or truck.faults.mute:
            return TruckStatus()
        read = self._reading
        closed = tuple(read(Signal(truck.contactor_closed(n))) for n in (1, 2, 3))
        return TruckStatus(
            self.now_s,
            vin=read(truck.vin),
            mounts_fitted=read(truck.mounts_fitted),
            swap_mode=read(Signal(truck.swap_mode)),
            hv_off=read(Signal(truck.hv_off)),
            parking_brake=read(Signal(truck.parking_brake)),
            contactors_closed=closed,  # type: ignore[arg-type]
            link_voltage_v=read(truck.bus_voltage_v),
            self_test=read(truck.self_test),
        )
