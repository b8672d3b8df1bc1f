"""One TCP connection that speaks Modbus: pymodbus wrapped, the only file that imports it."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Sequence
from typing import Any, TypeAlias

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    WriteMultipleRegistersRequest,
)

from drivers.modbus_stats import ModbusStats

# pymodbus logs the last twenty frames with every lost reply; the errors of drivers.modbus already say it once.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

READ, WRITE = 0x03, 0x10  # function codes; 0x80 is added to them in an exception answer
Frame: TypeAlias = ModbusPDU
"""A request, or its answer."""


def reading(address: int, count: int, unit: int) -> Frame:
    """Asks a unit for holding registers (FC03)."""
    return ReadHoldingRegistersRequest(address=address, count=count, dev_id=unit)


def writing(address: int, words: Sequence[int], unit: int) -> Frame:
    """Gives a unit holding registers (FC16)."""
    return WriteMultipleRegistersRequest(address=address, registers=list(words), dev_id=unit)


class _Words(ReadHoldingRegistersResponse):
    """The answer to a read, taken apart at once; pymodbus does it word by word and words it for a log that is off."""

    def decode(self, data: bytes) -> None:
        """The registers; `_plausible` has seen to it that all of them are there."""
        self.registers = struct.unpack_from(f">{data[0] // 2}H", data, 1)

    def __str__(self) -> str:
        return f"{len(self.registers)} registers"


class Link:
    """One TCP connection; a new one never carries what was asked on an old one.

    lost: done when it has ended. stats: `garbage` counts what came and could be no answer.
    """

    def __init__(self, host: str, port: int, timeout_s: float, name: str, stats: ModbusStats) -> None:
        self._stats = stats
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.client = AsyncModbusTcpClient(
            host,
            port=port,
            name=name,
            timeout=timeout_s,
            retries=0,  # pymodbus repeats writes too: a command whose answer was lost would act twice
            reconnect_delay=0,  # run() reconnects, and also after a failed first attempt, which pymodbus does not
            trace_connect=self._changed,
            trace_packet=self._screen,
        )
        self.client.register(_Words)

    def ask(self, request: Frame) -> asyncio.Future[Frame | None]:
        """Send a request, one at a time: its answer, or None if it was given up or the connection ended before.

        pymodbus's own `execute` needs two tasks for this, and waits out its timeout when the connection is lost.
        """
        manager = self.client.ctx
        request.transaction_id = manager.getNextTID()
        manager.response_future = asyncio.get_running_loop().create_future()
        manager.pdu_send(request)
        return manager.response_future

    def give_up(self) -> None:
        """Wait for an answer no longer."""
        if not self.client.ctx.response_future.done():
            self.client.ctx.response_future.set_result(None)

    def drop(self) -> None:
        """Give the connection up; whoever waits on it learns at once."""
        self._changed(False)
        transport: Any = self.client.ctx.transport
        if transport is not None:
            transport.abort()  # close() would wait for a cut peer to take what is still buffered
        self.client.close()

    def _changed(self, up: bool) -> None:
        if not up and not self.lost.done():
            self.lost.set_result(None)
            self.give_up()

    def _screen(self, sending: bool, data: bytes) -> bytes:
        """Keep from pymodbus what would raise inside its protocol and reach the loop's exception handler."""
        if sending or len(data) < 8 or _plausible(data):
            return data
        self._stats.garbage += 1
        return b""


def _plausible(data: bytes) -> bool:
    """Whether a received frame is an answer we can have asked for (MBAP header, function, byte count)."""
    if data[2:4] != b"\x00\x00":
        return False
    length, function = int.from_bytes(data[4:6], "big"), data[7]
    if function & 0x80:
        return function & 0x7F in (READ, WRITE) and length == 3
    if function == WRITE:
        return length == 6
    return function == READ and length >= 3 and (len(data) < 9 or (data[8] == length - 3 and data[8] % 2 == 0))
