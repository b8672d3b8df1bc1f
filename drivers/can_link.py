"""The network interface under a SocketCAN bus: what its controller says of itself, and its restart after bus-off.

Spoken to over rtnetlink (linux/rtnetlink.h, linux/can/netlink.h). Every call may wait for the kernel's network lock:
`CanInterface` makes them in a thread, never on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from drivers.can_state import ControllerState

_log = logging.getLogger(__name__)

LONGEST_S = 30.0
"""No restart waits longer than this."""
CALM_S = 10.0
"""A controller that stayed on the bus for so long after a restart has recovered."""

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, device type, index, flags, change mask
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_ERROR, _NEW, _GET = 2, 16, 18  # NLMSG_ERROR, RTM_NEWLINK, RTM_GETLINK
_REQUEST, _ACK = 1, 4
_NAME, _INFO, _DATA = 3, 18, 2  # IFLA_IFNAME, IFLA_LINKINFO, IFLA_INFO_DATA
_BIT_TIMING, _STATE, _RESTART_MS = 1, 4, 6  # IFLA_CAN_*
_UP = 1  # IFF_UP
_STATES = {2: ControllerState.PASSIVE, 3: ControllerState.BUS_OFF}  # enum can_state; 0 and 1 are active


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """An interface at one instant.

    controller: None if it has none (vcan). bitrate: in bit/s, None if it has none or none is set.
    restart_ms: the kernel's own time to restart after bus-off; 0: it does not.
    """

    index: int
    up: bool
    controller: ControllerState | None = None
    bitrate: int | None = None
    restart_ms: int = 0


def query(channel: str) -> LinkStatus:
    """How an interface stands. Raises OSError (ENODEV: there is none of that name). Needs no privilege."""
    name = channel.encode() + b"\0"
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(name), _NAME) + name
    return parse(_ask(_GET, _LINK.pack(0, 0, 0, 0, 0) + attribute + bytes(-len(attribute) % 4), 0))


def set_up(index: int, up: bool) -> None:
    """Take an interface up or down, as `ip link set` does. Raises OSError (EPERM without CAP_NET_ADMIN)."""
    _ask(_NEW, _LINK.pack(0, 0, index, _UP if up else 0, _UP), _ACK)


def parse(body: bytes) -> LinkStatus:
    """An RTM_NEWLINK message's body as the kernel answers. Raises OSError (EPROTO) if it is cut short."""
    try:
        _, _, index, flags, _ = _LINK.unpack_from(body)
        info = dict(_attributes(dict(_attributes(body[_LINK.size :])).get(_INFO, b"")))
        can = dict(_attributes(info.get(_DATA, b"")))
        bitrate, state, restart_ms = (_u32(can.get(key)) for key in (_BIT_TIMING, _STATE, _RESTART_MS))
    except struct.error as e:
        raise OSError(71, f"rtnetlink: {e}") from e
    controller = None if state is None else _STATES.get(state, ControllerState.ACTIVE)
    return LinkStatus(index, bool(flags & _UP), controller, bitrate or None, restart_ms or 0)


def _u32(data: bytes | None) -> int | None:
    return None if data is None else int(struct.unpack_from("=I", data)[0])


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            raise struct.error(f"attribute of {length} bytes in {len(data)}")
        yield kind & 0x3FFF, data[_ATTRIBUTE.size : length]
        data = data[length + -length % 4 :]


def _ask(kind: int, body: bytes, flags: int) -> bytes:
    """One request and the body of its answer."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        s.settimeout(5.0)
        s.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, 1, 0) + body)
        answer = s.recv(65536)
    if _HEADER.unpack_from(answer)[1] == _ERROR:
        code = -struct.unpack_from("=i", answer, _HEADER.size)[0]
        if code:
            raise OSError(code, os.strerror(code))
    return answer[_HEADER.size :]


class RestartPace:
    """When a controller in bus-off is restarted: after `restart_s`, twice as long each time it goes off again soon.

    A node that comes back at once into the fault that threw it off disturbs the others for ever. `restart_s` is at
    least 0.1 s: the 128 x 11 recessive bits that ISO 11898-1 asks for last 5.6 ms at 250 kbit/s.
    """

    def __init__(self, restart_s: float) -> None:
        self._first_s = self.wait_s = restart_s
        self._off_since_s: float | None = None
        self._restarted_s = float("-inf")

    def due(self, off: bool, now_s: float) -> bool:
        """Whether to restart now; to be asked at least every few hundred ms."""
        if not off:
            self._off_since_s = None
            return False
        if self._off_since_s is None:
            self._off_since_s = now_s
            again = now_s - self._restarted_s < CALM_S
            self.wait_s = min(self.wait_s * 2, LONGEST_S) if again else self._first_s
        return now_s - self._off_since_s >= self.wait_s

    def restarted(self, now_s: float) -> None:
        """It was restarted at this instant."""
        self._off_since_s, self._restarted_s = None, now_s


class CanInterface:
    """One bus's interface. `look` often, `restart` when that says bus-off for long enough."""

    def __init__(self, name: str, channel: str, restart_s: float) -> None:
        self._name, self._channel = name, channel
        self._pace = RestartPace(restart_s)
        self._may_restart = True
        self._taken_down = False

    async def look(self) -> LinkStatus:
        """How it stands now; one that `restart` could not take up again is tried once more. Raises OSError."""
        status = await asyncio.to_thread(query, self._channel)
        if not status.up and self._taken_down:
            await asyncio.to_thread(self._raise, status.index)
            status = await asyncio.to_thread(query, self._channel)
        return status

    def restart_due(self, status: LinkStatus) -> bool:
        """Whether the controller has been off for long enough. Never while the kernel restarts it by itself."""
        off = status.controller is ControllerState.BUS_OFF and status.restart_ms == 0 and self._may_restart
        return self._pace.due(off, asyncio.get_running_loop().time())

    async def restart(self, status: LinkStatus) -> bool:
        """Take the interface down and up, which keeps its bit rate. False if that is not allowed or did not work."""
        now_s = asyncio.get_running_loop().time()
        try:
            await asyncio.to_thread(self._cycle, status.index)
        except PermissionError:
            self._may_restart = False
            _log.error("%s: may not restart %s: give CAP_NET_ADMIN, or set restart-ms", self._name, self._channel)
            return False
        except OSError as e:
            _log.error("%s: %s could not be restarted: %s", self._name, self._channel, e)
            return False
        finally:
            self._pace.restarted(now_s)
        _log.warning("%s: %s restarted after %g s of bus-off", self._name, self._channel, self._pace.wait_s)
        return True

    def _cycle(self, index: int) -> None:
        """Both halves in one thread: whoever is cancelled in between does not leave it down."""
        set_up(index, False)
        self._taken_down = True
        self._raise(index)

    def _raise(self, index: int) -> None:
        set_up(index, True)
        self._taken_down = False
