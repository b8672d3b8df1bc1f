"""Where the time that a controller adds to a swap goes: the plant's books, read at every change of step."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from drivers import tasks
from hil.rig.station import Rig
from station_ctl.uplink.message import Message
from station_ctl.uplink.state_messages import StateMessage


class StepTimes:
    """Follows the first visit. A mark is: the step that begins, bench's clock, time that somebody was acting so far."""

    def __init__(self) -> None:
        self._steps: asyncio.Queue[str] = asyncio.Queue(maxsize=256)  # full: a step is left out, its time goes on
        self._marks: list[tuple[str, float, float]] = []
        self._last = ""
        self._visit: dict[str, Any] | None = None

    def see(self, _topic: str, message: Message) -> None:
        """Take what the station says."""
        if isinstance(message, StateMessage) and message.step != self._last:
            self._last = message.step
            with contextlib.suppress(asyncio.QueueFull):
                self._steps.put_nowait(message.step)

    @contextlib.asynccontextmanager
    async def kept(self, station: Rig) -> AsyncIterator[None]:
        """Read the plant's books at each step while the context lasts, and once more at its end."""
        task = asyncio.create_task(self._keep(station), name="step times")
        try:
            yield
            await self._read(station, "end")
        finally:
            await tasks.end(task)

    async def _keep(self, station: Rig) -> None:
        while True:
            await self._read(station, await self._steps.get())

    async def _read(self, station: Rig, step: str) -> None:
        truth = await station.plant.truth()
        if not truth["visits"]:
            return
        self._visit = visit = truth["visits"][0]
        if visit["released_s"] is None:
            self._marks.append((step, truth["clock_s"], visit["acting_s"]))

    def added_s(self) -> dict[str, float]:
        """By step, the seconds in which nobody acted, from the truck's arrival to the way out being open."""
        visit = self._visit
        if visit is None or visit["released_s"] is None:
            return {}
        marks = [("waiting", visit["arrived_s"], 0.0), *self._marks, ("", visit["released_s"], visit["acting_s"])]
        added: dict[str, float] = defaultdict(float)
        for (step, at_s, acting_s), (_, then_s, acted_s) in itertools.pairwise(marks):
            added[step] += then_s - at_s - (acted_s - acting_s)
        return {step: round(seconds, 3) for step, seconds in added.items()}
