"""TCP in memory: who listens where, who is connected, and what a cut does to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from hil.faults.modbus import Passage
from hil.virtual.transport import LATENCY_S, Address, Transport


class Wire(Protocol):
    """What happens to frames on the way, one for each write; hil.faults.modbus.ModbusWire fits."""

    def request(self, frame: bytes, now_s: float) -> Passage:
        """A frame from who connected."""

    def reply(self, frame: bytes, now_s: float) -> Passage:
        """A frame from who listens."""


class _Socket:
    """Just the name of a listening address."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def getsockname(self) -> Address:
        """Host and port."""
        return self._address


class Server(asyncio.AbstractServer):
    """Somebody who listens."""

    def __init__(self, network: Network, address: Address, factory: Callable[[], Any]) -> None:
        self.sockets = (_Socket(address),)
        self.factory = factory
        self._network, self._address = network, address

    def close(self) -> None:
        """Listen no more; connections that stand are not touched."""
        self._network.servers.pop(self._address, None)

    def is_serving(self) -> bool:
        """Whether it listens."""
        return self._network.servers.get(self._address) is self

    async def start_serving(self) -> None:
        """It serves from its making on."""

    async def serve_forever(self) -> None:
        """Until cancelled."""
        await self._network.loop.create_future()

    async def wait_closed(self) -> None:
        """Nothing to wait for."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop it lives on."""
        return self._network.loop


class Network:
    """Who listens where; `wires` puts a wire before an address, for every connection made to it from then on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.servers: dict[Address, Server] = {}
        self.wires: dict[Address, Wire] = {}
        self._connections: list[tuple[Address, Transport]] = []
        self._ports = 49152

    def listen(self, factory: Callable[[], Any], host: str, port: int) -> Server:
        """Raises OSError if the address is taken."""
        if port == 0:
            port = self._free_port()
        address = (host, port)
        if address in self.servers:
            raise OSError(f"address {address} is in use")
        server = self.servers[address] = Server(self, address, factory)
        return server

    async def connect(self, factory: Callable[[], Any], host: str, port: int) -> tuple[Transport, Any]:
        """Both ends are made after a round trip. Raises ConnectionRefusedError if nobody listens."""
        await asyncio.sleep(2 * LATENCY_S)
        address, here = (host, port), (host, self._free_port())
        server = self.servers.get(address)
        if server is None:
            raise ConnectionRefusedError(f"nobody listens at {address}")
        client, wire = Transport(self.loop, factory(), here, address), self.wires.get(address)
        accepted = Transport(self.loop, server.factory(), address, here)
        client.peer, accepted.peer = accepted, client
        if wire is not None:
            client.passes, accepted.passes = wire.request, wire.reply
        self._connections = [(a, t) for a, t in self._connections if not t.is_closing()] + [(address, client)]
        accepted.get_protocol().connection_made(accepted)
        client.get_protocol().connection_made(client)
        return client, client.get_protocol()

    def cut(self, host: str, port: int) -> None:
        """Cut every connection made to an address."""
        for address, client in self._connections:
            if address == (host, port) and not client.is_closing():
                client.abort()

    def lose_power(self, host: str, port: int) -> None:
        """Whoever made the connections to an address loses power: what is on the wire arrives there."""
        for address, client in self._connections:
            if address == (host, port) and not client.is_closing():
                client.lose_power()

    def _free_port(self) -> int:
        self._ports += 1
        return self._ports
