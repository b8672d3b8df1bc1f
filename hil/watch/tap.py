"""A tap on the wire to the PLC: what the controller really writes, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.registers import RegisterMap
from drivers.robot_protocol import MOUNT_CODE_BASE, MotionClass, Opcode
from hil.faults.modbus import LOST, Passage
from hil.virtual.io import Io
from hil.virtual.network import Wire

WRITE_MULTIPLE = 16
_BODY = 13  # MBAP 7, function 1, address 2, count 2, bytes 1


@dataclass(frozen=True, slots=True)
class Written:
    """A command block as it left the controller."""

    at_s: float
    lease_ms: int
    permits: MotionClass
    stop_category: int
    sequence: int
    opcode: int
    source: int
    destination: int
    mount: int
    supply_lease_ms: int = 0
    charge_permits: int = 0


class Tap:
    """Sits before the faults. on_block: called with each command block."""

    def __init__(self, wire: Wire, register_map: RegisterMap, on_block: Callable[[Written], None], io: Io) -> None:
        self._wire, self._on_block, self._io = wire, on_block, io
        self._block = register_map.block("command")

    def request(self, frame: bytes, now_s: float) -> Passage:
        """A frame of the controller's."""
        if frame[7] == WRITE_MULTIPLE:
            self._note(frame, now_s)
        return LOST if self._io.fails("modbus") else self._wire.request(frame, now_s)

    def reply(self, frame: bytes, now_s: float) -> Passage:
        """A frame of the PLC's."""
        return self._wire.reply(frame, now_s)

    def _note(self, frame: bytes, now_s: float) -> None:
        body = frame[_BODY:]
        words = [int.from_bytes(body[i : i + 2], "big") for i in range(0, len(body), 2)]
        points = self._block.decode(words).points
        number = {name: int(points[name] or 0) for name in _POINTS}
        self._on_block(Written(now_s, permits=MotionClass(number.pop("permits") & 0xFF), **number))


_POINTS = (
    *("lease_ms", "permits", "stop_category", "sequence", "opcode", "source", "destination", "mount"),
    *("supply_lease_ms", "charge_permits"),
)


def order_text(written: Written) -> str:
    """An order as a person reads it: `LIFT_FROM mount 1, permits HANDLE_MOUNT`."""
    opcode, place = Opcode(written.opcode), written.source or written.destination or written.mount + MOUNT_CODE_BASE
    at = "" if place == MOUNT_CODE_BASE else f" {_place(place)}"
    permits = "+".join(c.name or "" for c in MotionClass if c & written.permits)
    return f"{opcode.name}{at}, permits {permits or 'nothing'}"


def _place(code: int) -> str:
    return f"mount {code - MOUNT_CODE_BASE}" if code > MOUNT_CODE_BASE else f"bay {code}"
