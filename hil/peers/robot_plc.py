"""The swap robot's PLC on the wire: a Modbus/TCP server in front of the rules and the plant."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.errors import StationError
from drivers.registers import RegisterMap
from hil.peers.plc_rules import Plc
from hil.plant.world import World

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # it dumps frames with each dropped connection


class PeerError(StationError):
    """A peer of the bench cannot be brought up."""


SCAN_S = 0.01
WRITE_MULTIPLE = 16


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
        self.requests = 0
        self._status, self._command = register_map.block("status"), register_map.block("command")
        self.port = port
        self._host, self._device_id = host, device_id
        self._image: tuple[int, ...] | None = None  # built when it is read, from the last scan
        self._server: ModbusTcpServer | None = None

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
            await self._close()

    def tick(self, dt_s: float, now_s: float) -> None:
        """Let the plant's time pass and do one scan, if there is power."""
        self.world.advance(dt_s)
        if self._server is not None:
            self.plc.scan(now_s)
            self._image = None

    async def power_cut(self) -> None:
        """The PLC loses its supply: links die, the robot stops dead, only retained data is kept."""
        await self._close()
        self.plc.power_cut()

    async def power_return(self) -> None:
        """The supply is back; the PLC boots and moves nothing."""
        self.plc.power_return()
        await self._listen()

    async def _listen(self) -> None:
        self._image = None
        device = SimDevice(
            self._device_id,
            action=self._action,
            simdata=[
                SimData(self._status.address, count=self._status.count, datatype=DataType.REGISTERS, readonly=True),
                SimData(self._command.address, count=self._command.count, datatype=DataType.REGISTERS),
            ],
        )
        server = ModbusTcpServer([device], address=(self._host, self.port))
        try:
            await server.serve_forever(background=True)
        except RuntimeError as e:
            where = f"{self._host}:{self.port}"
            raise PeerError("the robot PLC cannot listen", where=where, remedy="is another one running?") from e
        transport: Any = server.transport
        self.port = transport.sockets[0].getsockname()[1]
        self._server = server

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            for connection in list(server.active_connections.values()):
                transport: Any = connection.transport
                if transport is not None:
                    transport.abort()
            await server.shutdown()  # type: ignore[no-untyped-call]

    async def _action(
        self, function: int, start: int, address: int, count: int, registers: list[int], values: list[Any] | None
    ) -> ExcCodes | None:
        """Called by pymodbus for each request; must not await, or pymodbus mixes answers up."""
        self.requests += 1
        if values is None:
            if self._image is None:
                self._image = self.plc.status(asyncio.get_running_loop().time())
            at = self._status.address - start
            registers[at : at + self._status.count] = self._image
            return None
        if (function, address, count) != (WRITE_MULTIPLE, self._command.address, self._command.count):
            return ExcCodes.ILLEGAL_ADDRESS
        now_s = asyncio.get_running_loop().time()
        if not self.plc.receive(values, now_s):
            return ExcCodes.ILLEGAL_VALUE
        self._image = None
        return None
