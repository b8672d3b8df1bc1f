"""A Modbus/TCP client that fails fast, never repeats a request, and reconnects by itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from drivers import tasks
from drivers.errors import BadData, DeviceRefused, LinkDown, NoAnswer
from drivers.modbus_link import Frame, Link, reading, writing
from drivers.modbus_stats import ModbusStats

SILENT_REQUESTS = 3
"""So many requests to a unit without an answer from any, and the connection is dropped and made anew."""
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 2.0
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


class ModbusClient:
    """The registers of one device, or of several units behind one gateway, over one connection.

    One request is on the wire at a time, others queue in order; each waits `timeout_s` on the wire. A request is
    sent once: after NoAnswer or LinkDown it is unknown whether the device acted. device_id: the unit that is meant
    where a request names none. A unit that is silent costs the others `timeout_s` each time it is asked; any
    answer, of whichever unit, shows that the connection holds.
    """

    def __init__(self, host: str, port: int, *, device_id: int, timeout_s: float, name: str) -> None:
        self.name = name
        self.stats = ModbusStats()
        self._host, self._port, self._device_id, self._timeout_s = host, port, device_id, timeout_s
        self._where = f"{name} at {host}:{port}"
        self._link: Link | None = None
        self._turn = asyncio.Lock()
        self._unanswered: Counter[int] = Counter()  # by unit, since anybody has answered

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
            link = Link(self._host, self._port, self._timeout_s, self.name, self.stats)
            try:
                if await self._connect(link):
                    retry_s = FIRST_RETRY_S
                    await self._hold(link)
            finally:
                self._link = None
                link.drop()
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    async def read(self, address: int, count: int, *, unit: int | None = None) -> tuple[int, ...]:
        """Read `count` (1..125) holding registers (FC03) of a unit (1..255; None: device_id).

        Raises LinkDown, NoAnswer, DeviceRefused (the device's exception code) or BadData (an answer of another length).
        """
        request = reading(address, count, self._meant(unit))
        words = tuple((await self._call(lambda: request, unit)).registers)
        if len(words) != count:
            self.stats.garbage += 1
            raise BadData("wrong number of registers in the answer", where=self._where, value=len(words), limit=count)
        return words

    async def write(self, address: int, words: Sequence[int], *, unit: int | None = None) -> None:
        """Write 1..123 holding registers in one transaction (FC16); never repeated. Raises as read does."""
        await self.write_made(address, lambda: words, unit=unit)

    async def write_made(self, address: int, make: Callable[[], Sequence[int]], *, unit: int | None = None) -> None:
        """As write, of words that are made in the instant they are sent: nothing grows old while it waits its turn."""
        words: list[int] = []

        def request() -> Frame:
            words.extend(make())
            return writing(address, words, self._meant(unit))

        answer = await self._call(request, unit)
        if (answer.address, answer.count) != (address, len(words)):
            self.stats.garbage += 1
            raise BadData("the answer is for another write", where=self._where, value=(answer.address, answer.count))

    def _place(self, unit: int | None) -> str:
        return self._where if unit is None else f"{self._where} unit {unit}"

    def _meant(self, unit: int | None) -> int:
        return self._device_id if unit is None else unit

    async def _connect(self, link: Link) -> bool:
        # In a task of its own: pymodbus connects under wait_for, which in Python 3.11 can lose a cancellation that
        # meets success, and run() would go on for ever.
        task = asyncio.get_running_loop().create_task(link.client.connect(), name=f"modbus {self.name} connect")
        try:
            await asyncio.wait({task})
            return task.result() and not link.lost.done()
        except UnicodeError:  # a host name that cannot be one
            return False
        finally:
            await tasks.end(task)

    async def _hold(self, link: Link) -> None:
        self._unanswered.clear()
        self.stats.connections += 1
        self._link = link
        await asyncio.wait({link.lost})

    def _up(self) -> Link:
        if self._link is None or self._link.lost.done():
            raise LinkDown("not connected", where=self._where, remedy="check the cable, the address and the device")
        self.stats.requests += 1
        return self._link

    async def _call(self, make: Callable[[], Frame], unit: int | None) -> Frame:
        """The answer to a request that is made when its turn has come; a lost connection ends the wait at once."""
        loop, link = asyncio.get_running_loop(), self._up()
        asked_s = loop.time()
        async with self._turn:
            answer = await self._answer(link, make, unit)
        self.stats.round_trips_s.append(loop.time() - asked_s)  # with the wait for its turn, as its caller sees it
        self._unanswered.clear()
        if answer.isError():
            self.stats.refused += 1
            code = answer.exception_code
            raise DeviceRefused(EXCEPTIONS.get(code, "exception"), where=self._place(unit), value=f"exception {code}")
        return answer

    async def _answer(self, link: Link, make: Callable[[], Frame], unit: int | None) -> Frame:
        if link.lost.done():
            raise self._link_lost()
        request = make()
        timer = asyncio.get_running_loop().call_later(self._timeout_s, link.give_up)
        try:
            answer = await link.ask(request)
        finally:
            timer.cancel()
        if answer is not None:
            return answer
        raise self._link_lost() if link.lost.done() else self._no_answer(link, unit)

    def _link_lost(self) -> LinkDown:
        self.stats.link_losses += 1
        return LinkDown("connection lost while waiting for the answer", where=self._where)

    def _no_answer(self, link: Link, unit: int | None) -> NoAnswer:
        self.stats.timeouts += 1
        self._unanswered[unit if unit is not None else self._device_id] += 1
        if max(self._unanswered.values()) >= SILENT_REQUESTS:
            link.drop()
        return NoAnswer("no answer in time", where=self._place(unit), limit=f"{self._timeout_s * 1e3:.0f} ms")
