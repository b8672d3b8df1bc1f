"""The truck's swap controller on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from drivers.can_frame import Frame
from drivers.dbc import catalogue
from drivers.j1939 import GLOBAL_ADDRESS, build_id, parse_id
from drivers.reading import Signal
from drivers.transport import Transport
from drivers.truck_image import VEHICLE_IDENTIFICATION
from drivers.truck_status import TruckRequest
from hil.plant.truck import MOUNTS, Truck

_TRUCK: Final = catalogue("truck")
_PERIODS_S: Final = {"TSC1": 0.1, "TSC2": 0.25, "VI": 1.0}


class TruckNode:
    """One truck from its arrival to its departure: TSC1, TSC2, and its VIN by BAM; takes SSC1."""

    def __init__(self, truck: Truck, address: int, station_address: int, now_s: float) -> None:
        self.truck = truck
        self._address, self._station = address, station_address
        self._transport = Transport(address)
        self._counter = 0
        self._due_s = {"TSC1": now_s, "TSC2": now_s + 0.03, "VI": now_s + 0.06}
        self._wake_s = now_s  # nothing is due before

    def receive(self, frame: Frame) -> None:
        """Take a frame; SSC1 of the station sets the truck's request."""
        _, pgn, _, source = parse_id(frame.can_id)
        info = _TRUCK.infos["SSC1"]
        if source == self._station and pgn == info.pgn and len(frame.data) >= info.length:
            request = int(_TRUCK.decode("SSC1", frame.data)["request"][0])
            if request in set(TruckRequest):
                self.truck.request = TruckRequest(request)

    def poll(self, now_s: float) -> list[Frame]:
        """All frames due now."""
        if now_s < self._wake_s:
            return []
        frames = self._transport.poll(now_s).frames
        for name, period_s in _PERIODS_S.items():
            due_s = self._due_s[name]
            if now_s >= due_s:
                behind_s = now_s - due_s
                self._due_s[name] = now_s + period_s - (behind_s if behind_s < period_s else 0.0)
                frames += self._frames(name, now_s)
        self._wake_s = min(self._transport.next_s, *self._due_s.values())
        return frames

    def _frames(self, name: str, now_s: float) -> list[Frame]:
        if name == "VI":
            vin = self.truck.vin.encode("ascii") + b"*"
            return self._transport.send(VEHICLE_IDENTIFICATION, GLOBAL_ADDRESS, vin, now_s).frames
        if name == "TSC1" and not self.truck.faults.counter_stuck:
            self._counter = (self._counter + 1) % 16
        info = _TRUCK.infos[name]
        data = _TRUCK.encode(name, _VALUES[name](self.truck, self._counter))
        return [Frame(build_id(info.priority, info.pgn, self._address), data)]


def _tsc1(truck: Truck, counter: int) -> Mapping[str, float]:
    values: dict[str, float] = {
        "swap_mode": truck.swap_mode,
        "hv_off": truck.hv_off,
        "parking_brake": truck.parking_brake,
        "counter": counter,
        "link_voltage_v": truck.bus_voltage_v,
    }
    for mount in range(1, MOUNTS + 1):
        fitted = mount <= truck.mounts_fitted
        closed = Signal(int(truck.contactor_closed(mount))) if fitted else Signal.NOT_AVAILABLE
        values[f"contactor_{mount}_closed"] = closed
    return values


def _tsc2(truck: Truck, _: int) -> Mapping[str, float]:
    return {"mounts_fitted": truck.mounts_fitted, "self_test": truck.self_test}


_VALUES: Final[dict[str, Callable[[Truck, int], Mapping[str, float]]]] = {"TSC1": _tsc1, "TSC2": _tsc2}
