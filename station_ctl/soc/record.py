"""What the station keeps of a pack between its visits and over a restart: one small file per serial, with a checksum.

A record that is damaged, of another type, of another version or absurd is worth nothing: the pack is unknown then, and
the reason is told. Nothing here raises for a bad record.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from station_ctl import whole_file

VERSION: Final = 3
_LONGEST: Final = 4096
_WORST_SERIAL: Final = 64
_LONGEST_ID: Final = 64

Health = tuple[float, float, float, float, float]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Record:
    """healths: six (weight, capacity in parts of fresh, its sd, graphite left, its sd); bias in C, scale, voltage
    error in V: (mean, sd).

    Of a pack that is still here: its charge (mean, sd), parts of 1, None: not known, or it left; saved_s: when, in
    seconds of Unix time by the wall clock; resting: no current could flow then, nor begin before the next record;
    swap_id: the swap whose final arrival charge was waited for, '' if none.
    """

    serial: str
    pack_type: str
    healths: tuple[Health, ...]
    bias: Pair
    scale: Pair
    level_v: Pair
    visits: int = 1
    charge: Pair | None = None
    saved_s: float = 0.0
    resting: bool = False
    swap_id: str = ""


def to_bytes(record: Record) -> bytes:
    """`crc32 version json`, one line."""
    body = f"{VERSION} {json.dumps(asdict(record), separators=(',', ':'), allow_nan=False)}".encode()
    return b"%08x " % zlib.crc32(body) + body + b"\n"


def from_bytes(data: bytes, serial: str, pack_type: str) -> Record | str:
    """The record, or why it is none."""
    if len(data) > _LONGEST:
        return f"longer than {_LONGEST} bytes"
    checksum, _, body = data.rstrip(b"\n").partition(b" ")
    if checksum != b"%08x" % zlib.crc32(body):
        return "its checksum is wrong"
    version, _, text = body.partition(b" ")
    if version != str(VERSION).encode():
        return f"is of version {version[:8].decode('ascii', 'replace')}, not {VERSION}"
    try:
        record = _record(json.loads(text))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as e:
        return f"is no record ({type(e).__name__})"
    if (record.serial, record.pack_type) != (serial, pack_type):
        return f"is of pack {record.serial[:_WORST_SERIAL]}, type {record.pack_type[:40]}"
    return record if _sane(record) else "its numbers cannot be"


def _record(content: dict[str, Any]) -> Record:
    def pair(name: str) -> Pair:
        mean, sd = content[name]
        return float(mean), float(sd)

    healths = tuple((float(w), float(q), float(s), float(g), float(r)) for w, q, s, g, r in content["healths"])
    return Record(
        str(content["serial"]), str(content["pack_type"]), healths, pair("bias"), pair("scale"), pair("level_v"),
        int(content["visits"]), None if content["charge"] is None else pair("charge"), float(content["saved_s"]),
        content["resting"] is True, str(content["swap_id"])[:_LONGEST_ID],
    )  # fmt: skip


def _sane(record: Record) -> bool:
    within = (
        (record.bias, 0.5, 0.5), ((record.scale[0] - 1, record.scale[1]), 3.0, 2.0), (record.level_v, 0.2, 0.2)
    )  # fmt: skip
    return (
        len(record.healths) == 6
        and all(0 < w <= 1 and 0.4 <= q <= 1.2 and 0 < s <= 0.3 for w, q, s, _, _ in record.healths)
        and all(0.4 <= g <= 1.2 and 0 < r <= 0.3 for _, _, _, g, r in record.healths)
        and math.isclose(sum(h[0] for h in record.healths), 1, abs_tol=0.01)
        and all(abs(mean) <= most and 0 < sd <= widest for (mean, sd), most, widest in within)
        and record.visits >= 1
        and (record.charge is None or (0 <= record.charge[0] <= 1.05 and 0 < record.charge[1] < 1))
        and 0 <= record.saved_s < 1e11
    )


def path_of(folder: Path, serial: str) -> Path:
    """Its file; a serial is hashed where it is no plain name, so that none can leave the folder."""
    plain = serial.isascii() and serial.replace("-", "").isalnum() and len(serial) <= _WORST_SERIAL
    return folder / f"{serial if plain else f'x{zlib.crc32(serial.encode()):08x}'}.soc"


def load(folder: Path, serial: str, pack_type: str) -> Record | str:
    """The pack's record, or why there is none. Reads no more than a record's length, and only of a file."""
    try:
        return from_bytes(whole_file.read(path_of(folder, serial), _LONGEST), serial, pack_type)
    except OSError as e:
        return f"cannot be read ({e.strerror})"


def save(folder: Path, record: Record) -> None:
    """Replace the pack's file as a whole, through the disk. Raises OSError."""
    whole_file.write(path_of(folder, record.serial), to_bytes(record))
