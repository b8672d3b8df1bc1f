"""Kinds that are lists in JSON, and can change in parts."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from station_ctl.blackbox.kinds import UNCHANGED, Kind

LONGEST = 4096  # entries of one tuple or mapping


class Listed(Kind):
    """What is a list in JSON, and can change in parts."""

    @abstractmethod
    def kinds(self, value: Any) -> list[Kind]:
        """The kind of each part of a value of this length."""

    def parts(self, value: Any) -> tuple[Any, ...]:
        """The parts of a value."""
        return tuple(value)

    def make(self, parts: list[Any], old: Any) -> Any:
        """The value of its parts; `old` is the one it follows."""
        return tuple(parts)

    def alike(self, old: Any, new: Any) -> bool:
        """Whether a change can be told by parts."""
        return len(old) == len(new)

    def change(self, old: Any, new: Any) -> Any:
        if old is new:
            return UNCHANGED
        if not self.alike(old, new):
            return self.write(new)
        was, now = self.parts(old), self.parts(new)
        others = [index for index, (a, b) in enumerate(zip(was, now, strict=True)) if a is not b]
        kinds, found = self.kinds(new), {}
        for index in others:
            if (change := kinds[index].change(was[index], now[index])) is not UNCHANGED:
                found[str(index)] = change
        return found or UNCHANGED

    def follow(self, old: Any, change: Any) -> Any:
        if not isinstance(change, dict):
            return self.read(change)
        parts, kinds = list(self.parts(old)), self.kinds(old)
        for index, part in change.items():
            self.put(parts, kinds, int(index), part)
        return self.make(parts, old)

    def put(self, parts: list[Any], kinds: list[Kind], index: int, change: Any) -> None:
        """Change one part."""
        if not 0 <= index < len(parts):
            raise ValueError(f"part {index} of {len(parts)}")
        parts[index] = kinds[index].follow(parts[index], change)


class Series(Listed):
    """tuple[X, ...], or so many of X."""

    def __init__(self, inner: Kind, length: int | None = None) -> None:
        self._inner, self._length = inner, length

    def kinds(self, value: Any) -> list[Kind]:
        return [self._inner] * len(value)

    def write(self, value: Any) -> Any:
        return [self._inner.write(part) for part in value]

    def read(self, data: Any) -> Any:
        return tuple(self._inner.read(part) for part in parts_of(data, self._length))


class Named(Listed):
    """Mapping[K, X]; its order counts."""

    def __init__(self, key: Kind, inner: Kind) -> None:
        self._key, self._inner = key, inner

    def kinds(self, value: Any) -> list[Kind]:
        return [self._inner] * len(value)

    def parts(self, value: Any) -> tuple[Any, ...]:
        return tuple(value.values())

    def alike(self, old: Any, new: Any) -> bool:
        return list(old) == list(new)

    def make(self, parts: list[Any], old: Any) -> Any:
        return dict(zip(old, parts, strict=True))

    def write(self, value: Any) -> Any:
        return [[self._key.write(key), self._inner.write(part)] for key, part in value.items()]

    def read(self, data: Any) -> Any:
        pairs = [parts_of(pair, 2) for pair in parts_of(data)]
        return {self._key.read(key): self._inner.read(part) for key, part in pairs}


def parts_of(data: Any, length: int | None = None) -> list[Any]:
    if not isinstance(data, list) or len(data) > LONGEST or (length is not None and len(data) != length):
        raise TypeError(f"{data!r:.40} is no list of {length if length is not None else 'parts'}")
    return data
