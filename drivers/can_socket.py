"""What is set on the socket of a CAN bus, whoever opened it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

_RECEIVE_BUFFER_BYTES = 1 << 20
_STATE_CLASSES = 0x004 | 0x040 | 0x100  # CAN_ERR_CRTL, CAN_ERR_BUSOFF, CAN_ERR_RESTARTED
_SO_RCVBUFFORCE = 33
_SOL_CAN_RAW, _CAN_RAW_ERR_FILTER = 101, 2  # linux/can/raw.h


def enlarge_receive_buffer(descriptor: int) -> None:
    """As far as the kernel lets us: beyond net.core.rmem_max only with CAP_NET_ADMIN."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as view:
        for option in (socket.SO_RCVBUF, _SO_RCVBUFFORCE):
            with suppress(OSError):
                view.setsockopt(socket.SOL_SOCKET, option, _RECEIVE_BUFFER_BYTES)


def prepare_socketcan(descriptor: int) -> None:
    """Hear of the controller's state only, and look whether the interface is up.

    A broken wire makes bus errors by the thousand a second; they tell nothing that the state does not. Binding to an
    interface that is down succeeds and leaves its error for later: raises that OSError (ENETDOWN) at once.
    """
    with socket.socket(fileno=os.dup(descriptor)) as view:
        view.setsockopt(_SOL_CAN_RAW, _CAN_RAW_ERR_FILTER, _STATE_CLASSES)
        code = view.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
