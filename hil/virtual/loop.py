"""An event loop whose clock jumps to the next thing that is due. One thread, no sockets, nothing of the wall's time."""

from __future__ import annotations

import asyncio
import concurrent.futures
import heapq
import itertools
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

from drivers.errors import StationError
from hil.virtual.network import Network, Server
from hil.virtual.transport import Transport

Ts = TypeVarTuple("Ts")
T = TypeVar("T")


class Deadlock(StationError):
    """Nothing is ready and nothing is due: every task waits for another."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's own loop on virtual time; its TCP connections are in memory and pass through `network`.

    Only what a station uses is there: timers, tasks, streams and protocols. Work given to an executor is done at once.
    Timers that are due at the same instant come in the order in which they were made.
    """

    _ready: deque[asyncio.Handle]  # asyncio's own: what is to be run next
    _stopping: bool  # asyncio's own: nothing is waited for any more

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._made = itertools.count()
        self.network = Network(self)

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._now_s

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._made), timer))
        return timer

    def _run_once(self) -> None:
        """One round of asyncio's loop: what is ready is run; if nothing is, time passes until something is."""
        if not self._ready and not self._stopping:
            self._pass_time()
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001  # as BaseEventLoop does

    def _write_to_self(self) -> None:
        """No other thread wakes this loop."""

    def _pass_time(self) -> None:
        """Go to the next instant at which timers are due. Raises Deadlock if there is none."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise Deadlock("nothing is due any more", where="virtual loop", value=f"{self._now_s:.3f} s")
        self._now_s = max(self._now_s, timers[0][0])
        while timers and timers[0][0] <= self._now_s:
            self._ready.append(heapq.heappop(timers)[2])

    def run_in_executor(
        self, executor: concurrent.futures.Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Do it now, in this thread; `executor` may do it its own way, but at once too."""
        done: asyncio.Future[T] = self.create_future()
        try:
            if executor is None:
                done.set_result(func(*args))
            elif (outcome := executor.submit(func, *args)).done():  # else its process died in it: no answer comes
                done.set_result(outcome.result())
        except Exception as e:  # noqa: BLE001  # handed on to who awaits it
            done.set_exception(e)
        return done

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str | None = None, port: int | None = None, **_: Any
    ) -> tuple[Transport, Any]:
        """Connect in memory. Raises ConnectionRefusedError if nobody listens there."""
        return await self.network.connect(protocol_factory, host or "", port or 0)

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], host: Any = None, port: int | None = None, **_: Any
    ) -> Server:
        """Listen in memory; port 0 takes a free one."""
        return self.network.listen(protocol_factory, host or "", port or 0)
