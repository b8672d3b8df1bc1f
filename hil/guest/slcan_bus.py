"""One CAN bus of serial CAN adapters that are not there: pseudo-terminals under the kernel's slcan driver.

    python -m hil.guest.slcan_bus NAME NAME...      (root; makes network interfaces of these names, until it ends)

Unlike vcan these are CAN devices to the kernel: a bit rate, set by netlink; error-active, error-passive and bus-off,
with counters, error frames and loss of carrier. A frame reaches the open adapters of the same bit rate; if there is
none, nobody acknowledges it and the sender turns error-passive. Bus-off ends when the interface is taken down and up:
the driver knows no restart-ms. Not there: timing, arbitration, and repeating what was not acknowledged.

Control: datagrams to the abstract unix socket @<first name>: `busoff NAME`, `passive NAME`, `active NAME`;
`short NAME`, `mend NAME`: while its wires are short-circuited an adapter goes bus-off with the first frame it sends.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import termios
import tty
from collections.abc import Sequence

_SIOCGIFNAME, _N_SLCAN = 0x8910, 17
_BIT_RATES = dict(enumerate((10, 20, 50, 100, 125, 250, 500, 800, 1000)))  # kbit/s, by the digit of the S command
_STATES = {"active": (b"a", 0), "passive": (b"p", 128), "busoff": (b"b", 256)}  # letter, transmit error counter
_ACK_ERROR = b"e1a\r"


class Adapter:
    """One adapter: the master side of a pseudo-terminal whose other side the kernel drives as `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kbit: int | None = None
        self.open = False
        self.unheard = self.shorted = False
        self.state = "active"
        self._rest = b""
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        fcntl.ioctl(self._slave, termios.TIOCSETD, struct.pack("i", _N_SLCAN))
        found = bytearray(40)
        fcntl.ioctl(self._slave, _SIOCGIFNAME, found)
        given = bytes(found).split(b"\0")[0].decode()
        subprocess.run(["ip", "link", "set", given, "name", name, "txqueuelen", "1000"], check=True, timeout=10)

    @property
    def on_bus(self) -> bool:
        """Whether it hears and acknowledges others."""
        return self.open and self.state != "busoff"

    def write(self, line: bytes) -> None:
        """Say something to the driver."""
        os.write(self.master, line)

    def becomes(self, state: str) -> None:
        """Another fault confinement state of ISO 11898-1; the driver is told as an adapter would."""
        if state != self.state:
            self.state = state
            letter, errors = _STATES[state]
            self.write(b"s%c%03d%03d\r" % (letter, 0, errors))

    def read(self) -> list[bytes]:
        """The whole lines that the driver has written."""
        *lines, self._rest = (self._rest + os.read(self.master, 65536)).split(b"\r")
        return [line for line in lines if line]


class Bus:
    """The wire between the adapters."""

    def __init__(self, names: Sequence[str]) -> None:
        self._adapters = {adapter.master: adapter for adapter in map(Adapter, names)}
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._control.bind(f"\0{names[0]}")

    def run(self) -> None:
        """Carry frames until the process is ended."""
        poll = select.poll()
        for descriptor in (*self._adapters, self._control.fileno()):
            poll.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                adapter = self._adapters.get(descriptor)
                if adapter is None:
                    self._obey(self._control.recv(100).decode())
                else:
                    for line in adapter.read():
                        self._take(adapter, line)

    def _obey(self, order: str) -> None:
        state, name = order.split()
        for adapter in self._adapters.values():
            if adapter.name == name and state in _STATES:
                adapter.becomes(state)
            elif adapter.name == name:
                adapter.shorted = state == "short"

    def _take(self, adapter: Adapter, line: bytes) -> None:
        match line[:1]:
            case b"S":
                adapter.kbit = _BIT_RATES.get(int(line[1:2]))
            case b"O":
                adapter.open, adapter.unheard, adapter.state = True, False, "active"
            case b"C":
                adapter.open = False
            case b"t" | b"T" | b"r" | b"R" if adapter.on_bus:
                self._carry(adapter, line)

    def _carry(self, sender: Adapter, line: bytes) -> None:
        if sender.shorted:
            sender.becomes("busoff")
            return
        others = [a for a in self._adapters.values() if a is not sender and a.on_bus and a.kbit == sender.kbit]
        for other in others:
            other.write(line + b"\r")
        if not others:
            sender.unheard = True
            sender.write(_ACK_ERROR)
            sender.becomes("passive")
        elif sender.unheard:  # one that was made passive from outside stays so
            sender.unheard = False
            sender.becomes("active")


def main(names: Sequence[str]) -> int:
    """Run the bus; `ready` on standard output once its interfaces are there."""
    if len(names) < 2:
        sys.stderr.write(__doc__ or "")
        return 2
    bus = Bus(names)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    bus.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
