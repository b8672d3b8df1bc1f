"""The interface under a CAN bus: what the kernel says of it is read right, and bus-off is ended at a bearable pace."""

from __future__ import annotations

import asyncio
import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import can_link
from drivers.can_bus import BusError, BusState
from drivers.can_link import CanInterface, LinkStatus, RestartPace, parse
from drivers.can_state import ControllerState
from tests.support import run
from tests.unit.test_can_bus import FRAME, Rig, error_frame, message

OFF = 3


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def answer(up: bool = True, state: int | None = 0, bitrate: int = 250_000, restart_ms: int = 0) -> bytes:
    """RTM_NEWLINK's body, as the kernel writes it; state None: an interface without a controller."""
    head = struct.pack("=BxHiII", 0, 280, 4, 1 if up else 0, 0)
    info = attribute(1, b"vcan\0")
    if state is not None:
        timing = struct.pack("=8I", bitrate, 875, 250, 6, 7, 2, 1, 2)
        data = (
            attribute(1, timing) + attribute(4, struct.pack("=I", state)) + attribute(6, struct.pack("=I", restart_ms))
        )
        info = attribute(1, b"can\0") + attribute(2 | 0x8000, data)
    return head + attribute(3, b"can0\0") + attribute(13, struct.pack("=I", 10)) + attribute(18, info)


def test_what_the_kernel_answers_is_read() -> None:
    assert parse(answer()) == LinkStatus(4, True, ControllerState.ACTIVE, 250_000, 0)
    assert parse(answer(up=False, state=4, bitrate=0, restart_ms=100)) == LinkStatus(
        4, False, ControllerState.ACTIVE, None, 100
    )
    assert parse(answer(state=1)).controller is ControllerState.ACTIVE  # a warning is no loss
    assert parse(answer(state=2)).controller is ControllerState.PASSIVE
    assert parse(answer(state=OFF)).controller is ControllerState.BUS_OFF
    assert parse(answer(state=None)) == LinkStatus(4, True)


@given(st.binary(max_size=80) | st.integers(0, len(answer())).map(lambda n: answer()[:n]))
def test_any_other_bytes_are_an_error_or_a_status(data: bytes) -> None:
    try:
        assert isinstance(parse(data), LinkStatus)
    except OSError as e:
        assert e.errno == errno.EPROTO


def _restarts(pace: RestartPace, off_s: float, until_s: float) -> list[float]:
    """When a controller is restarted that goes off again `off_s` after each restart; asked ten times a second."""
    found: list[float] = []
    for tick in range(int(until_s * 10)):
        now_s = tick / 10
        off = not found or now_s - found[-1] >= off_s
        if pace.due(off, now_s):
            pace.restarted(now_s)
            found.append(now_s)
    return found


def test_one_that_goes_off_at_once_is_restarted_ever_more_rarely() -> None:
    assert _restarts(RestartPace(1.0), 0.0, 100.0) == pytest.approx([1.0, 3.1, 7.2, 15.3, 31.4, 61.5, 91.6], abs=0.15)


def test_one_that_was_well_for_long_is_restarted_after_the_first_wait_again() -> None:
    assert _restarts(RestartPace(1.0), 20.0, 60.0) == pytest.approx([1.0, 22.0, 43.0], abs=0.05)


@given(st.floats(0.1, 60.0), st.lists(st.booleans(), max_size=200))
def test_never_before_the_configured_time_off_the_bus(restart_s: float, offs: list[bool]) -> None:
    pace, since_s = RestartPace(restart_s), None
    for tick, off in enumerate(offs):
        now_s = tick * 0.5
        since_s = (now_s if since_s is None else since_s) if off else None
        if pace.due(off, now_s):
            assert since_s is not None and now_s - since_s >= restart_s
            pace.restarted(now_s)
            since_s = None


