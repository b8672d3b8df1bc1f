"""The bench's own CAN bus, which notes the moment a frame goes out that says a contactor on the truck is closed."""

from __future__ import annotations

from collections.abc import Callable, Collection

from drivers.can_bus import CanBus
from drivers.can_frame import Frame
from drivers.dbc import catalogue
from drivers.j1939 import parse_id
from drivers.reading import Signal
from station_ctl.sections import CanSection

CONTACTORS = {
    "TSC1": ("contactor_1_closed", "contactor_2_closed", "contactor_3_closed"),
    "PMS": ("contactor_closed",),
}


class WatchedBus(CanBus):
    """Calls `on_closed` when a contactor signal from one of `sources` turns TRUE or UNTRUSTED on the wire."""

    def __init__(self, section: CanSection, sources: Collection[int], on_closed: Callable[[], None]) -> None:
        super().__init__(section.name, section.interface, section.channel, port=section.port)
        self._sources, self._on_closed = frozenset(sources), on_closed
        self._messages = {catalogue(f).infos[m].pgn: (f, m) for f, m in (("truck", "TSC1"), ("pack", "PMS"))}
        self._closed: dict[tuple[int, str], bool] = {}

    def send(self, frame: Frame) -> None:
        """Send and look. Raises BusError as CanBus does; what was not sent is not looked at."""
        super().send(frame)
        head = parse_id(frame.can_id)
        if head.source in self._sources and head.pgn in self._messages:
            self._look(head.source, *self._messages[head.pgn], frame.data)

    def _look(self, source: int, file: str, message: str, data: bytes) -> None:
        signals = catalogue(file).decode(message, data)
        turned = False
        for name in CONTACTORS[message]:
            closed = signals[name][0] in (Signal.TRUE, Signal.UNTRUSTED)
            turned |= closed and not self._closed.get((source, name), False)
            self._closed[source, name] = closed
        if turned:
            self._on_closed()
