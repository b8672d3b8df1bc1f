"""Notifications to systemd (sd_notify(3)): READY, WATCHDOG, STOPPING, STATUS over a datagram socket."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)


class Notifier:
    """Tells systemd how the service is. Without $NOTIFY_SOCKET every call does nothing.

    A lost notification is logged once and never raised: the watchdog then does what it is for.
    """

    def __init__(self, address: str | None = None) -> None:
        path = address if address is not None else os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) if path else None
        self._lost = False

    def send(self, *lines: str) -> None:
        """Send assignments such as `READY=1` in one datagram."""
        if self._socket is None:
            return
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError as e:
            if not self._lost:
                log.warning("systemd was not notified: %s", e)
            self._lost = True

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()


def watchdog_s() -> float | None:
    """The watchdog's time-out that systemd set for this process in seconds, None if there is none."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not usec.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 1e6
