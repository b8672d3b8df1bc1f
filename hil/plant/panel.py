"""Every switch of the cell as the PLC's input modules see it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Protocol

from drivers.reading import Signal
from hil.plant.lane import Lane
from hil.plant.places import Place
from hil.plant.robot import SEATED_MM, GantryRobot
from hil.plant.sensors import FORGOTTEN_S, GAUGES, Gauges, Switches, Wear

ROBOT = ("gripper_closed", "gripper_holding", "robot_home", "robot_clear")
LANE = ("truck_present", "truck_in_position", "wheels_clamped", "barrier_closed")
MOUNT = ("seated", "locked", "unlocked", "mated")
BAY = ("occupied", "locked", "mated")
SAMPLE_S = 0.02
"""Plant time between looks at the switches while something may change; each reading of the registers is one too."""


class Cell(Protocol):
    """What the switches sense."""

    robot: GantryRobot
    lane: Lane
    bays: dict[int, Place]

    def seated(self, place: Place) -> bool:
        """Whether a pack stands there, held or not."""


class Panel:
    """Switches and gauges.

    worn:     what is wrong with which, by name ('mount.1.locked', 'truck_present', 'load_kg').
    settling: whether any switch is behind the truth; the world then samples each tick.
    version:  another number whenever any switch shows something else.
    """

    def __init__(self, cell: Cell, rng: random.Random) -> None:
        self.worn: dict[str, Wear] = {}
        self.gauges = Gauges(rng, self.worn)
        self.places: dict[Place, Switches] = {}
        self._cell, self._rng = cell, rng
        self._robot = Switches(ROBOT, self._robot_truth(), rng, self.worn)
        self._lane = Switches(LANE, self._lane_truth(), rng, self.worn)
        self._mounts: Mapping[int, Place] = {}
        self.settling, self.version = False, 0
        self._sampled_s = 0.0
        self._held = False
        for number, place in cell.bays.items():
            self._wire(place, f"bay.{number}", BAY)

    @property
    def signals(self) -> dict[str, Signal]:
        """The switches of robot and lane."""
        return dict(zip(ROBOT + LANE, self._robot.shown + self._lane.shown, strict=True))

    def known(self, name: str) -> bool:
        """Whether there is a sensor of that name that can wear."""
        group, _, rest = name.partition(".")
        points = {"bay": BAY, "mount": MOUNT}.get(group)
        if points is None:
            return name in GAUGES or name in ROBOT or name in LANE
        number, _, point = rest.partition(".")
        return number.isdigit() and point in points

    def wear(self, name: str, wear: Wear | None) -> None:
        """A sensor goes bad, or is mended (None). `known` names only."""
        if wear is None:
            self.worn.pop(name, None)
        else:
            self.worn[name] = wear

    def tick(self, now_s: float) -> None:
        """Sample, if nobody has lately."""
        if now_s - self._sampled_s >= SAMPLE_S - 1e-9:
            self.sample(now_s)

    def sample(self, now_s: float) -> None:
        """See what has changed at this plant time, and let what is due show it."""
        forgotten, self._sampled_s = now_s - self._sampled_s > FORGOTTEN_S, now_s
        if self._mounts is not self._cell.lane.mounts:
            self._rewire()
        settling = self._update(self._robot, self._robot_truth(), now_s, forgotten)
        settling |= self._update(self._lane, self._lane_truth(), now_s, forgotten)
        robot = self._cell.robot
        held = robot.pack is not None and robot.z.position_mm <= SEATED_MM
        look, behind, self._held = held or self._held, self.settling, held
        for place, switches in self.places.items():
            key = (place.pack, place.lock.position, place.coupler.position)
            if look or key != switches.key or (behind and switches.settling):
                switches.key = key
                settling |= self._update(switches, self._truth(place), now_s, forgotten)
        self.settling = settling

    def _update(self, switches: Switches, truth: tuple[bool, ...], now_s: float, forgotten: bool) -> bool:
        """Whether they are still behind."""
        if truth != switches.truth:
            switches.follow(truth, now_s, forgotten)
        if switches.settling:
            switches.settle(now_s)
            self.version += 1
        return switches.settling

    def _rewire(self) -> None:
        """Another truck: its mounts have switches of their own."""
        self.version += 1
        for place in self._mounts.values():
            self.places.pop(place, None)
        self._mounts = self._cell.lane.mounts
        for number, place in self._mounts.items():
            self._wire(place, f"mount.{number}", MOUNT)

    def _wire(self, place: Place, prefix: str, points: tuple[str, ...]) -> None:
        names = tuple(f"{prefix}.{point}" for point in points)
        self.places[place] = Switches(names, self._truth(place), self._rng, self.worn)

    def _truth(self, place: Place) -> tuple[bool, ...]:
        seated = self._cell.seated(place)
        if place.is_mount:
            return seated, place.lock.made, place.lock.open, place.mated
        return seated, place.lock.made, place.mated

    def _robot_truth(self) -> tuple[bool, ...]:
        robot = self._cell.robot
        return robot.gripper.made, robot.pack is not None, robot.home, robot.clear_of_lane

    def _lane_truth(self) -> tuple[bool, ...]:
        lane = self._cell.lane
        return lane.present, lane.in_position, lane.clamps.made, lane.barrier.made
