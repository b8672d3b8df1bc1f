"""Child processes of the rig: how each is started and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from drivers.errors import StationError

START_S = 30.0
STOP_S = 5.0


class RigError(StationError):
    """A part of the rig did not come up, ended by itself or did not answer."""


async def start(
    *arguments: str, log: Path | None = None, environment: dict[str, str] | None = None, pipes: bool = False
) -> asyncio.subprocess.Process:
    """This interpreter with these arguments. log: takes its standard error; environment: added to ours."""
    pipe = asyncio.subprocess.PIPE if pipes else asyncio.subprocess.DEVNULL
    with contextlib.ExitStack() as stack:
        error = stack.enter_context(log.open("ab")) if log is not None else None
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=pipe,
            stdout=pipe,
            stderr=error,
            env={**os.environ, **(environment or {})},
            limit=1 << 22,
        )


async def end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, and SIGKILL for what has not ended 5 s later."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()
