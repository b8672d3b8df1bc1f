"""A swap robot's status of its decoded block, and the points of the block that is written to its PLC."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import IntEnum
from typing import TypeVar, cast

from drivers.polled import require, whole
from drivers.reading import Signal
from drivers.register_codec import Block, Values
from drivers.register_document import RegisterMapError
from drivers.register_points import Value
from drivers.registers import RegisterMap
from drivers.robot_protocol import (
    BaySensors,
    CommandBlock,
    EchoState,
    MountSensors,
    RobotMode,
    RobotState,
    RobotStatus,
    StopReason,
)

COMMAND_POINTS = ("sequence", "opcode", "source", "destination", "mount", "parameter_1", "parameter_2")
BLOCK_POINTS = ("heartbeat", "lease_ms", "permits", "stop_category", "supply_lease_ms", "charge_permits")
LABELS: Mapping[str, Mapping[int, IntEnum]] = {
    name: {int(member): member for member in label}
    for name, label in (
        ("mode", RobotMode),
        ("state", RobotState),
        ("stop_reason", StopReason),
        ("echo_state", EchoState),
    )
}
NOT_POINTS = ("received_s", "heartbeat_changed_s", "mounts", "bays")
STATUS_POINTS = tuple(f.name for f in fields(RobotStatus) if f.name not in NOT_POINTS)
NEEDED = tuple(f.name for f in fields(RobotStatus) if f.type == "int")


class StatusDecoder:
    """Makes statuses of decoded blocks; remembers when the PLC's heartbeat last moved. where: for the errors."""

    def __init__(self, register_map: RegisterMap, where: str) -> None:
        """Raises RegisterMapError if the map lacks a point that is needed here or in a command block."""
        block = register_map.block("status")
        require(register_map, block, ("map_id", "map_version", *STATUS_POINTS), ("mount", "bay"))
        require(register_map, register_map.block("command"), BLOCK_POINTS + COMMAND_POINTS)
        self._where = where
        self._mount = _sensors(register_map, block, "mount", MountSensors)
        self._bay = _sensors(register_map, block, "bay", BaySensors)
        self._heartbeat: int | None = None
        self._heartbeat_changed_s = 0.0

    def status(self, values: Values, now_s: float) -> RobotStatus:
        """The status that came at now_s. Raises BadData without a whole number that is needed."""
        known = whole(values.points, NEEDED, self._where)
        points = {name: known[name] for name in STATUS_POINTS}
        for name, members in LABELS.items():
            points[name] = members.get(points[name])  # a value that the PLC's map does not know is none
        if points["heartbeat"] != self._heartbeat:
            self._heartbeat, self._heartbeat_changed_s = points["heartbeat"], now_s
        return RobotStatus(
            received_s=now_s,
            heartbeat_changed_s=self._heartbeat_changed_s,
            mounts=tuple(map(self._mount, values.groups["mount"])),
            bays=tuple(map(self._bay, values.groups["bay"])),
            **points,
        )


def command_values(block: CommandBlock) -> dict[str, Value]:
    """The points of a command block."""
    values: dict[str, Value] = {name: int(getattr(block, name)) for name in BLOCK_POINTS}
    values.update((name, int(getattr(block.command, name))) for name in COMMAND_POINTS)
    return values


S = TypeVar("S", MountSensors, BaySensors)


def _sensors(register_map: RegisterMap, block: Block, name: str, record: type[S]) -> Callable[[tuple[Value, ...]], S]:
    """Turns a decoded element of a group into its record, remembering those it has made."""
    group = next(g for g in block.groups if g.name == name)
    wanted = tuple(f.name for f in fields(record))
    if not set(wanted) <= set(group.names):
        raise RegisterMapError(f"group {name} needs {', '.join(wanted)}", where=register_map.source)
    order = [group.names.index(w) for w in wanted]

    @functools.lru_cache(maxsize=1024)
    def make(element: tuple[Value, ...]) -> S:
        return record(*(cast(Signal, element[i]) for i in order))

    return make
