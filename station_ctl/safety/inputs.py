"""How a Snapshot becomes the interlock's inputs: each a value and an age, nothing assumed, nothing remembered.

Every function here may only make the picture worse: what is not known is NOT_AVAILABLE or NaN with infinite age.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import (
    MOUNT_CODE_BASE,
    EchoState,
    MountSensors,
    Opcode,
    RobotCommand,
    RobotMode,
    RobotState,
    RobotStatus,
)
from station_ctl.kernel.interlock import INPUT_BLOCK_FORMAT
from station_ctl.model import Snapshot, bay, mount
from station_ctl.safety.table import DISCRETE, Table

HEARTBEAT_STILL_S = 0.3
"""A PLC whose heartbeat stands still for longer is not alive, even if it answers (30 scans of 10 ms)."""

_PACKER = struct.Struct(INPUT_BLOCK_FORMAT)
_SLOTS = (32, 16)  # discrete, analogue; the kernel refuses a block of another size
_OLDEST_MS = 0xFFFFFFFF

Four = tuple[Signal, float]
"""A four-valued input and its age in seconds."""
Number = tuple[float, float]
"""An analogue input (NaN: unknown) and its age in seconds."""

UNKNOWN: Four = (Signal.NOT_AVAILABLE, math.inf)
UNKNOWN_NUMBER: Number = (math.nan, math.inf)
NOTHING_TO_WATCH: Four = (Signal.TRUE, 0.0)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the inputs are taken from: the plant, the command meant, and which mounts matter.

    command:   the one under way or proposed; it says which place is the source and which the destination.
    last:      the command given before (a stopped placement may be taken up again on its own place).
    fitted:    mounts that the truck has. installed: mounts that hold a pack put in by this swap.
    """

    snapshot: Snapshot
    command: RobotCommand | None
    last: RobotCommand | None
    fitted: tuple[int, ...]
    installed: tuple[int, ...]

    def sensors(self, number: int) -> MountSensors | None:
        """Sensors of a mount, None while the PLC is not readable."""
        robot = self.snapshot.robot
        return robot.mounts[number - 1] if robot and number <= len(robot.mounts) else None

    def plc(self, read: Callable[[RobotStatus], Signal]) -> Four:
        """A signal from the status block with the block's age."""
        robot = self.snapshot.robot
        return (read(robot), self.snapshot.now_s - robot.received_s) if robot else UNKNOWN


def pack(scene: Scene, table: Table) -> bytes:
    """The input block of the kernel for this scene, in the table's order."""
    discrete, analogue = [0] * _SLOTS[0], [0.0] * _SLOTS[1]  # spare slots: no cause looks at them
    discrete_age, analogue_age = [0] * _SLOTS[0], [0] * _SLOTS[1]
    for entry in table.inputs:
        value, age_s = READERS[entry.name](scene)
        if entry.kind == DISCRETE:
            discrete[entry.index], discrete_age[entry.index] = int(value), _age_ms(age_s)
        else:
            analogue[entry.index], analogue_age[entry.index] = value, _age_ms(age_s)
    return _PACKER.pack(*discrete, *discrete_age, *analogue, *analogue_age)


def _age_ms(age_s: float) -> int:
    return min(math.ceil(max(age_s, 0.0) * 1000), _OLDEST_MS) if math.isfinite(age_s) else _OLDEST_MS


def all_true(signals: Iterable[Four]) -> Four:
    """The conjunction of four-valued signals with the age of the oldest; a known FALSE outweighs the unknown."""
    found = [*signals, NOTHING_TO_WATCH]
    age = max(age for _, age in found)
    for value in (Signal.FALSE, Signal.NOT_AVAILABLE, Signal.UNTRUSTED):
        if any(signal is value for signal, _ in found):
            return value, age
    return Signal.TRUE, age


def inverted(four: Four) -> Four:
    """FALSE for TRUE and TRUE for FALSE; what is not known stays so."""
    swapped = {Signal.FALSE: Signal.TRUE, Signal.TRUE: Signal.FALSE}
    return swapped.get(four[0], four[0]), four[1]


def _read(reading: Reading[Signal], now_s: float) -> Four:
    if reading.quality is not Quality.GOOD or reading.value is None:
        bad = Signal.UNTRUSTED if reading.quality is Quality.UNTRUSTED else Signal.NOT_AVAILABLE
        return bad, reading.age_s(now_s)
    return reading.value, reading.age_s(now_s)


def _number(reading: Reading[float], now_s: float) -> Number:
    good = reading.quality is Quality.GOOD and reading.value is not None
    return (reading.value if good and reading.value is not None else math.nan), reading.age_s(now_s)


