"""CAN logs as can-utils' candump writes them: -l and -L as `(s) can0 123#0011`, -ta as `(s)  can0  123  [2]  00 11`.

Error and remote frames are passed over; CAN FD (`##`) is read. Three digits of identifier: 11 bits, eight: 29 bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from drivers.errors import StationError

_LINE: Final = re.compile(
    r"\s*\((\d+(?:\.\d+)?)\)\s+(\S+)\s+(?:(?:RX|TX)\s.*?)?([0-9A-Fa-f]{8}|[0-9A-Fa-f]{3})"
    r"(?:#(?:#[0-9A-Fa-f])?((?:[0-9A-Fa-f]{2}\.?)*)|\s+\[(\d+)\]((?:\s+[0-9A-Fa-f]{2})*))(?:\s+[RT]|\s+'.*')?\s*"
)
_REMOTE: Final = re.compile(r".*(#R[0-9A-Fa-f]*|remote request)\s*")
_ERROR_FLAG: Final = 0x2000_0000  # of a 32-bit identifier, linux/can.h
_MOST_BYTES: Final = 64


class CandumpError(StationError):
    """A line that candump does not write, or more than one bus. Names the line."""


class Heard(NamedTuple):
    """One data frame. number: its line, from 1."""

    number: int
    t_s: float
    interface: str
    can_id: int
    extended: bool
    data: bytes


def read(lines: Iterable[str], where: str, interface: str | None = None) -> Iterator[Heard]:
    """The data frames of one bus. Raises CandumpError for lines of another kind, and for two buses without a choice."""
    only = interface
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        if found is None:
            if line.strip() and not _REMOTE.fullmatch(line.rstrip("\n")):
                raise CandumpError("is no line of candump", where=f"{where}, line {number}", value=line.strip()[:60])
            continue
        heard = _heard(number, found)
        if heard is None or interface not in (None, heard.interface):
            continue
        only = only or heard.interface
        if heard.interface != only:
            raise CandumpError(
                "has more than one bus", where=where, value=[only, heard.interface], remedy="--interface"
            )
        yield heard


def _heard(number: int, found: re.Match[str]) -> Heard | None:
    """None for an error frame."""
    t_s, interface, digits, packed, count, spaced = found.groups()
    can_id, extended = int(digits, 16), len(digits) == 8
    if extended and can_id & _ERROR_FLAG:
        return None
    data = bytes.fromhex((packed if packed is not None else spaced).replace(".", ""))
    if count is not None and int(count) != len(data):
        return None
    return Heard(number, float(t_s), interface, can_id & 0x1FFF_FFFF, extended, data[:_MOST_BYTES])
