"""Faults on the Modbus/TCP wire: a proxy between the controller and the PLC, which itself stays honest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drivers.registers import RegisterMap
from hil.faults.catalogue import ModbusFault
from hil.faults.modbus import ModbusWire, Passage
from hil.faults.modbus_frames import LARGEST_ADU, MBAP_BYTES


class FaultProxy:
    """Passes Modbus/TCP frames on as `wire` says. port: where it listens; 0 at first takes a free one."""

    def __init__(
        self,
        upstream: tuple[str, int],
        register_map: RegisterMap,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 1,
    ) -> None:
        self.wire = ModbusWire(register_map, seed)
        self.port = port
        self.ready = asyncio.Event()
        self._upstream, self._host = upstream, host
        self._links: set[asyncio.Task[None]] = set()

    def set(self, fault: ModbusFault) -> None:
        """Switch a fault on; a cable that comes off takes its connections with it at once."""
        self.wire.set(fault)
        if self.wire.cable_off:
            self.cut()

    def cut(self) -> None:
        """Cut every connection now, as a reset would."""
        for link in self._links:
            self.wire.counters["cut"] += 1
            link.cancel()

    async def run(self) -> None:
        """Accept connections until cancelled."""
        server = await asyncio.start_server(self._accept, self._host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            self.cut()
            await asyncio.gather(*self._links, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.wire.cable_off:
            writer.transport.abort()
            return
        link = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="fault proxy link")
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up: asyncio.StreamWriter | None = None
        try:
            up_reader, up = await asyncio.open_connection(*self._upstream)
            async with asyncio.TaskGroup() as group:
                group.create_task(_carry(reader, up, writer, self.wire.request), name="fault proxy requests")
                group.create_task(_carry(up_reader, writer, up, self.wire.reply), name="fault proxy replies")
        except* (OSError, asyncio.IncompleteReadError, _Cut):
            pass  # either side has gone: so does the other
        finally:
            for end in (writer, up):
                if end is not None:
                    end.transport.abort()


class _Cut(Exception):
    """The wire cuts this link."""


async def _carry(
    reader: asyncio.StreamReader,
    onward: asyncio.StreamWriter,
    back: asyncio.StreamWriter,
    passage: Callable[[bytes, float], Passage],
) -> None:
    """Frames of one direction; while one is late those behind it wait in the socket, as on a slow line."""
    loop = asyncio.get_running_loop()
    while True:
        frame = await _frame(reader)
        forward, answers, cut = passage(frame, loop.time())
        if cut:
            raise _Cut
        for answer in answers:
            back.write(answer)
        for delay_s, late in forward:
            if delay_s > 0:
                await asyncio.sleep(delay_s)
            onward.write(late)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(MBAP_BYTES)
    length = int.from_bytes(head[4:6], "big")
    if not 2 <= length <= LARGEST_ADU:
        raise _Cut
    return head + await reader.readexactly(length)
