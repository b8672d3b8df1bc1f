"""An input read from its beginning to its end; where it ends, zeros follow, so every input means something."""

from __future__ import annotations


class Tape:
    """The bytes of one input and the place reached in it."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        """Whether something is left."""
        return self._at < len(self._data)

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def word(self) -> int:
        """The next two bytes, low byte first."""
        return int.from_bytes(self.take(2), "little")

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken.ljust(count, b"\0")

    def some(self, count: int) -> bytes:
        """The next `count` bytes, or as many as are left."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.some(len(self._data))
