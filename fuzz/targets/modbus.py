"""Bytes from the PLC's end of the connection, through pymodbus, our screen, the register codec and the robot driver.

An input is a row of records, one for each request of ours: u8 what becomes of it, u16 length, bytes. The production
client connects over the virtual network; times are virtual.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from drivers.errors import DeviceError
from drivers.modbus import ModbusClient
from drivers.reading import Signal
from drivers.registers import load
from drivers.robot import Robot
from drivers.robot_decode import LABELS
from drivers.robot_protocol import (
    BaySensors,
    CommandBlock,
    MotionClass,
    MountSensors,
    Opcode,
    RobotCommand,
    RobotStatus,
)
from fuzz.ground import run
from fuzz.judge import finite, must
from fuzz.tape import Tape
from station_ctl.sections import RobotSection

RAW, ANSWER, FRAMED, SILENT, CUT, SPLIT, TWICE, LATE = range(8)
"""What becomes of a request: the bytes as they are; under its transaction number; as the PDU of its answer; nothing;
the connection ends; the answer in two pieces; twice; after the time-out."""
MOST_RECORDS = 24
MAP = load(RobotSection.model_fields["register_map"].default)
STATUS, COMMAND = MAP.block("status"), MAP.block("command")
ORDER = CommandBlock(1, 500, MotionClass.TRAVEL, 0, RobotCommand(7, Opcode.HOME))
WORDS = (
    b"\x00\x00\x00\x00",
    b"\x01\x03",
    b"\x01\x10",
    b"\x83\x02",
    b"\x90\x06",
    b"\x00\x03\x01\x83",
    b"\x80",
    b"\xff\xff",
)


class _Plc(asyncio.Protocol):
    """Answers each request as the input says."""

    def __init__(self, tape: Tape) -> None:
        self._tape, self._answered = tape, 0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._answered += 1
        if not self._tape or self._answered > MOST_RECORDS:
            return
        what, said = self._tape.byte() % 8, self._tape.some(self._tape.word() % 600)
        if what == CUT:
            self._transport.abort()
            return
        answer = _answer(what, data, said)
        cut = len(answer) // 2 if what == SPLIT else len(answer)
        loop, late_s = asyncio.get_running_loop(), 0.15 if what == LATE else 0.0
        for n, part in enumerate((answer[:cut], answer[cut:], answer if what == TWICE else b"")):
            loop.call_later(late_s + 0.001 * n, self._transport.write, part)


def _answer(what: int, request: bytes, said: bytes) -> bytes:
    if what == SILENT:
        return b""
    if what == RAW:
        return said
    head = request[:2] if what == ANSWER else request[:4] + struct.pack(">HB", len(said) + 1, request[6])
    return head + said


def one(data: bytes) -> None:
    """Judge one row of answers."""
    run(_one(Tape(data)))


async def _one(tape: Tape) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: _Plc(tape), "plc", 502)
    client = ModbusClient("plc", 502, device_id=1, timeout_s=0.1, name="robot PLC")
    robot = Robot(client, MAP, on_danger=lambda: None)
    keeping = loop.create_task(client.run(), name="modbus")
    try:
        for n in range(MOST_RECORDS):
            if not tape:
                break
            if not client.connected:
                await asyncio.sleep(0.2)
            await _cycle(robot, n)
            _judge(robot, client)
        must(not keeping.done(), "the client ended by itself")
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})


async def _cycle(robot: Robot, n: int) -> None:
    began_s = asyncio.get_running_loop().time()
    await robot.poll()
    if n % 2:
        try:
            await robot.write(ORDER)
        except DeviceError as e:
            must(bool(e.what and e.where), "an error that says nothing")
    must(asyncio.get_running_loop().time() - began_s < 0.25, "a call outlived its time-out")


def _judge(robot: Robot, client: ModbusClient) -> None:
    link: Any = client._link
    if link is not None:
        must(len(link.client.ctx.recv_buffer) < 2048, "what cannot be read piles up")
    status = robot.status
    if status is None:
        must(robot.error is not None, "no status, and no reason")
        return
    for name in RobotStatus.__dataclass_fields__:
        value = getattr(status, name)
        finite(name, value)
        if RobotStatus.__dataclass_fields__[name].type == "Signal":
            must(isinstance(value, Signal), f"{name}: {value!r}")
    for name, members in LABELS.items():
        must(getattr(status, name) in (None, *members.values()), f"{name}: {getattr(status, name)!r}")
        must(
            not isinstance(getattr(status, name), int) or isinstance(getattr(status, name), IntEnum), f"{name} is bare"
        )
    for sensors in (*status.mounts, *status.bays):
        kind = MountSensors if isinstance(sensors, MountSensors) else BaySensors
        must(all(isinstance(getattr(sensors, f), Signal) for f in kind.__dataclass_fields__), "a sensor is no signal")


def seeds() -> Iterator[bytes]:
    """Good answers to polls and writes, each way of going wrong, exceptions."""
    good, written = _status(), struct.pack(">BHH", 16, COMMAND.address, COMMAND.count)
    for what in range(8):
        yield _record(FRAMED, good) + _record(what, good) + _record(FRAMED, written) + _record(FRAMED, good)
    yield (_record(FRAMED, good) * 2 + _record(FRAMED, written)) * 3
    yield _record(FRAMED, b"\x83\x06") + _record(FRAMED, good) * 2 + _record(FRAMED, b"\x90\x02")
    yield _record(FRAMED, struct.pack(">BB", 3, 250) + bytes(250))
    yield _record(FRAMED, good) + _record(RAW, bytes(300)) + _record(FRAMED, good)
    for wrong in WRONG:
        yield _record(FRAMED, good) + _record(FRAMED, wrong) * 2 + _record(FRAMED, good)
    yield _record(ANSWER, b"\x00\x00\x00\x83\x01" + good) + _record(ANSWER, b"\x00\x01\x00\x83\x01" + good)


WRONG = (b"\x03\x05\x00\x01\x02", b"\x03\xfe\x00", b"\x2b\x0e\x01", b"\x03", b"\x10\x00", b"\x83", b"\x01\x01\x00")
"""Answers too short, too long, odd, or to nothing that was asked."""


def _record(what: int, said: bytes) -> bytes:
    return bytes([what]) + len(said).to_bytes(2, "little") + said


def _status() -> bytes:
    """The PDU of a good answer to a poll."""
    words = [0] * STATUS.count
    at = {point.name: point.at for point in STATUS.points}
    words[at["map_id"]], words[at["map_version"]] = MAP.map_id, MAP.version
    words[at["heartbeat"]] = 1
    return struct.pack(f">BB{STATUS.count}H", 3, 2 * STATUS.count, *words)
