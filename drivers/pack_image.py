"""The image of the pack at one source address: what was heard, how fresh, and whether it is one pack only."""

from __future__ import annotations

import math

from drivers.can_values import CounterWatch, Readings, untrusted
from drivers.dbc import catalogue
from drivers.pack_messages import counter_of, decode
from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Signal

_MONITORED_PERIODS = 3.0
_MONITORED_FLOOR_S = 0.5
_MONITORED = {
    name: max(_MONITORED_PERIODS * catalogue("pack").infos[name].period_s, _MONITORED_FLOOR_S)
    for name in ("BCP", "BCS", "BSM", "PMS")
}
_MAX_SERIALS = 3
_BEFORE = -math.inf


class PackImage:
    """Everything heard from one address since it was last silent.

    A BMS that begins its handshake anew, or another serial, drops all values: they may be another pack's. Serials that
    alternate show two packs on one address; the identity is then untrusted until the address is silent.
    """

    def __init__(self, address: int) -> None:
        self.address = address
        self.heard_s = _BEFORE
        self._serials: list[str] = []
        self._begin()

    def _begin(self) -> None:
        self._readings: Readings = {}
        self._message_s: dict[str, float] = {}
        self._counter = CounterWatch()
        self._status: PackStatus | None = None
        self._status_until_s = _BEFORE

    @property
    def silent(self) -> bool:
        """True while nothing was heard."""
        return self.heard_s == _BEFORE

    @property
    def conflict(self) -> bool:
        """True once two packs were heard on this address."""
        return len(self._serials) >= _MAX_SERIALS or len(set(self._serials)) < len(self._serials)

    @property
    def serial(self) -> str:
        """The serial last heard since the address was silent; '' if none."""
        return self._serials[-1] if self._serials else ""

    @property
    def identified(self) -> bool:
        """True once BRM said who the pack is."""
        identity = self._readings.get("identity")
        return identity is not None and identity.quality is not Quality.NOT_AVAILABLE

    @property
    def dangers(self) -> tuple[bool, bool]:
        """(a main contactor may be closed, a thermal event is reported)."""
        contactor, thermal = self._readings.get("contactor_closed"), self._readings.get("thermal_event")
        closed = contactor is not None and contactor.value in (Signal.TRUE, Signal.UNTRUSTED)
        return closed, thermal is not None and thermal.value is Signal.TRUE

    def heard_at(self, name: str) -> float:
        """Loop time of the last good message of this name; -inf if none."""
        return self._message_s.get(name, _BEFORE)

    def hear(self, now_s: float) -> None:
        """Any frame came from this address."""
        self.heard_s, self._status = now_s, None

    def forget(self) -> None:
        """The address is silent: the next pack there is a new one."""
        self.heard_s = _BEFORE
        self._serials.clear()
        self._begin()

    def restart(self) -> None:
        """The BMS begins its handshake anew: nothing from before may be taken for its own."""
        self._begin()

    def take(self, name: str, data: bytes, now_s: float) -> None:
        """Take one whole message. Raises BadData if its bytes cannot be that message; the image is then unchanged."""
        readings = decode(name, data, now_s)
        if name == "BRM":
            readings = self._identified(readings)
        elif name == "PMS" and self._counter.stuck(counter_of(data)):
            readings = untrusted(readings)
        elif name == "BCP" and self.heard_at("BCS") > _BEFORE:
            readings.pop("soc_pct")  # the charge at the handshake; BCS has the present one
        self._readings |= readings
        self._message_s[name] = now_s
        self._status = None

    def _identified(self, readings: Readings) -> Readings:
        identity = readings["identity"].value
        serial = identity.serial if isinstance(identity, PackIdentity) else ""
        if serial and serial != self.serial:
            if self.serial:
                self._begin()
            self._serials = [*self._serials, serial][-_MAX_SERIALS:]
        return untrusted(readings) if self.conflict else readings

    def link(self, now_s: float) -> PackLink:
        """How far the conversation has come."""
        if self.silent:
            return PackLink.SILENT
        if not self.identified:
            return PackLink.HANDSHAKE
        return PackLink.MONITORED if now_s <= self._monitored_until_s() else PackLink.IDENTIFIED

    def status(self, now_s: float) -> PackStatus:
        """The image as plain values; built anew only when a message or the passing of time changed it."""
        if self._status is None or now_s > self._status_until_s:
            link = self.link(now_s)
            self._status = PackStatus(self.address, link, self.heard_s, **self._readings)
            self._status_until_s = self._monitored_until_s() if link is PackLink.MONITORED else math.inf
        return self._status

    def _monitored_until_s(self) -> float:
        heard_s = self._message_s
        return min([heard_s.get(name, _BEFORE) + limit_s for name, limit_s in _MONITORED.items()])
