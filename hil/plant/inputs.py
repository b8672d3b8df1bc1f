"""The safety inputs of the cell."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.reading import Signal
from drivers.robot_protocol import RobotMode


@dataclass(slots=True)
class Inputs:
    """The safety inputs of the cell, as their sensors report them, and the key switch."""

    estop_released: Signal = Signal.TRUE
    zone_clear: Signal = Signal.TRUE
    doors_closed: Signal = Signal.TRUE
    fire_clear: Signal = Signal.TRUE
    platform_clear: Signal = Signal.TRUE
    local_enable: Signal = Signal.FALSE
    mode: RobotMode = RobotMode.PRODUCTION
    smoke_clear: dict[int, Signal] = field(default_factory=dict)  # by bay; not named: TRUE
    overrides: dict[str, Signal] = field(default_factory=dict)  # broken sensors: 'mount.1.locked', 'truck_present'
