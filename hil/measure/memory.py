"""A station in memory, at real time: the production drivers fed by the bench's plant, with no wire between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from drivers import registers, tasks
from drivers.can_frame import Frame, Subscriber
from drivers.packs import PackBus
from drivers.robot import Robot
from drivers.truck import TruckLink
from drivers.truck_status import TruckRequest
from hil.peers.pack_node import PackNode
from hil.peers.plc_rules import Plc
from hil.peers.truck_node import TruckNode
from hil.plant.pack import Pack
from hil.plant.truck import Truck
from hil.plant.world import World, stocked
from hil.rig.setting import Setting, station_toml
from station_ctl.config import Config, load
from station_ctl.journal import Entry
from station_ctl.uplink.admission import Admitted
from station_ctl.uplink.figures import UplinkFigures
from station_ctl.uplink.messages import OutgoingMessage, SnapshotMessage
from station_ctl.uplink.requests import Verdict

STOCK = (95.0, 94.0, 93.0, 92.0, 91.0, 90.0)
MAP = registers.load("robot-plc-v2")


class MemoryBus:
    """A CAN bus of one process: what is sent on one side is heard on the other at once."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self.sent: list[Frame] = []

    def subscribe(self, callback: Subscriber) -> None:
        """Hear what the plant says."""
        self._subscribers.append(callback)

    def send(self, frame: Frame) -> None:
        """Say something to the plant."""
        self.sent.append(frame)

    def hear(self, frame: Frame, now_s: float) -> None:
        """Hand a frame of the plant's to the drivers."""
        for callback in self._subscribers:
            callback(frame, now_s)


class MemoryClient:
    """The Modbus client's place: the PLC's registers themselves."""

    name, connection = "robot PLC", 1

    def __init__(self, plc: Plc) -> None:
        self._plc = plc

    async def read(self, address: int, count: int) -> tuple[int, ...]:
        """The status block."""
        return self._plc.status(asyncio.get_running_loop().time())

    async def write(self, address: int, words: Sequence[int]) -> None:
        """Taken and put aside: what the PLC makes of it is not the controller's time."""


class Uplink:
    """Nobody listens, nobody asks."""

    def __init__(self) -> None:
        self.commands: asyncio.Queue[Admitted] = asyncio.Queue()

    def state(self, message: SnapshotMessage) -> None:
        """Not told."""

    def emit(self, message: OutgoingMessage) -> None:
        """Not told."""

    def answer(self, admitted: Admitted, verdict: Verdict, reason: str = "") -> None:
        """Not told."""

    def figures(self) -> UplinkFigures:
        """Connected, nothing lost."""
        return UplinkFigures()


class Journal:
    """Forgets."""

    async def append(self, entry: Entry) -> None:
        """Not kept."""

    async def seen(self, id: str) -> str | None:
        """Nothing was."""
        return None

    async def record(self, id: str, verb: str, verdict_json: str, issuer: str, at: datetime) -> None:
        """Not kept."""


class MemoryStation:
    """Six packs in bays, two on a truck that stands in the lane, clamped and isolated; build it in a running loop."""

    def __init__(self, folder: Path) -> None:
        path = folder / "station.toml"
        path.write_text(station_toml(Setting(), folder, 1883), encoding="utf-8")
        self.config: Config = load(path)
        self.world = _world(self.config)
        self.plc, self.bus, self.journal, self.uplink = Plc(self.world, MAP), MemoryBus(), Journal(), Uplink()
        self.robot = Robot(MemoryClient(self.plc), MAP, on_danger=lambda: None)  # type: ignore[arg-type]
        self.truck = TruckLink(self.bus, on_danger=lambda: None)
        places = [*(b.can_address for b in self.config.bay), *(m.can_address for m in self.config.mount)]
        self.packs = PackBus(self.bus, places, on_danger=lambda: None, others=(self.config.truck.address,))
        self._nodes: list[PackNode] = []
        self._truck_node: TruckNode | None = None

    async def settle(self, seconds: float) -> None:
        """Let the handshakes take place; what is timed begins afterwards."""
        loop = asyncio.get_running_loop()
        running = [asyncio.create_task(d.run(), name="in memory") for d in (self.packs, self.truck)]
        try:
            end_s = loop.time() + seconds
            while loop.time() < end_s:
                await self.refresh()
                await asyncio.sleep(0.005)
        finally:
            await tasks.end(*running)

    async def refresh(self) -> None:
        """Every input anew: one PLC scan, one poll, the frames that are due."""
        now_s = asyncio.get_running_loop().time()
        self.plc.scan(now_s)
        await self.robot.poll()
        self._meet(now_s)
        said, self.bus.sent = self.bus.sent, []
        nodes: list[PackNode | TruckNode] = [n for n in (*self._nodes, self._truck_node) if n is not None]
        for frame in said:
            for node in self._nodes:
                self._hear(node.receive(frame, now_s), now_s)
        for talker in nodes:
            self._hear(talker.poll(now_s), now_s)

    def _hear(self, frames: Iterable[Frame], now_s: float) -> None:
        for frame in frames:
            self.bus.hear(frame, now_s)

    def _meet(self, now_s: float) -> None:
        if self._nodes or self.world.truck is None:
            return
        station = self.config.packs.station_address
        packs = [p for p in self.world.packs() if p.address is not None]
        self._nodes = [PackNode(p, p.address or 0, station, now_s, 0.0137 * i) for i, p in enumerate(packs)]
        self._truck_node = TruckNode(self.world.truck, self.config.truck.address, station, now_s)


def _world(config: Config) -> World:
    world = World(
        bays={b.number: b.can_address for b in config.bay},
        mounts={m.number: m.can_address for m in config.mount},
        isolation=[b.number for b in config.bay if b.isolation],
    )
    stocked(world, STOCK)
    truck = Truck("LZZ5CLSB8NA000001", {n: Pack(f"TRK1-{n:08d}", 12.0) for n in (1, 2)})
    world.arrive(truck)
    _pass(world)
    truck.request = TruckRequest.ISOLATE
    world.lane.clamps.position = world.lane.barrier.position = 1.0
    _pass(world)
    return world


def _pass(world: World, seconds: float = 10.0) -> None:
    for _ in range(round(seconds / 0.05)):
        world.advance(0.05)
