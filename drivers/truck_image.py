"""The image of the truck in the lane, from the messages of its swap controller (docs/truck-can.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drivers.can_values import CounterWatch, Readings, number, signal, untrusted
from drivers.dbc import Sample, catalogue
from drivers.errors import BadData
from drivers.reading import Quality, Reading, Signal
from drivers.truck_status import SelfTest, TruckStatus

VEHICLE_IDENTIFICATION: Final = 0xFEEC
"""PGN of J1939-71 VI: the VIN in ASCII, ended by '*'."""

VIN_LENGTH: Final = 17
_CONTACTORS = ("contactor_1_closed", "contactor_2_closed", "contactor_3_closed")
_SAFE = {
    "swap_mode": Signal.TRUE,
    "hv_off": Signal.TRUE,
    "parking_brake": Signal.TRUE,
} | dict.fromkeys(_CONTACTORS, Signal.FALSE)
_BEFORE = float("-inf")


class TruckImage:
    """Everything heard from the truck since it was last silent."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """The truck is silent: the next one is another truck."""
        self.heard_s = _BEFORE
        self._readings: Readings = {}
        self._counter = CounterWatch()
        self._status: TruckStatus | None = None

    def hear(self, now_s: float) -> None:
        """Any frame came from the truck."""
        self.heard_s, self._status = now_s, None

    @property
    def safe(self) -> frozenset[str]:
        """Names of the TSC1 signals that have their safe value for a swap."""
        found = self._readings
        return frozenset(name for name, value in _SAFE.items() if name in found and found[name].value is value)

    def take(self, name: str, data: bytes, now_s: float) -> None:
        """Take TSC1, TSC2 or VI. Raises BadData if the bytes cannot be that message; the image is then unchanged."""
        if name == "VI":
            self._take_vin(_vin(data, now_s))
            return
        raw = catalogue("truck").decode(name, data)
        readings = _tsc1(raw, now_s) if name == "TSC1" else _tsc2(raw, now_s)
        if name == "TSC1" and self._counter.stuck(raw["counter"][0]):
            readings = untrusted(readings)
        self._readings |= readings
        self._status = None

    def _take_vin(self, vin: Reading[str]) -> None:
        known = self._readings.get("vin")
        if known is not None and known.value != vin.value:
            self._readings.clear()  # another truck: nothing of the one before holds
        self._readings["vin"] = vin
        self._status = None

    def status(self) -> TruckStatus:
        """The image as plain values."""
        if self._status is None:
            fields: dict[str, Any] = {k: v for k, v in self._readings.items() if k not in _CONTACTORS}
            if _CONTACTORS[0] in self._readings:
                fields["contactors_closed"] = tuple(self._readings[name] for name in _CONTACTORS)
            self._status = TruckStatus(self.heard_s, **fields)
        return self._status


def _tsc1(raw: Mapping[str, Sample], now_s: float) -> Readings:
    signals: Readings = {name: signal(raw[name], now_s) for name in _SAFE}
    return signals | {"link_voltage_v": number(raw["link_voltage_v"], "V", now_s)}


def _tsc2(raw: Mapping[str, Sample], now_s: float) -> Readings:
    state, quality = raw["self_test"]
    self_test = SelfTest(int(state)) if state in set(SelfTest) else None
    if quality is Quality.GOOD and self_test is None:
        quality = Quality.UNTRUSTED
    return {
        "mounts_fitted": number(raw["mounts_fitted"], "", now_s),
        "self_test": Reading(self_test, quality, now_s),
    }


def _vin(data: bytes, now_s: float) -> Reading[str]:
    """A VIN of another length than 17 or with characters ISO 3779 does not know is shown, but not trusted."""
    text, star, _ = data.partition(b"*")
    if not star:
        raise BadData("VIN is not ended by '*'", where="VI", value=data[:32].hex())
    vin = "".join(chr(byte) if 0x20 < byte < 0x7F else "?" for byte in text[:64])
    good = len(vin) == VIN_LENGTH and vin.isalnum() and vin.isupper()
    return Reading(vin, Quality.GOOD if good else Quality.UNTRUSTED, now_s)
