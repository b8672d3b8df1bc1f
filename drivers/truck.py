"""The truck's swap controller on CAN: what it reports and what the station asks of it (docs/truck-can.md)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from drivers.can_frame import Frame, FrameBus
from drivers.dbc import catalogue
from drivers.errors import BadData, DeviceError
from drivers.j1939 import GLOBAL_ADDRESS, TP_CM, TP_DT, build_id, parse_id
from drivers.transport import Output, Transport
from drivers.truck_image import VEHICLE_IDENTIFICATION, TruckImage
from drivers.truck_status import TruckRequest, TruckStatus

__all__ = ["TruckCounters", "TruckLink"]

_log = logging.getLogger(__name__)

REQUEST_PERIOD_S = 0.1
"""SSC1 repeats so."""
_TRUCK = catalogue("truck")
_SSC1 = _TRUCK.infos["SSC1"]
_FROM_TRUCK = {_TRUCK.infos["TSC1"].pgn: "TSC1", _TRUCK.infos["TSC2"].pgn: "TSC2", VEHICLE_IDENTIFICATION: "VI"}


@dataclass(slots=True)
class TruckCounters:
    """Totals since the process began; none of what they count stops anything."""

    messages: int = 0
    unknown_pgn: int = 0
    wrong_length: int = 0
    undecodable: int = 0
    broken_transport: int = 0
    send_failed: int = 0


class TruckLink:
    """Keeps the image of the truck in the lane and sends it the station's request every 100 ms while one is heard.

    request:    what is asked now; set it at any time.
    address:    source address of trucks' swap controllers.
    on_danger:  called when a contactor, hv_off, swap_mode or parking_brake leaves its safe value while the request is
                ISOLATE, to wake the control cycle.
    """

    def __init__(
        self,
        bus: FrameBus,
        *,
        address: int = 0x27,
        station_address: int = 0x56,
        silent_after_s: float = 1.0,
        on_danger: Callable[[], None],
    ) -> None:
        self.request = TruckRequest.NONE
        self.counters = TruckCounters()
        self._bus = bus
        self._address = address
        self._station = station_address
        self._silent_after_s = silent_after_s
        self._on_danger = on_danger
        self._transport = Transport(station_address)
        self._image = TruckImage()
        self._sent = 0
        bus.subscribe(self._receive)

    @property
    def status(self) -> TruckStatus:
        """The image of the truck; a fresh one while none is heard."""
        self._expire(asyncio.get_running_loop().time())
        return self._image.status()

    async def run(self) -> None:
        """Timed duties: request, transport time-outs, forgetting. Ends only by cancellation."""
        loop = asyncio.get_running_loop()
        while True:
            self._tick(loop.time())
            await asyncio.sleep(REQUEST_PERIOD_S)

    def _tick(self, now_s: float) -> None:
        self._put(self._transport.poll(now_s), now_s)
        self._expire(now_s)
        if self._image.heard_s > float("-inf"):
            self._send_request()

    def _send_request(self) -> None:
        self._sent = (self._sent + 1) % 251  # J1939-71: 251..255 are no values of a byte
        data = _TRUCK.encode("SSC1", {"request": self.request, "counter": self._sent})
        self._send(Frame(build_id(_SSC1.priority, _SSC1.pgn, self._station), data))

    def _expire(self, now_s: float) -> None:
        heard_s = self._image.heard_s
        if heard_s > float("-inf") and now_s - heard_s > self._silent_after_s:
            _log.info("truck: silent")
            self._image.forget()
            self._transport.forget(self._address)

    def _receive(self, frame: Frame, now_s: float) -> None:
        if frame.can_id & 0xFF != self._address:
            return
        _, pgn, destination, _ = parse_id(frame.can_id)
        if destination not in (self._station, GLOBAL_ADDRESS):
            return
        self._expire(now_s)
        self._image.hear(now_s)
        if pgn in (TP_CM, TP_DT):
            self._put(self._transport.receive(frame, now_s), now_s)
        else:
            self._message(pgn, frame.data, now_s)

    def _put(self, out: Output, now_s: float) -> None:
        self.counters.broken_transport += len(out.failures)
        for frame in out.frames:
            self._send(frame)
        for message in out.messages:
            self._message(message.pgn, message.data, now_s)

    def _send(self, frame: Frame) -> None:
        try:
            self._bus.send(frame)
        except DeviceError as e:
            self.counters.send_failed += 1
            _log.debug("%s", e)

    def _message(self, pgn: int, data: bytes, now_s: float) -> None:
        name = _FROM_TRUCK.get(pgn)
        if name is None:
            self.counters.unknown_pgn += 1
            return
        info = _TRUCK.infos.get(name)
        if info is not None and len(data) < info.length:
            self.counters.wrong_length += 1
            return
        try:
            self._take(name, data, now_s)
        except BadData as e:
            self.counters.undecodable += 1
            _log.debug("truck: %s", e)

    def _take(self, name: str, data: bytes, now_s: float) -> None:
        safe_before = self._image.safe
        self._image.take(name, data, now_s)
        self.counters.messages += 1
        if name == "TSC1" and self.request is TruckRequest.ISOLATE and safe_before - self._image.safe:
            self._on_danger()
