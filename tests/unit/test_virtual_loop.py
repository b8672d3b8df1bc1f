"""The virtual loop keeps asyncio's promises on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from hil.virtual.loop import Deadlock, VirtualLoop


def play(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main)


def test_timers_come_at_their_time_and_in_the_order_they_were_made() -> None:
    async def main() -> None:
        loop, came = asyncio.get_running_loop(), []
        for name, delay_s in (("late", 2.0), ("first", 1.0), ("second", 1.0), ("third", 1.0)):
            loop.call_later(delay_s, lambda name=name: came.append((name, loop.time())))
        await asyncio.sleep(3.0)
        assert came == [("first", 1.0), ("second", 1.0), ("third", 1.0), ("late", 2.0)]

    play(main())


def test_what_is_ready_is_run_before_time_passes() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(100):
            await asyncio.sleep(0)
        assert loop.time() == 0.0

    play(main())


def test_a_cancelled_timer_does_not_move_the_clock() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(5.0, lambda: pytest.fail("was cancelled")).cancel()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(9.0):
                await loop.create_future()
        assert loop.time() == 9.0

    play(main())


def test_a_wait_for_nothing_is_a_deadlock() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock):
        play(main())
