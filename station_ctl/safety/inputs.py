"""How a Snapshot becomes the interlock's inputs: each a value and an age, nothing assumed, nothing remembered."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from station_ctl.kernel.interlock import INPUT_BLOCK_FORMAT, INPUT_SLOTS
from station_ctl.safety import from_can, from_plc, of_command
from station_ctl.safety.scene import Four, Number, Scene, number, signal
from station_ctl.safety.table import DISCRETE, Table, TableError

S = TypeVar("S")
_PACKER = struct.Struct(INPUT_BLOCK_FORMAT)
_DISCRETE, _ANALOGUE = INPUT_SLOTS
_SPARE = (*[0] * _DISCRETE, *[0.0] * _ANALOGUE)  # values of slots that no cause looks at
_OLDEST_MS = 0xFFFFFFFF


class Packer(Generic[S]):
    """Makes the kernel's input block of a scene, in the table's order.

    readers: how each input is read; subjects: what an analogue value is of, for its hysteresis, by input (else 0).
    Raises TableError if table and readers do not fit each other.
    """

    def __init__(
        self,
        table: Table,
        readers: Mapping[str, Callable[[S], Four | Number]],
        subjects: Mapping[str, Callable[[S], int]],
    ) -> None:
        if strange := {entry.name for entry in table.inputs} ^ set(readers):
            raise TableError(f"inputs {sorted(strange)} are not both in the table and in the code", where="interlock")
        self._slots = [
            (readers[entry.name], entry.index + (0 if entry.kind == DISCRETE else _DISCRETE)) for entry in table.inputs
        ]
        self._subjects = [(subjects[e.name], e.index) for e in table.inputs if e.name in subjects]

    def pack(self, scene: S) -> bytes:
        """The input block."""
        values: list[Any] = list(_SPARE)
        ages_ms, of = [0] * len(_SPARE), [0] * _ANALOGUE
        for read, slot in self._slots:
            values[slot], age_s = read(scene)
            if age_s:  # what the controller knows by itself has none
                ages_ms[slot] = _age_ms(age_s)
        for subject, index in self._subjects:
            of[index] = subject(scene)
        discrete, analogue = slice(_DISCRETE), slice(_DISCRETE, None)
        return _PACKER.pack(*values[discrete], *ages_ms[discrete], *values[analogue], *ages_ms[analogue], *of)


def _age_ms(age_s: float) -> int:
    """Milliseconds, rounded up; an age that is not finite, or lies in the future, is the oldest there is."""
    ms = age_s * 1000
    return math.ceil(ms) if 0 <= ms <= _OLDEST_MS else _OLDEST_MS


READERS: dict[str, Callable[[Scene], Four | Number]] = {
    "plc_alive": from_plc.plc_alive,
    "estop_released": from_plc.plc_signal(lambda robot: robot.estop_released),
    "fire_clear": from_plc.plc_signal(lambda robot: robot.fire_clear),
    "zone_clear": from_plc.plc_signal(lambda robot: robot.zone_clear),
    "doors_closed": from_plc.plc_signal(lambda robot: robot.doors_closed),
    "platform_clear": from_plc.plc_signal(lambda robot: robot.platform_clear),
    "plc_healthy": from_plc.plc_signal(from_plc.plc_healthy),
    "mode_permits": from_plc.mode_permits,
    "mode_manual_enabled": from_plc.plc_signal(from_plc.manual_enabled),
    "truck_in_position": from_plc.plc_signal(lambda robot: robot.truck_in_position),
    "wheels_clamped": from_plc.plc_signal(lambda robot: robot.wheels_clamped),
    "lane_safe": from_plc.lane_safe,
    "parking_brake": lambda scene: signal(scene.snapshot.truck.parking_brake, scene.snapshot.now_s),
    "swap_mode": lambda scene: signal(scene.snapshot.truck.swap_mode, scene.snapshot.now_s),
    "hv_off": lambda scene: signal(scene.snapshot.truck.hv_off, scene.snapshot.now_s),
    "truck_kept": from_can.truck_kept,
    "truck_contactors_open": from_can.truck_contactors_open,
    "pack_contactors_open": from_can.pack_contactors_open,
    "source_isolated": from_can.source_isolated,
    "source_unlocked": of_command.source_unlocked,
    "lift_is_free": of_command.lift_is_free,
    "destination_free": of_command.destination_free,
    "destination_unlocked": of_command.destination_unlocked,
    "gripper_ready": of_command.gripper_ready,
    "travel_free": of_command.travel_free,
    "bay_smoke_clear": of_command.bay_smoke_clear,
    "evacuation_called_for": of_command.evacuation_called_for,
    "aboard_no_thermal_event": from_can.aboard_no_thermal_event,
    "aboard_temperature_c": from_can.aboard_temperature_c,
    "installed_serials_match": from_can.installed_serials_match,
    "mounts_locked": from_plc.mounts_locked,
    "robot_clear": from_plc.plc_signal(lambda robot: robot.robot_clear),
    "installed_no_thermal_event": from_can.installed_no_thermal_event,
    "load_kg": from_plc.load_kg,
    "link_voltage_v": lambda scene: number(scene.snapshot.truck.link_voltage_v, scene.snapshot.now_s),
    "pack_current_a": from_can.pack_current_a,
    "aboard_link_voltage_v": from_can.aboard_link_voltage_v,
    "source_link_voltage_v": from_can.source_link_voltage_v,
    "installed_temperature_c": from_can.installed_temperature_c,
    "installed_voltage_gap_v": from_can.installed_voltage_gap_v,
    "installed_insulation_ohm_per_v": from_can.installed_insulation_ohm_per_v,
}
"""How each input of the table is read. A table input without a reader stops the start."""

SUBJECTS: dict[str, Callable[[Scene], int]] = {
    "pack_current_a": from_can.mated_mounts,
    "aboard_link_voltage_v": from_can.mated_mounts,
    "aboard_temperature_c": from_can.mated_mounts,
    "source_link_voltage_v": from_can.source_bay,
    "installed_temperature_c": from_can.installed_mounts,
    "installed_voltage_gap_v": from_can.installed_mounts,
    "installed_insulation_ohm_per_v": from_can.installed_mounts,
}
"""What an analogue value is of. Load cell and traction bus are always the same one: no subject."""
