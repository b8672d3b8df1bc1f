"""For tests of the CAN room: a bus without wire, and a BMS's and a truck's frames made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from drivers.can_frame import Frame, Subscriber
from drivers.dbc import catalogue
from drivers.errors import DeviceError
from drivers.j1939 import GLOBAL_ADDRESS, TP_CM, TP_DT, build_id, parse_id
from drivers.transport import Output, Transport

STATION = 0x56


class WireBus:
    """What is needed of a CAN bus, in memory; the transports in `nodes` answer the station's transport frames."""

    def __init__(self) -> None:
        self.sent: list[Frame] = []
        self.refuse = False
        self.nodes: dict[int, Transport] = {}
        self._subscribers: list[Subscriber] = []

    def subscribe(self, callback: Subscriber) -> None:
        self._subscribers.append(callback)

    def send(self, frame: Frame) -> None:
        if self.refuse:
            raise DeviceError("refused", where="test")
        self.sent.append(frame)

    def hear(self, frame: Frame, now_s: float) -> None:
        for callback in self._subscribers:
            callback(frame, now_s)

    def names(self) -> list[tuple[str, int, int]]:
        """(message, destination, first byte) of the pack messages sent so far, and forget them."""
        frames, self.sent = self.sent, []
        found = [(parse_id(frame.can_id), frame.data[0]) for frame in frames]
        infos = [(catalogue("pack").info_of(parsed.pgn), parsed, first) for parsed, first in found]
        return [(info.name, parsed.destination, first) for info, parsed, first in infos if info is not None]

    def say(self, source: int, file: str, name: str, values: Mapping[str, float], now_s: float) -> None:
        """A message of the DBC file from `source`, over transport if it is long."""
        info = catalogue(file).infos[name]
        self.say_bytes(source, info.pgn, catalogue(file).encode(name, values), now_s, info.priority)

    def say_bytes(self, source: int, pgn: int, data: bytes, now_s: float, priority: int = 6) -> None:
        """Any bytes as one message from `source` to the station."""
        if len(data) <= 8:
            self.hear(Frame(build_id(priority, pgn, source, STATION), data), now_s)
            return
        node = self.nodes.setdefault(source, Transport(source))
        self._deliver(node, node.send(pgn, STATION, data, now_s), now_s)

    def broadcast(self, source: int, pgn: int, data: bytes, now_s: float) -> None:
        """A BAM from `source`."""
        node = Transport(source)
        self._deliver(node, node.send(pgn, GLOBAL_ADDRESS, data, now_s), now_s)
        for n in range(1, 260):
            self._deliver(node, node.poll(now_s + n * 0.05), now_s)

    def _deliver(self, node: Transport, out: Output, now_s: float) -> None:
        queue = list(out.frames)
        while queue:
            before = len(self.sent)
            self.hear(queue.pop(0), now_s)
            answers, self.sent = self.sent[before:], self.sent[:before]
            for answer in answers:
                if parse_id(answer.can_id).pgn in (TP_CM, TP_DT):
                    queue += node.receive(answer, now_s).frames
                else:
                    self.sent.append(answer)


async def until(condition: object, timeout_s: float = 10.0) -> None:
    """Wait until `condition()` holds; TimeoutError if it does not in time."""
    assert callable(condition)
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


BRM = {
    "version_minor": 1,
    "version_major": 1,
    "chemistry": 3,
    "rated_capacity_ah": 302.0,
    "rated_voltage_v": 566.4,
    "charge_cycles": 350,
}


def brm(serial: str) -> dict[str, float]:
    """Values of a BRM of a pack with this serial."""
    maker, number = serial.split("-")
    return BRM | {"maker": int.from_bytes(maker.encode("ascii"), "little"), "serial_number": int(number)}


BCP = {"energy_nominal_kwh": 171.0, "soc_pct": 61.4}
BCS = {
    "pack_voltage_v": 583.2,
    "pack_current_a": -130.0,
    "cell_voltage_max_v": 3.31,
    "cell_group": 0,
    "soc_pct": 62,
    "remaining_min": 45,
}
BSM = {
    "temperature_max_c": 31,
    "temperature_min_c": 24,
    "cell_voltage": 0,
    "soc": 0,
    "overcurrent": 0,
    "overtemperature": 0,
    "insulation": 0,
    "connector": 0,
    "charge_permitted": 1,
}
PMS = {
    "contactor_closed": 0,
    "thermal_event": 0,
    "counter": 0,
    "link_voltage_v": 1.5,
    "insulation_ohm_per_v": 2000,
    "soh_pct": 98.0,
}
TSC1 = {
    "swap_mode": 1,
    "hv_off": 1,
    "parking_brake": 1,
    "contactor_1_closed": 0,
    "contactor_2_closed": 0,
    "contactor_3_closed": 0,
    "counter": 0,
    "link_voltage_v": 12.0,
}
