"""When what the controller had read may have been untrue, or the plant changed under its order."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.reading import Signal
from drivers.robot_protocol import RobotMode, StopReason
from hil.faults import wire_kinds as kinds
from hil.faults.can import CanWire
from hil.faults.modbus import ModbusWire
from hil.peers.plc_rules import Plc
from hil.plant.world import World

LIED_S = 0.5
"""What was read from a lying wire or sensor may be acted upon for so long after it was healed."""
CALM_S = 2.0
LIARS = (kinds.ModbusStale, kinds.ModbusLyingEcho, kinds.ModbusFlipBits)
SPOILT = ("stale", "flipped", "lied", "withheld")
CAN_LIARS = (kinds.CanFrozen, kinds.CanConflict)


class Doubts:
    """When the controller may have read what is not so, or the plant changed under its order. `look` often."""

    def __init__(self, world: World, plc: Plc, modbus: ModbusWire, can: Mapping[str, CanWire]) -> None:
        self._world, self._plc, self._modbus, self._can = world, plc, modbus, can
        self._lied_s = self._disturbed_s = float("-inf")
        self._spoilt = self._hits = 0

    def look(self, now_s: float) -> None:
        """See what is wrong now, or was since the last look."""
        counters = self._modbus.counters
        spoilt, hits = sum(counters[name] for name in SPOILT), counters.total()
        if self._lies() or spoilt != self._spoilt:
            self._lied_s = now_s
        if self._disturbs() or hits != self._hits:
            self._disturbed_s = now_s
        self._spoilt, self._hits = spoilt, hits

    def lied(self, now_s: float) -> bool:
        """Whether a sensor or a wire lies, or did within LIED_S."""
        return now_s - self._lied_s <= LIED_S

    def disturbed(self, now_s: float) -> bool:
        """Whether the wire to the PLC, people or the plant's mechanics are faulty, or were within CALM_S."""
        return now_s - min(now_s, max(self._lied_s, self._disturbed_s)) <= CALM_S

    def _lies(self) -> bool:
        wires = any(can.on(kind) is not None for can in self._can.values() for kind in CAN_LIARS)
        lines = any(self._modbus.on(kind) is not None for kind in LIARS)
        packs = any(pack.faults.contactor_signal is not None for pack in self._world.packs())
        return wires or lines or packs or bool(self._world.inputs.overrides or self._world.panel.worn)

    def _disturbs(self) -> bool:
        world, inputs = self._world, self._world.inputs
        people = (
            inputs.estop_released,
            inputs.zone_clear,
            inputs.doors_closed,
            inputs.fire_clear,
            inputs.platform_clear,
        )
        jams = any(place.lock.jammed or place.coupler.jammed for place in world.places) or world.robot.gripper.jammed
        return (
            self._modbus.active
            or any(signal is not Signal.TRUE for signal in (*people, inputs.platform_clear))
            or inputs.mode is not RobotMode.PRODUCTION
            or self._plc.stop_reason is StopReason.POWER
            or jams
            or not world.lane.rolling.standing
        )
