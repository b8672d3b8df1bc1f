"""Exit status 0 if this machine's own kernel can carry the CAN tests: root, SocketCAN, vcan and slcan."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import termios

N_SLCAN = 17
_PROBE = "stprobe0"


def can_here() -> bool:
    """Make and remove one vcan interface, and put the slcan driver on a pseudo-terminal."""
    try:
        socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW).close()
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSETD, struct.pack("i", N_SLCAN))
    except OSError:
        return False
    os.close(slave)
    os.close(master)
    return _ip("add", _PROBE, "type", "vcan") and _ip("del", _PROBE)


def _ip(*arguments: str) -> bool:
    return subprocess.run(["ip", "link", *arguments], capture_output=True, timeout=10, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(not can_here())
