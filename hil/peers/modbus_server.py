"""A Modbus/TCP server: one device, or several units behind one address, each in front of its own program."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.errors import StationError
from drivers.register_codec import Block

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # it dumps frames with each dropped connection

WRITE_MULTIPLE = 16
UNIT_BYTE = 6  # of the MBAP header


class PeerError(StationError):
    """A peer of the bench cannot be brought up."""


class Unit(Protocol):
    """One device as the wire sees it: a block that is read whole, and one that is written whole, or none."""

    @property
    def readable(self) -> Block:
        """What is read."""

    @property
    def writable(self) -> Block | None:
        """What is written."""

    @property
    def mute(self) -> bool:
        """Whether it gives no answer."""

    def words(self, now_s: float) -> tuple[int, ...]:
        """The readable block as it stands in the registers now."""

    def receive(self, words: list[int], now_s: float) -> bool:
        """Take a whole block; False: answered with exception 3."""


class ModbusServer:
    """Listens while it is open. port: 0 at first takes a free one, which it keeps. requests: answered or not."""

    def __init__(self, name: str, units: Mapping[int, Unit], host: str, port: int) -> None:
        """units: by Modbus unit id (1..247); another id is answered with exception 4."""
        self.port = port
        self.requests = 0
        self._name, self._units, self._host = name, dict(units), host
        self._server: ModbusTcpServer | None = None

    @property
    def listening(self) -> bool:
        """Whether it is open."""
        return self._server is not None

    async def listen(self) -> None:
        """Open. Raises PeerError if the port is taken."""
        devices = [_device(number, unit, partial(self._action, unit)) for number, unit in self._units.items()]
        server = ModbusTcpServer(devices, address=(self._host, self.port), trace_packet=self._screen)
        try:
            await server.serve_forever(background=True)
        except RuntimeError as e:
            where = f"{self._host}:{self.port}"
            raise PeerError(f"the {self._name} cannot listen", where=where, remedy="is another one running?") from e
        transport: Any = server.transport
        self.port = transport.sockets[0].getsockname()[1]
        self._server = server

    async def close(self) -> None:
        """Close, and end every connection at once."""
        server, self._server = self._server, None
        if server is not None:
            for connection in list(server.active_connections.values()):
                transport: Any = connection.transport
                if transport is not None:
                    transport.abort()
            await server.shutdown()  # type: ignore[no-untyped-call]

    def _screen(self, sending: bool, data: bytes) -> bytes:
        """Keep back what a mute unit would have answered."""
        unit = self._units.get(data[UNIT_BYTE]) if sending and len(data) > UNIT_BYTE else None
        return b"" if unit is not None and unit.mute else data

    async def _action(
        self,
        unit: Unit,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[Any] | None,
    ) -> ExcCodes | None:
        """Called by pymodbus for each request; must not await, or pymodbus mixes answers up."""
        self.requests += 1
        now_s = asyncio.get_running_loop().time()
        if values is None:
            at = unit.readable.address - start
            registers[at : at + unit.readable.count] = unit.words(now_s)
            return None
        block = unit.writable
        if block is None or (function, address, count) != (WRITE_MULTIPLE, block.address, block.count):
            return ExcCodes.ILLEGAL_ADDRESS
        return None if unit.mute or unit.receive(values, now_s) else ExcCodes.ILLEGAL_VALUE


def _device(number: int, unit: Unit, action: Callable[..., Any]) -> SimDevice:
    read, written = unit.readable, unit.writable
    data = [SimData(read.address, count=read.count, datatype=DataType.REGISTERS, readonly=True)]
    if written is not None:
        data.append(SimData(written.address, count=written.count, datatype=DataType.REGISTERS))
    return SimDevice(number, action=action, simdata=data)
