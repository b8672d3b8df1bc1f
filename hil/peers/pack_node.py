"""One BMS on the wire: GB/T 27930 messages of a plant's pack at their full rates."""

from __future__ import annotations

from typing import Final

from drivers.can_frame import Frame
from drivers.dbc import catalogue
from drivers.j1939 import TP_CM, TP_DT, build_id, parse_id
from drivers.transport import Output, Transport
from hil.peers.pack_encode import ENCODERS, encode_bhm, encode_brm, encode_temperatures, encode_voltages
from hil.plant.pack import Pack

_PACK: Final = catalogue("pack")
_CRM_PGN: Final = _PACK.infos["CRM"].pgn
_BMV_PGN, _BMT_PGN, _LIST_PERIOD_S = 0x1500, 0x1600, 10.0
_RECOGNISED = 0xAA
_HANDSHAKE_S = 0.25
_MONITORING = ("BCP", "BCL", "BCS", "BSM", "PMS")
_HELLO: Final = {"hello": _HANDSHAKE_S, "PMS": _PACK.infos["PMS"].period_s}
_TALK: Final = {name: _PACK.infos[name].period_s for name in _MONITORING} | {"lists": _LIST_PERIOD_S}


class PackNode:
    """The BMS of one pack from wake-up to silence; a pack that is mated anew gets a new node.

    Stages as in GB/T 27930: BHM until CRM(00), BRM until CRM(AA), then the periodic messages. PMS is sent from wake-up.
    phase_s shifts its messages against those of the other packs.
    """

    def __init__(self, pack: Pack, address: int, station_address: int, now_s: float, phase_s: float) -> None:
        self.pack, self.address = pack, address
        self._station = station_address
        self._transport = Transport(address)
        self._counter = 0
        self._recognising = False
        self._recognised = False
        self._due_s = {name: now_s + phase_s for name in ("hello", "lists", *_MONITORING)}
        self._wake_s = now_s  # nothing is due before

    def receive(self, frame: Frame, now_s: float) -> list[Frame]:
        """Take a frame of the station's; what is to be answered at once."""
        _, pgn, destination, source = parse_id(frame.can_id)
        if source != self._station or destination != self.address:
            return []
        self._wake_s = now_s
        if pgn in (TP_CM, TP_DT):
            return self._transport.receive(frame, now_s).frames
        if pgn == _CRM_PGN and frame.data:
            self._recognition(frame.data[0] == _RECOGNISED, now_s)
        return []

    def poll(self, now_s: float) -> list[Frame]:
        """All frames due now."""
        if now_s < self._wake_s:
            return []
        frames = self._transport.poll(now_s).frames
        plan = _TALK if self._recognised else _HELLO
        for name, period_s in plan.items():
            due_s = self._due_s[name]
            if now_s >= due_s:
                behind_s = now_s - due_s
                self._due_s[name] = now_s + period_s - (behind_s if behind_s < period_s else 0.0)
                frames += self._say(name, now_s)
        self._wake_s = min(self._transport.next_s, *(self._due_s[name] for name in plan))
        return frames

    def _recognition(self, recognised: bool, now_s: float) -> None:
        if recognised and not self._recognised and self._recognising:
            self._recognised = True
        elif not recognised:
            if not self._recognising or self._recognised:
                self._due_s["hello"] = now_s
                self._transport.forget(self._station)  # what waited for a station that was gone is stale
            self._recognising, self._recognised = True, False

    def _say(self, name: str, now_s: float) -> list[Frame]:
        if name == "hello":
            return self._hello(now_s)
        return self._lists(now_s) if name == "lists" else self._periodic(name, now_s)

    def _hello(self, now_s: float) -> list[Frame]:
        if self._recognising:
            return self._message("BRM", encode_brm(self.pack), now_s)
        return self._message("BHM", encode_bhm(self.pack), now_s)

    def _periodic(self, name: str, now_s: float) -> list[Frame]:
        if name == "BCL" and self.pack.faults.demand_lost:
            return []
        if name == "PMS" and not self.pack.faults.counter_stuck:
            self._counter = (self._counter + 1) % 16
        return self._message(name, ENCODERS[name](self.pack, self._counter), now_s)

    def _lists(self, now_s: float) -> list[Frame]:
        voltages = self._transport.send(_BMV_PGN, self._station, encode_voltages(self.pack), now_s)
        temperatures = self._transport.send(_BMT_PGN, self._station, encode_temperatures(self.pack), now_s)
        return _frames(voltages) + _frames(temperatures)

    def _message(self, name: str, data: bytes, now_s: float) -> list[Frame]:
        info = _PACK.infos[name]
        if len(data) > 8:
            return _frames(self._transport.send(info.pgn, self._station, data, now_s))
        return [Frame(build_id(info.priority, info.pgn, self.address, self._station), data)]


def _frames(out: Output) -> list[Frame]:
    return out.frames
