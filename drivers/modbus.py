"""A Modbus/TCP client that fails fast, never repeats a request, and reconnects by itself."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException, ModbusIOException
from pymodbus.pdu import ModbusPDU

from drivers.errors import BadData, DeviceRefused, LinkDown, NoAnswer
from drivers.modbus_stats import ModbusStats, RoundTrip

__all__ = ["ModbusClient", "ModbusStats", "RoundTrip"]

# pymodbus logs the last twenty frames with every lost reply; the errors below already say it once.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

Request = Callable[[], Awaitable[ModbusPDU]]

SILENT_REQUESTS = 3
"""So many requests in a row without an answer, and the connection is dropped and made anew."""
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 2.0
READ, WRITE = 0x03, 0x10  # function codes; 0x80 is added to them in an exception answer
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not answer",
}


class _Link:
    """One TCP connection; a new one never carries what was asked on an old one."""

    def __init__(self, client: AsyncModbusTcpClient, lost: asyncio.Future[None]) -> None:
        self.client = client
        self.lost = lost

    def drop(self) -> None:
        """Give the connection up; whoever waits on it learns at once."""
        if not self.lost.done():
            self.lost.set_result(None)
        transport: Any = self.client.ctx.transport
        if transport is not None:
            transport.abort()  # close() would wait for a cut peer to take what is still buffered
        self.client.close()


class ModbusClient:
    """The registers of one device.

    One request is on the wire at a time, others queue in order; each waits `timeout_s` on the wire. A request is
    sent once: after NoAnswer or LinkDown it is unknown whether the device acted.
    """

    def __init__(self, host: str, port: int, *, device_id: int, timeout_s: float, name: str) -> None:
        self.name = name
        self.stats = ModbusStats()
        self._host, self._port, self._device_id, self._timeout_s = host, port, device_id, timeout_s
        self._where = f"{name} at {host}:{port}"
        self._link: _Link | None = None
        self._unanswered = 0

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._link is not None and not self._link.lost.done()

    @property
    def connection(self) -> int:
        """Number of the present connection, counted from 1; 0 while there is none."""
        return self.stats.connections if self.connected else 0

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        retry_s = FIRST_RETRY_S
        while True:
            link = self._new_link()
            try:
                if await self._connect(link):
                    retry_s = FIRST_RETRY_S
                    await self._hold(link)
            finally:
                self._link = None
                link.drop()
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    async def read(self, address: int, count: int) -> tuple[int, ...]:
        """Read `count` (1..125) holding registers (FC03).

        Raises LinkDown, NoAnswer, DeviceRefused (the device's exception code) or BadData (an answer of another length).
        """
        link = self._up()
        read = functools.partial(link.client.read_holding_registers, address, count=count, device_id=self._device_id)
        words = tuple((await self._call(link, read)).registers)
        if len(words) != count:
            self.stats.garbage += 1
            raise BadData("wrong number of registers in the answer", where=self._where, value=len(words), limit=count)
        return words

    async def write(self, address: int, words: Sequence[int]) -> None:
        """Write 1..123 holding registers in one transaction (FC16); never repeated. Raises as read does."""
        link = self._up()
        write = functools.partial(link.client.write_registers, address, list(words), device_id=self._device_id)
        answer = await self._call(link, write)
        if (answer.address, answer.count) != (address, len(words)):
            self.stats.garbage += 1
            raise BadData("the answer is for another write", where=self._where, value=(answer.address, answer.count))

    def _new_link(self) -> _Link:
        lost = asyncio.get_running_loop().create_future()

        def on_connect(up: bool) -> None:
            if not up and not lost.done():
                lost.set_result(None)

        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            name=self.name,
            timeout=self._timeout_s,
            retries=0,  # pymodbus repeats writes too: a command whose answer was lost would act twice
            reconnect_delay=0,  # run() reconnects, and also after a failed first attempt, which pymodbus does not
            trace_connect=on_connect,
            trace_packet=self._screen,
        )
        return _Link(client, lost)

    async def _connect(self, link: _Link) -> bool:
        # In a task of its own: pymodbus connects under wait_for, which in Python 3.11 can lose a cancellation that
        # meets success, and run() would go on for ever.
        task = asyncio.get_running_loop().create_task(link.client.connect(), name=f"modbus {self.name} connect")
        try:
            await asyncio.wait({task})
            return task.result() and not link.lost.done()
        except UnicodeError:  # a host name that cannot be one
            return False
        finally:
            await _end(task)

    async def _hold(self, link: _Link) -> None:
        self._unanswered = 0
        self.stats.connections += 1
        self._link = link
        await asyncio.wait({link.lost})

    def _up(self) -> _Link:
        if self._link is None or self._link.lost.done():
            raise LinkDown("not connected", where=self._where, remedy="check the cable, the address and the device")
        self.stats.requests += 1
        return self._link

    async def _call(self, link: _Link, request: Request) -> ModbusPDU:
        """The answer to a request, or its error; a lost connection ends the wait at once (pymodbus waits it out)."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(_timed(loop, request, self.stats), name=f"modbus {self.name} request")
        try:
            either: set[asyncio.Future[Any]] = {task, link.lost}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise self._link_lost()
            answer = task.result()
        except ConnectionException as e:
            raise self._link_lost() from e
        except ModbusIOException as e:
            raise self._no_answer(link) from e
        except ModbusException as e:
            self.stats.garbage += 1
            raise BadData("undecodable answer", where=self._where, value=str(e)) from e
        finally:
            await _end(task)
        self._unanswered = 0
        if answer.isError():
            self.stats.refused += 1
            code = answer.exception_code
            raise DeviceRefused(EXCEPTIONS.get(code, "exception"), where=self._where, value=f"exception {code}")
        return answer

    def _link_lost(self) -> LinkDown:
        self.stats.link_losses += 1
        return LinkDown("connection lost while waiting for the answer", where=self._where)

    def _no_answer(self, link: _Link) -> NoAnswer:
        self.stats.timeouts += 1
        self._unanswered += 1
        if self._unanswered >= SILENT_REQUESTS:
            link.drop()
        return NoAnswer("no answer in time", where=self._where, limit=f"{self._timeout_s * 1e3:.0f} ms")

    def _screen(self, sending: bool, data: bytes) -> bytes:
        """Keep from pymodbus what would raise inside its protocol and reach the loop's exception handler."""
        if sending or len(data) < 8 or _plausible(data):
            return data
        self.stats.garbage += 1
        return b""


async def _timed(loop: asyncio.AbstractEventLoop, request: Request, stats: ModbusStats) -> ModbusPDU:
    # pymodbus queues requests behind a lock: that wait is part of the round trip as its caller sees it.
    started_s = loop.time()
    answer = await request()
    stats.round_trips_s.append(loop.time() - started_s)
    return answer


async def _end(task: asyncio.Task[Any]) -> None:
    """Leave no task behind, and no exception that nobody fetched, whichever way the caller goes."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


def _plausible(data: bytes) -> bool:
    """Whether a received frame is an answer we can have asked for (MBAP header, function, byte count)."""
    if data[2:4] != b"\x00\x00":
        return False
    length, function = int.from_bytes(data[4:6], "big"), data[7]
    if function & 0x80:
        return function & 0x7F in (READ, WRITE) and length == 3
    if function == WRITE:
        return length == 6
    return function == READ and (len(data) < 9 or (data[8] == length - 3 and data[8] % 2 == 0))
