"""Inputs of the interlock that the truck and the packs say over CAN."""

from __future__ import annotations

import math

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Signal
from drivers.robot_protocol import MOUNT_CODE_BASE, Opcode
from station_ctl.model.places import bay, mount
from station_ctl.safety.cells import voltage_gap_v
from station_ctl.safety.classes import EVACUATE, motion_class
from station_ctl.safety.scene import (
    NOTHING_TO_WATCH,
    UNKNOWN,
    UNKNOWN_NUMBER,
    Four,
    Number,
    Scene,
    all_true,
    inverted,
    number,
    signal,
    worst,
)


def truck_kept(scene: Scene) -> Four:
    """Parking brake and swap mode on; nothing to watch while no truck is worked at."""
    if not scene.worked_at:
        return NOTHING_TO_WATCH
    truck, now_s = scene.snapshot.truck, scene.snapshot.now_s
    return all_true([signal(truck.parking_brake, now_s), signal(truck.swap_mode, now_s)])


def truck_contactors_open(scene: Scene) -> Four:
    """Every fitted mount's contactor open, by the truck's word."""
    readings = [scene.snapshot.truck.contactors_closed[n - 1] for n in scene.fitted]
    if not readings:
        return UNKNOWN
    return all_true(inverted(signal(reading, scene.snapshot.now_s)) for reading in readings)


def _mated_packs(scene: Scene) -> list[PackStatus] | None:
    """Packs electrically connected to the truck; None if a coupler's state is not known."""
    found = []
    for place in scene.fitted:
        sensors = scene.sensors(place)
        if sensors is None or sensors.mated not in (Signal.TRUE, Signal.FALSE):
            return None
        if sensors.mated is Signal.TRUE:
            found.append(scene.snapshot.pack(mount(place)))
    return found


def pack_contactors_open(scene: Scene) -> Four:
    """Every pack mated at the truck has its contactor open, by its own word."""
    packs = _mated_packs(scene)
    if packs is None or not scene.fitted:
        return UNKNOWN
    return all_true(inverted(signal(p.contactor_closed, scene.snapshot.now_s)) for p in packs)


def pack_current_a(scene: Scene) -> Number:
    """The largest current of all packs mated at the truck, either direction."""
    packs = _mated_packs(scene)
    if packs is None or not scene.fitted:
        return UNKNOWN_NUMBER
    magnitudes = ((abs(v), age) for v, age in (number(p.pack_current_a, scene.snapshot.now_s) for p in packs))
    return worst(magnitudes, max, 0.0)


def aboard_link_voltage_v(scene: Scene) -> Number:
    """The highest voltage that a pack mated at the truck measures outside of its contactors."""
    packs = _mated_packs(scene)
    if packs is None or not scene.fitted:
        return UNKNOWN_NUMBER
    return worst((number(p.link_voltage_v, scene.snapshot.now_s) for p in packs), max, 0.0)


def source_isolated(scene: Scene) -> Four:
    """The bay's supply is open, and the pack to be lifted from it is parted or says that its contactor is open.

    For an evacuation the open supply alone is enough: through a coupler without supply no current flows whatever the
    pack's contactor does, and a BMS that burns says nothing any more.
    """
    command, robot = scene.command, scene.snapshot.robot
    if command is None or command.opcode is not Opcode.LIFT_FROM or command.source > MOUNT_CODE_BASE:
        return NOTHING_TO_WATCH
    if robot is None:
        return UNKNOWN
    sensors = robot.bays[command.source - 1]
    supply = scene.plc(lambda _: inverted((sensors.energised, 0.0))[0])
    if sensors.mated is Signal.FALSE or motion_class(command, scene.evacuation) == EVACUATE:
        return supply
    status = scene.pack(bay(command.source))
    return all_true([supply, (sensors.mated, 0.0), inverted(signal(status.contactor_closed, scene.snapshot.now_s))])


