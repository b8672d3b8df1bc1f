"""All packs of one CAN bus, told apart by source address (GB/T 27930 messages, docs/pack-can.md)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from drivers.can_frame import Frame, FrameBus
from drivers.dbc import catalogue
from drivers.errors import BadData, DeviceError
from drivers.j1939 import GLOBAL_ADDRESS, TP_CM, TP_DT, build_id, parse_id
from drivers.pack_handshake import PERIOD_S, Handshake
from drivers.pack_image import PackImage
from drivers.pack_messages import FROM_BMS
from drivers.pack_status import PackStatus
from drivers.transport import Output, Transport

__all__ = ["PackBus", "PackCounters"]

_log = logging.getLogger(__name__)

_TICK_S = 0.1
_PACK = catalogue("pack")
_UNUSED = frozenset({0x0900, 0x1700, 0x1C00, 0x1E00, *range(0x2000, 0x2600, 0x100)})  # BRO, BSP, BSD, BEM, DM1..DM6
_WATCHED = frozenset({"BRM", "PMS"})  # messages that may bring another pack, or danger


@dataclass(slots=True)
class PackCounters:
    """Totals since the process began; none of what they count stops anything."""

    messages: int = 0
    unknown_source: int = 0
    unknown_pgn: int = 0
    wrong_length: int = 0
    undecodable: int = 0
    broken_transport: int = 0
    send_failed: int = 0
    conflicts: int = 0


class _Slot:
    """One address: its image and its handshake."""

    def __init__(self, address: int, phase_s: float) -> None:
        self.image = PackImage(address)
        self.handshake = Handshake(phase_s)


class PackBus:
    """Keeps one image for each address and leads the handshake with every BMS there.

    addresses:       source addresses of packs (configuration: bays and mounts).
    others:          other nodes of the same bus that are no packs; their frames are not counted as unknown.
    station_address: our own source address; 0x56 is GB/T 27930's charger.
    silent_after_s:  a pack not heard for so long is forgotten.
    on_danger:       called when a contactor may have closed or a thermal event is reported, to wake the control cycle.
    """

    def __init__(
        self,
        bus: FrameBus,
        addresses: Collection[int],
        *,
        station_address: int = 0x56,
        silent_after_s: float = 1.0,
        on_danger: Callable[[], None],
        others: Collection[int] = (),
    ) -> None:
        self.counters = PackCounters()
        self._bus = bus
        self._station = station_address
        self._others = frozenset(others) | {station_address}
        self._silent_after_s = silent_after_s
        self._on_danger = on_danger
        self._transport = Transport(station_address)
        ordered = sorted(addresses)
        self._slots = {a: _Slot(a, PERIOD_S * n / len(ordered)) for n, a in enumerate(ordered)}
        bus.subscribe(self._receive)

    @property
    def handshake_timeouts(self) -> int:
        """How often a BMS let a stage of the handshake run out (5 s) and it was begun again."""
        return sum(slot.handshake.timeouts for slot in self._slots.values())

    @property
    def statuses(self) -> dict[int, PackStatus]:
        """All images by address."""
        now_s = asyncio.get_running_loop().time()
        return {address: self._status(slot, now_s) for address, slot in self._slots.items()}

    def status(self, address: int) -> PackStatus:
        """The image of the pack at one address. KeyError for an address not in `addresses`."""
        return self._status(self._slots[address], asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Timed duties: handshake, transport time-outs, forgetting. Ends only by cancellation."""
        loop = asyncio.get_running_loop()
        while True:
            self._tick(loop.time())
            await asyncio.sleep(_TICK_S)

    def _tick(self, now_s: float) -> None:
        self._put(self._transport.poll(now_s), now_s)
        for address, slot in self._slots.items():
            self._expire(slot, now_s)
            for name, data in slot.handshake.due(slot.image, now_s):
                info = _PACK.infos[name]
                self._send([Frame(build_id(info.priority, info.pgn, self._station, address), data)])

    def _status(self, slot: _Slot, now_s: float) -> PackStatus:
        self._expire(slot, now_s)
        return slot.image.status(now_s)

    def _expire(self, slot: _Slot, now_s: float) -> None:
        if not slot.image.silent and now_s - slot.image.heard_s > self._silent_after_s:
            _log.info("pack %#04x: silent", slot.image.address)
            slot.image.forget()
            self._transport.forget(slot.image.address)

    def _receive(self, frame: Frame, now_s: float) -> None:
        _, pgn, destination, source = parse_id(frame.can_id)
        slot = self._slots.get(source)
        if slot is None:
            self.counters.unknown_source += source not in self._others
            return
        if destination not in (self._station, GLOBAL_ADDRESS):
            return
        if now_s - slot.image.heard_s > self._silent_after_s:
            self._expire(slot, now_s)
            slot.handshake.hurry()
        slot.image.hear(now_s)
        if pgn in (TP_CM, TP_DT):
            self._put(self._transport.receive(frame, now_s), now_s)
        else:
            self._message(slot, pgn, frame.data, now_s)

    def _message(self, slot: _Slot, pgn: int, data: bytes, now_s: float) -> None:
        name = FROM_BMS.get(pgn)
        if name is None:
            self.counters.unknown_pgn += pgn not in _UNUSED
            return
        info = _PACK.infos.get(name)
        if info is not None and len(data) < info.length:
            self.counters.wrong_length += 1
            return
        try:
            self._take(slot, name, data, now_s)
        except BadData as e:
            self.counters.undecodable += 1
            _log.debug("pack %#04x: %s", slot.image.address, e)

    def _take(self, slot: _Slot, name: str, data: bytes, now_s: float) -> None:
        image = slot.image
        if name == "BHM" and image.identified:
            image.restart()
        before = (image.dangers, image.serial, image.conflict) if name in _WATCHED else None
        image.take(name, data, now_s)
        self.counters.messages += 1
        if before is None:
            return
        dangers, serial, conflict = before
        if name == "BRM":
            self._identified(slot, serial, conflict, now_s)
        elif any(new and not old for new, old in zip(image.dangers, dangers, strict=True)):
            self._on_danger()

    def _identified(self, slot: _Slot, last_serial: str, conflict: bool, now_s: float) -> None:
        image = slot.image
        slot.handshake.hurry()
        if last_serial not in ("", image.serial):
            _log.info("pack %#04x: %s, was %s", image.address, image.serial, last_serial)
            slot.handshake.confirm(now_s)
        if image.conflict and not conflict:
            self.counters.conflicts += 1
            _log.warning("pack %#04x: two packs on one address", image.address)

    def _put(self, out: Output, now_s: float) -> None:
        self._send(out.frames)
        for failure in out.failures:
            self.counters.broken_transport += 1
            _log.debug("pack %#04x: PGN %#06x: %s", failure.peer, failure.pgn, failure.reason)
        for message in out.messages:
            slot = self._slots.get(message.source)
            if slot is not None:
                self._message(slot, message.pgn, message.data, now_s)

    def _send(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            try:
                self._bus.send(frame)
            except DeviceError as e:
                self.counters.send_failed += 1
                _log.debug("%s", e)
