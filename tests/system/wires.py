"""CAN interfaces for a test: made, broken and taken away again. Their names are those of no real interface."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

VCAN, STATION, PEERS = "stv0", "stc0", "stc1"


def ip(*arguments: str) -> str:
    """`ip ...`; its output. CalledProcessError if it refuses."""
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=10).stdout


@contextlib.contextmanager
def vcan() -> Iterator[None]:
    """VCAN, up."""
    with contextlib.suppress(subprocess.CalledProcessError):  # left by a run that was killed
        ip("link", "del", VCAN)
    ip("link", "add", VCAN, "type", "vcan")
    try:
        ip("link", "set", VCAN, "up")
        yield
    finally:
        ip("link", "del", VCAN)


def configure(name: str, kbit: int) -> None:
    """Give a CAN device its bit rate; it is up afterwards."""
    ip("link", "set", name, "down")
    ip("link", "set", name, "up", "type", "can", "bitrate", f"{kbit}000")


def order(text: str) -> None:
    """Tell the bus of `adapters` something, see hil.guest.slcan_bus."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
        control.sendto(text.encode(), f"\0{STATION}")


@contextlib.contextmanager
def adapters(station_kbit: int = 250, peers_kbit: int = 250) -> Iterator[None]:
    """STATION and PEERS: two CAN devices with state, up, on one wire."""
    command = [sys.executable, "-m", "hil.guest.slcan_bus", STATION, PEERS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as hub:
        try:
            assert hub.stdout is not None and hub.stdout.readline() == "ready\n"
            configure(STATION, station_kbit)
            configure(PEERS, peers_kbit)
            yield
        finally:
            hub.kill()
