"""What happened in a run, line by line, and its hash: the same seed has to give the same, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from hil.record import Event


class Log:
    """Events with the run's own time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.events: list[Event] = []
        self._now = now

    def add(self, kind: str, text: str) -> None:
        """Something happened."""
        self.events.append(Event(round(self._now(), 3), kind, text))

    @property
    def hash(self) -> str:
        """SHA-256 of all lines."""
        return hashlib.sha256("\n".join(map(line, self.events)).encode()).hexdigest()


def line(event: Event) -> str:
    """An event as a person reads it."""
    return f"{event.at_s:10.3f} {event.kind:<10} {event.text}"
