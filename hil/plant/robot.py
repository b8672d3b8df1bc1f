"""The gantry robot's mechanics: three axes, a hoist that sways, gripper, load cell, and the stages it works through."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hil.plant.load_cell import LoadCell
from hil.plant.movers import Actuator, Axis, Mover
from hil.plant.pack import Pack
from hil.plant.sway import GRAVITY_MM_S2, Sway

TRAVEL_HEIGHT_MM = 2200.0
HOME_MM = (-2400.0, 0.0)
AT_MM = 5.0
"""How near to a place counts as being there."""
SEATED_MM = 20.0
LIFTED_MM = 10.0
"""The ropes stretch: the weight comes onto the robot over so many mm, the whole of it hangs from there on."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of a motion: what is driven where, together; `effect` happens when all are there.

    touches: whether it changes anything at a place (locks, couplers, packs), or only moves the robot.
    """

    step: int
    drives: tuple[tuple[Mover, float], ...]
    effect: Callable[[], None] | None = None
    limit_s: float = 60.0
    touches: bool = True


class GantryRobot:
    """Positions are of the gripper: z 0 is seated in a place, TRAVEL_HEIGHT_MM is clear of everything."""

    def __init__(self, rng: random.Random) -> None:
        self.x = Axis(HOME_MM[0], 1000.0, 500.0)
        self.y = Axis(HOME_MM[1], 500.0, 250.0)
        self.z = Axis(TRAVEL_HEIGHT_MM, 250.0, 500.0)
        self.gripper = Actuator(0.0, 1.5)
        self.pack: Pack | None = None
        self.sway = Sway()
        self.load_cell = LoadCell(rng)
        self.step = 0
        self.touched = False  # whether the last tick may have changed anything at a place
        self._stages: list[Stage] = []
        self._in_stage_s = 0.0
        self._braking: bool | None = None  # None: no stop asked; else whether it is a hard one

    @property
    def active(self) -> bool:
        """Whether a motion is under way, or being stopped."""
        return bool(self._stages)

    @property
    def still(self) -> bool:
        """Whether every axis stands."""
        return self.x.still and self.y.still and self.z.still

    @property
    def raised(self) -> bool:
        """Whether the gripper is at travel height."""
        return self.z.position_mm >= TRAVEL_HEIGHT_MM - AT_MM

    @property
    def home(self) -> bool:
        """Whether the robot is parked."""
        return self.raised and self.at(*HOME_MM)

    @property
    def clear_of_lane(self) -> bool:
        """Whether nothing of the robot or its load is in the truck's way."""
        outside = abs(self.x.position_mm) >= 1800.0
        return outside or (self.raised and self.pack is None)

    @property
    def load_kg(self) -> float:
        """What pulls at the load cell; the cell's own reading is `load_cell.read_kg`."""
        return self.load_cell.force_kg

    @property
    def overdue(self) -> bool:
        """Whether the present stage takes longer than it can."""
        return self.active and self._in_stage_s > self._stages[0].limit_s

    def at(self, x_mm: float, y_mm: float) -> bool:
        """Whether the gripper is over this point."""
        return abs(self.x.position_mm - x_mm) <= AT_MM and abs(self.y.position_mm - y_mm) <= AT_MM

    def start(self, stages: Sequence[Stage]) -> None:
        """Begin a motion; whoever calls made sure that none is under way."""
        self._stages, self._braking, self._in_stage_s = list(stages), None, 0.0
        self.step = self._stages[0].step if self._stages else 0

    def stop(self, hard: bool = False) -> None:
        """Ramp down (IEC 60204-1 category 1); the motion is forgotten once all stands."""
        if self.active:
            self._braking = hard or bool(self._braking)

    def drop_dead(self) -> None:
        """Power is gone: brakes fall in, the motion is forgotten. The gripper holds by its springs."""
        self._stages, self._braking, self.step = [], None, 0
        self.sway.jolt(self.x.speed_mm_s, self.y.speed_mm_s)
        for axis in (self.x, self.y, self.z):
            axis.drop_dead()

    def advance(self, dt_s: float) -> float:
        """Let plant time pass; the seconds of it in which a motion was under way."""
        z_mm_s, self.touched = self.z.speed_mm_s, False
        left_s = dt_s
        if self._braking is not None:
            left_s = self._brake(dt_s)
        elif self._stages:
            left_s = self._work(dt_s)
        if left_s > 0:
            self.sway.follow(self.x, self.y, left_s)
        self._weigh(dt_s, (self.z.speed_mm_s - z_mm_s) / dt_s)
        return dt_s - left_s

    def _brake(self, dt_s: float) -> float:
        for axis in (self.x, self.y, self.z):
            axis.brake(dt_s, bool(self._braking))
        self.sway.follow(self.x, self.y, dt_s)
        if self.still:
            self._stages, self._braking, self.step = [], None, 0
        return 0.0

    def _work(self, dt_s: float) -> float:
        while self._stages:
            stage = self._stages[0]
            self.touched = self.touched or stage.touches
            left_s: float | None = dt_s
            for mover, target in stage.drives:
                part_s = mover.drive(target, dt_s)
                left_s = None if part_s is None or left_s is None else min(part_s, left_s)
            self._in_stage_s += dt_s
            self.sway.follow(self.x, self.y, dt_s - (left_s or 0.0))
            if left_s is None:
                return 0.0
            dt_s = left_s
            self._stages.pop(0)
            if stage.effect is not None:
                stage.effect()
            self._in_stage_s = 0.0
            self.step = self._stages[0].step if self._stages else 0
        return dt_s

    def _weigh(self, dt_s: float, lift_mm_s2: float) -> None:
        """The pull on the load cell: the weight that hangs, more while it is speeded up, and as it swings."""
        if self.pack is None:
            self.load_cell.advance(dt_s, 0.0)
            return
        hanging = min(1.0, max(0.0, self.z.position_mm / LIFTED_MM))
        dynamic = 1.0 + lift_mm_s2 / GRAVITY_MM_S2 + self.sway.load_share
        self.load_cell.advance(dt_s, self.pack.mass_kg * hanging * dynamic)
