"""What a bad Modbus/TCP line does to each frame: no socket, no clock, one seed."""

from __future__ import annotations

from typing import Literal, NamedTuple

from drivers.registers import RegisterMap
from drivers.robot_protocol import EchoState
from hil.faults import wire_kinds as kinds
from hil.faults.catalogue import ModbusFault
from hil.faults.modbus_content import LyingEcho, StillStatus
from hil.faults.modbus_frames import READ, WRITE, Image, exception_answer, function_of
from hil.faults.model import FaultModel, Frames
from hil.faults.switches import Switches

Direction = Literal["requests", "replies"]
ORDER_S = 1e-6  # frames of one direction stay so far apart, so that no timer can swap them
BUSY = 6


class Passage(NamedTuple):
    """What becomes of a frame: (delay in s, frame) to where it was going, answers to its sender, or the line cut."""

    forward: tuple[tuple[float, bytes], ...]
    back: tuple[bytes, ...] = ()
    cut: bool = False


LOST = Passage(())
CUT = Passage((), cut=True)


class ModbusWire(Switches[ModbusFault]):
    """One line between a controller and its PLC. Frames are whole, with their MBAP header.

    register_map: needs a status and a command block, as the robot's has.
    counters:     dropped_requests, dropped_replies, dropped_write_replies, refused, delayed, duplicated, cut, stale,
                  flipped, withheld, lied.
    """

    def __init__(self, register_map: RegisterMap, seed: int | str) -> None:
        super().__init__(seed)
        self._status, self._command = Image(register_map.block("status")), Image(register_map.block("command"))
        self._clear_s: dict[Direction, float] = {"requests": float("-inf"), "replies": float("-inf")}
        self._still, self._echo = StillStatus(self._status), LyingEcho(self._command, self._status)

    @property
    def cable_off(self) -> bool:
        """Whether there can be no connection at all now."""
        cut = self.on(kinds.ModbusCut)
        return cut is not None and cut.rate >= 1 and cut.count is None

    def request(self, frame: bytes, now_s: float) -> Passage:
        """A frame from the controller to the PLC at this time."""
        if not self.active:
            return Passage(((0.0, frame),))
        if self._cut():
            return CUT
        function, noise = function_of(frame), self.on(kinds.ModbusNoise)
        silent = self.on(kinds.ModbusHalfOpen) is not None
        if silent or self._hit(kinds.ModbusDropRequests, function) or (noise and self._chance(noise.drop_request_rate)):
            self.counters["dropped_requests"] += 1
            return LOST
        code = self._exception(function, noise)
        if code is not None:
            self.counters["refused"] += 1
            return Passage((), (exception_answer(frame, code),))
        if self._command.in_write(frame):
            frame = self._spoilt_command(frame)
        return self._sent("requests", frame, 0.0, now_s)

    def reply(self, frame: bytes, now_s: float) -> Passage:
        """A frame from the PLC to the controller at this time."""
        if not self.active:
            return Passage(((0.0, frame),))
        if self._cut():
            return CUT
        function, noise = function_of(frame), self.on(kinds.ModbusNoise)
        silent = self.on(kinds.ModbusHalfOpen) is not None
        if silent or self._hit(kinds.ModbusDropReplies, function) or (noise and self._chance(noise.drop_reply_rate)):
            self.counters["dropped_replies"] += 1
            self.counters["dropped_write_replies"] += function == WRITE
            return LOST
        if self._status.in_read(frame):
            frame = self._spoilt_status(frame)
        late_s = 0.0
        if noise and self._chance(noise.delay_rate):
            late_s = self._rng.uniform(noise.delay_min_ms, noise.delay_max_ms) / 1e3
        return self._sent("replies", frame, late_s, now_s)

    def _hit(self, model: type[Frames], function: int) -> bool:
        fault = self.on(model)
        wanted = {"any": function, "read": READ, "write": WRITE}
        if fault is None or wanted[fault.function] != function or not self._chance(fault.rate):
            return False
        self._spent(model)
        return True

    def _cut(self) -> bool:
        cut, noise = self.on(kinds.ModbusCut), self.on(kinds.ModbusNoise)
        hit = cut is not None and self._chance(cut.rate)
        if hit:
            self._spent(kinds.ModbusCut)
        if hit or (noise is not None and self._chance(noise.cut_rate)):
            self.counters["cut"] += 1
            return True
        return False

    def _exception(self, function: int, noise: kinds.ModbusNoise | None) -> int | None:
        fault = self.on(kinds.ModbusException)
        if fault is not None and self._hit(kinds.ModbusException, function):
            return fault.code
        return BUSY if noise is not None and self._chance(noise.exception_rate) else None

    def _sent(self, direction: Direction, frame: bytes, late_s: float, now_s: float) -> Passage:
        """The frame on its way; none overtakes another of its direction."""
        function = function_of(frame)
        delay, twice = self.on(kinds.ModbusDelay), self.on(kinds.ModbusDuplicate)
        if delay is not None and delay.direction == direction and self._hit(kinds.ModbusDelay, function):
            late_s += (delay.delay_ms + self._rng.uniform(0.0, delay.jitter_ms)) / 1e3
        self.counters["delayed"] += late_s > 0
        copies = 1
        if twice is not None and twice.direction == direction and self._hit(kinds.ModbusDuplicate, function):
            self.counters["duplicated"] += 1
            copies = 2
        due_s, before_s = now_s + late_s, self._clear_s[direction]
        if before_s > now_s and due_s <= before_s:
            due_s = before_s + ORDER_S
        self._clear_s[direction] = due_s
        self.active = bool(self._on) or max(self._clear_s.values()) > now_s
        return Passage(((due_s - now_s, frame),) * copies)

    def _spoilt_command(self, frame: bytes) -> bytes:
        words, lying = self._command.words(frame), self.on(kinds.ModbusLyingEcho)
        if lying is not None:
            self.counters["withheld"] += self._echo.withholds(words, lying.withheld)
        fault = self.on(kinds.ModbusFlipBits)
        if fault is not None and fault.block == "command" and self._hit(kinds.ModbusFlipBits, WRITE):
            self.counters["flipped"] += self._command.flip(words, fault.bits, fault.signals == "any", self._rng)
        return self._command.put(frame, words)

    def _spoilt_status(self, frame: bytes) -> bytes:
        words, fault = self._status.words(frame), self.on(kinds.ModbusFlipBits)
        stale, lying = self.on(kinds.ModbusStale), self.on(kinds.ModbusLyingEcho)
        if stale is not None:
            words = self._still.of(words, stale.heartbeat_runs)
            self.counters["stale"] += 1
        if lying is not None:
            self.counters["lied"] += self._echo.lies(words, EchoState[lying.says.upper()])
        if fault is not None and fault.block == "status" and self._hit(kinds.ModbusFlipBits, READ):
            self.counters["flipped"] += self._status.flip(words, fault.bits, fault.signals == "any", self._rng)
        return self._status.put(frame, words)

    def _changed(self, model: type[FaultModel]) -> None:
        """What a fault has noted goes with it; frames that are late keep the line busy."""
        if model is kinds.ModbusStale:
            self._still = StillStatus(self._status)
        if model is kinds.ModbusLyingEcho:
            self._echo = LyingEcho(self._command, self._status)
        self.active = True  # until a frame finds nothing on and nothing late before it
