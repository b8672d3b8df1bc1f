"""Records as plain JSON values and back, exactly; what is not a record is refused with its place.

Samples, events and the like are tables: names of columns once, then rows. A column that an older file lacks takes its
default; one that is unknown is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from drivers.errors import StationError
from hil.record import Record


class BadRecord(StationError):
    """A line of a records file is not a record."""


def plain(record: Record) -> dict[str, Any]:
    """The record as JSON values."""
    hints = _hints(Record)
    return {name: _plain(hint, getattr(record, name)) for name, hint in hints.items()}


def record(raw: object, where: str) -> Record:
    """A record from JSON values. Raises BadRecord, naming `where` and the field."""
    return cast(Record, _build(Record, raw, where))


def _plain(hint: Any, value: Any) -> Any:
    row = _row_type(hint)
    if row is None:
        return value
    columns = list(_hints(row))
    return {"columns": columns, "rows": [[getattr(one, name) for name in columns] for one in value]}


def _row_type(hint: Any) -> Any:
    """The dataclass whose instances a list holds; None for anything else."""
    inside = get_args(hint)
    return inside[0] if get_origin(hint) is list and is_dataclass(inside[0]) else None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, raw: object, where: str) -> Any:
    """An instance of a dataclass from a mapping of its fields."""
    if not isinstance(raw, Mapping):
        raise BadRecord("not an object", where=where, value=type(raw).__name__)
    hints = _hints(kind)
    unknown = sorted(set(raw) - set(hints))
    missing = [f.name for f in fields(kind) if f.name not in raw and f.default is f.default_factory is MISSING]
    if unknown or missing:
        raise BadRecord("fields unknown or missing", where=where, value=unknown or missing, limit=", ".join(hints))
    return kind(**{name: _value(hints[name], raw[name], f"{where}: {name}") for name in raw})


def _value(hint: Any, raw: Any, where: str) -> Any:
    row = _row_type(hint)
    if row is not None:
        return _rows(row, raw, where)
    origin, inside = get_origin(hint), get_args(hint)
    if origin is tuple:
        return tuple(_value(inside[0], one, where) for one in _are(list, raw, where))
    if origin is list:
        return [_value(inside[0], one, where) for one in _are(list, raw, where)]
    if origin is dict:
        return {key: _value(inside[1], one, where) for key, one in _are(dict, raw, where).items()}
    return _single(hint, raw, where)


def _single(hint: Any, raw: Any, where: str) -> Any:
    """A value without parts: one of a Literal's, or of exactly the type; an int is good for a float."""
    if get_origin(hint) is Literal:
        if raw in get_args(hint):
            return raw
        raise BadRecord("not one of those known", where=where, value=raw, limit=", ".join(get_args(hint)))
    allowed = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if type(raw) in allowed or (type(raw) is int and float in allowed):
        return raw
    raise BadRecord("of another type", where=where, value=raw, limit=str(hint))


def _rows(kind: Any, raw: Any, where: str) -> list[Any]:
    columns = _are(list, _are(dict, raw, where).get("columns"), where)
    found = []
    for number, row in enumerate(_are(list, raw.get("rows"), where), 1):
        if len(_are(list, row, where)) != len(columns):
            raise BadRecord("a row is not as long as the columns", where=f"{where} row {number}", value=len(row))
        found.append(_build(kind, dict(zip(columns, row, strict=True)), f"{where} row {number}"))
    return found


def _are(kind: type, raw: Any, where: str) -> Any:
    if not isinstance(raw, kind):
        raise BadRecord(f"not a {kind.__name__}", where=where, value=raw)
    return raw
