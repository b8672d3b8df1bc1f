"""How values of one kind are written as JSON and read; one that follows another is told by what has changed.

A record (dataclass, NamedTuple) and a tuple are lists, a mapping is a list of [key, value], an enum its value. A change
of one of these is an object {index: change}; anything else is told whole. So the form says which of the two it is.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from typing import Any

from station_ctl.model.places import Place, PlaceKind

UNCHANGED: Any = object()


class Kind(ABC):
    """How values of one type are written and read. Raises ValueError or TypeError for what cannot be read."""

    def write(self, value: Any) -> Any:
        """The JSON form of a value."""
        return value

    @abstractmethod
    def read(self, data: Any) -> Any:
        """The value of a JSON form."""

    def change(self, old: Any, new: Any) -> Any:
        """The change from one value to another, UNCHANGED if there is none."""
        return UNCHANGED if old is new or _same(old, new) else self.write(new)

    def follow(self, old: Any, change: Any) -> Any:
        """The value that a change makes of another one."""
        return self.read(change)


def _same(old: Any, new: Any) -> bool:
    """Equal and indistinguishable: 1 is not 1.0, and 0.0 not -0.0."""
    return type(old) is type(new) and old == new and (new != 0 or repr(old) == repr(new))


class Plain(Kind):
    """bool, int, float (an int will do), str."""

    def __init__(self, kind: type) -> None:
        self._kinds = (int, float) if kind is float else (kind,)

    def read(self, data: Any) -> Any:
        if type(data) not in self._kinds:
            raise TypeError(f"{data!r:.40} is not of {self._kinds[-1].__name__}")
        return data


class Enumerated(Kind):
    """An enum by its value."""

    def __init__(self, members: type[enum.Enum]) -> None:
        self._members = members

    def write(self, value: Any) -> Any:
        return value.value

    def read(self, data: Any) -> Any:
        if type(data) not in (int, str):
            raise TypeError(f"{data!r:.40} is no {self._members.__name__}")
        return self._members(data)


class Where(Kind):
    """A place as 'bay 3'."""

    def write(self, value: Any) -> Any:
        return str(value)

    def read(self, data: Any) -> Any:
        kind, _, number = str(data).partition(" ")
        return Place(PlaceKind(kind), int(number))


class Maybe(Kind):
    """A value, or None."""

    def __init__(self, inner: Kind) -> None:
        self._inner = inner

    def write(self, value: Any) -> Any:
        return None if value is None else self._inner.write(value)

    def read(self, data: Any) -> Any:
        return None if data is None else self._inner.read(data)

    def change(self, old: Any, new: Any) -> Any:
        if old is None or new is None:
            return UNCHANGED if old is new else self.write(new)
        return self._inner.change(old, new)

    def follow(self, old: Any, change: Any) -> Any:
        return self.read(change) if old is None or change is None else self._inner.follow(old, change)
