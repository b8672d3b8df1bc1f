"""Writes the register tables of a map into a Markdown file, between two marker lines; --check only compares.

    python -m hil.register_tables docs/robot-plc.md [--check]

The markers are `<!-- registers: NAME -->` and `<!-- end of registers -->`; NAME is a shipped map. The codes
of robot_protocol stand between `<!-- codes -->` and `<!-- end of codes -->`, those of the chargers and meters
between `<!-- codes: charger -->` and the same end.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from enum import IntEnum, IntFlag
from pathlib import Path

from drivers.charger_status import ChargerFault, ChargerMode, ChargerState, ChargerStop
from drivers.meter_status import MeterDoubt
from drivers.register_codec import Block
from drivers.register_points import LIMITS_OF_TYPE, WORDS_OF_TYPE, Group, Point
from drivers.registers import SHIPPED, RegisterMap, load
from drivers.robot_protocol import EchoResult, EchoState, MotionClass, Opcode, RobotMode, RobotState, StopReason

MARKED = re.compile(r"(<!-- registers: (\S+) -->\n).*?(<!-- end of registers -->)", re.DOTALL)
CODES = re.compile(r"(<!-- codes(?:: (\S+))? -->\n).*?(<!-- end of codes -->)", re.DOTALL)
COMMENTED = re.compile(r"^\[(\w+)|^(?:points\.)?(\w+)[ \t]*=[ \t]*\{.*\}[ \t]*#[ \t]*(.+)$", re.MULTILINE)
CODED: dict[str, tuple[type[IntEnum] | type[IntFlag], ...]] = {
    "robot": (RobotMode, RobotState, StopReason, Opcode, MotionClass, EchoState, EchoResult),
    "charger": (ChargerMode, ChargerState, ChargerStop, ChargerFault, MeterDoubt),
}
HEAD = "| register | point | type | scale, unit | range | meaning |\n|---|---|---|---|---|---|"


def tables(name: str) -> str:
    """The Markdown of all blocks of a shipped map; what a point means comes from its comment in the file."""
    register_map = load(name)
    meanings = _meanings((SHIPPED / f"{name}.toml").read_text(encoding="utf-8"))
    return "\n".join(_sections(register_map, meanings)) + "\n"


def renewed(text: str) -> str:
    """The text with all its tables as the maps have them now."""
    text = MARKED.sub(lambda m: f"{m[1]}\n{tables(m[2])}{m[3]}", text)
    return CODES.sub(lambda m: f"{m[1]}\n{codes(m[2] or 'robot')}\n{m[3]}", text)


def codes(of: str) -> str:
    """The numbers in a device's registers and their names."""
    return "".join(f"* `{c.__name__}`: {', '.join(f'{m.value} {m.name}' for m in c)}\n" for c in CODED[of])


def _meanings(text: str) -> dict[tuple[str, str], str]:
    """Comment by (block, point)."""
    block, meanings = "", {}
    for section, point, comment in COMMENTED.findall(text):
        block = section or block
        if point:
            meanings[block, point] = comment
    return meanings


def _sections(register_map: RegisterMap, meanings: dict[tuple[str, str], str]) -> Iterator[str]:
    yield f"Map id 0x{register_map.map_id:04X}, version {register_map.version}.\n"
    for block in register_map.blocks.values():
        last = block.address + block.count - 1
        yield f"**{block.name.capitalize()} block**: holding registers {block.address} to {last}.\n"
        yield HEAD
        for point in sorted(block.points, key=lambda p: (p.at, p.bit)):
            yield _row(block, point, str(block.address + point.at), meanings)
        yield ""
        for group in block.groups:
            yield from _group(block, group, meanings)


def _group(block: Block, group: Group, meanings: dict[tuple[str, str], str]) -> Iterator[str]:
    first = block.address + group.at
    yield f"**{group.name.capitalize()} n** (1 to {group.count}): register {first - 1} + n.\n"
    yield HEAD
    for point in group.points:
        yield _row(block, point, f"{first - 1} + n", meanings)
    yield ""


def _row(block: Block, point: Point, register: str, meanings: dict[tuple[str, str], str]) -> str:
    if WORDS_OF_TYPE[point.type] == 2:
        register = f"{register}, {int(register) + 1}"
    kind = point.type
    if kind == "bits":
        kind = f"bits {point.bit}-{point.bit + point.width - 1}" + (", signal" if point.signal else "")
    unit = " ".join(filter(None, (f"{point.scale:g}" if point.scale != 1 else "", point.unit)))
    notes = [meanings.get((block.name, point.name), "")] + (
        ["must be TRUE; a change away wakes the cycle"] if point.wake else []
    )
    return f"| {register} | `{point.name}` | {kind} | {unit} | {_range(point)} | {'; '.join(filter(None, notes))} |"


def _range(point: Point) -> str:
    lowest, highest = LIMITS_OF_TYPE.get(point.type, (0, (1 << point.width) - 1))
    whole = (point.low, point.high) == (lowest * point.scale, highest * point.scale)
    return "" if whole else f"{point.low:.10g} to {point.high:.10g}"


def main(argv: Sequence[str] | None = None) -> int:
    """0 if the file is as the map has it (or now is); 1 if --check found a difference."""
    parser = argparse.ArgumentParser(prog="register_tables", description="Renew the register tables in a document.")
    parser.add_argument("document", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing, fail if something would change")
    args = parser.parse_args(argv)
    text = args.document.read_text(encoding="utf-8")
    new = renewed(text)
    if args.check:
        if new != text:
            sys.stderr.write(f"{args.document} is stale; run: python -m hil.register_tables {args.document}\n")
        return int(new != text)
    args.document.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
