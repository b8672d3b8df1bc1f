"""The status block of the robot's PLC, built from the plant's sensors; only what has changed is encoded anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from drivers.reading import Signal
from drivers.register_points import WORDS_OF_TYPE, EncodingError, Value
from drivers.registers import RegisterMap
from drivers.robot_protocol import EchoResult, EchoState, MotionClass, RobotState, StopReason
from hil.peers.plc_signals import Elements, Word
from hil.plant.inputs import Inputs
from hil.plant.sensors import DRIVE_BUS_S
from hil.plant.world import World

SAFETY = ("estop_released", "zone_clear", "doors_closed", "fire_clear", "platform_clear", "local_enable")
"""Hard-wired: no filter, no bounce."""


class PlcView(NamedTuple):
    """What the PLC program itself has to say in the status block."""

    heartbeat: int
    state: RobotState
    stop_reason: StopReason
    fault_code: int
    echo_sequence: int
    echo_opcode: int
    echo_state: EchoState
    echo_result: EchoResult
    motions_started: int
    lease_remaining_ms: int
    permits: MotionClass
    supply_lease_remaining_ms: int = 0


class StatusImage:
    """The registers of the status block, kept from one reading to the next."""

    def __init__(self, register_map: RegisterMap, world: World) -> None:
        block = register_map.block("status")
        self._world = world
        self._low_first = block.low_word_first
        self._where = block.name
        self._words = [0] * block.count
        self._identity = {"map_id": register_map.map_id, "map_version": register_map.version}
        self._numbers = [(i, p, p.name) for i, p in enumerate(p for p in block.points if p.type != "bits")]
        self._last: list[Value] = [None] * len(self._numbers)
        bits = [p for p in block.points if p.type == "bits"]
        self._fields = [Word(at, [p for p in bits if p.at == at], self._where) for at in sorted({p.at for p in bits})]
        self._groups = [Elements(group, world, self._where) for group in block.groups]
        self._wiring: object = None  # what the words of signals were made from

    def words(self, view: PlcView) -> tuple[int, ...]:
        """The whole block. A broken sensor (`inputs.overrides`) shows what it was told to. Raises EncodingError."""
        world = self._world
        world.panel.sample(world.plant_s)
        try:
            self._put_numbers(view._asdict() | _motion(world) | self._identity)
            self._put_signals()
        except KeyError as e:
            raise EncodingError(f"{e.args[0]} is missing", where=self._where) from e
        return tuple(self._words)

    def _put_numbers(self, points: Mapping[str, Value]) -> None:
        last = self._last
        for i, point, name in self._numbers:
            value = points[name]
            if value == last[i]:
                continue
            raw, at = point.raw(value, self._where), point.at
            if WORDS_OF_TYPE[point.type] == 2:
                high, low = (raw >> 16) & 0xFFFF, raw & 0xFFFF
                self._words[at : at + 2] = (low, high) if self._low_first else (high, low)
            else:
                self._words[at] = raw & 0xFFFF
            last[i] = value

    def _put_signals(self) -> None:
        """All that is two bits wide, if any of it is another than before."""
        world, inputs = self._world, self._world.inputs
        safety = _safety(inputs)
        closed = (world.panel.version, world.lane.present, world.supplies.energised)
        wiring = (closed, safety, inputs.smoke_clear, inputs.overrides)
        if wiring == self._wiring:
            return
        broken = inputs.overrides
        points = world.panel.signals | dict(zip(SAFETY, safety, strict=True))
        points.update((name, signal) for name, signal in broken.items() if name in points)
        for word in self._fields:
            self._words[word.at] = word.encode(points)
        for group in self._groups:
            group.put(self._words, broken)
        self._wiring = (closed, safety, dict(inputs.smoke_clear), dict(broken))


def _motion(world: World) -> dict[str, Value]:
    robot, parking, panel = world.robot, world.lane.parking, world.panel
    x, y, z = robot.x, robot.y, robot.z
    show = panel.gauges.show
    x_mm, y_mm = x.position_mm - x.speed_mm_s * DRIVE_BUS_S, y.position_mm - y.speed_mm_s * DRIVE_BUS_S
    z_mm, load_kg = z.position_mm - z.speed_mm_s * DRIVE_BUS_S, robot.load_cell.read_kg()
    if panel.worn:
        x_mm, y_mm, z_mm = show("x_mm", x_mm), show("y_mm", y_mm), show("z_mm", z_mm)
        load_kg = max(0.0, show("load_kg", load_kg))
    present = world.lane.present
    return {
        "mode": world.inputs.mode,
        "step": robot.step,
        "x_mm": x_mm,
        "y_mm": y_mm,
        "z_mm": z_mm,
        "x_speed_mm_s": x.speed_mm_s,
        "y_speed_mm_s": y.speed_mm_s,
        "z_speed_mm_s": z.speed_mm_s,
        "load_kg": load_kg,
        "truck_x_error_mm": show("truck_x_error_mm", parking.x_error_mm) if present else 0.0,
        "truck_y_error_mm": show("truck_y_error_mm", parking.y_error_mm) if present else 0.0,
        "truck_angle_deg": show("truck_angle_deg", parking.angle_deg) if present else 0.0,
    }


def _safety(inputs: Inputs) -> tuple[Signal, ...]:
    return (
        inputs.estop_released,
        inputs.zone_clear,
        inputs.doors_closed,
        inputs.fire_clear,
        inputs.platform_clear,
        inputs.local_enable,
    )
