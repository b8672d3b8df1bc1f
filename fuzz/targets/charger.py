"""Bytes from the cabinets' end of the connection: pymodbus, our screen, codec, drivers of chargers and meters, and what
their statuses do to the rooms that decide whether a bay charges, and with how much.

Five units behind one gateway: two chargers, their meters, the grid's. An input is u8 cycles in which all goes well
first, u8 how the packs are (fuzz.bays) and whether the controller dies at last, and a row of records, one for each
request of ours (fuzz.gateway).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator
from typing import Any

from drivers.charger import Charger
from drivers.meter import Meter
from drivers.meter_status import WRAP_WH
from drivers.modbus import ModbusClient
from fuzz.bays import COLD, FULL, GRID_UNIT, NUMBERS, Bays
from fuzz.cabinets import CHARGER, COMMAND, LEASE_S, METER, PACK_V, Cabinet, Counter
from fuzz.gateway import ANSWER, CUT, FRAMED, HONEST, KINDS, RAW, SILENT, STAYS, Answers, Gateway
from fuzz.ground import run
from fuzz.judge import must
from fuzz.tape import Tape
from station_ctl.equipment import TIMEOUT_S

FIRST_S, CYCLE_S, MOST_CYCLES, AFTER = 0.01, 0.1, 30, 3
"""The connection is made by FIRST_S. Cycles that an input lasts at most; a few honest ones follow."""
OLDEST_S = 9.0
"""A status that is not read any more is forgotten: FORGET_S of charger and meter, and the next tries to read it."""
DIES = 4
"""Bit of the second byte: the cycle says nothing more, and no charger may go on beyond the lease."""
WORDS = (
    struct.pack(">HH", CHARGER.map_id, CHARGER.version),
    struct.pack(">HH", METER.map_id, METER.version),
    struct.pack(">BB", 3, 2 * CHARGER.block("status").count),
    struct.pack(">BB", 3, 2 * METER.block("status").count),
    struct.pack(">BHH", 16, COMMAND.address, COMMAND.count),
    b"\x83\x0b",
    b"\x90\x03",
    b"\xff\xff\xff\xff",
    b"\x7f\xff",
    b"\x80\x00",
)


def one(data: bytes) -> None:
    """Judge one row of answers."""
    run(_one(Tape(data)))


async def _one(tape: Tape) -> None:
    loop = asyncio.get_running_loop()
    well, packs = tape.byte() % 12, tape.byte()
    cabinets, answers = {n: Cabinet() for n in NUMBERS}, Answers(tape)
    units = _units(cabinets)
    await loop.create_server(lambda: Gateway(units, answers), "cabinets", 502)
    client = ModbusClient("cabinets", 502, device_id=1, timeout_s=TIMEOUT_S, name="cabinets")
    bays = Bays(client, cabinets, packs)
    tasks = [loop.create_task(client.run(), name="link")]
    try:
        await asyncio.sleep(FIRST_S)
        tasks += [loop.create_task(device.run(), name=f"device {n}") for n, device in enumerate(bays.devices)]
        await _cycles(bays, client, well)
        answers.on = True
        await _cycles(bays, client, MOST_CYCLES, tape)
        await _cycles(bays, client, AFTER)
        if packs & DIES:
            await asyncio.sleep(LEASE_S + 0.05)
            must(not any(one.armed(loop.time()) for one in cabinets.values()), "a lease outlives the last want")
        must(not any(task.done() for task in tasks), "a driver ended by itself")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _units(cabinets: dict[int, Cabinet]) -> dict[int, Cabinet | Counter]:
    """The energy of bay 1's meter is about to wrap; the grid's sees the chargers, and 20 kW besides."""

    def drawn() -> tuple[float, float]:
        return 30.0, 20e3 + sum(cabinet.current_a for cabinet in cabinets.values()) * PACK_V / 0.95

    def output(cabinet: Cabinet) -> Callable[[], tuple[float, float]]:
        return lambda: (cabinet.current_a, cabinet.current_a * PACK_V)

    meters = {10 + n: Counter(100 + n, (WRAP_WH - 20) if n == 1 else 5e6, output(c)) for n, c in cabinets.items()}
    return {**cabinets, **meters, GRID_UNIT: Counter(99, 1e6, drawn)}


async def _cycles(bays: Bays, client: ModbusClient, most: int, tape: Tape | None = None) -> None:
    """So many cycles, or until the tape is at its end."""
    loop = asyncio.get_running_loop()
    for _ in range(most):
        if tape is not None and not tape:
            break
        await asyncio.sleep(CYCLE_S)
        bays.cycle(loop.time())
        link: Any = client._link
        if link is not None:
            must(len(link.client.ctx.recv_buffer) < 2048, "what cannot be read piles up")
        for device in bays.devices:
            _told(device, loop.time())


def _told(device: Charger | Meter, now_s: float) -> None:
    """A status, or why there is none; one that is not read any more is forgotten."""
    for error in (device.error, device.write_error if isinstance(device, Charger) else None):
        must(error is None or bool(error.what and error.where), "an error that says nothing")
    if device.status is None:
        must(device.error is not None or now_s < OLDEST_S, "no status, and no reason")
    else:
        must(now_s - device.status.received_s < OLDEST_S, f"a status of {device.status.received_s:.1f} s")


CHARGER_AT = {point.name: point.at for point in CHARGER.block("status").points}
METER_AT = {point.name: point.at for point in METER.block("status").points}
CHARGING, WHILE = 8, 24
"""So many cycles, and both bays charge; so many requests more, and each unit was asked."""
WRONG = (
    b"\x03\x05\x00\x01\x02",
    b"\x03\xfe\x00",
    b"\x2b\x0e\x01",
    b"\x03",
    b"\x10\x00",
    b"\x83",
    b"\x83\x0b",
    b"\x90\x03",
)
"""Answers too short, too long, odd, exceptions, or to nothing that was asked."""


def seeds() -> Iterator[bytes]:
    """All goes well; each way of going wrong, once and for a while, at once and in mid-charge; registers' ends."""
    for packs in (0, COLD, FULL, COLD | FULL, DIES):
        yield bytes([CHARGING, packs]) + _record(HONEST) * 60
    for what in range(KINDS):
        for times in (1, 4, 40):
            yield bytes([CHARGING, DIES]) + _record(what) * times
        yield bytes([0, 0]) + _record(what) * 12
    yield bytes([CHARGING, 0]) + _record(CUT) + _record(SILENT) * 8
    for wrong in WRONG:
        yield bytes([CHARGING, 0]) + _record(FRAMED, wrong) * 3 + _record(ANSWER, b"\0\0\0\3\1" + wrong)
    yield bytes([CHARGING, 0]) + _record(RAW, bytes(300)) + _record(HONEST)
    for at in sorted({*CHARGER_AT.values(), *METER_AT.values()}):
        for word in (1, 0x7FFF, 0x8000, 0xFFFF):
            yield bytes([CHARGING, 0]) + _record(STAYS, _word(at, word)) * WHILE
    for high in (5, 0xFFF0):  # W x 65536, of all loads of the station, or of one bay
        yield bytes([CHARGING, 0]) + _record(STAYS, _word(METER_AT["power_w"], high)) * WHILE
    for name in ("energy_in_wh", "energy_out_wh"):
        back = _word(METER_AT[name], 0) + _word(METER_AT[name] + 1, 0)
        yield bytes([CHARGING, 0]) + _record(STAYS, back) * WHILE + _record(HONEST) * 20


def _word(at: int, word: int) -> bytes:
    return bytes([at]) + word.to_bytes(2, "big")


def _record(what: int, said: bytes = b"") -> bytes:
    return bytes([what]) + len(said).to_bytes(2, "little") + said
