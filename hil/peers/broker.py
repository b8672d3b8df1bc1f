"""An MQTT 5 broker for the bench: mosquitto where it is installed, else iotcore, which comes with pip.

Both run as a child process on a free port of 127.0.0.1, with no password: for this machine only.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Literal

from drivers.errors import StationError

Kind = Literal["mosquitto", "iotcore"]
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 3.0
_SERVE = "import sys; sys.path[:] = [p for p in sys.path if p]; from iotcore._serve import main; main()"

_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
"""

_LISTENER = """
[v{version}.1]
name = "v{version}-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v{version}.1.connections]
connection_timeout_ms = 5000
max_payload_size = 4194304
max_inflight_count = 32
dynamic_filters = true
"""

_IOTCORE = """\
id = 0
[router]
id = 0
max_connections = 200
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
"""


class BrokerError(StationError):
    """No broker could be started."""


class Broker:
    """A broker while the `async with` lasts. `port` is fixed at the first start, so that a restart is a return."""

    def __init__(self, prefer: Kind | None = None, port: int | None = None) -> None:
        self.kind: Kind = prefer or ("mosquitto" if find_mosquitto() else "iotcore")
        self.port = port or _free_port()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Broker:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start and wait until it accepts connections. Raises BrokerError, with the broker's own last words."""
        if await _accepts(self.port):
            raise BrokerError("port is taken", where=self.kind, value=self.port, remedy="stop what listens there")
        self._folder = tempfile.TemporaryDirectory(prefix="station-broker-")
        words = Path(self._folder.name) / "stderr"  # a file: nobody reads a pipe, and a full one stops the broker
        try:
            with words.open("wb") as stderr:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command(Path(self._folder.name)),
                    stdin=asyncio.subprocess.PIPE,  # iotcore ends when this closes, so it never outlives us
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=stderr,
                    start_new_session=True,  # Ctrl-C is for us; we stop the broker last
                )
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._until_ready(self._process, words)
        except TimeoutError:
            await self.stop()
            raise BrokerError("did not start in time", where=self.kind, limit=f"{START_TIMEOUT_S} s") from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the broker for sure, also when this is cancelled; twice is fine."""
        process, self._process = self._process, None
        try:
            if process is not None:
                await _end(process)
        finally:
            if self._folder is not None:
                self._folder.cleanup()

    def kill(self) -> None:
        """Let the broker die at once, without a goodbye to anybody."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def _command(self, folder: Path) -> list[str]:
        if self.kind == "mosquitto":
            return self._mosquitto(folder)
        if importlib.util.find_spec("iotcore") is None:
            raise BrokerError("is not installed", where="iotcore", remedy="install the 'bench' extra, or mosquitto")
        config = folder / "broker.toml"
        config.write_text(
            _IOTCORE
            + _LISTENER.format(version=4, port=_free_port())  # required by the broker; nobody uses it
            + _LISTENER.format(version=5, port=self.port),
            encoding="utf-8",
        )
        return [sys.executable, "-c", _SERVE, json.dumps({"config_path": str(config)})]

    def _mosquitto(self, folder: Path) -> list[str]:
        program = find_mosquitto()
        if program is None:
            raise BrokerError("is not installed", where="mosquitto", remedy="install it, or use iotcore")
        config = folder / "mosquitto.conf"
        config.write_text(_MOSQUITTO.format(port=self.port), encoding="utf-8")
        return [program, "-c", str(config)]

    async def _until_ready(self, process: asyncio.subprocess.Process, words: Path) -> None:
        while not await _accepts(self.port):
            if process.returncode is not None:
                raise BrokerError("ended while starting", where=self.kind, value=_tail(words))
            await asyncio.sleep(0.05)


def find_mosquitto() -> str | None:
    """The mosquitto program; Debian keeps it where only root looks."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def _tail(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")[-500:]


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.communicate()
    except BaseException as e:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
        if not isinstance(e, TimeoutError):
            raise


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port