def _worst(numbers: Iterable[Number], pick: Callable[[Iterable[float]], float], none: float) -> Number:
    found = list(numbers)
    if not found:
        return none, 0.0
    values = [value for value, _ in found]
    return (math.nan if any(math.isnan(v) for v in values) else pick(values)), max(age for _, age in found)


# --- from the PLC ---------------------------------------------------------------------------------------------------


def _signal(read: Callable[[RobotStatus], Signal]) -> Callable[[Scene], Four]:
    return lambda scene: scene.plc(read)


def _true(condition: bool) -> Signal:
    return Signal.TRUE if condition else Signal.FALSE


def _plc_alive(scene: Scene) -> Four:
    now_s = scene.snapshot.now_s
    return scene.plc(lambda robot: _true(now_s - robot.heartbeat_changed_s <= HEARTBEAT_STILL_S))


def _plc_healthy(robot: RobotStatus) -> Signal:
    if robot.state is None:
        return Signal.UNTRUSTED
    return _true(robot.state not in (RobotState.FAULTED, RobotState.EMERGENCY_STOPPED))


def _mode(robot: RobotStatus) -> Signal:
    return Signal.UNTRUSTED if robot.mode is None else _true(robot.mode is RobotMode.PRODUCTION)


def _manual_enabled(robot: RobotStatus) -> Signal:
    manual = Signal.UNTRUSTED if robot.mode is None else _true(robot.mode is RobotMode.MANUAL)
    return all_true([(manual, 0.0), (robot.local_enable, 0.0)])[0]


def _lane_safe(robot: RobotStatus) -> Signal:
    if robot.truck_present is Signal.FALSE:
        return Signal.TRUE
    return all_true([(robot.truck_present, 0.0), (robot.truck_in_position, 0.0), (robot.wheels_clamped, 0.0)])[0]


def _load(scene: Scene) -> Number:
    robot = scene.snapshot.robot
    if robot is None or robot.load_kg is None:
        return UNKNOWN_NUMBER
    return robot.load_kg, scene.snapshot.now_s - robot.received_s


def _lock_switches(sensors: MountSensors, locked: bool) -> list[Four]:
    on, off = (sensors.locked, sensors.unlocked) if locked else (sensors.unlocked, sensors.locked)
    return [(on, 0.0), inverted((off, 0.0))]


def _source_unlocked(scene: Scene) -> Four:
    command = scene.command
    if command is None or command.opcode is not Opcode.LIFT_FROM or command.source <= MOUNT_CODE_BASE:
        return NOTHING_TO_WATCH
    sensors = scene.sensors(command.source - MOUNT_CODE_BASE)
    if sensors is None:
        return UNKNOWN
    return scene.plc(lambda _: all_true(_lock_switches(sensors, locked=False))[0])


def _destination_free(scene: Scene) -> Four:
    command = scene.command
    if command is None or command.opcode is not Opcode.PLACE_TO:
        return NOTHING_TO_WATCH
    return scene.plc(lambda robot: _is_free(scene, robot, command))


def _is_free(scene: Scene, robot: RobotStatus, command: RobotCommand) -> Signal:
    number = command.destination
    if number > MOUNT_CODE_BASE:
        occupied = robot.mounts[number - MOUNT_CODE_BASE - 1].seated
    else:
        occupied = robot.bays[number - 1].occupied
    return Signal.TRUE if _taken_up_again(scene, robot, command) else inverted((occupied, 0.0))[0]


def _taken_up_again(scene: Scene, robot: RobotStatus, command: RobotCommand) -> bool:
    """True if the last thing the robot did was this very placement: what fills the place is the pack it placed."""
    last = scene.last
    if last is None or robot.echo_sequence != last.sequence:
        return False
    if (last.opcode, last.destination) != (command.opcode, command.destination):
        return False
    done = robot.echo_state is EchoState.DONE and robot.gripper_holding is Signal.FALSE
    return done or robot.echo_state is EchoState.STOPPED


def _mounts_locked(scene: Scene) -> Four:
    found = [scene.sensors(number) for number in scene.fitted]
    if not found:
        return UNKNOWN
    signals: list[Four] = []
    for sensors in found:
        if sensors is None:
            return UNKNOWN
        signals += [(sensors.seated, 0.0), *_lock_switches(sensors, locked=True)]
    return scene.plc(lambda _: all_true(signals)[0])


# --- from the truck and the packs -----------------------------------------------------------------------------------