def source_link_voltage_v(scene: Scene) -> Number:
    """Voltage outside of the contactors of a pack that is to be lifted from a bay; 0 once its coupler is parted."""
    command, robot = scene.command, scene.snapshot.robot
    if command is None or command.opcode is not Opcode.LIFT_FROM or command.source > MOUNT_CODE_BASE:
        return 0.0, 0.0
    if robot is None:
        return UNKNOWN_NUMBER
    if robot.bays[command.source - 1].mated is Signal.FALSE:
        return 0.0, 0.0
    return number(scene.pack(bay(command.source)).link_voltage_v, scene.snapshot.now_s)


def aboard_no_thermal_event(scene: Scene) -> Four:
    """No pack mated at the truck reports a thermal event, or is found by ourselves to have one."""
    packs = _mated_packs(scene)
    if packs is None or not scene.fitted:
        return UNKNOWN
    if any(mount(n) in scene.thermal for n in scene.fitted):
        return Signal.FALSE, 0.0
    return all_true(inverted(signal(p.thermal_event, scene.snapshot.now_s)) for p in packs)


def aboard_temperature_c(scene: Scene) -> Number:
    """The hottest of the packs mated at the truck."""
    packs = _mated_packs(scene)
    if packs is None or not scene.fitted:
        return UNKNOWN_NUMBER
    return worst((number(p.temperature_max_c, scene.snapshot.now_s) for p in packs), max, -math.inf)


def _installed(scene: Scene) -> list[PackStatus]:
    return [scene.snapshot.pack(mount(place)) for place in scene.installed]


def installed_no_thermal_event(scene: Scene) -> Four:
    """No pack put in by this swap reports a thermal event, or is found by ourselves to have one."""
    if any(mount(n) in scene.thermal for n in scene.installed):
        return Signal.FALSE, 0.0
    return all_true(inverted(signal(p.thermal_event, scene.snapshot.now_s)) for p in _installed(scene))


def installed_temperature_c(scene: Scene) -> Number:
    """The hottest of the packs put in by this swap."""
    numbers = (number(p.temperature_max_c, scene.snapshot.now_s) for p in _installed(scene))
    return worst(numbers, max, -math.inf)


def installed_insulation_ohm_per_v(scene: Scene) -> Number:
    """The worst insulation of the packs put in by this swap."""
    numbers = (number(p.insulation_ohm_per_v, scene.snapshot.now_s) for p in _installed(scene))
    return worst(numbers, min, math.inf)


def installed_voltage_gap_v(scene: Scene) -> Number:
    """The widest gap between pack voltage and cell voltages of the packs put in by this swap."""
    return worst((voltage_gap_v(p, scene.snapshot.now_s) for p in _installed(scene)), max, 0.0)


def installed_serials_match(scene: Scene) -> Four:
    """Every pack put in by this swap is the one that was chosen, by its own word; the age is of its last frame."""
    found: list[Four] = []
    for place, serial in scene.installed.items():
        pack = scene.snapshot.pack(mount(place))
        said = pack.identity.value if pack.identity.quality is Quality.GOOD else None
        match = Signal.NOT_AVAILABLE if said is None else Signal(said.serial == serial)
        found.append((match, scene.snapshot.now_s - pack.heard_s))
    return all_true(found)


def mated_mounts(scene: Scene) -> int:
    """Subject of what is said of all packs mated at the truck: a bit for each of their mounts."""
    return sum(1 << n for n in scene.fitted if (sensors := scene.sensors(n)) and sensors.mated is Signal.TRUE)


def installed_mounts(scene: Scene) -> int:
    """Subject of what is said of all packs put in by this swap: a bit for each of their mounts."""
    return sum(1 << n for n in scene.installed)


def source_bay(scene: Scene) -> int:
    """Subject of what is said of the pack to be lifted from a bay: the bay's number, 0 if none is."""
    command = scene.command
    return command.source if command is not None and command.opcode is Opcode.LIFT_FROM else 0
