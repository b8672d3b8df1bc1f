"""A CAN bus with the faults of a CanWire, for the bench's nodes: they send and hear through it."""

from __future__ import annotations

import asyncio

from drivers.can_frame import Frame, FrameBus, Subscriber
from drivers.can_state import BusError
from hil.faults.can import CanWire

_TICK_S = 0.005


class FaultyBus:
    """`bus` as it is, but for what `wire` does. The bus's own `run` is its owner's to start.

    send_failed: frames of the wire's own, or late ones, that the bus did not take.
    """

    def __init__(self, bus: FrameBus, wire: CanWire) -> None:
        self.wire = wire
        self.send_failed = 0
        self._bus = bus

    def subscribe(self, callback: Subscriber) -> None:
        """Call back for every frame that nodes hear."""

        def hear(frame: Frame, now_s: float) -> None:
            if self.wire.hear(frame, now_s):
                callback(frame, now_s)

        self._bus.subscribe(hear)

    def send(self, frame: Frame) -> None:
        """Send what comes of a frame, late ones later. Raises BusError as the bus does."""
        loop = asyncio.get_running_loop()
        for delay_s, sent in self.wire.send(frame, loop.time()):
            if delay_s > 0:
                loop.call_later(delay_s, self._try, sent)
            else:
                self._bus.send(sent)

    async def run(self) -> None:
        """Send what is due of the wire's own until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            for frame in self.wire.due(loop.time()):
                self._try(frame)
            await asyncio.sleep(_TICK_S)

    def _try(self, frame: Frame) -> None:
        try:
            self._bus.send(frame)
        except BusError:
            self.send_failed += 1
