"""Ending tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_S = 1.0
"""A task that has not ended by then is cancelled once more; what it tidies up takes less."""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until each has ended. What they raised is fetched, and left to whoever asks them.

    Once may not be enough: libraries wait with asyncio.wait_for, which up to Python 3.11 loses a cancellation that
    comes together with what it waits for.
    """
    while late := [task for task in tasks if not task.done()]:
        for task in late:
            task.cancel()
        await asyncio.wait(late, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()
