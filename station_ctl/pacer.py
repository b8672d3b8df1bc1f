"""When the next control cycle is due: at a fixed period, and at once on danger. A missed period is left out."""

from __future__ import annotations

import asyncio

from station_ctl.health import Health


class Pacer:
    """Keeps the period of one loop, and the books on how well it is kept. `begin` first, then `due` and `done` in turn.

    period_s: from start to start. health: where the books are kept.
    """

    def __init__(self, health: Health, period_s: float) -> None:
        self._health, self._period_s = health, period_s
        self._wake = asyncio.Event()
        self._danger = self._woken = False
        self._before_s = self._start_s = self._due_s = 0.0

    def wake(self) -> None:
        """A cycle is due now."""
        self._danger = True
        self._wake.set()

    def begin(self) -> None:
        """The first cycle is due a period from now."""
        self._before_s = asyncio.get_running_loop().time()
        self._due_s = self._before_s + self._period_s

    async def due(self) -> float:
        """Wait for the next cycle; the event-loop time at its start."""
        loop = asyncio.get_running_loop()
        timer = loop.call_at(self._due_s, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
            self._wake.clear()
        self._woken, self._danger = self._danger, False
        self._start_s = loop.time()
        return self._start_s

    def done(self) -> None:
        """The cycle has ended. A missed period is left out, never caught up in a burst."""
        now_s, health, start_s = asyncio.get_running_loop().time(), self._health, self._start_s
        health.work.add(now_s - start_s)
        if self._woken:
            return
        health.lateness.add(start_s - self._due_s)
        health.period.add(start_s - self._before_s)
        self._before_s, self._due_s = start_s, self._due_s + self._period_s
        if now_s > self._due_s:  # how late the one left out would have been counts all the same
            health.overruns += 1
            health.lateness.add(now_s - self._due_s)
            self._due_s = now_s + self._period_s
