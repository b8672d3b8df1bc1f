"""A whole station on the virtual ground: the production service, its plant and a person, on one loop, from one seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drivers import registers
from drivers.errors import StationError
from hil.faults.broker import BrokerWire
from hil.faults.can import CanWire
from hil.faults.catalogue import Fault
from hil.faults.disk import Disk
from hil.faults.modbus import ModbusWire
from hil.peers.can_peers import CanPeers
from hil.peers.robot_plc import RobotPlc
from hil.rig.operator import Operator, Seen
from hil.sim import make_world
from hil.sim_bench import Bench
from hil.sim_commands import answer
from hil.virtual.broker import MemoryBroker
from hil.virtual.can import Segment
from hil.virtual.controller import Controller
from hil.virtual.inject import Injector, Places
from hil.virtual.io import Io
from hil.virtual.loop import VirtualLoop
from hil.watch import answers, books, records
from hil.watch.controller import Clears, ControllerWatch
from hil.watch.findings import Findings
from hil.watch.orders import Doubts, Orders
from hil.watch.plant import PlantWatch
from hil.watch.tap import Tap
from station_ctl import wall_clock
from station_ctl.config import Config
from station_ctl.model import Decision, Snapshot, StationState
from station_ctl.service import Service

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The wall clock's reading when a virtual run begins."""
OPERATOR = "operator-1"
WATCH_S = 0.1
CAPABILITIES = frozenset(
    {
        "fault.modbus",
        "fault.can",
        "fault.broker",
        "fault.disk",
        "fault.wall_clock",
        "fault.plant",
        "kill",
        "plc_power",
        "truth",
    }
) | {"cycle_invariants", "deterministic"}


