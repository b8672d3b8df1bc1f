"""Keeps the accounts of a truck's stay, and looks for what must never happen. The controller's word plays no part."""

from __future__ import annotations

from typing import Protocol

from hil.plant.lane import Driving, Lane
from hil.plant.ledger import Ledger, Visit
from hil.plant.robot import GantryRobot
from hil.plant.truck import Truck

LOAD_LIMIT_KG = 3500.0


class Seen(Protocol):
    """What the watch looks at."""

    robot: GantryRobot
    lane: Lane
    ledger: Ledger
    clock_s: float

    @property
    def truck(self) -> Truck | None:
        """The truck in the lane, once it stands there."""


class Watch:
    """`look` after each tick in which something may have changed."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._live_coupler = False
        self._overloaded = False
        self._rolling = False

    def look(self, visit: Visit | None) -> None:
        """visit: the stay under account when the tick began."""
        self._stay(visit)
        self._couplers()
        self._load()
        self._roll()

    def _stay(self, visit: Visit | None) -> None:
        seen = self._seen
        lane, visits = seen.lane, seen.ledger.visits
        if lane.truck is not None and lane.present and (not visits or visits[-1].left_s is not None):
            visits.append(Visit(lane.truck.vin, seen.clock_s))
        if visit is not None and lane.driving is Driving.LEAVING:
            visit.released_s = seen.clock_s
            self._departure()
        if lane.driving is Driving.AWAY and visits and visits[-1].left_s is None:
            visits[-1].left_s = seen.clock_s

    def _departure(self) -> None:
        seen = self._seen
        loose = [n for n, m in seen.lane.mounts.items() if m.pack is None or not m.lock.made]
        if loose:
            seen.ledger.violation(seen.clock_s, "truck left with mounts empty or unlocked", mounts=loose)
        if not seen.robot.clear_of_lane:
            seen.ledger.violation(seen.clock_s, "truck left under the robot")

    def _couplers(self) -> None:
        truck, mounts = self._seen.truck, self._seen.lane.mounts
        live = [n for n, m in mounts.items() if not m.coupler.made and truck and truck.contactor_closed(n)]
        if live and not self._live_coupler:
            self._seen.ledger.violation(self._seen.clock_s, "coupler parted under a closed contactor", mounts=live)
        self._live_coupler = bool(live)

    def _load(self) -> None:
        force_kg = self._seen.robot.load_kg
        if force_kg > LOAD_LIMIT_KG and not self._overloaded:
            self._seen.ledger.violation(self._seen.clock_s, "overload", load_kg=round(force_kg))
        self._overloaded = force_kg > LOAD_LIMIT_KG

    def _roll(self) -> None:
        lane, robot = self._seen.lane, self._seen.robot
        rolling = not lane.rolling.standing
        if rolling is not self._rolling:
            kind, moved_mm = "truck_rolls" if rolling else "truck_rolled", round(lane.rolling.moved_mm, 1)
            self._seen.ledger.event(self._seen.clock_s, kind, moved_mm=moved_mm, robot_clear=robot.clear_of_lane)
        self._rolling = rolling
