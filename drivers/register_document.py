"""The tables of a register map's file, read with care: every error names the file and the key."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from drivers.errors import StationError


class RegisterMapError(StationError):
    """A register map cannot be used; the error names the file and the point."""


class Document:
    """One file. name, within: where a value is in it, for the errors; each method raises RegisterMapError."""

    def __init__(self, source: str) -> None:
        self._source = source

    def error(self, name: str, what: str, **more: Any) -> RegisterMapError:
        """What is wrong with what; `more` as StationError's."""
        return RegisterMapError(f"{name}: {what}", where=self._source, **more)

    def keys(self, table: Mapping[str, Any], known: Collection[str], name: str) -> None:
        """There is no key but the known ones."""
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1, 0.4)
                remedy = f"nearest known key: {near[0]}" if near else f"known keys: {', '.join(known)}"
                raise self.error(f"{name}.{key}", "is not a known key", remedy=remedy)

    def table(self, tables: Mapping[str, Any], key: str, within: str) -> Mapping[str, Any]:
        """A table that has to be there."""
        value = tables.get(key)
        if not isinstance(value, dict):
            raise self.error(f"{within}.{key}".lstrip("."), "must be a table", value=value)
        return value

    def whole(self, table: Mapping[str, Any], key: str, name: str, low: int, high: int) -> int:
        """A whole number, low..high, that has to be there."""
        value = table.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            what = "is missing" if value is None else "is not acceptable"
            raise self.error(f"{name}.{key}", what, value=value, limit=f"{low}..{high}")
        return value

    def number(self, table: Mapping[str, Any], key: str, name: str, default: float) -> float:
        """A number."""
        value = table.get(key, default)
        if not is_number(value):
            raise self.error(f"{name}.{key}", "must be a number", value=value)
        return float(value) if value != 1 else 1

    def flag(self, table: Mapping[str, Any], key: str, name: str) -> bool:
        """True or false; false where nothing is said."""
        value = table.get(key, False)
        if not isinstance(value, bool):
            raise self.error(f"{name}.{key}", "must be true or false", value=value)
        return value

    def choice(
        self, table: Mapping[str, Any], key: str, name: str, known: tuple[str, ...] | None, default: str | None
    ) -> str:
        """One of the known words (None: any text); without a default it has to be there."""
        value = table.get(key, default)
        if not isinstance(value, str) or (known is not None and value not in known):
            limit = ", ".join(known) if known else "text"
            raise self.error(
                f"{name}.{key}", "is missing" if value is None else "is not acceptable", value=value, limit=limit
            )
        return value


def is_number(value: object) -> bool:
    """A finite number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")
