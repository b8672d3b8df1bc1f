"""What the code under test stands on: a clock for code that only asks the time, the virtual loop for all else."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from hil.virtual.loop import VirtualLoop


class Clock:
    """Stands in for a running loop where only its time is asked for. now_s: set it at will, forwards."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def time(self) -> float:
        """As a loop's."""
        return self.now_s

    def remove_reader(self, descriptor: int) -> None:
        """Nothing is read by descriptor here."""


@contextmanager
def clock() -> Iterator[Clock]:
    """Until the end of the block, `asyncio.get_running_loop().time()` is what the clock says."""
    made: Any = Clock()
    asyncio._set_running_loop(made)
    try:
        yield made
    finally:
        asyncio._set_running_loop(None)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run on a virtual loop of its own; what a callback raises is raised here, and no task is left behind."""
    loop = VirtualLoop()
    unhandled: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    try:
        loop.run_until_complete(main)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
    finally:
        loop.close()
    for context in unhandled:
        raise context.get("exception") or AssertionError(context["message"])
