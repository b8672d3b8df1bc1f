"""Plain values <-> JSON, by their type hints (docs/blackbox.md)."""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from operator import attrgetter
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from station_ctl.blackbox.kinds import Enumerated, Kind, Maybe, Plain, Where
from station_ctl.blackbox.listed import Listed, Named, Series, parts_of
from station_ctl.model.places import Place

Schema = Mapping[str, list[str]]
"""Names of the fields of each kind of record, in their order in a file."""


class Record(Listed):
    """A dataclass or NamedTuple. order: the fields of a file in its order; by default the type's own.

    unknown: fields of the file that this release does not have; they are left out. Raises ValueError if the file lacks
    a field that has no default.
    """

    def __init__(self, made: type, inner: Callable[[str], Kind], own: list[str], order: list[str] | None) -> None:
        self._type, self._names = made, own
        order = own if order is None else order
        self.unknown = [name for name in order if name not in own]
        self._kinds = [inner(name) for name in own]
        self._at = {place: own.index(name) for place, name in enumerate(order) if name in own}
        self._length = len(order)
        missing = [name for name in own if name not in order]
        self._defaults = {own.index(name): _default(made, name) for name in missing}
        self._get = attrgetter(*own) if len(own) > 1 else lambda value: (getattr(value, own[0]),)

    def kinds(self, value: Any) -> list[Kind]:
        return self._kinds

    def parts(self, value: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self._get(value)
        return found

    def alike(self, old: Any, new: Any) -> bool:
        return True

    def make(self, parts: list[Any], old: Any) -> Any:
        return self._type(*parts)

    def write(self, value: Any) -> Any:
        return [kind.write(part) for kind, part in zip(self._kinds, self._get(value), strict=True)]

    def read(self, data: Any) -> Any:
        parts = {index: make() for index, make in self._defaults.items()}
        for place, part in enumerate(parts_of(data, self._length)):
            if (index := self._at.get(place)) is not None:
                parts[index] = self._kinds[index].read(part)
        return self._type(*(parts[index] for index in range(len(self._names))))

    def put(self, parts: list[Any], kinds: list[Kind], index: int, change: Any) -> None:
        if not 0 <= index < self._length:
            raise ValueError(f"field {index} of {self._length} of {self._type.__name__}")
        if (own := self._at.get(index)) is not None:
            super().put(parts, kinds, own, change)


def _default(made: type, name: str) -> Callable[[], Any]:
    if not is_dataclass(made):
        raise ValueError(f"{made.__name__}.{name} is not in the file")
    field = next(f for f in fields(made) if f.name == name)
    if field.default is not MISSING:
        default = field.default
        return lambda: default
    if field.default_factory is not MISSING:
        return field.default_factory
    raise ValueError(f"{made.__name__}.{name} is not in the file")


class Codec:
    """Makes kinds of types. schema: of the file that is read; None: to write.

    written: the schema of all that was made, for the file's head.
    """

    def __init__(self, schema: Schema | None = None) -> None:
        self._schema = schema
        self._made: dict[Any, Kind] = {}
        self.written: dict[str, list[str]] = {}
        self.unknown: list[str] = []

    def of(self, hint: Any) -> Kind:
        """The kind of a type hint. Raises TypeError for one that has no form, ValueError as Record does."""
        if hint not in self._made:
            self._made[hint] = self._make(hint)
        return self._made[hint]

    def _make(self, hint: Any) -> Kind:
        origin, inner = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType) and len(inner) == 2 and type(None) in inner:
            return Maybe(self.of(inner[0] if inner[1] is type(None) else inner[1]))
        if origin is tuple and inner[-1] is Ellipsis:
            return Series(self.of(inner[0]))
        if origin is tuple and len(set(inner)) == 1:
            return Series(self.of(inner[0]), len(inner))
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            return Named(self.of(inner[0]), self.of(inner[1]))
        made = origin or hint
        if made is Place:
            return Where()
        if made in (bool, int, float, str):
            return Plain(made)
        if isinstance(made, type) and issubclass(made, enum.Enum):
            return Enumerated(made)
        if is_dataclass(made) or hasattr(made, "_fields"):
            return self._record(made, inner)
        raise TypeError(f"{hint} has no form in a black box")

    def _record(self, made: Any, inner: tuple[Any, ...]) -> Record:
        hints = get_type_hints(made)
        filled = dict(zip(getattr(made, "__parameters__", ()), inner, strict=False))
        names = [f.name for f in fields(made)] if is_dataclass(made) else list(made._fields)
        order = None if self._schema is None else self._schema.get(made.__name__)  # not there: no value of it, either
        record = Record(made, lambda name: self.of(_filled(hints[name], filled)), names, order)
        self.written[made.__name__] = names
        self.unknown += [f"{made.__name__}.{name}" for name in record.unknown]
        return record


def _filled(hint: Any, filled: Mapping[Any, Any]) -> Any:
    """A hint with the type variables of its class replaced: T | None of Reading[float] is float | None."""
    if isinstance(hint, TypeVar):
        return filled[hint]
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(_filled(part, filled) for part in get_args(hint))]  # noqa: UP007
    return hint
