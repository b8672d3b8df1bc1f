"""One CAN frame, and the bus as every layer above sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from drivers.can_state import BusCounters, BusState


class Frame(NamedTuple):
    """A classic CAN data frame with a 29-bit identifier.

    can_id: 0..0x1FFFFFFF.
    data:   0..8 bytes.
    """

    can_id: int
    data: bytes


Subscriber = Callable[[Frame, float], None]
"""Called with a frame and the event-loop time of its receipt; must not raise."""


class FrameBus(Protocol):
    """What is needed of a CAN bus; `drivers.can_bus.CanBus` fits."""

    def subscribe(self, callback: Subscriber) -> None:
        """Call back for every frame heard, with the loop time of receipt."""

    def send(self, frame: Frame) -> None:
        """Send one frame or raise DeviceError."""


class CanLink(FrameBus, Protocol):
    """A bus that is kept open and knows how it stands; `drivers.can_bus.CanBus` fits."""

    name: str
    counters: BusCounters

    @property
    def state(self) -> BusState:
        """See BusState."""

    async def run(self) -> None:
        """Keep the bus open until cancelled."""
