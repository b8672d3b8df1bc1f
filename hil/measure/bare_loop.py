"""What the machine itself gives: a bare asyncio loop that only wakes up every period, in a process of its own.

Run as a module; ends with its standard input, then prints lateness as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable

from station_ctl.stats import Distribution


async def main(period_s: float) -> None:
    """Wake every period until standard input ends, as the control cycle does, and do nothing."""
    loop, ended, lateness = asyncio.get_running_loop(), asyncio.Event(), Distribution()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    due_s = loop.time() + period_s
    while not ended.is_set():
        await asyncio.sleep(due_s - loop.time())
        late_s = loop.time() - due_s
        lateness.add(late_s)
        due_s = max(due_s + period_s, loop.time())
    found = {"p50": lateness.quantile_ms(0.5), "p99": lateness.quantile_ms(0.99), "max": lateness.max_ms}
    sys.stdout.write(json.dumps(found | {"wakes": lateness.total}) + "\n")


@contextlib.asynccontextmanager
async def bare_loop(period_ms: int, on_result: Callable[[dict[str, float]], None]) -> AsyncIterator[None]:
    """A bare loop beside what runs meanwhile; its lateness in ms goes to on_result at the end."""
    pipe = asyncio.subprocess.PIPE
    arguments = ("-m", "hil.measure.bare_loop", str(period_ms / 1000))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    try:
        yield
    finally:
        out, _ = await process.communicate(b"")
    on_result(json.loads(out))


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
