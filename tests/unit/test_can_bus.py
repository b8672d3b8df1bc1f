"""The CAN bus's own state: a link that fails must be said, must not spin, and must come back."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections import deque
from typing import Any

import can
import pytest

from drivers.can_bus import BusError, BusState, CanBus, Frame
from tests.support import run

FRAME = Frame(0x10FF2191, b"12345678")


class FakeBus(can.BusABC):
    """A python-can bus with a real descriptor; `inbox` holds messages and exceptions for `recv`."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.inbox: deque[can.Message | Exception] = deque()
        self.stuck: Exception | None = None
        self.refuse: Exception | None = None
        self.sent: list[can.Message] = []
        self.reads = 0
        super().__init__("fake")

    def fileno(self) -> int:
        return self.here.fileno()

    def put(self, *items: can.Message | Exception) -> None:
        self.inbox.extend(items)
        self.there.send(b"x")

    def break_down(self, error: Exception) -> None:
        """From now on every read fails and the descriptor stays readable, as on an interface that went down."""
        self.stuck = error
        self.there.send(b"x")

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        self.reads += 1
        if self.stuck is not None:
            raise self.stuck
        if not self.inbox:
            if self.here.fileno() >= 0:
                with contextlib.suppress(BlockingIOError):
                    self.here.recv(16)
            return None, False
        item = self.inbox.popleft()
        if isinstance(item, Exception):
            raise item
        return item, False

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.sent.append(msg)

    def shutdown(self) -> None:
        super().shutdown()
        self.here.close()
        self.there.close()


def broken(code: int) -> can.CanOperationError:
    error = can.CanOperationError(os.strerror(code), code)
    error.__cause__ = OSError(code, os.strerror(code))
    return error


def message(**options: Any) -> can.Message:
    fields: dict[str, Any] = {"arbitration_id": FRAME.can_id, "data": FRAME.data, "is_extended_id": True}
    return can.Message(**(fields | options))


def error_frame(error_class: int, status: int = 0) -> can.Message:
    return can.Message(arbitration_id=error_class, data=bytes((0, status)).ljust(8, b"\0"), is_error_frame=True)


class Rig(CanBus):
    """A CanBus whose opened buses are fakes; `failing` openings raise first."""

    def __init__(self, failing: int = 0, silent_after_s: float = 1.0) -> None:
        super().__init__("test", "fake", "fake0", silent_after_s=silent_after_s)
        self.made: list[FakeBus] = []
        self.failing = failing
        self.heard: list[Frame] = []
        self.subscribe(lambda frame, _: self.heard.append(frame))

    def _make(self) -> can.BusABC:
        if self.failing:
            self.failing -= 1
            raise OSError(errno.ENODEV, "No such device")
        self.made.append(FakeBus())
        return self.made[-1]

    @property
    def wire(self) -> FakeBus:
        return self.made[-1]

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def __aenter__(self) -> Rig:
        self.task = asyncio.create_task(self.run(), name="can")
        await self.until(lambda: self.made)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def test_a_read_error_is_down_at_once_without_a_busy_loop_and_reopens() -> None:
    async def main() -> None:
        async with Rig() as bus:
            bus.wire.put(message())
            await bus.until(lambda: bus.state is BusState.UP)
            lost = bus.wire
            before = time.process_time()
            lost.break_down(broken(errno.ENETDOWN))
            await bus.until(lambda: bus.state is BusState.DOWN)
            with pytest.raises(BusError, match="down"):
                bus.send(FRAME)
            await bus.until(lambda: len(bus.made) == 2)
            assert lost.reads < 10
            assert time.process_time() - before < 0.5
            bus.wire.put(message())
            await bus.until(lambda: bus.state is BusState.UP)
            assert bus.counters.reopened == 1

    run(main())


def test_an_interface_that_is_not_there_is_tried_again() -> None:
    async def main() -> None:
        rig = Rig(failing=1)
        assert rig.state is BusState.DOWN
        async with rig as bus:
            assert bus.state is BusState.SILENT
            assert bus.counters.reopened == 1

    run(main())


