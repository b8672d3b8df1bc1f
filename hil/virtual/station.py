"""A whole station on the virtual ground: the production service, its plant and a person, on one loop, from one seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from drivers import registers, tasks
from drivers.errors import StationError
from hil.faults.catalogue import Fault
from hil.fitted import can_peers, charger_servers, make_world
from hil.peers.can_peers import CanPeers
from hil.peers.robot_plc import RobotPlc
from hil.rig.operator import Operator, Seen
from hil.sim_bench import Bench
from hil.sim_commands import answer
from hil.virtual.cabling import Cabling
from hil.virtual.controller import Controller
from hil.virtual.inject import Injector, Places
from hil.virtual.loop import VirtualLoop
from hil.virtual.watched import Watched
from hil.watch.findings import Findings
from station_ctl import wall_clock
from station_ctl.config import Config
from station_ctl.wiring import Service

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
        "chargers",
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
    on_message: what the operator sees.
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
        register_map = registers.load(config.robot.register_map)
        self.world = make_world(config, seed, speed, packs_soc)
        robot = config.robot
        self.plc = RobotPlc(self.world, register_map, robot.host, robot.port, device_id=robot.device_id)
        self.watched = Watched(config, self.world, self.plc, loop.time)
        self.cabling = Cabling(config, register_map, seed, self.watched.block, self._power_cut)
        self.cabling.lay(loop.network)
        self.watched.connect(self.cabling)
        self.controller = Controller(config, loop.network, self.cabling, self._controller_started, self.findings.tell)
        session = self.cabling.broker.session
        self.operator = Operator(config.station.id, 1883, on_message, name=OPERATOR, session=session)
        self.injector = Injector(
            Places(loop, self.wall, self.cabling, self.world, self.controller, self.operator, self.findings, self.ask)
        )
        self._bench = Bench(self.world, self.plc)
        self._stack = contextlib.AsyncExitStack()

    @property
    def findings(self) -> Findings:
        """What the watch found."""
        return self.watched.findings

    async def __aenter__(self) -> VirtualStation:
        enter = self._stack.enter_async_context
        await enter(_running(self.plc.run(), "robot PLC"))
        await self.plc.ready.wait()
        for server in charger_servers(self.world, self.config):
            await enter(_running(server.run(), "chargers"))
            await server.ready.wait()
        for name, segment in self.cabling.segments.items():
            await enter(_running(segment.run(), f"CAN {name}"))
            await enter(_running(segment.plant.run(), f"plant on {name}"))
        for name, peers in self._peers():
            await enter(_running(peers.run(), f"peers on {name}"))
        await enter(_running(self.cabling.broker.run(), "broker"))
        await enter(_running(self._watch(), "watch"))
        await enter(_running(self.operator.run(), "operator"))
        await self.operator.connected()
        await self.controller.start()
        self._stack.push_async_callback(self.controller.stop)
        self._stack.push_async_callback(self.injector.end)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        self.watched.after_the_end(self.controller)

    def _peers(self) -> list[tuple[str, CanPeers]]:
        config = self.config
        return [
            (name, can_peers(self.world, config, name, segment.plant))
            for name, segment in self.cabling.segments.items()
            if name in (config.packs.bus, config.truck.bus)
        ]

    def _controller_started(self, service: Service) -> None:
        self.watched.started(service, self.controller)

    def _power_cut(self) -> None:
        self.controller.power_lost()
        self.injector.torn()

    async def _watch(self) -> None:
        """Look at the plant also while there is no controller."""
        while True:
            self.watched.look()
            await asyncio.sleep(WATCH_S)

    def close_books(self, *, unsure: bool) -> None:
        """At the end of a run. unsure: some answers may be missing, because something was away."""
        self.watched.close_books(self.operator.replies, unsure=unsure)

    async def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """One request to the plant (the verbs of hil.sim_lines). Raises RequestError."""
        return await answer(self._bench, {"do": do, **arguments})

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


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await tasks.end(task)
        if not task.cancelled():
            task.result()
