"""Tasks end, also those that lose a cancellation."""

from __future__ import annotations

import asyncio

import pytest

from drivers import tasks
from tests.support import run


def test_a_task_that_loses_a_cancellation_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_S", 0.01)
    lost: list[int] = []

    async def careless() -> None:
        while True:
            try:
                await asyncio.sleep(10.0)
            except asyncio.CancelledError:
                if len(lost) == 2:
                    raise
                lost.append(1)

    async def main() -> None:
        task = asyncio.create_task(careless(), name="careless")
        await asyncio.sleep(0)
        await tasks.end(task)
        assert task.cancelled()
        assert len(lost) == 2

    run(main())


def test_what_a_task_raised_is_fetched_and_stays_with_it() -> None:
    async def fails() -> None:
        raise OSError("gone")

    async def main() -> None:
        task = asyncio.create_task(fails(), name="fails")
        await asyncio.sleep(0)
        await tasks.end(task)  # `run` fails the test if the loop has to report an exception nobody fetched
        assert isinstance(task.exception(), OSError)
        await tasks.end()

    run(main())
