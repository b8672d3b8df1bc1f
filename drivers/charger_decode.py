"""A charger's status of the points of its status block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import IntEnum
from typing import Any

from drivers.charger_status import NEVER_TESTED, ChargerState, ChargerStatus, ChargerStop
from drivers.polled import whole
from drivers.register_points import Value

LABELS: Mapping[str, Mapping[int, IntEnum]] = {
    "state": {int(member): member for member in ChargerState},
    "stop_reason": {int(member): member for member in ChargerStop},
}
STATUS_POINTS = tuple(f.name for f in fields(ChargerStatus) if not f.name.endswith("_s"))
NEEDED = tuple(f.name for f in fields(ChargerStatus) if f.type == "int")


def decoded(points: dict[str, Value], now_s: float, changed_s: float, where: str) -> ChargerStatus:
    """The status that came at now_s. Raises BadData without a whole number that is needed."""
    values = whole(points, NEEDED, where)
    chosen: dict[str, Any] = {name: values[name] for name in STATUS_POINTS}
    for name, members in LABELS.items():
        chosen[name] = members.get(chosen[name])  # a value that the map does not know is none
    if chosen["insulation_ohm_per_v"] == NEVER_TESTED:
        chosen["insulation_ohm_per_v"] = None
    return ChargerStatus(received_s=now_s, heartbeat_changed_s=changed_s, **chosen)
