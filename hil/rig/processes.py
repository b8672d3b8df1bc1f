"""The plant and the controller as child processes, the latter started the way systemd starts it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from drivers.errors import StationError

START_S = 30.0
STOP_S = 5.0
ANSWER_S = 10.0


class RigError(StationError):
    """A part of the rig did not come up, ended by itself or did not answer."""


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
    process = await _start(*arguments, *(["--wire-faults"] if wire_faults else []), pipes=True)
    peer = Plant(process, on_event)
    reader = asyncio.create_task(peer.read(), name="plant lines")
    try:
        await peer.ready()
        yield peer
    finally:
        await end(process)
        await reader


class Controller:
    """`station-ctl run` as a child process under a notify socket of its own."""

    def __init__(self, station: Path, folder: Path) -> None:
        self._station = station
        self._log = folder / "controller.log"
        self._path = folder / "notify.sock"
        self._socket: socket.socket | None = None
        self.process: asyncio.subprocess.Process | None = None
        self.notified: list[str] = []

    async def start(self) -> None:
        """Start and wait for READY=1. Raises RigError with the end of its log if that does not come."""
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(self._path))
        self.notified.clear()
        asyncio.get_running_loop().add_reader(self._socket, self._hear)
        environment = {"NOTIFY_SOCKET": str(self._path), "WATCHDOG_USEC": "2000000"}
        arguments = ("-m", "station_ctl.cli", "run", "--config", str(self._station))
        self.process = await _start(*arguments, log=self._log, environment=environment)
        await self._wait_ready()

    async def _wait_ready(self) -> None:
        process = self.process
        try:
            async with asyncio.timeout(START_S):
                while process is not None and process.returncode is None and "READY=1" not in self.notified:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.stop()
        if "READY=1" not in self.notified:
            code = process.returncode if process else None
            raise RigError("the controller did not come up", where="station-ctl run", value=code, remedy=self.log())

    def kill(self) -> None:
        """SIGKILL, as a power cut of the station PC."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

    async def stop(self) -> int | None:
        """SIGTERM and wait; the exit status."""
        if self.process is not None:
            await end(self.process)
        if self._socket is not None:
            self._hear()
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        return self.process.returncode if self.process else None

    def log(self) -> str:
        """The last lines it logged."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        return "\n".join(lines[-15:])

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._socket is not None:
                self.notified += self._socket.recv(4096).decode().split("\n")


async def _start(
    *arguments: str, log: Path | None = None, environment: dict[str, str] | None = None, pipes: bool = False
) -> asyncio.subprocess.Process:
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
