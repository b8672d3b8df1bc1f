"""A CAN bus in memory: who is on it hears the others, in order, a frame's time later."""

from __future__ import annotations

import asyncio
from typing import Protocol

from drivers.can_frame import Frame, Subscriber
from drivers.can_state import BusCounters, BusError, BusState
from hil.virtual.io import Io

FRAME_S = 0.00054
"""135 bits (29-bit identifier, 8 bytes, stuffing) at 250 kbit/s."""
SPONTANEOUS_S = 0.01


class Wire(Protocol):
    """What happens on the bus; hil.faults.can.CanWire fits."""

    @property
    def blocked(self) -> BusState | None:
        """BUS_OFF, DOWN or ERROR_PASSIVE of the station's interface; None: it is well."""

    @property
    def active(self) -> bool:
        """Whether any fault is set."""

    def send(self, frame: Frame, now_s: float) -> tuple[tuple[float, Frame], ...]:
        """What becomes of a frame of the plant's: (delay, frame)."""

    def hear(self, frame: Frame, now_s: float) -> bool:
        """Whether the plant's nodes hear a frame of the station's."""

    def due(self, now_s: float) -> tuple[Frame, ...]:
        """Frames that a faulty node sends by itself."""


class Segment:
    """One bus with the station's controller on one side and the plant on the other."""

    def __init__(self, name: str, wire: Wire, silent_after_s: float, io: Io) -> None:
        self.wire, self._io = wire, io
        self.plant = Port(name, self, silent_after_s)
        self.station = Port(name, self, silent_after_s)
        self._silent_after_s = silent_after_s
        self._under_way: list[tuple[Frame, bool]] = []  # to the station?

    def renew(self) -> Port:
        """A new controller of the station's takes the old one's place; the old one is off the bus for good."""
        self.station.unplug()
        self.station = Port(self.plant.name, self, self._silent_after_s)
        return self.station

    def carry(self, frame: Frame, sender: Port) -> None:
        """Put a frame on the wire. Raises BusError if the sender's side cannot."""
        if sender is self.plant:
            self._suffer(frame)
        elif self._io.fails("can") or self._dead:
            raise BusError("the bus is down", where=sender.name, remedy="check the interface")
        elif self.wire.hear(frame, asyncio.get_running_loop().time()):
            self._put(frame, False)

    @property
    def _dead(self) -> bool:
        """Whether the station's controller neither hears nor speaks."""
        return self.wire.active and self.wire.blocked in (BusState.DOWN, BusState.BUS_OFF)

    def _suffer(self, frame: Frame) -> None:
        """A frame of the plant's takes what the wire does to it."""
        if not self.wire.active:
            self._put(frame, True)
            return
        loop = asyncio.get_running_loop()
        for delay_s, what in self.wire.send(frame, loop.time()):
            if delay_s:
                loop.call_later(delay_s, self._put, what, True)
            else:
                self._put(what, True)

    def _put(self, frame: Frame, to_station: bool) -> None:
        """What is sent within one frame's time arrives together, in the order of sending."""
        if not self._under_way:
            asyncio.get_running_loop().call_later(FRAME_S, self._deliver)
        self._under_way.append((frame, to_station))

    def _deliver(self) -> None:
        frames, self._under_way = self._under_way, []
        now_s, dead = asyncio.get_running_loop().time(), self._dead
        for frame, to_station in frames:
            if not to_station:
                self.plant.hear(frame, now_s)
            elif not dead:
                self.station.hear(frame, now_s)

    async def run(self) -> None:
        """Let faulty nodes talk, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if self.wire.active:
                for frame in self.wire.due(loop.time()):
                    self._put(frame, True)
            await asyncio.sleep(SPONTANEOUS_S if self.wire.active else 10 * SPONTANEOUS_S)


class Port:
    """A node's place on the bus, of CanBus's shape."""

    def __init__(self, name: str, segment: Segment, silent_after_s: float) -> None:
        self.name = name
        self.counters = BusCounters()
        self._segment = segment
        self._silent_after_s = silent_after_s
        self._subscribers: list[Subscriber] = []
        self._plugged, self._open = True, False
        self._heard_s = float("-inf")

    @property
    def state(self) -> BusState:
        """See BusState."""
        if not self._open:
            return BusState.DOWN
        if self._segment.wire.blocked is not None:
            return self._segment.wire.blocked
        silent = asyncio.get_running_loop().time() - self._heard_s > self._silent_after_s
        return BusState.SILENT if silent else BusState.UP

    def subscribe(self, callback: Subscriber) -> None:
        """Call back for every frame heard."""
        self._subscribers.append(callback)

    def send(self, frame: Frame) -> None:
        """Send one frame; nothing goes out of a port that is off the bus. Raises BusError if the bus is down."""
        if self._plugged:
            self._segment.carry(frame, self)
            self.counters.frames_sent += 1

    def hear(self, frame: Frame, now_s: float) -> None:
        """A frame has arrived."""
        if self._plugged and self._open:
            self._heard_s = now_s
            self.counters.frames_received += 1
            for callback in self._subscribers:
                callback(frame, now_s)

    def unplug(self) -> None:
        """Off the bus for good: nothing is heard or sent any more."""
        self._plugged = False

    async def run(self) -> None:
        """Open until cancelled."""
        self._open = True
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._open = False
