"""Faults on the Modbus/TCP wire: a proxy between the controller and the PLC, which itself stays honest."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

MBAP_BYTES = 6  # transaction, protocol, length; the length counts what follows
LARGEST_ADU = 260
BUSY = 6
WRITE_MULTIPLE = 16


@dataclass(slots=True)
class FaultRates:
    """Chance of each fault per frame, drawn from the proxy's seed."""

    drop_request: float = 0.0
    drop_reply: float = 0.0
    refuse: float = 0.0  # answered by the proxy with exception 6, device busy; the PLC never sees it
    delay: float = 0.0
    cut: float = 0.0
    delay_s: tuple[float, float] = (0.0, 0.0)


class FaultProxy:
    """Passes Modbus/TCP frames on, but for the faults it is told to make.

    rates:  random faults. silent: swallow everything, connections stay up. delay_s: every reply waits so long.
    drop_requests, drop_replies, refuse_requests: so many of the next frames. counters: what was done.
    """

    def __init__(self, upstream: tuple[str, int], *, host: str = "127.0.0.1", port: int = 0, seed: int = 1) -> None:
        self.rates = FaultRates()
        self.silent = False
        self.delay_s = 0.0
        self.drop_requests = self.drop_replies = self.refuse_requests = 0
        self.counters: Counter[str] = Counter()
        self.port = port
        self.ready = asyncio.Event()
        self._upstream, self._host = upstream, host
        self._rng = random.Random(seed)
        self._links: set[asyncio.Task[None]] = set()

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

    def cut(self) -> None:
        """Cut every connection now, as a pulled cable and a reset would."""
        for link in self._links:
            self.counters["cut"] += 1
            link.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="fault proxy link")
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up: asyncio.StreamWriter | None = None
        try:
            up_reader, up = await asyncio.open_connection(*self._upstream)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._requests(reader, up, writer), name="fault proxy requests")
                group.create_task(self._replies(up_reader, writer), name="fault proxy replies")
        except* (OSError, asyncio.IncompleteReadError, _Cut):
            pass  # either side has gone: so does the other
        finally:
            for end in (writer, up):
                if end is not None:
                    end.transport.abort()

    async def _requests(
        self, reader: asyncio.StreamReader, up: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        while True:
            frame = await _frame(reader)
            self._maybe_cut()
            if self.silent or self._due("drop_requests", self.rates.drop_request):
                self.counters["dropped_requests"] += 1
            elif self._due("refuse_requests", self.rates.refuse):
                self.counters["refused"] += 1
                back.write(frame[:4] + b"\x00\x03" + frame[6:7] + bytes([frame[7] | 0x80, BUSY]))
            else:
                up.write(frame)

    async def _replies(self, reader: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        while True:
            frame = await _frame(reader)
            self._maybe_cut()
            delay_s = self.delay_s
            if self._rng.random() < self.rates.delay:
                delay_s += self._rng.uniform(*self.rates.delay_s)
            if delay_s > 0:
                self.counters["delayed"] += 1
                await asyncio.sleep(delay_s)
            if self.silent or self._due("drop_replies", self.rates.drop_reply):
                self.counters["dropped_replies"] += 1
                self.counters["dropped_write_replies"] += frame[7] == WRITE_MULTIPLE
            else:
                down.write(frame)

    def _due(self, count: str, rate: float) -> bool:
        left: int = getattr(self, count)
        if left > 0:
            setattr(self, count, left - 1)
            return True
        return self._rng.random() < rate

    def _maybe_cut(self) -> None:
        if self._rng.random() < self.rates.cut:
            self.counters["cut"] += 1
            raise _Cut


class _Cut(Exception):
    """The schedule cuts this link."""


async def _frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(MBAP_BYTES)
    length = int.from_bytes(head[4:6], "big")
    if not 2 <= length <= LARGEST_ADU:
        raise _Cut
    return head + await reader.readexactly(length)
