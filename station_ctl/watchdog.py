"""Feeds systemd's watchdog from the control cycle."""

from __future__ import annotations

import asyncio

from drivers.systemd import Notifier

NOTIFY_S = 0.5
"""How often a healthy cycle tells the watchdog; WatchdogSec is a multiple of it."""


class Watchdog:
    """Feeds systemd from healthy cycles only, at most every 0.5 s; the first one says READY."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._told_s: float | None = None

    def healthy(self) -> None:
        """One cycle did all its phases."""
        now_s = asyncio.get_running_loop().time()
        if self._told_s is None:
            self._notifier.send("READY=1", "STATUS=cycling", "WATCHDOG=1")
        elif now_s - self._told_s < NOTIFY_S:
            return
        else:
            self._notifier.send("WATCHDOG=1")
        self._told_s = now_s
