"""TCP in memory: streams that keep their order, take time, and end as the real ones do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from hil.faults.modbus import Passage

LATENCY_S = 0.0003
"""One way on a station's own switch (a round trip of 0.6 ms was measured there, without the PLC's answer time)."""

IN_ORDER_S = 1e-6
"""asyncio's timers that are due at the same instant come in any order; bytes do not."""

Address = tuple[str, int]


class Wire(Protocol):
    """What happens to frames on the way, one for each write; hil.faults.modbus.ModbusWire fits."""

    def request(self, frame: bytes, now_s: float) -> Passage:
        """A frame from who connected."""

    def reply(self, frame: bytes, now_s: float) -> Passage:
        """A frame from who listens."""


class Transport(asyncio.Transport):
    """One end of a connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any, own: Address, other: Address) -> None:
        super().__init__({"peername": other, "sockname": own, "socket": None})
        self.peer: Transport | None = None
        self.passes: Callable[[bytes, float], Passage] | None = None
        self._loop, self._protocol = loop, protocol
        self._closing = False
        self._free_s = 0.0  # when the last bytes sent arrive: later ones do not overtake them
        self._paused = False
        self._held: list[bytes] = []

    def write(self, data: Any) -> None:
        """Send; what is written to a connection that has ended is lost, as on a real one."""
        if self._closing or not data:
            return
        frame, now_s = bytes(data), self._loop.time()
        if self.passes is None:
            self._forward(frame, now_s)
            return
        passage = self.passes(frame, now_s)
        for delay_s, what in passage.forward:
            self._forward(what, now_s + delay_s)
        for what in passage.back:
            self._loop.call_at(now_s + LATENCY_S, self._receive, what)
        if passage.cut:
            self.abort()

    def _forward(self, frame: bytes, from_s: float) -> None:
        peer = self.peer
        if peer is not None:
            self._free_s = max(self._free_s + IN_ORDER_S, from_s + LATENCY_S)
            self._loop.call_at(self._free_s, peer._receive, frame)  # noqa: SLF001  # the other end of the same wire

    def _receive(self, frame: bytes) -> None:
        if self._closing:
            return
        if self._paused:
            self._held.append(frame)
        else:
            self._protocol.data_received(frame)

    def close(self) -> None:
        """End in order: the other end gets what is under way, then the end."""
        if not self._closing:
            peer = self.peer
            self._end(None)
            if peer is not None:
                self._loop.call_at(max(self._free_s + IN_ORDER_S, self._loop.time() + LATENCY_S), peer._ended)  # noqa: SLF001

    def abort(self) -> None:
        """End at once, on both sides: what was under way is lost."""
        peer = self.peer
        self._end(None)
        if peer is not None:
            peer._end(ConnectionResetError("connection reset by peer"))  # noqa: SLF001

    def lose_power(self) -> None:
        """This end is gone at once; what it has sent still arrives, then the other end fails."""
        peer = self.peer
        self._end(None)
        if peer is not None:
            why = ConnectionResetError("connection reset by peer")
            arrived_s = max(self._free_s + IN_ORDER_S, self._loop.time() + LATENCY_S)
            self._loop.call_at(arrived_s, peer._end, why)  # noqa: SLF001

    def _ended(self) -> None:
        if not self._closing:
            self._protocol.eof_received()
            self._end(None)

    def _end(self, why: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, why)

    def is_closing(self) -> bool:
        """Whether this end has ended."""
        return self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Who gets the bytes from now on."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who gets the bytes."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def pause_reading(self) -> None:
        """Keep what arrives."""
        self._paused = True

    def resume_reading(self) -> None:
        """Hand on what was kept, and what comes."""
        self._paused = False
        held, self._held = self._held, []
        for frame in held:
            self._receive(frame)

    def is_reading(self) -> bool:
        """Whether bytes are handed on."""
        return not self._paused and not self._closing

    def get_write_buffer_size(self) -> int:
        """Nothing waits on this side."""
        return 0

    def can_write_eof(self) -> bool:
        """Half-closed connections are not used here."""
        return False


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
