"""A register map's file, and words through every block of it: decoded, encoded, the same again.

An input is the file's text, or edits of the small one below (fuzz.edits), a zero byte or the end of the edits, and the
bytes of registers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import cycle, islice

from drivers import toml
from drivers.modbus import ModbusClient
from drivers.reading import Signal
from drivers.register_codec import Block, Values
from drivers.register_document import RegisterMapError
from drivers.register_points import EncodingError
from drivers.registers import SHIPPED, RegisterMap, load, parse
from drivers.robot import Robot
from fuzz.edits import EDIT, TOML, edited
from fuzz.files import HOSTILE, file, words_of
from fuzz.judge import finite, must
from fuzz.tape import Tape
from station_ctl.sections import RobotSection

SHIPPED_TEXT = (SHIPPED / f"{RobotSection.model_fields['register_map'].default}.toml").read_text(encoding="utf-8")
SMALL = """[map]
id = 7
version = 1
word_order = "little"
[a]
address = 0
count = 8
checksum = "crc16-modbus"
[a.points]
n = { at = 0, type = "u32", scale = 0.1, unit = "mm", range = [0, 1000] }
i = { at = 2, type = "i32" }
w = { at = 4, type = "bits", bit = 0, width = 2, signal = true, wake = true }
b = { at = 4, type = "bits", bit = 2, width = 5 }
s = { at = 5, type = "i16", scale = 0.01 }
checksum = { at = 7, type = "u16" }
[a.groups.g]
at = 6
count = 1
points.x = { bit = 0, width = 1, signal = true }
"""
_DOCUMENT = toml.loads(SMALL)
WORDS = words_of((SHIPPED_TEXT,))


def one(data: bytes) -> None:
    """Judge one map and what it makes of words."""
    text, _, registers = data.partition(b"\0")
    try:
        if data[:1] == EDIT:
            registers = data[-20:]
            found = parse(edited(_DOCUMENT, Tape(data[1:-20]), TOML), "edited")
        else:
            found = load(str(file("map.toml", text)))
    except RegisterMapError as e:
        must(bool(e.what), "a refusal that says nothing")
        return
    _drive(found)
    for block in found.blocks.values():
        _through(block, registers)


def _drive(found: RegisterMap) -> None:
    """The driver takes the map, or says what it lacks."""
    try:
        Robot(ModbusClient("plc", 502, device_id=1, timeout_s=0.1, name="PLC"), found, on_danger=lambda: None)
    except RegisterMapError:
        return


def _through(block: Block, registers: bytes) -> None:
    even = registers[: len(registers) // 2 * 2] or b"\x12\x34"
    words = tuple(islice(cycle(struct.unpack(f">{len(even) // 2}H", even)), block.count))
    values = block.decode(words)
    for point in block.points:
        value = values.points[point.name]
        finite(point.name, value)
        must(isinstance(value, Signal) or not point.signal, f"{point.name} is a signal, not {value!r}")
        must(value is None or point.signal or point.low <= value <= point.high, f"{point.name}: {value} out of range")
    must(block.sealed(block.seal(words)) if block.checksum else block.sealed(words), "a sealed block is not sealed")
    _again(block, values)


def _again(block: Block, values: Values) -> None:
    """What can be encoded is decoded to the same."""
    try:
        words = block.encode(values.points, values.groups)
    except EncodingError:
        return  # a value out of range is None, and cannot be sent
    heard = block.decode(words)
    names = [p.name for p in block.points if not (block.checksum and p.name == "checksum")]
    must(all(heard.points[n] == values.points[n] for n in names), f"{values.points} became {heard.points}")
    must(heard.groups == values.groups, f"{values.groups} became {heard.groups}")


def seeds() -> Iterator[bytes]:
    """The shipped map and a small one with all that a map can say, with words."""
    yield from HOSTILE
    yield from (EDIT + bytes([n, 0, n % 49, 0, n, n]) + bytes(range(20)) for n in range(0, 250, 5))
    for text in (SHIPPED_TEXT, SMALL):
        yield text.encode() + b"\0" + bytes(range(1, 200))
        yield text.encode()
    for line in SMALL.splitlines():
        yield SMALL.replace(line + "\n", "").encode() + b"\0\1\2\3\4"
