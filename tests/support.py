"""What all tests share: a runner that leaves no task behind, and free ports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

from hil.virtual.loop import VirtualLoop

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], timeout_s: float = 50.0) -> T:
    """Run a test's coroutine; fail if it leaves a task behind or if the loop reports an error nobody handled.

    timeout_s: a safety net below pytest's own. Other work on the machine may take most of it.
    """
    return asyncio.run(_guarded(main, timeout_s), debug=True)


def run_virtually(main: Coroutine[Any, Any, T], timeout_s: float = 3600.0) -> T:
    """As `run`, on a clock that stands still while something is done: what it measures says nothing of the machine."""
    with asyncio.Runner(debug=True, loop_factory=VirtualLoop) as runner:
        return runner.run(_guarded(main, timeout_s))


async def _guarded(main: Coroutine[Any, Any, T], timeout_s: float) -> T:
    loop = asyncio.get_running_loop()
    loop.slow_callback_duration = 5.0  # shared machines: slowness is measured by `make bench`, not here
    unhandled: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    async with asyncio.timeout(timeout_s):
        result = await main
    for _ in range(3):  # what a closed transport still has to call
        await asyncio.sleep(0)
    leaked = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
    for task in leaked:
        task.cancel()
    await asyncio.gather(*leaked, return_exceptions=True)
    assert not leaked, f"tasks left behind: {[t.get_name() for t in leaked]}"
    assert not unhandled, f"the loop reported: {unhandled}"
    return result


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port
