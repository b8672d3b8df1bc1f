"""What one bay's interlock looks at, and how each of its inputs is read. Nothing is assumed, nothing remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.pack_status import PackLink, PackStatus
from drivers.reading import Signal
from drivers.robot_protocol import BaySensors, RobotStatus
from station_ctl.charging.supervision import INPUTS
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import Place
from station_ctl.safety.scene import UNKNOWN, Four, Number, all_true, number, signal

HEARTBEAT_STILL_S = 0.3
"""A PLC whose heartbeat stands still for longer is not alive, even if it answers (30 scans of 10 ms)."""


@dataclass(frozen=True, slots=True)
class BayScene:
    """One bay at one instant.

    leaving: the robot lifts from it or sets down in it, or is about to. handled: the same, but for a charge that is
    led to its end before the robot can be there (`Bay.let_go`). quarantined: the pack there must not be used.
    disobeys: its supply is closed although its permit has been withdrawn for longer than that can take.
    equipment: what is found of its charger and meter (charging.supervision), None if it has none.
    """

    snapshot: Snapshot
    decision: Decision
    place: Place
    pack: PackStatus
    isolation: bool
    handled: bool
    quarantined: bool
    disobeys: bool
    equipment: Mapping[str, Signal] | None = None
    leaving: bool = False

    def plc(self, read: Callable[[RobotStatus, BaySensors], Signal]) -> Four:
        """A signal from the status block with the block's age."""
        robot = self.snapshot.robot
        if robot is None:
            return UNKNOWN
        return read(robot, robot.bays[self.place.number - 1]), self.snapshot.now_s - robot.received_s


Reader = Callable[[BayScene], Four | Number]


def _is(condition: bool) -> Signal:
    return Signal.TRUE if condition else Signal.FALSE


def _own(read: Callable[[BayScene], bool]) -> Reader:
    """Something the controller knows by itself: it has no age."""
    return lambda scene: (_is(read(scene)), 0.0)


def _pack(name: str) -> Reader:
    return lambda scene: signal(getattr(scene.pack, name), scene.snapshot.now_s)


def _number(name: str) -> Reader:
    return lambda scene: number(getattr(scene.pack, name), scene.snapshot.now_s)


def _equipment(name: str) -> Reader:
    """What was found of charger and meter; nothing is found of those that a bay does not have."""
    return lambda scene: (scene.equipment[name] if scene.equipment is not None else Signal.TRUE, 0.0)


def _plc_alive(scene: BayScene) -> Four:
    now_s = scene.snapshot.now_s
    return scene.plc(lambda robot, _: _is(now_s - robot.heartbeat_changed_s <= HEARTBEAT_STILL_S))


def _docked(scene: BayScene) -> Four:
    return scene.plc(lambda _, bay: all_true([(bay.occupied, 0.0), (bay.locked, 0.0), (bay.mated, 0.0)])[0])


def _monitored(scene: BayScene) -> Four:
    return _is(scene.pack.link is PackLink.MONITORED), scene.snapshot.now_s - scene.pack.heard_s


def _demand_heard(scene: BayScene) -> Four:
    demand_a, age_s = number(scene.pack.current_demand_a, scene.snapshot.now_s)
    return (_is(demand_a == demand_a), age_s)


def _content(scene: BayScene) -> bool:
    return scene.place not in scene.decision.suspect and scene.place not in scene.decision.blind


READERS: Mapping[str, Reader] = {
    "estop_released": lambda scene: scene.plc(lambda robot, _: robot.estop_released),
    "fire_clear": lambda scene: scene.plc(lambda robot, _: robot.fire_clear),
    "smoke_clear": lambda scene: scene.plc(lambda _, bay: bay.smoke_clear),
    "no_thermal_event": _own(lambda scene: scene.place not in scene.decision.thermal),
    "thermal_watch_content": _own(_content),
    "plc_alive": _plc_alive,
    "supply_obeys": _own(lambda scene: not scene.disobeys),
    "docked": _docked,
    "pack_monitored": _monitored,
    "demand_heard": _demand_heard,
    "pack_thermal_alarm": _pack("thermal_event"),
    "insulation_fault": _pack("insulation_fault"),
    "overtemperature": _pack("overtemperature"),
    "cell_voltage_fault": _pack("cell_voltage_fault"),
    "overcurrent": _pack("overcurrent"),
    "connector_fault": _pack("connector_fault"),
    "charge_permitted": _pack("charge_permitted"),
    "ordinary_bay": _own(lambda scene: not scene.isolation),
    "not_quarantined": _own(lambda scene: not scene.quarantined),
    "not_handled": _own(lambda scene: not scene.handled),
    "insulation_ohm_per_v": _number("insulation_ohm_per_v"),
    "temperature_max_c": _number("temperature_max_c"),
    "temperature_min_c": _number("temperature_min_c"),
    **{name: _equipment(name) for name in INPUTS},
}
"""Input of charging.toml -> how it is read."""


def _pack_number(scene: BayScene) -> int:
    """The running number in the pack's serial, 0 while it is not known."""
    identity = scene.pack.identity.value
    digits = identity.serial[-8:] if identity is not None else ""
    return int(digits) if digits.isdecimal() else 0


SUBJECTS: Mapping[str, Callable[[BayScene], int]] = dict.fromkeys(
    ("insulation_ohm_per_v", "temperature_max_c", "temperature_min_c"), _pack_number
)
"""Whose value it is: another pack in the bay is judged without the hysteresis of the one before."""
