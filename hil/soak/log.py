"""What happened in a run, line by line, and its hash: the same seed has to give the same, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable


class Log:
    """Lines with the run's own time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.lines: list[str] = []
        self._now = now

    def add(self, kind: str, text: str) -> None:
        """One line."""
        self.lines.append(f"{self._now():10.3f} {kind:<9} {text}")

    @property
    def hash(self) -> str:
        """SHA-256 of all lines."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()