class WallClock:
    """The time of day of the virtual ground: it follows the loop's clock, and jumps when told."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.jump_s = 0.0
        self._loop = loop

    def now(self) -> datetime:
        """The moment, in UTC."""
        return EPOCH + timedelta(seconds=self._loop.time() + self.jump_s)


class VirtualStation:
    """One station, of hil.ground.Ground's shape. Make it inside a running VirtualLoop, then `async with`.

    speed: the plant's motion is so many times faster. packs_soc: charge per bay in order, None leaves one empty.
    on_message: what the operator sees. violations and checks of the watch are in `findings`.
    """

    name = "virtual"
    capabilities = CAPABILITIES

    def __init__(
        self,
        config: Config,
        *,
        seed: int,
        speed: float,
        packs_soc: list[float | None] | None = None,
        on_message: Seen = lambda topic, message: None,
    ) -> None:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise StationError("needs a virtual loop", where="virtual ground", value=type(loop).__name__)
        random.seed(seed)  # the MQTT client's back-off is drawn from the module's generator
        self.config, self.loop = config, loop
        self.wall = WallClock(loop)
        wall_clock.source.set(self.wall.now)
        self.findings = Findings(loop.time)
        self._plant(seed, speed, packs_soc)
        self._wires(seed)
        self.controller = Controller(
            config,
            loop.network,
            self.segments,
            self.broker,
            self.disk,
            self.io,
            self._controller_started,
            self.findings.tell,
        )
        self.operator = Operator(config.station.id, 1883, on_message, name=OPERATOR, session=self.broker.session)
        self.injector = Injector(
            Places(
                loop=loop,
                config=config,
                modbus=self.modbus,
                can_wires=self.can_wires,
                broker=self.broker,
                broker_wire=self.broker_wire,
                disk=self.disk,
                wall=self.wall,
                world=self.world,
                controller=self.controller,
                operator=self.operator,
                findings=self.findings,
                ask=self.ask,
            )
        )
        self.recorded = 0  # swaps in the journal, once the books are closed and the service has ended
        self._closed: tuple[StationState | None, float] = (None, 0.0)
        self._stack = contextlib.AsyncExitStack()

    def _plant(self, seed: int, speed: float, packs_soc: list[float | None] | None) -> None:
        robot = self.config.robot
        self.register_map = registers.load(robot.register_map)
        self.world = make_world(self.config, seed, speed, packs_soc)
        self.plc = RobotPlc(self.world, self.register_map, robot.host, robot.port, device_id=robot.device_id)
        self.bench = Bench(self.world, self.plc)
        self.intents = books.Intents(Path(self.config.station.journal))
        self.clears = Clears(f"station-{self.config.station.id}", self.loop.time)
        self.watch = ControllerWatch(
            self.findings, self.intents.has, lambda: self.clears.last_s, lambda order: self.orders.left(order)
        )
        self.plant_watch = PlantWatch(self.findings, self.world, self.config, self.loop.time)
        self.visits: list[records.Visit] = []
        self.plant_watch.on_departed = self.visits.append

    def _wires(self, seed: int) -> None:
        config, robot = self.config, self.config.robot
        self.modbus = ModbusWire(self.register_map, seed)
        self.io = Io()
        self.tap = Tap(self.modbus, self.register_map, self.watch.block, self.io)
        self.loop.network.wires[robot.host, robot.port] = self.tap
        self.can_wires = {c.name: CanWire(f"{seed} {c.name}", config.packs.station_address) for c in config.can}
        self.segments = {
            c.name: Segment(c.name, self.can_wires[c.name], c.silent_after_ms / 1000, self.io) for c in config.can
        }
        doubts = Doubts(self.world, self.plc.plc, self.modbus, self.can_wires)
        self.orders = Orders(self.findings, self.world, self.plc.plc, doubts, self.watch.installed)
        self.broker_wire = BrokerWire(seed)
        self.broker = MemoryBroker(self.broker_wire, f"station-{config.station.id}", self.io)
        self.broker.on_arrival = self.clears.arrived
        self.post = answers.Post(self.loop.time)
        self.broker.on_station = self.post.note
        self.disk = Disk(seed, self._power_cut, Path(self.config.station.journal))

    async def __aenter__(self) -> VirtualStation:
        enter = self._stack.enter_async_context
        await enter(_running(self.plc.run(), "robot PLC"))
        await self.plc.ready.wait()
        for name, segment in self.segments.items():
            await enter(_running(segment.run(), f"CAN {name}"))
            await enter(_running(segment.plant.run(), f"plant on {name}"))
        for name, peers in self._peers():
            await enter(_running(peers.run(), f"peers on {name}"))
        await enter(_running(self.broker.run(), "broker"))
        await enter(_running(self._watch(), "watch"))
        await enter(_running(self.operator.run(), "operator"))
        await self.operator.connected()
        await self.controller.start()
        self._stack.callback(self.intents.close)
        self._stack.push_async_callback(self.controller.stop)
        self._stack.push_async_callback(self.injector.end)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        if self._closed[1] > 0.0:
            self._read_journal()

    def _peers(self) -> list[tuple[str, CanPeers]]:
        config, world = self.config, self.world
        return [
            (
                name,
                CanPeers(
                    segment.plant,
                    packs=world.packs if name == config.packs.bus else list,
                    truck=(lambda: world.truck) if name == config.truck.bus else (lambda: None),
                    truck_address=config.truck.address,
                    station_address=config.packs.station_address,
                ),
            )
            for name, segment in self.segments.items()
            if name in (config.packs.bus, config.truck.bus)
        ]

    def _controller_started(self, service: Service) -> None:
        journal = self.controller.journal
        seen = None if journal.behind else self.watch.last
        books.replayed(self.findings, seen, journal.ahead, service.runner.state)
        self.watch.restarted(self.loop.time())
        self.intents.close()
        service.runner.on_cycle = self._on_cycle

    def _on_cycle(self, snapshot: Snapshot, decision: Decision, state: StationState) -> None:
        self.controller.journal.ahead = None
        self.watch.cycle(snapshot, decision, state)
        self.orders.look(self.loop.time())
        self.plant_watch.tick()

    def _power_cut(self) -> None:
        self.controller.power_lost()
        self.injector.torn()

    async def _watch(self) -> None:
        """Look at the plant also while there is no controller."""
        while True:
            self.orders.look(self.loop.time())
            self.plant_watch.tick()
            await asyncio.sleep(WATCH_S)

    async def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """One request to the plant (the verbs of hil.sim). Raises RequestError."""
        return await answer(self.bench, {"do": do, **arguments})

    async def inject(self, fault: Fault) -> None:
        """Switch a fault on."""
        await self.injector.start(fault)

    async def heal(self, kind: str | None = None) -> None:
        """Switch faults of a kind off; None: all of them."""
        await self.injector.stop(kind)

    async def kill(self) -> None:
        """End the controller as a power cut would."""
        await self.controller.kill()

    async def start(self) -> None:
        """Start it again."""
        await self.controller.start()

    def close_books(self, *, unsure: bool) -> None:
        """At the end of a run: motions, answers. unsure: some answers may be missing, because something was away."""
        books.motions(self.findings, self.plc.plc)
        books.commands(self.findings, self.operator.replies, unsure)
        self._closed = (self.watch.last, self.loop.time())

    def _read_journal(self) -> None:
        """What can be judged only after the service has ended: each command's last verdict, each truck's record."""
        found, controller, (state, closed_s) = self.findings, self.controller, self._closed
        journal = answers.Books.read(Path(self.config.station.journal))
        answers.answers(found, self.post, controller.lives)
        answers.verdicts(found, self.post, journal, controller.lives, state, closed_s)
        records.records(found, self.visits, journal.swaps, journal.swap_vin)
        records.told(found, self.post.records, journal.swaps)
        self.recorded = len(journal.swaps)


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
