"""Packs heard by listening only, as from a log: the messages of drivers.packs without a word said to the bus."""

from __future__ import annotations

from drivers.can_frame import Frame
from drivers.errors import BadData
from drivers.j1939 import GLOBAL_ADDRESS, TP_CM, TP_DT, parse_id
from drivers.pack_image import PackImage
from drivers.pack_messages import FROM_BMS
from drivers.transport import Message, Transport

GB_T_CHARGER = 0x56
"""Source address of the charger, here the station (GB/T 27930)."""
SILENT_AFTER_S = 1.0
"""As in the configuration's default: a pack not heard for so long is another one until it says who it is."""


class Reassembly:
    """J1939 messages of any length out of frames of 29 bits that go to one node or to all."""

    def __init__(self, address: int = GB_T_CHARGER) -> None:
        self._address = address
        self._transport = Transport(address, max_sessions=256)

    def hear(self, can_id: int, data: bytes, t_s: float) -> list[Message]:
        """The messages that this frame completes; broken sequences are dropped."""
        _, pgn, destination, source = parse_id(can_id)
        if t_s >= self._transport.next_s:
            self._transport.poll(t_s)
        if pgn in (TP_CM, TP_DT):
            return self._transport.receive(Frame(can_id, data), t_s).messages
        if destination not in (self._address, GLOBAL_ADDRESS):
            return []
        return [Message(pgn, source, destination, data)]


class PackListener:
    """The images of all packs that speak, by source address."""

    def __init__(self, station_address: int = GB_T_CHARGER) -> None:
        self.images: dict[int, PackImage] = {}
        self._reassembly = Reassembly(station_address)

    def hear(self, can_id: int, data: bytes, t_s: float) -> list[tuple[int, str]]:
        """Take one frame of 29 bits; source address and name of each message it completed."""
        taken = (self._take(message, t_s) for message in self._reassembly.hear(can_id, data, t_s))
        return [one for one in taken if one is not None]

    def _take(self, message: Message, t_s: float) -> tuple[int, str] | None:
        name = FROM_BMS.get(message.pgn)
        if name is None:
            return None
        image = self.images.setdefault(message.source, PackImage(message.source))
        if t_s - image.heard_s > SILENT_AFTER_S:
            image.forget()
        image.hear(t_s)
        try:
            image.take(name, message.data, t_s)
        except BadData:
            return None
        return message.source, name