def test_an_undecodable_read_is_counted_and_the_next_frame_arrives() -> None:
    async def main() -> None:
        async with Rig() as bus:
            bus.wire.put(can.CanOperationError("could not unpack received message"), message())
            await bus.until(lambda: bus.heard)
            assert (bus.counters.garbage, len(bus.made)) == (1, 1)

    run(main())


def test_an_endless_read_error_of_any_kind_ends_in_down() -> None:
    async def main() -> None:
        async with Rig() as bus:
            lost = bus.wire
            lost.break_down(can.CanOperationError("something odd"))
            await bus.until(lambda: len(bus.made) == 2)
            assert lost.reads <= 1100

    run(main())


def test_only_extended_data_frames_pass() -> None:
    async def main() -> None:
        async with Rig() as bus:
            bus.wire.put(
                message(arbitration_id=0x123, is_extended_id=False),
                message(is_remote_frame=True, data=None, dlc=8),
                message(is_fd=True),
                message(),
            )
            await bus.until(lambda: bus.heard)
            assert bus.heard == [FRAME]
            assert (bus.counters.rejected, bus.counters.frames_received) == (3, 1)

    run(main())


def test_states_follow_error_frames() -> None:
    async def main() -> None:
        async with Rig() as bus:
            bus.wire.put(message())
            await bus.until(lambda: bus.state is BusState.UP)
            for frame, state in (
                (error_frame(0x004, 0x20), BusState.ERROR_PASSIVE),  # TX passive
                (message(), BusState.ERROR_PASSIVE),  # a passive node still receives
                (error_frame(0x004, 0x08), BusState.UP),  # back below: TX warning
                (error_frame(0x004, 0x10), BusState.ERROR_PASSIVE),  # RX passive
                (error_frame(0x004, 0x40), BusState.UP),  # active
                (error_frame(0x040), BusState.BUS_OFF),
                (error_frame(0x080), BusState.BUS_OFF),  # a bus error says nothing of the state
                (error_frame(0x100), BusState.UP),  # restarted
                (error_frame(0x040), BusState.BUS_OFF),
                (message(), BusState.UP),  # in bus-off nothing could have been received
            ):
                seen = bus.counters.error_frames + bus.counters.frames_received
                bus.wire.put(frame)
                await bus.until(lambda: bus.counters.error_frames + bus.counters.frames_received > seen)  # noqa: B023
                assert bus.state is state
            assert bus.counters.error_frames == 8

    run(main())


def test_silence_is_a_state() -> None:
    async def main() -> None:
        async with Rig(silent_after_s=0.05) as bus:
            assert bus.state is BusState.SILENT
            bus.wire.put(message())
            await bus.until(lambda: bus.state is BusState.UP)
            await bus.until(lambda: bus.state is BusState.SILENT)

    run(main())


@pytest.mark.parametrize("error", [can.CanOperationError("Transmit buffer full"), broken(errno.ENOBUFS)])
def test_a_full_transmit_queue_is_counted_and_is_no_bus_off(error: Exception) -> None:
    async def main() -> None:
        async with Rig() as bus:
            bus.wire.refuse = error
            with pytest.raises(BusError, match="queue full"):
                bus.send(FRAME)
            assert (bus.counters.transmit_full, bus.state) == (1, BusState.SILENT)
            bus.wire.refuse = None
            bus.send(FRAME)
            assert bus.counters.frames_sent == 1
            assert bus.wire.sent[0].arbitration_id == FRAME.can_id

    run(main())


def test_a_send_on_a_lost_interface_reopens_the_bus() -> None:
    async def main() -> None:
        async with Rig() as bus:
            bus.wire.refuse = broken(errno.ENETDOWN)
            with pytest.raises(BusError, match="cannot send"):
                bus.send(FRAME)
            assert bus.state is BusState.DOWN
            await bus.until(lambda: len(bus.made) == 2)

    run(main())


def test_a_flood_leaves_the_loop_its_turn() -> None:
    async def main() -> None:
        async with Rig() as bus:
            bus.wire.put(*(message() for _ in range(1000)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert len(bus.heard) <= 128
            await bus.until(lambda: len(bus.heard) == 1000)

    run(main())


def test_cancelling_closes_the_bus() -> None:
    async def main() -> None:
        async with Rig() as bus:
            wire = bus.wire
        assert wire.here.fileno() == -1
        assert bus.state is BusState.DOWN

    run(main())
