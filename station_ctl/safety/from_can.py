"""Inputs of the interlock that the truck and the packs say over CAN."""

from __future__ import annotations

import math

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Signal
from drivers.robot_protocol import MOUNT_CODE_BASE, Opcode
from station_ctl.model import bay, mount
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
            found.append(scene.snapshot.packs[mount(place)])
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


def source_isolated(scene: Scene) -> Four:
    """The pack to be lifted from a bay is parted, or says its contactor is open."""
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
    return all_true([(mated, 0.0), inverted(signal(status.contactor_closed, scene.snapshot.now_s))])


def aboard_no_thermal_event(scene: Scene) -> Four:
    """No pack mated at the truck reports a thermal event."""
    packs = _mated_packs(scene)
    if packs is None or not scene.fitted:
        return UNKNOWN
    return all_true(inverted(signal(p.thermal_event, scene.snapshot.now_s)) for p in packs)


def aboard_temperature_c(scene: Scene) -> Number:
    """The hottest of the packs mated at the truck."""
    packs = _mated_packs(scene)
    if packs is None or not scene.fitted:
        return UNKNOWN_NUMBER
    return worst((number(p.temperature_max_c, scene.snapshot.now_s) for p in packs), max, -math.inf)


def _installed(scene: Scene) -> list[PackStatus]:
    return [scene.snapshot.packs[mount(place)] for place in scene.installed]


def installed_no_thermal_event(scene: Scene) -> Four:
    """No pack put in by this swap reports a thermal event."""
    return all_true(inverted(signal(p.thermal_event, scene.snapshot.now_s)) for p in _installed(scene))


def installed_temperature_c(scene: Scene) -> Number:
    """The hottest of the packs put in by this swap."""
    numbers = (number(p.temperature_max_c, scene.snapshot.now_s) for p in _installed(scene))
    return worst(numbers, max, -math.inf)


def installed_insulation_ohm_per_v(scene: Scene) -> Number:
    """The worst insulation of the packs put in by this swap."""
    numbers = (number(p.insulation_ohm_per_v, scene.snapshot.now_s) for p in _installed(scene))
    return worst(numbers, min, math.inf)


def installed_serials_match(scene: Scene) -> Four:
    """Every pack put in by this swap is the one that was chosen, by its own word; the age is of its last frame."""
    found: list[Four] = []
    for place, serial in scene.installed.items():
        pack = scene.snapshot.packs[mount(place)]
        said = pack.identity.value if pack.identity.quality is Quality.GOOD else None
        match = Signal.NOT_AVAILABLE if said is None else Signal(said.serial == serial)
        found.append((match, scene.snapshot.now_s - pack.heard_s))
    return all_true(found)
