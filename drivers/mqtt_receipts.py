"""Which received messages may be acknowledged: each once it was handled, but in the order in which they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Receipt:
    """A message that has come. settled: handled, or discarded."""

    mid: int
    qos: int
    settled: bool = False


class Receipts:
    """Of one connection. MQTT 5 (4.6) asks for the order of arrival, and a strict broker hangs up else."""

    def __init__(self) -> None:
        self._waiting: deque[Receipt] = deque()

    def arrived(self, mid: int, qos: int) -> None:
        """A message is here and will be acknowledged in its turn."""
        self._waiting.append(Receipt(mid, qos))

    def settle(self, mid: int) -> Iterator[Receipt]:
        """A message was handled: those whose turn it is now, in order."""
        next(r for r in self._waiting if r.mid == mid and not r.settled).settled = True
        while self._waiting and self._waiting[0].settled:
            yield self._waiting.popleft()
