"""The plant as a child process: requests on its standard input, answers and events on its standard output."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from hil.rig.processes import START_S, RigError, end, start

ANSWER_S = 10.0


class Plant:
    """`station-hil sim` as a child process: requests are answered, what happens unasked goes to `on_event`."""

    def __init__(self, process: asyncio.subprocess.Process, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._process = process
        self._on_event = on_event
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """One request to the plant and its answer. Raises RigError if it is refused or the plant is gone."""
        if self._process.stdin is None or self._process.returncode is not None:
            raise RigError("the plant has ended", where=do, value=self._process.returncode)
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"do": do, "id": number, **arguments}).encode() + b"\n")
        try:
            async with asyncio.timeout(ANSWER_S):
                answer: dict[str, Any] = await future
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise RigError("the plant refused", where=do, value=answer["error"])
        return answer

    async def truth(self) -> dict[str, Any]:
        """Where everything really is, and what the PLC counted."""
        answer = await self.ask("truth")
        found: dict[str, Any] = answer["truth"]
        return found

    async def read(self) -> None:
        """Take the plant's lines until it ends; what still waits for an answer then fails."""
        out = self._process.stdout
        while out is not None and (line := await out.readline()):
            self._take(json.loads(line))
        gone = RigError("the plant has ended", where="plant", value=await self._process.wait())
        if not self._ready.done():
            self._ready.set_exception(gone)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(gone)

    async def ready(self) -> None:
        """Return once all peers listen. Raises RigError if they do not in 30 s."""
        try:
            async with asyncio.timeout(START_S):
                await asyncio.shield(self._ready)
        except TimeoutError as e:
            raise RigError("the plant did not come up", where="plant", limit=f"{START_S} s") from e

    def _take(self, message: dict[str, Any]) -> None:
        future = self._waiting.get(message.get("id", 0))
        if future is not None and not future.done():
            future.set_result(message)
        elif message.get("event") == "ready":
            self._ready.set_result(None)
        elif "event" in message:
            self._on_event(message)


@contextlib.asynccontextmanager
async def plant(
    station: Path,
    *,
    speed: float,
    seed: int,
    wire_faults: bool,
    on_event: Callable[[dict[str, Any]], None],
    packs_soc_pct: Sequence[float] | None = None,
) -> AsyncIterator[Plant]:
    """The plant of a station.toml while the context lasts; packs_soc_pct fills the bays from the first on."""
    arguments = ["-m", "hil.cli", "sim", "--station", str(station), "--speed", str(speed), "--seed", str(seed)]
    if packs_soc_pct is not None:
        arguments += ["--packs-soc", ",".join(f"{soc:g}" for soc in packs_soc_pct)]
    process = await start(*arguments, *(["--wire-faults"] if wire_faults else []), pipes=True)
    peer = Plant(process, on_event)
    reader = asyncio.create_task(peer.read(), name="plant lines")
    try:
        await peer.ready()
        yield peer
    finally:
        await end(process)
        await reader
