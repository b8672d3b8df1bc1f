"""The controller as a child process, started the way systemd starts it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

from hil.rig.processes import START_S, RigError, end, start


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
        self.process = await start(*arguments, log=self._log, environment=environment)
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
