"""Chargers and meters that answer as they should, and judge what they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from drivers.charger_status import OFF, ChargerMode, ChargerState, ChargerStop, SetPoint
from drivers.meter_status import WRAP_WH
from drivers.register_codec import Block
from drivers.register_points import Value
from drivers.registers import load
from fuzz.judge import must
from hil.peers.plc_command import ahead

PACK_V = 580.0
CHARGER, METER = load("charger-v1"), load("meter-v1")
COMMAND = CHARGER.block("command")
LIMITS = ("current_a", "voltage_v", "power_w")
LEASE_S, EARLY_S = 0.4, 0.002
"""A lease ends so long after the last want; a command that is younger than EARLY_S was made before the newest one."""


@dataclass
class Cabinet:
    """A charger that does at once what it is told. wants: what its driver was told last, and before that, and when."""

    told: SetPoint = OFF
    counter: int = 7
    until_s: float = 0.0
    stop: ChargerStop = ChargerStop.POWER
    heartbeat: int = 0
    tested: bool = False
    supplied: bool = False
    wants: tuple[tuple[SetPoint, float], ...] = ((OFF, float("-inf")),)
    block: Block = field(default=CHARGER.block("status"), init=False)
    words: dict[int, int] = field(default_factory=dict)

    @property
    def current_a(self) -> float:
        """What it gives."""
        flows = self.told.mode is ChargerMode.CHARGE and self.supplied
        return min(self.told.current_a, self.told.power_w / PACK_V) if flows else 0.0

    def armed(self, now_s: float) -> bool:
        """It may give current."""
        return self.told.mode is not ChargerMode.OFF and now_s < self.until_s

    def receive(self, words: tuple[int, ...], now_s: float) -> None:
        """A command: never more than is wanted, nor for longer than 0.4 s after that was wanted."""
        must(COMMAND.sealed(words), "a command without its checksum")
        points: dict[str, Any] = dict(COMMAND.decode(words).points)
        must(None not in points.values(), f"a command out of its range: {points}")
        self._judge(points, now_s)
        step = ahead(points["counter"], self.counter)
        if not (1 <= step <= 0x7FFF or (step != 0 and now_s >= self.until_s)):
            return
        self.counter = points["counter"]
        mode = ChargerMode(points["mode"] if points["lease_ms"] else 0)
        if mode is ChargerMode.OFF:
            self.told, self.stop, self.tested = OFF, ChargerStop.COMMAND, False
        elif self.stop in (ChargerStop.NONE, ChargerStop.COMMAND):
            self.told, self.stop = SetPoint(mode, *(points[name] for name in LIMITS)), ChargerStop.NONE
            self.tested |= mode is ChargerMode.INSULATION_TEST
            self.until_s = now_s + points["lease_ms"] / 1e3

    def want(self, wanted: SetPoint, now_s: float) -> None:
        """What its driver is told."""
        self.wants = (self.wants[-1], (wanted, now_s))

    def _judge(self, points: dict[str, Any], now_s: float) -> None:
        if points["mode"] == ChargerMode.OFF:
            must(points["lease_ms"] == 0, "OFF with a lease")
            return
        wanted, wanted_s = self.wants[0 if now_s - self.wants[-1][1] < EARLY_S and self._other(points) else -1]
        must(points["mode"] == wanted.mode, f"told mode {points['mode']}, wanted {wanted.mode}")
        for name in LIMITS:
            must(points[name] <= getattr(wanted, name) + 1e-6, f"told {name} {points[name]}, wanted {wanted}")
        left_s = wanted_s + LEASE_S - now_s
        must(points["lease_ms"] / 1e3 <= left_s + EARLY_S, f"a lease of {points['lease_ms']} ms, {left_s:.3f} s left")

    def _other(self, points: dict[str, Any]) -> bool:
        """Not what is wanted in this instant: it was on its way."""
        wanted = self.wants[-1][0]
        more = any(points[name] > getattr(wanted, name) + 1e-6 for name in LIMITS)
        return more or points["mode"] != wanted.mode

    def answer(self, now_s: float) -> list[int]:
        """Its status block."""
        if now_s >= self.until_s and self.told.mode is not ChargerMode.OFF:
            self.told, self.stop, self.tested = OFF, ChargerStop.LEASE, False
        self.heartbeat = (self.heartbeat + 1) & 0xFFFF
        mode, charges = self.told.mode, self.told.mode is ChargerMode.CHARGE and self.supplied
        state = ChargerState.CONDITIONING if mode is ChargerMode.CONDITION else ChargerState.STANDBY
        state = ChargerState.CHARGING if charges else ChargerState.OFF if mode is ChargerMode.OFF else state
        on = mode is not ChargerMode.OFF
        points: dict[str, Value] = {
            "map_id": CHARGER.map_id, "map_version": CHARGER.version, "heartbeat": self.heartbeat, "state": state,
            "fault_code": 0, "stop_reason": self.stop, "echo_counter": self.counter,
            "lease_remaining_ms": int(max(0.0, min(self.until_s - now_s, 1.0)) * 1e3) if on else 0,
            "relay_closed": int(charges), "insulation_tested": int(self.tested), "insulation_ohm_per_v": 2000,
            "output_voltage_v": PACK_V if charges else 0.0, "output_current_a": self.current_a,
            "input_power_w": self.current_a * PACK_V / 0.95, "set_current_a": self.told.current_a,
            "set_voltage_v": self.told.voltage_v, "set_power_w": self.told.power_w, "current_max_a": 380.0,
            "power_max_w": 240e3, "cabinet_temperature_c": 31.0,
        }  # fmt: skip
        return list(self.block.encode(points))


@dataclass
class Counter:
    """A meter that counts what `flows` says, in A and W."""

    serial: int
    energy_wh: float
    flows: Callable[[], tuple[float, float]]
    heartbeat: int = 0
    read_s: float = 0.0
    block: Block = field(default=METER.block("status"), init=False)
    words: dict[int, int] = field(default_factory=dict)

    def answer(self, now_s: float) -> list[int]:
        """Its status block."""
        current_a, power_w = self.flows()
        self.energy_wh = (self.energy_wh + power_w * (now_s - self.read_s) / 3600.0) % WRAP_WH
        self.read_s, self.heartbeat = now_s, (self.heartbeat + 1) & 0xFFFF
        points: dict[str, Value] = {
            "map_id": METER.map_id, "map_version": METER.version, "heartbeat": self.heartbeat, "serial": self.serial,
            "status": 0, "voltage_v": PACK_V, "current_a": current_a, "power_w": power_w,
            "energy_in_wh": int(self.energy_wh), "energy_out_wh": 0,
        }  # fmt: skip
        return list(self.block.encode(points))