def _truck_contactors_open(scene: Scene) -> Four:
    readings = [scene.snapshot.truck.contactors_closed[n - 1] for n in scene.fitted]
    if not readings:
        return UNKNOWN
    return all_true(inverted(_read(reading, scene.snapshot.now_s)) for reading in readings)


def _mated_packs(scene: Scene) -> list[PackStatus] | None:
    """Packs electrically connected to the truck; None if a coupler's state is not known."""
    found = []
    for number in scene.fitted:
        sensors = scene.sensors(number)
        if sensors is None or sensors.mated not in (Signal.TRUE, Signal.FALSE):
            return None
        if sensors.mated is Signal.TRUE:
            found.append(scene.snapshot.packs[mount(number)])
    return found


def _pack_contactors_open(scene: Scene) -> Four:
    packs = _mated_packs(scene)
    if packs is None or not scene.fitted:
        return UNKNOWN
    return all_true(inverted(_read(p.contactor_closed, scene.snapshot.now_s)) for p in packs)


def _pack_current(scene: Scene) -> Number:
    packs = _mated_packs(scene)
    if packs is None or not scene.fitted:
        return UNKNOWN_NUMBER
    magnitudes = ((abs(v), age) for v, age in (_number(p.pack_current_a, scene.snapshot.now_s) for p in packs))
    return _worst(magnitudes, max, 0.0)


def _source_isolated(scene: Scene) -> Four:
    command = scene.command
    robot = scene.snapshot.robot
    if command is None or command.opcode is not Opcode.LIFT_FROM or command.source > MOUNT_CODE_BASE:
        return NOTHING_TO_WATCH
    if robot is None:
        return UNKNOWN
    mated = robot.bays[command.source - 1].mated
    if mated is Signal.FALSE:
        return NOTHING_TO_WATCH
    status = scene.snapshot.packs[bay(command.source)]
    return all_true([(mated, 0.0), inverted(_read(status.contactor_closed, scene.snapshot.now_s))])


def _installed(scene: Scene) -> list[PackStatus]:
    return [scene.snapshot.packs[mount(number)] for number in scene.installed]


def _installed_no_thermal_event(scene: Scene) -> Four:
    return all_true(inverted(_read(p.thermal_event, scene.snapshot.now_s)) for p in _installed(scene))


def _installed_temperature(scene: Scene) -> Number:
    numbers = (_number(p.temperature_max_c, scene.snapshot.now_s) for p in _installed(scene))
    return _worst(numbers, max, -math.inf)


def _installed_insulation(scene: Scene) -> Number:
    numbers = (_number(p.insulation_ohm_per_v, scene.snapshot.now_s) for p in _installed(scene))
    return _worst(numbers, min, math.inf)


READERS: dict[str, Callable[[Scene], Four | Number]] = {
    "plc_alive": _plc_alive,
    "estop_released": _signal(lambda robot: robot.estop_released),
    "fire_clear": _signal(lambda robot: robot.fire_clear),
    "zone_clear": _signal(lambda robot: robot.zone_clear),
    "doors_closed": _signal(lambda robot: robot.doors_closed),
    "platform_clear": _signal(lambda robot: robot.platform_clear),
    "plc_healthy": _signal(_plc_healthy),
    "mode_production": _signal(_mode),
    "mode_manual_enabled": _signal(_manual_enabled),
    "truck_in_position": _signal(lambda robot: robot.truck_in_position),
    "wheels_clamped": _signal(lambda robot: robot.wheels_clamped),
    "lane_safe": _signal(_lane_safe),
    "parking_brake": lambda scene: _read(scene.snapshot.truck.parking_brake, scene.snapshot.now_s),
    "swap_mode": lambda scene: _read(scene.snapshot.truck.swap_mode, scene.snapshot.now_s),
    "hv_off": lambda scene: _read(scene.snapshot.truck.hv_off, scene.snapshot.now_s),
    "truck_contactors_open": _truck_contactors_open,
    "pack_contactors_open": _pack_contactors_open,
    "source_isolated": _source_isolated,
    "source_unlocked": _source_unlocked,
    "destination_free": _destination_free,
    "mounts_locked": _mounts_locked,
    "robot_clear": _signal(lambda robot: robot.robot_clear),
    "installed_no_thermal_event": _installed_no_thermal_event,
    "load_kg": _load,
    "link_voltage_v": lambda scene: _number(scene.snapshot.truck.link_voltage_v, scene.snapshot.now_s),
    "pack_current_a": _pack_current,
    "installed_temperature_c": _installed_temperature,
    "installed_insulation_ohm_per_v": _installed_insulation,
}
"""How each input of the table is read. A table input without a reader stops the start."""
