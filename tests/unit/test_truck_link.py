"""The truck's swap controller: image, request, danger, silence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.can_frame import Frame
from drivers.j1939 import parse_id
from drivers.reading import Quality, Signal
from drivers.truck import TruckLink
from drivers.truck_status import SelfTest, TruckRequest, TruckStatus
from tests.can_support import STATION, TSC1, WireBus, until
from tests.support import run

TRUCK = 0x27
VIN = b"LZZ1CLSB8NA123456"


class Rig:
    """A TruckLink at a time of the test's own."""

    def __init__(self) -> None:
        self.wire = WireBus()
        self.dangers = 0
        self.link = TruckLink(self.wire, on_danger=self._danger)
        self.now_s = 100.0
        self.counter = 0

    def _danger(self) -> None:
        self.dangers += 1

    def tsc1(self, values: Mapping[str, float] | None = None, stand_still: bool = False) -> None:
        self.counter += not stand_still
        self.wire.say(TRUCK, "truck", "TSC1", TSC1 | {"counter": self.counter % 16} | dict(values or {}), self.now_s)

    def tick(self, seconds: float) -> list[Frame]:
        for _ in range(round(seconds / 0.1)):
            self.now_s += 0.1
            self.link._tick(self.now_s)
        frames, self.wire.sent = self.wire.sent, []
        return frames

    @property
    def status(self) -> TruckStatus:
        self.link._expire(self.now_s)
        return self.link._image.status()


def test_the_image() -> None:
    rig = Rig()
    rig.tsc1({"contactor_1_closed": 1, "contactor_3_closed": 3})
    rig.wire.say(TRUCK, "truck", "TSC2", {"mounts_fitted": 2, "self_test": 2}, rig.now_s)
    rig.wire.broadcast(TRUCK, 0xFEEC, VIN + b"*", rig.now_s)
    status = rig.status
    assert status.vin.value == VIN.decode()
    assert (status.mounts_fitted.value, status.self_test.value) == (2, SelfTest.PASSED)
    assert [status.swap_mode.value, status.hv_off.value, status.parking_brake.value] == [Signal.TRUE] * 3
    assert [reading.value for reading in status.contactors_closed] == [Signal.TRUE, Signal.FALSE, None]
    assert (status.link_voltage_v.value, status.link_voltage_v.unit) == (12.0, "V")
    assert rig.link.counters.messages == 3


def test_the_request_goes_out_every_100_ms_while_a_truck_is_heard() -> None:
    rig = Rig()
    assert rig.tick(1.0) == []
    rig.tsc1()
    rig.link.request = TruckRequest.ISOLATE
    frames = rig.tick(0.5)
    assert [frame.data[:2] for frame in frames] == [bytes((1, n)) for n in range(1, 6)]
    assert {parse_id(frame.can_id) for frame in frames} == {(4, 0xFF38, 0xFF, STATION)}
    assert len(rig.tick(3.0)) <= 6
    assert rig.status == TruckStatus()


@pytest.mark.parametrize(
    "values",
    [{"hv_off": 0}, {"swap_mode": 2}, {"parking_brake": 0}, {"contactor_2_closed": 1}, {"contactor_1_closed": 2}],
)
def test_leaving_a_safe_value_wakes_only_while_isolating(values: dict[str, float]) -> None:
    rig = Rig()
    rig.tsc1()
    rig.tsc1(values)
    assert rig.dangers == 0
    rig.link.request = TruckRequest.ISOLATE
    rig.tsc1()
    rig.tsc1(values)
    rig.tsc1(values)
    assert rig.dangers == 1


def test_a_counter_that_stands_still_is_not_believed() -> None:
    rig = Rig()
    rig.link.request = TruckRequest.ISOLATE
    rig.tsc1()
    for _ in range(3):
        rig.tsc1(stand_still=True)
    assert rig.status.hv_off.value is Signal.UNTRUSTED
    assert rig.status.link_voltage_v.quality is Quality.UNTRUSTED
    assert rig.dangers == 1


def test_the_next_truck_is_not_taken_for_the_one_before() -> None:
    rig = Rig()
    rig.tsc1()
    rig.wire.broadcast(TRUCK, 0xFEEC, VIN + b"*", rig.now_s)
    rig.tsc1()
    rig.wire.broadcast(TRUCK, 0xFEEC, b"LZZ1CLSB8NA999999*", rig.now_s)
    assert rig.status.vin.value == "LZZ1CLSB8NA999999"
    assert rig.status.hv_off.value is None
    rig.tick(1.5)
    assert rig.status == TruckStatus()


@pytest.mark.parametrize("text", [b"SHORT-VIN*", b"lzz1clsb8na123456*", b"LZZ1CLSB8NA12345\x01*"])
def test_an_odd_vin_is_shown_but_not_trusted(text: bytes) -> None:
    rig = Rig()
    rig.wire.broadcast(TRUCK, 0xFEEC, text, rig.now_s)
    assert rig.status.vin.quality is Quality.UNTRUSTED
    assert rig.status.vin.value


def test_what_is_not_understood_is_counted() -> None:
    rig = Rig()
    counters = rig.link.counters
    rig.wire.broadcast(TRUCK, 0xFEEC, VIN, rig.now_s)  # no '*'
    assert counters.undecodable == 1
    rig.wire.say_bytes(TRUCK, 0xFF30, b"\x00", rig.now_s)
    assert counters.wrong_length == 1
    rig.wire.say_bytes(TRUCK, 0xFF99, b"\x00", rig.now_s)
    assert counters.unknown_pgn == 1
    rig.wire.say_bytes(TRUCK, 0xEC00, b"12345678", rig.now_s)
    assert counters.broken_transport == 1
    rig.wire.say(TRUCK, "truck", "TSC2", {"mounts_fitted": 9, "self_test": 7}, rig.now_s)
    assert rig.status.mounts_fitted.quality is Quality.UNTRUSTED
    assert (rig.status.self_test.value, rig.status.self_test.quality) == (None, Quality.UNTRUSTED)
    rig.wire.refuse = True
    rig.tick(0.2)
    assert counters.send_failed == 2


@given(st.lists(st.tuples(st.integers(0, 0x1FFFFFFF), st.binary(max_size=8)), max_size=40))
def test_no_frame_makes_it_fail(frames: list[tuple[int, bytes]]) -> None:
    rig = Rig()
    for can_id, data in frames:
        rig.wire.hear(Frame(can_id & ~0xFF | TRUCK, data), rig.now_s)
        rig.tick(0.1)
        assert rig.status


def test_run_sends_and_is_cancelled() -> None:
    async def main() -> None:
        wire = WireBus()
        link = TruckLink(wire, on_danger=lambda: None)
        task = asyncio.create_task(link.run(), name="truck")
        assert link.status == TruckStatus()
        wire.say(TRUCK, "truck", "TSC1", TSC1, asyncio.get_running_loop().time())
        await until(lambda: wire.sent)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    run(main())