class Kernel:
    """Answers in rtnetlink's place for one interface; taking it up ends bus-off, as with every CAN driver."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, state: int = 0, restart_ms: int = 0) -> None:
        self.up, self.state, self.restart_ms, self.bitrate = True, state, restart_ms, 250_000
        self.refuse: dict[bool, OSError] = {}
        self.orders: list[bool] = []
        monkeypatch.setattr(can_link, "_ask", self._ask)

    def _ask(self, kind: int, body: bytes, flags: int) -> bytes:
        *_, wanted, change = struct.unpack_from("=BxHiII", body)
        if change:
            self._set(bool(wanted))
        return answer(self.up, self.state, self.bitrate, self.restart_ms)

    def _set(self, up: bool) -> None:
        self.orders.append(up)
        if up in self.refuse:
            raise self.refuse.pop(up)
        self.up = up
        self.state = 0 if up else self.state


class Linked(Rig):
    """A bus with an interface under it, whose socket is a fake."""

    def __init__(self, restart_s: float = 0.1) -> None:
        super().__init__()
        self._link, self._bitrate = CanInterface("test", "can0", restart_s), 250_000

    def _prepare(self, descriptor: int) -> None:
        """A pair of unix sockets has no CAN options."""


def test_bus_off_is_ended_by_taking_the_interface_down_and_up(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch)

    async def main() -> None:
        async with Linked() as bus:
            await bus.until(lambda: bus.state is BusState.SILENT)
            kernel.state = OFF
            bus.wire.put(error_frame(0x040))
            await bus.until(lambda: bus.state is BusState.BUS_OFF)
            with pytest.raises(BusError, match="bus-off"):
                bus.send(FRAME)
            assert bus.wire.sent == []
            await bus.until(lambda: len(bus.made) == 2)
            assert (kernel.orders, bus.counters.restarts) == ([False, True], 1)
            bus.wire.put(message())
            await bus.until(lambda: bus.state is BusState.UP)
            bus.send(FRAME)

    run(main())


def test_bus_off_that_was_there_before_the_service_is_seen_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, state=OFF)

    async def main() -> None:
        async with Linked() as bus:
            assert bus.state is BusState.BUS_OFF
            await bus.until(lambda: bus.counters.restarts == 1)
            await bus.until(lambda: bus.state is BusState.SILENT)
            assert kernel.up

    run(main())


def test_the_kernel_restarts_where_it_was_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, state=OFF, restart_ms=100)

    async def main() -> None:
        async with Linked() as bus:
            await asyncio.sleep(0.8)
            assert (bus.state, kernel.orders) == (BusState.BUS_OFF, [])
            kernel.state = 0  # and its error frame was lost
            await bus.until(lambda: bus.state is BusState.SILENT)

    run(main())


def test_without_the_right_it_says_so_once_and_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kernel = Kernel(monkeypatch, state=OFF)
    kernel.refuse[False] = PermissionError(errno.EPERM, "Operation not permitted")

    async def main() -> None:
        async with Linked() as bus:
            await bus.until(lambda: kernel.orders)
            await asyncio.sleep(0.8)
            assert kernel.orders == [False] and kernel.up
            assert (bus.state, bus.counters.restarts) == (BusState.BUS_OFF, 0)

    run(main())
    assert [r.message for r in caplog.records if "CAP_NET_ADMIN" in r.message] == [
        "test: may not restart can0: give CAP_NET_ADMIN, or set restart-ms"
    ]


def test_an_interface_that_did_not_come_up_again_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, state=OFF)
    kernel.refuse[True] = OSError(errno.ETIMEDOUT, "the adapter does not answer")

    async def main() -> None:
        async with Linked() as bus:
            await bus.until(lambda: len(bus.made) == 2)
            assert kernel.orders == [False, True, True] and kernel.up

    run(main())


def test_one_that_a_person_took_down_is_left_down_and_is_no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch)
    kernel.up = False

    async def main() -> None:
        rig = Linked()
        task = asyncio.create_task(rig.run(), name="can")
        await asyncio.sleep(0.3)
        assert (rig.state, rig.made, kernel.orders) == (BusState.DOWN, [], [])
        kernel.up = True
        await rig.until(lambda: rig.state is BusState.SILENT)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())


def test_one_at_another_bit_rate_is_not_opened(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kernel = Kernel(monkeypatch)
    kernel.bitrate = 500_000

    async def main() -> None:
        rig = Linked()
        task = asyncio.create_task(rig.run(), name="can")
        await rig.until(lambda: rig.counters.reopened)
        assert (rig.state, rig.made) == (BusState.DOWN, [])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())
    assert "it runs at 500000 bit/s, not at 250000" in caplog.text
