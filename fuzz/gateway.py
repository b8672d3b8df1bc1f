"""The gateway before chargers and meters: it hands on their answers, but for what an input says of each.

A record is what becomes of one request: u8 what, u16 length, bytes. Where none is left the answer is honest.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import Any

from fuzz.cabinets import CHARGER, COMMAND, Cabinet, Counter
from fuzz.judge import must
from fuzz.tape import Tape

HONEST, STAYS, RAW, ANSWER, FRAMED, SILENT, LOST, CUT, SPLIT, TWICE, LATE, OTHER = range(12)
KINDS = 12
"""What becomes of a request. The bytes are the words of the honest answer that are others (u8 where, u16 what), once or
(STAYS) from now on; or, sent as they are, under the right transaction number, or as its PDU: all of the answer. SILENT:
taken, not answered. LOST: not even taken. OTHER: answered by another unit."""


@dataclass
class Answers:
    """What becomes of the requests, in order. on: from now on, as long as there are records."""

    tape: Tape
    on: bool = False

    def next(self) -> tuple[int, bytes]:
        """What becomes of this one, and the bytes of its record."""
        if not (self.on and self.tape):
            return HONEST, b""
        return self.tape.byte() % KINDS, self.tape.some(self.tape.word() % 600)


MAPS = {Cabinet: struct.pack(">2H", CHARGER.map_id, CHARGER.version), Counter: b""}
"""What a unit has to show before anything is written to it."""


class Gateway(asyncio.Protocol):
    """One connection to it."""

    def __init__(self, units: dict[int, Cabinet | Counter], answers: Answers) -> None:
        self._units, self._answers = units, answers
        self._transport: Any = None
        self._shown: set[int] = set()  # units that may have shown their map on this connection

    def connection_made(self, transport: Any) -> None:
        """As asyncio's."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """One request."""
        what, said = self._answers.next()
        if what == CUT:
            self._transport.abort()
            return
        unit = self._units[data[6]]
        pdu = self._read_of(unit, data, what, said) if data[7] == 3 else self._written(unit, data, what)
        answer = _framed(what, data, said, pdu)
        cut = len(answer) // 2 if what == SPLIT else len(answer)
        loop, late_s = asyncio.get_running_loop(), 0.2 if what == LATE else 0.0
        for n, part in enumerate((answer[:cut], answer[cut:], answer if what == TWICE else b"")):
            loop.call_later(late_s + 0.001 * n, self._transport.write, part)

    def _read_of(self, unit: Cabinet | Counter, request: bytes, what: int, said: bytes) -> bytes:
        """The PDU of the honest answer, with the words that are others."""
        address, count = struct.unpack(">HH", request[8:12])
        must((address, count) == (unit.block.address, unit.block.count), f"asked for {count} registers from {address}")
        words = unit.answer(asyncio.get_running_loop().time())
        others = {said[i] % count: int.from_bytes(said[i + 1 : i + 3], "big") for i in range(0, len(said) - 2, 3)}
        others = {} if what in (RAW, ANSWER, FRAMED) else others
        if what == STAYS:
            unit.words |= others
        for where, word in {**unit.words, **others}.items():
            words[where] = word
        shown = said if what in (RAW, ANSWER, FRAMED) else struct.pack(">2H", *words[:2])
        if what not in (SILENT, LOST, LATE) and MAPS[type(unit)] in shown:
            self._shown.add(request[6])
        return struct.pack(f">BB{count}H", 3, 2 * count, *words)

    def _written(self, unit: Cabinet | Counter, request: bytes, what: int) -> bytes:
        must(isinstance(unit, Cabinet), "a meter was written to")
        must(request[6] in self._shown, "written to before it has shown its map")
        must(request[8:13] == struct.pack(">HHB", COMMAND.address, COMMAND.count, 2 * COMMAND.count), "another block")
        if what != LOST and isinstance(unit, Cabinet):
            unit.receive(struct.unpack(f">{COMMAND.count}H", request[13:]), asyncio.get_running_loop().time())
        return request[7:12]


def _framed(what: int, request: bytes, said: bytes, pdu: bytes) -> bytes:
    if what in (SILENT, LOST):
        return b""
    if what == RAW:
        return said
    if what == ANSWER:
        return request[:2] + said
    pdu = said if what == FRAMED else pdu
    unit = request[6] ^ (what == OTHER)
    return request[:4] + struct.pack(">HB", len(pdu) + 1, unit) + pdu
