"""The status block of the robot's PLC, built from the plant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from drivers.reading import Signal
from drivers.register_codec import Group, Value
from drivers.registers import RegisterMap
from drivers.robot_protocol import EchoResult, EchoState, MotionClass, RobotState, StopReason
from hil.plant.places import Place
from hil.plant.world import World

Elements = tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class PlcView:
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


def status_words(register_map: RegisterMap, view: PlcView, world: World) -> tuple[int, ...]:
    """The whole status block. A broken sensor (`inputs.overrides`) shows what it was told to show."""
    block = register_map.block("status")
    points: dict[str, Value] = {"map_id": register_map.map_id, "map_version": register_map.version}
    points.update(asdict(view))
    points.update(_motion(world))
    points.update(_signals(world))
    broken = world.inputs.overrides
    points.update((name, signal) for name, signal in broken.items() if name in points)
    groups = {g.name: _elements(g, world, broken) for g in block.groups}
    return block.encode(points, groups)


def _motion(world: World) -> dict[str, Value]:
    robot, parking = world.robot, world.lane.parking
    present = world.lane.present
    return {
        "mode": world.inputs.mode,
        "step": robot.step,
        "x_mm": robot.x.position_mm,
        "y_mm": robot.y.position_mm,
        "z_mm": robot.z.position_mm,
        "x_speed_mm_s": robot.x.speed_mm_s,
        "y_speed_mm_s": robot.y.speed_mm_s,
        "z_speed_mm_s": robot.z.speed_mm_s,
        "load_kg": robot.load_kg,
        "truck_x_error_mm": parking.x_error_mm if present else 0.0,
        "truck_y_error_mm": parking.y_error_mm if present else 0.0,
        "truck_angle_deg": parking.angle_deg if present else 0.0,
    }


def _signals(world: World) -> dict[str, Value]:
    robot, lane, inputs = world.robot, world.lane, world.inputs
    return {
        "estop_released": inputs.estop_released,
        "zone_clear": inputs.zone_clear,
        "doors_closed": inputs.doors_closed,
        "fire_clear": inputs.fire_clear,
        "platform_clear": inputs.platform_clear,
        "local_enable": inputs.local_enable,
        "gripper_closed": Signal(robot.gripper.made),
        "gripper_holding": Signal(robot.pack is not None),
        "truck_present": Signal(lane.present),
        "truck_in_position": Signal(lane.in_position),
        "wheels_clamped": Signal(lane.clamps.made),
        "barrier_closed": Signal(lane.barrier.made),
        "robot_home": Signal(robot.home),
        "robot_clear": Signal(robot.clear_of_lane),
    }


def _elements(group: Group, world: World, broken: Mapping[str, Signal]) -> Elements:
    read = _mount if group.name == "mount" else _bay
    elements = []
    for n in range(1, group.count + 1):
        values = read(world, n)
        elements.append(tuple(broken.get(f"{group.name}.{n}.{name}", values[name]) for name in group.names))
    return tuple(elements)


def _mount(world: World, number: int) -> dict[str, Signal]:
    place = world.lane.mounts.get(number)
    if place is None or not world.lane.present:
        return dict.fromkeys(("seated", "locked", "unlocked", "mated"), Signal.NOT_AVAILABLE)
    return {
        "seated": Signal(world.seated(place)),
        "locked": Signal(place.lock.made),
        "unlocked": Signal(place.lock.open),
        "mated": Signal(place.mated),
    }


def _bay(world: World, number: int) -> dict[str, Signal]:
    place: Place | None = world.bays.get(number)
    if place is None:
        return dict.fromkeys(("occupied", "locked", "mated", "smoke_clear"), Signal.NOT_AVAILABLE)
    return {
        "occupied": Signal(world.seated(place)),
        "locked": Signal(place.lock.made),
        "mated": Signal(place.mated),
        "smoke_clear": world.inputs.smoke_clear.get(number, Signal.TRUE),
    }
