"""Frames on the CAN bus, as python-can hands them over, through the bus, the packs' images and the truck's.

An input is a row of records: u8 time since the one before (n**2 / 20 000 s), u8 kind << 4 | length, u32 identifier,
data. Kinds are below.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import can

from drivers.can_bus import CanBus
from drivers.can_frame import Frame
from drivers.dbc import catalogue
from drivers.j1939 import build_id, parse_id
from drivers.packs import PackBus
from drivers.transport import Transport
from drivers.transport_wire import MAX_BYTES
from drivers.truck import TruckLink
from drivers.truck_status import TruckRequest
from fuzz.ground import Clock, clock
from fuzz.judge import must, readings
from fuzz.tape import Tape
from tests import can_support as examples

STATION, TRUCK, PACKS = 0x56, 0x27, (0xA1, 0xB1, 0xB2)
MOST_RECORDS = 80
JUDGED_EVERY = 8
STANDARD, REMOTE, ERROR, FD, BROKEN, GONE, TICK, REQUEST = range(1, 9)
"""Kinds of records beside a data frame (0 and the rest): the last four are a frame that python-can cannot read, the
bus that goes away, the time of the drivers' duties, and another request to the truck."""
WORDS = tuple(bytes([0x00, 8]) + build_id(6, pgn, source, STATION).to_bytes(4, "little") for pgn, source in (
    (0xEC00, 0xA1), (0xEB00, 0xA1), (0xEC00, 0xB1), (0xEB00, 0xB1), (0x0200, 0xA1), (0x1100, 0xA1), (0x1300, 0xA1),
    (0xFF01, 0x27), (0xFEEC, 0x27), (0xEC00, 0x27), (0xEB00, 0x27),
))  # fmt: skip


class _Wire(can.BusABC):
    """A bus without a wire: hands out what the input says, and keeps what is sent."""

    def __init__(self) -> None:
        self.next: deque[can.Message | Exception] = deque()
        self.sent: list[can.Message] = []

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        if not self.next:
            return None, True
        message = self.next.popleft()
        if isinstance(message, Exception):
            raise message
        return message, True

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        del timeout
        self.sent.append(msg)

    def fileno(self) -> int:
        return -1

    def shutdown(self) -> None:
        """There is nothing to shut."""

    __del__ = shutdown


class _Station:
    """The production drivers of one bus."""

    def __init__(self, time: Clock) -> None:
        self._time = time
        self.wire, self.bus = _Wire(), CanBus("packs", "socketcan", "can0")
        self.bus._bus, self.bus._loop = self.wire, time  # type: ignore[assignment]  # as if `run` had opened it
        self.packs = PackBus(self.bus, PACKS, others=(TRUCK,), on_danger=lambda: None)
        self.truck = TruckLink(self.bus, address=TRUCK, on_danger=lambda: None)

    def take(self, kind: int, can_id: int, data: bytes) -> None:
        if kind == TICK:
            self.packs._tick(self._time.now_s)
            self.truck._tick(self._time.now_s)
        elif kind == REQUEST:
            self.truck.request = TruckRequest(can_id & 3)
        else:
            self.wire.next.append(_heard(kind, can_id, data))
            self.bus._readable()
        if self.bus._lost.is_set():
            self.bus._lost.clear()  # as `run` does when it has opened it again

    def judge(self) -> None:
        now_s = self._time.now_s
        for status in self.packs.statuses.values():
            readings(status, now_s)
        readings(self.truck.status, now_s)
        must(len(self.truck.status.contactors_closed) == 3, "three mounts have three contactors")
        must(
            self.packs._transport.sessions <= len(PACKS) * 2 and self.truck._transport.sessions <= 2, "sessions pile up"
        )
        for sent in self.wire.sent:
            must(len(sent.data) <= 8 and sent.is_extended_id, f"sent {sent}")
            must(parse_id(sent.arbitration_id).source == STATION, f"sent for another node: {sent}")
        self.wire.sent.clear()


def one(data: bytes) -> None:
    """Judge one row of frames."""
    tape = Tape(data)
    with clock() as time:
        station = _Station(time)
        for n in range(MOST_RECORDS):
            if not tape:
                break
            time.now_s += tape.byte() ** 2 / 20_000
            head = tape.byte()
            station.take(head >> 4, int.from_bytes(tape.take(4), "little"), tape.some(min(head & 0xF, 8)))
            if n % JUDGED_EVERY == 0:
                station.judge()
        station.judge()


def _heard(kind: int, can_id: int, data: bytes) -> can.Message | Exception:
    if kind == BROKEN:
        return can.CanOperationError("a frame that cannot be read")
    if kind == GONE:
        return OSError(errno.ENETDOWN, "the network is down")
    return can.Message(
        arbitration_id=can_id & (0x7FF if kind == STANDARD else 0x1FFFFFFF),
        is_extended_id=kind != STANDARD,
        is_remote_frame=kind == REMOTE,
        is_error_frame=kind == ERROR,
        is_fd=kind == FD,
        data=data if kind != REMOTE else None,
    )


def seeds() -> Iterator[bytes]:
    """What packs and a truck say, each message in its own seed and all together; and the kinds that are no frames."""
    everything = b""
    for name, values in (("BRM", examples.brm("TRK1-00000001")), ("BCP", examples.BCP), ("BCS", examples.BCS),
                         ("BSM", examples.BSM), ("PMS", examples.PMS)):  # fmt: skip
        said = b"".join(map(record, _frames(PACKS[0], "pack", name, values)))
        everything += said
        yield said + record(None, TICK, 20) + said
    truck = b"".join(map(record, _frames(TRUCK, "truck", "TSC1", examples.TSC1)))
    vin = b"".join(map(record, _long(TRUCK, 0xFEEC, b"LZZ5CLSB8NA000001*")))
    yield truck * 5 + vin
    yield everything + truck + vin + everything + record(None, TICK, 250)
    yield b"".join(map(record, _long(PACKS[1], 0x1500, bytes(range(240)))))
    yield b"".join(map(record, _long(PACKS[1], 0x1600, bytes(range(60, 92)))))
    for kind in (STANDARD, REMOTE, ERROR, FD, BROKEN, GONE, REQUEST):
        yield record(Frame(0x204, bytes(8)), kind) + everything[:200]


def record(frame: Frame | None, kind: int = 0, time: int = 3) -> bytes:
    """One record of an input."""
    can_id, data = frame or Frame(0, b"")
    return bytes([time, kind << 4 | len(data)]) + can_id.to_bytes(4, "little") + data


def _frames(source: int, file: str, name: str, values: Mapping[str, float]) -> Sequence[Frame]:
    info = catalogue(file).infos[name]
    data = catalogue(file).encode(name, values)
    if len(data) <= 8:
        return [Frame(build_id(info.priority, info.pgn, source, STATION), data)]
    return _long(source, info.pgn, data)


def _long(source: int, pgn: int, data: bytes) -> list[Frame]:
    """A long message's frames as its sender puts them on the wire when the station answers at once."""
    sender, receiver, now_s = Transport(source), Transport(STATION), 0.0
    must(len(data) <= MAX_BYTES, "longer than a message can be")
    frames, queue = [], list(sender.send(pgn, STATION, data, now_s).frames)
    while queue:
        frames.append(queue.pop(0))
        for answer in receiver.receive(frames[-1], now_s).frames:
            queue += sender.receive(answer, now_s).frames
    return frames
