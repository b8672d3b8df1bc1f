"""One CAN bus with an explicit state; the only file that imports python-can.

Reads through the event loop itself: python-can's Notifier turns a pulled cable into a busy loop nobody hears of, and
its periodic sending goes on when this process hangs.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections import deque
from contextlib import suppress
from typing import Any

import can

from drivers.can_frame import Frame, Subscriber
from drivers.can_link import CanInterface, LinkStatus
from drivers.can_socket import enlarge_receive_buffer, prepare_socketcan
from drivers.can_state import (
    BusCounters,
    BusError,
    BusState,
    ControllerState,
    after_data_frame,
    after_error_frame,
)

__all__ = ["BusCounters", "BusError", "BusState", "CanBus", "Frame"]

_log = logging.getLogger(__name__)

_BATCH = 64  # frames read in one turn of the event loop
_BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)
_WATCH_S = 0.2  # how often the interface is asked how it stands
_MAX_GARBAGE = 1000  # undecodable reads in a row after which the bus is opened anew
_ECHOING = frozenset({"udp_multicast"})  # interfaces on which a sender hears its own frames
_FULL = frozenset({errno.ENOBUFS, errno.EAGAIN})


class CanBus:
    """A CAN bus at 29-bit identifiers. `run` opens it, reads it and opens it again when it is lost, until cancelled.

    name:           for logs and errors.
    interface:      python-can's: `socketcan` (channel: can0), or `udp_multicast` (channel: group; port), which never
                    leaves this host.
    silent_after_s: without a frame for so long the state is SILENT.
    restart_s:      socketcan: so long in bus-off, and the interface is taken down and up (CAP_NET_ADMIN), unless the
                    kernel restarts it by itself. 0.1 s or more; see drivers.can_link.RestartPace.
    bitrate:        socketcan: an interface that has another bit rate, in bit/s, is not opened; None: any will do.
    """

    def __init__(
        self,
        name: str,
        interface: str,
        channel: str,
        *,
        port: int | None = None,
        silent_after_s: float = 1.0,
        restart_s: float = 1.0,
        bitrate: int | None = None,
    ) -> None:
        self.name = name
        self.counters = BusCounters()
        self._interface, self._channel, self._port = interface, channel, port
        self._link = CanInterface(name, channel, restart_s) if interface == "socketcan" else None
        self._bitrate = bitrate
        self._silent_after_s = silent_after_s
        self._subscribers: list[Subscriber] = []
        self._bus: can.BusABC | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost = asyncio.Event()
        self._controller = ControllerState.ACTIVE
        self._heard_s = float("-inf")
        self._garbage_run = 0
        self._failures = 0
        self._echoes: deque[tuple[int, bytes]] = deque(maxlen=_BATCH)

    @property
    def state(self) -> BusState:
        """See BusState."""
        if self._bus is None or self._loop is None or self._lost.is_set():
            return BusState.DOWN
        if self._controller is ControllerState.BUS_OFF:
            return BusState.BUS_OFF
        if self._controller is ControllerState.PASSIVE:
            return BusState.ERROR_PASSIVE
        silent = self._loop.time() - self._heard_s > self._silent_after_s
        return BusState.SILENT if silent else BusState.UP

    def subscribe(self, callback: Subscriber) -> None:
        """Call `callback(frame, loop time of receipt)` for every frame heard from others. It must not raise."""
        self._subscribers.append(callback)

    def send(self, frame: Frame) -> None:
        """Hand a frame to the controller; never waits.

        Raises BusError if the bus is down, its controller in bus-off (the kernel would take the frame and drop it) or
        the transmit queue full. A full queue is no sign of bus-off.
        """
        if self._bus is None or self._lost.is_set():
            raise BusError(
                "the bus is down", where=self.name, remedy="check the interface; it is opened again by itself"
            )
        if self._controller is ControllerState.BUS_OFF:
            raise BusError("the controller is in bus-off", where=self.name, remedy="check cable, termination, bit rate")
        message = can.Message(arbitration_id=frame.can_id, data=frame.data, is_extended_id=True, check=True)
        try:
            self._bus.send(message, timeout=0)
        except (can.CanError, OSError) as e:
            raise self._send_failed(e) from e
        self.counters.frames_sent += 1
        if self._interface in _ECHOING:
            self._echoes.append((frame.can_id, frame.data))

    async def run(self) -> None:
        """Keep the bus open until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                if await self._open():
                    await self._use()
                    self._close()
                await asyncio.sleep(_BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)])
                self._failures += 1
                self.counters.reopened += 1
        finally:
            self._close()

    async def _use(self) -> None:
        """Until the bus is lost or its interface was restarted."""
        while not self._lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_WATCH_S if self._link else None):
                    await self._lost.wait()
            if self._link is not None and not self._lost.is_set():
                await self._watch(self._link)

    async def _watch(self, link: CanInterface) -> None:
        """What the interface says is the truth, should an error frame have been missed; but not against a newer one."""
        seen = self.counters.error_frames
        try:
            status = await link.look()
        except OSError as e:
            self._lose("is gone", e)
            return
        if status.controller is not None and seen == self.counters.error_frames:
            self._controller_is(status.controller)
        if link.restart_due(status):
            self._close()
            self.counters.restarts += await link.restart(status)
            self._lost.set()

    def _make(self) -> can.BusABC:
        options: dict[str, Any] = {}
        if self._interface == "udp_multicast":
            options["hop_limit"] = 0  # stays on this host; fd is left on, so that FD frames are counted, not hidden
        if self._port is not None:
            options["port"] = self._port
        return can.Bus(channel=self._channel, interface=self._interface, ignore_config=True, **options)

    async def _open(self) -> bool:
        try:
            status = await self._usable()
            bus = self._make()
        except (can.CanError, OSError) as e:
            self._say("cannot be opened", e)
            return False
        try:
            self._prepare(bus.fileno())
        except OSError as e:
            bus.shutdown()
            self._say("cannot be opened", e)
            return False
        self._bus, self._garbage_run = bus, 0
        self._controller = (status and status.controller) or ControllerState.ACTIVE
        self._echoes.clear()
        self._lost.clear()
        asyncio.get_running_loop().add_reader(bus.fileno(), self._readable)
        _log.info("%s: open (%s %s), controller %s", self.name, self._interface, self._channel, self._controller.value)
        return True

    async def _usable(self) -> LinkStatus | None:
        """How the interface stands; raises OSError if it is missing, down or at another bit rate."""
        if self._link is None:
            return None
        status = await self._link.look()
        if not status.up:
            raise OSError(errno.ENETDOWN, "it is down; `ip link set ... up`")
        if self._bitrate and status.bitrate and status.bitrate != self._bitrate:
            raise OSError(errno.EINVAL, f"it runs at {status.bitrate} bit/s, not at {self._bitrate}")
        return status

    def _prepare(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        enlarge_receive_buffer(descriptor)
        if self._link is not None:
            prepare_socketcan(descriptor)

    def _close(self) -> None:
        bus, self._bus = self._bus, None
        if bus is None:
            return
        asyncio.get_running_loop().remove_reader(bus.fileno())
        with suppress(can.CanError, OSError):
            bus.shutdown()

    def _readable(self) -> None:
        """Drain a batch, then give the loop a turn. Any failure of the link detaches the reader at once."""
        for _ in range(_BATCH):
            if self._bus is None or self._lost.is_set():
                return
            try:
                message = self._bus.recv(0)
            except (can.CanError, OSError) as e:
                self._read_failed(e)
                continue
            if message is None:
                return
            self._dispatch(message)

    def _dispatch(self, message: can.Message) -> None:
        self._garbage_run = 0
        if message.is_error_frame:
            self.counters.error_frames += 1
            self._controller_is(after_error_frame(self._controller, message.arbitration_id, bytes(message.data)))
            return
        if not message.is_extended_id or message.is_remote_frame or message.is_fd:
            self.counters.rejected += 1
            return
        frame = Frame(message.arbitration_id, bytes(message.data))
        if self._echoes and frame in self._echoes:
            self._echoes.remove(frame)
            return
        now_s = asyncio.get_running_loop().time()
        self.counters.frames_received += 1
        self._heard_s, self._failures = now_s, 0
        if self._controller is not ControllerState.ACTIVE:
            self._controller_is(after_data_frame(self._controller))
        for callback in self._subscribers:
            callback(frame, now_s)

    def _controller_is(self, state: ControllerState) -> None:
        if state is not self._controller:
            _log.warning("%s: controller %s, was %s", self.name, state.value, self._controller.value)
            self._controller = state

    def _read_failed(self, error: Exception) -> None:
        """An operating-system error is a lost link; anything else was one undecodable frame, already consumed."""
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, BlockingIOError | InterruptedError):
            return
        self.counters.garbage += 1
        self._garbage_run += 1
        if isinstance(cause, OSError) or self._garbage_run >= _MAX_GARBAGE:
            self._lose("was lost", error)

    def _send_failed(self, error: Exception) -> BusError:
        code = _errno_of(error)
        if code in _FULL or (code is None and "full" in str(error)):
            self.counters.transmit_full += 1
            return BusError(
                "transmit queue full", where=self.name, remedy="no other node acknowledges, or set txqueuelen"
            )
        self._lose("was lost while sending", error)
        return BusError("cannot send", where=self.name, value=str(error), remedy="the bus reopens by itself")

    def _lose(self, what: str, error: Exception) -> None:
        if self._bus is not None and not self._lost.is_set():
            asyncio.get_running_loop().remove_reader(self._bus.fileno())
            self._say(what, error)
            self._lost.set()

    def _say(self, what: str, error: Exception) -> None:
        level = logging.WARNING if self._failures == 0 else logging.DEBUG
        _log.log(level, "%s: %s %s %s: %s", self.name, self._interface, self._channel, what, error)


def _errno_of(error: Exception) -> int | None:
    cause = error if isinstance(error, OSError) else error.__cause__
    return cause.errno if isinstance(cause, OSError) else None
