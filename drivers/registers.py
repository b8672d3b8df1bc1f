"""Register maps: data files that say what stands where in a device's Modbus registers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers import toml
from drivers.register_codec import Block
from drivers.register_document import Document, RegisterMapError, is_number
from drivers.register_points import LIMITS_OF_TYPE, WORDS_OF_TYPE, Group, Point

SHIPPED = Path(__file__).parent / "maps"
LARGEST_READ = 125  # registers in one FC03 answer (Modbus application protocol 1.1b3, 6.3)
POINT_KEYS = ("at", "type", "bit", "width", "scale", "unit", "range", "signal", "wake")
BLOCK_KEYS = ("address", "count", "function", "checksum", "points", "groups")


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """One device's map: its identity, which the device repeats in its first registers, and its blocks."""

    source: str
    map_id: int
    version: int
    blocks: Mapping[str, Block]

    def block(self, name: str) -> Block:
        """The block of that name. Raises RegisterMapError if the map has none."""
        if name not in self.blocks:
            raise RegisterMapError(f"block {name} is missing", where=self.source)
        return self.blocks[name]


def load(source: str) -> RegisterMap:
    """Load a map: a shipped name ('robot-plc-v2') or a path ending in .toml. Raises RegisterMapError."""
    path = Path(source) if source.endswith(".toml") else SHIPPED / f"{source}.toml"
    try:
        return parse(toml.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, UnicodeDecodeError) as e:
        shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise RegisterMapError(
            "cannot be read", where=str(path), value=str(e), remedy=f"shipped maps: {shipped}"
        ) from e
    except toml.TOMLDecodeError as e:
        raise RegisterMapError("is not valid TOML", where=str(path), value=str(e), remedy="mend the line named") from e


def parse(document: Mapping[str, Any], source: str) -> RegisterMap:
    """Check and compile a map already read; `source` names it in errors. Raises RegisterMapError."""
    return _Reader(source).register_map(document)


class _Reader:
    """Reads one document; every method's `name` is where it is in the file, for the errors."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._file = Document(source)

    def register_map(self, document: Mapping[str, Any]) -> RegisterMap:
        head = self._file.table(document, "map", "")
        self._file.keys(head, ("id", "version", "word_order"), "map")
        map_id = self._file.whole(head, "id", "map", 0, 0xFFFF)
        version = self._file.whole(head, "version", "map", 0, 0xFFFF)
        low_first = self._file.choice(head, "word_order", "map", ("big", "little"), "big") == "little"
        blocks = {name: self._block(document, name, low_first) for name in document if name != "map"}
        return RegisterMap(self._source, map_id, version, blocks)

    def _block(self, document: Mapping[str, Any], name: str, low_first: bool) -> Block:
        table = self._file.table(document, name, "")
        self._file.keys(table, BLOCK_KEYS, name)
        address = self._file.whole(table, "address", name, 0, 0xFFFF)
        count = self._file.whole(table, "count", name, 1, LARGEST_READ)
        self._file.choice(table, "function", name, ("holding",), "holding")
        checksum = self._file.choice(table, "checksum", name, ("crc16-modbus", ""), "") != ""
        raw = self._file.table(table, "points", name)
        points = [self._point(raw, p, f"{name}.points") for p in raw]
        tables = self._file.table(table, "groups", name) if "groups" in table else {}
        groups = [self._group(tables, g, f"{name}.groups") for g in tables]
        self._no_overlap(name, count, points, groups)
        if checksum and not any(p.name == "checksum" and p.at == count - 1 and p.type == "u16" for p in points):
            raise self._file.error(f"{name}.points.checksum", "must be the u16 in the block's last word")
        return Block(name, address, count, points, groups, low_word_first=low_first, checksum=checksum)

    def _group(self, tables: Mapping[str, Any], key: str, within: str) -> Group:
        name = f"{within}.{key}"
        table = self._file.table(tables, key, within)
        self._file.keys(table, ("at", "count", "points"), name)
        raw = self._file.table(table, "points", name)
        points = [self._point(raw, p, f"{name}.points", element=True) for p in raw]
        at = self._file.whole(table, "at", name, 0, LARGEST_READ - 1)
        return Group(key, at, self._file.whole(table, "count", name, 1, LARGEST_READ), tuple(points))

    def _point(self, tables: Mapping[str, Any], key: str, within: str, element: bool = False) -> Point:
        name, table = f"{within}.{key}", self._file.table(tables, key, within)
        self._file.keys(table, tuple(k for k in POINT_KEYS if not (element and k in ("at", "wake"))), name)
        kind = self._file.choice(
            table, "type", name, ("bits",) if element else tuple(WORDS_OF_TYPE), "bits" if element else None
        )
        at = 0 if element else self._file.whole(table, "at", name, 0, LARGEST_READ - 1)
        bit, width = self._bits(table, name) if kind == "bits" else (0, 16)
        signal, wake = self._file.flag(table, "signal", name), self._file.flag(table, "wake", name)
        if signal and (kind != "bits" or width > 2):
            raise self._file.error(name, "a signal is one or two bits wide", value=kind if kind != "bits" else width)
        if wake and not signal:
            raise self._file.error(name, "only a signal can wake")
        scale = self._file.number(table, "scale", name, 1)
        unit = self._file.choice(table, "unit", name, None, "")
        low, high = self._range(table, name, kind, width, scale)
        return Point(key, at, kind, bit, width, scale, unit, low, high, signal, wake)

    def _bits(self, table: Mapping[str, Any], name: str) -> tuple[int, int]:
        bit = self._file.whole(table, "bit", name, 0, 15)
        return bit, self._file.whole(table, "width", name, 1, 16 - bit)

    def _range(self, table: Mapping[str, Any], name: str, kind: str, width: int, scale: float) -> tuple[float, float]:
        lowest, highest = LIMITS_OF_TYPE.get(kind, (0, (1 << width) - 1))
        if scale <= 0:
            raise self._file.error(f"{name}.scale", "must be above 0", value=scale)
        bounds = table.get("range", [lowest * scale, highest * scale])
        if not (isinstance(bounds, list) and len(bounds) == 2 and all(is_number(b) for b in bounds)):
            raise self._file.error(f"{name}.range", "must be [lowest, highest]", value=bounds)
        if bounds[0] > bounds[1]:
            raise self._file.error(f"{name}.range", "has its lowest above its highest", value=bounds)
        return bounds[0], bounds[1]

    def _no_overlap(self, block: str, count: int, points: Collection[Point], groups: Collection[Group]) -> None:
        taken: dict[tuple[int, int], str] = {}
        for point in points:
            self._take(taken, block, count, f"{block}.points.{point.name}", point.at, point)
        for group in groups:
            for n in range(group.count):
                for point in group.points:
                    name = f"{block}.groups.{group.name}.points.{point.name}"
                    self._take(taken, block, count, f"{name} (element {n + 1})", group.at + n, point)

    def _take(
        self, taken: dict[tuple[int, int], str], block: str, count: int, name: str, at: int, point: Point
    ) -> None:
        if at + WORDS_OF_TYPE[point.type] > count:
            raise self._file.error(name, f"lies outside of {block}", value=at, limit=f"{count} words")
        bits = range(point.bit, point.bit + point.width)
        for place in [(at + w, b) for w in range(WORDS_OF_TYPE[point.type]) for b in bits]:
            if place in taken:
                raise self._file.error(name, f"overlaps {taken[place]}", value=f"word {place[0]} bit {place[1]}")
            taken[place] = name
