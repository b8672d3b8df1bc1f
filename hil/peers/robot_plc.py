"""The swap robot's PLC on the wire: a Modbus/TCP server in front of the rules and the plant."""

from __future__ import annotations

import asyncio

from drivers.registers import RegisterMap
from hil.peers.modbus_server import ModbusServer
from hil.peers.plc_rules import Plc
from hil.plant.world import World

SCAN_S = 0.01


class RobotPlc:
    """Serves the register map and scans every 10 ms; it also lets the world's time pass.

    port: where it listens; 0 at first takes a free one.
    plc:  the rules and what they counted; `plc.dangers.stop_latencies_s` is measured here.
    """

    def __init__(
        self, world: World, register_map: RegisterMap, host: str = "127.0.0.1", port: int = 502, *, device_id: int = 1
    ) -> None:
        self.world = world
        self.plc = Plc(world, register_map)
        self.ready = asyncio.Event()
        self.readable, self.writable, self.mute = register_map.block("status"), register_map.block("command"), False
        self._server = ModbusServer("robot PLC", {device_id: self}, host, port)
        self._image: tuple[int, ...] | None = None  # built when it is read, from the last scan

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def requests(self) -> int:
        """How many have come."""
        return self._server.requests

    async def run(self) -> None:
        """Serve and scan until cancelled. Raises PeerError if the port is taken."""
        loop = asyncio.get_running_loop()
        try:
            await self._listen()
            self.ready.set()
            before_s = loop.time()
            due_s = before_s
            while True:
                now_s = loop.time()
                self.tick(now_s - before_s, now_s)
                before_s = now_s
                due_s = max(due_s + SCAN_S, loop.time())
                await asyncio.sleep(due_s - loop.time())
        finally:
            await self._server.close()

    def tick(self, dt_s: float, now_s: float) -> None:
        """Let the plant's time pass and do one scan, if there is power."""
        self.world.advance(dt_s)
        if self._server.listening:
            self.plc.scan(now_s)
            self._image = None

    async def power_cut(self) -> None:
        """The PLC loses its supply: links die, the robot stops dead, only retained data is kept."""
        await self._server.close()
        self.plc.power_cut()

    async def power_return(self) -> None:
        """The supply is back; the PLC boots and moves nothing."""
        self.plc.power_return()
        await self._listen()

    async def _listen(self) -> None:
        self._image = None
        await self._server.listen()

    def words(self, now_s: float) -> tuple[int, ...]:
        """The status block, from the last scan."""
        if self._image is None:
            self._image = self.plc.status(now_s)
        return self._image

    def receive(self, words: list[int], now_s: float) -> bool:
        """A command block."""
        if not self.plc.receive(words, now_s):
            return False
        self._image = None
        return True
