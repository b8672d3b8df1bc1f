"""The lane: the truck that arrives, re-parks and leaves, wheel clamps and barrier, and the driver in the cab."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from hil.plant.movers import Actuator
from hil.plant.places import Place, mount
from hil.plant.rolling import Rolling
from hil.plant.truck import Truck

TOLERANCE_MM = 50.0
TOLERANCE_DEG = 1.0
MOVED_MM = 10.0
"""A truck in its clamps that has moved by more is no longer where the robot was told it is."""
DRIVE_IN_S = 5.0
REPARK_S = 15.0
LEAVE_S = 5.0


class Driving(Enum):
    """What the truck's driver does."""

    AWAY = "away"
    ARRIVING = "arriving"
    STANDING = "standing"
    REPARKING = "reparking"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class Parking:
    """How far off the truck stands."""

    x_error_mm: float
    y_error_mm: float
    angle_deg: float

    @property
    def good(self) -> bool:
        """Whether the robot can reach the mounts (domain: about 5 cm before the robot compensates)."""
        inside = abs(self.x_error_mm) <= TOLERANCE_MM and abs(self.y_error_mm) <= TOLERANCE_MM
        return inside and abs(self.angle_deg) <= TOLERANCE_DEG


class Lane:
    """At most one truck. Its mounts exist while it stands here."""

    def __init__(self, mount_addresses: Mapping[int, int], rng: random.Random) -> None:
        self.clamps = Actuator(0.0, 2.0)
        self.barrier = Actuator(0.0, 2.0)
        self.driving = Driving.AWAY
        self.truck: Truck | None = None
        self.mounts: dict[int, Place] = {}
        self.parking = Parking(0.0, 0.0, 0.0)
        self.departed: list[Truck] = []
        self._addresses, self._rng = dict(mount_addresses), rng
        self.rolling = Rolling()
        self._parked = self._next_parking = self.parking
        self._clamped_at_mm = 0.0
        self._remaining_s = 0.0
        self._was_clamped = False

    @property
    def present(self) -> bool:
        """Whether the lane's sensor sees a truck."""
        return self.driving in (Driving.STANDING, Driving.REPARKING, Driving.LEAVING)

    @property
    def in_position(self) -> bool:
        """Whether a truck stands within tolerance, and has not moved since the clamps closed on it."""
        if self.driving is not Driving.STANDING or not self.parking.good:
            return False
        return self.rolling.standing and abs(self.rolling.moved_mm - self._clamped_at_mm) <= MOVED_MM

    @property
    def stirring(self) -> bool:
        """Whether anything here moves by itself."""
        if self.driving is Driving.STANDING:
            return self._loose or self.rolling.speed_mm_s != 0.0
        return self.driving is not Driving.AWAY

    @property
    def driver_acts(self) -> bool:
        """Whether everybody waits for the driver."""
        return self.driving not in (Driving.AWAY, Driving.STANDING)

    def arrive(self, truck: Truck, parking: Parking | None = None) -> None:
        """A truck drives in; parking not given is drawn within tolerance. Raises ValueError if the lane is taken."""
        if self.truck is not None:
            raise ValueError("a truck is in the lane")
        if truck.mounts_fitted > len(self._addresses):
            raise ValueError(f"the station knows {len(self._addresses)} mounts")
        self.truck, self._was_clamped = truck, False
        self._drive(Driving.ARRIVING, DRIVE_IN_S, parking)

    def repark(self, parking: Parking | None = None) -> None:
        """The driver tries again. Raises ValueError if the truck cannot move."""
        if self.driving is not Driving.STANDING or not self.clamps.open:
            raise ValueError("no truck here that could move")
        self._drive(Driving.REPARKING, REPARK_S, parking)

    def drive_off(self) -> None:
        """The driver leaves as the truck came. Raises ValueError if the truck cannot move."""
        if self.driving is not Driving.STANDING or not self.clamps.open:
            raise ValueError("no truck here that could move")
        self._drive(Driving.LEAVING, LEAVE_S, self.parking)

    def advance(self, dt_s: float) -> None:
        """Let plant time pass."""
        truck = self.truck
        if truck is None:
            return
        truck.parking_brake = not self.driver_acts and not truck.faults.brake_released
        if self.driver_acts:
            self._remaining_s -= dt_s
            if self._remaining_s <= 0:
                self._arrived()
        elif self.stirring:
            self._roll(dt_s)
        if self.clamps.made:
            self._was_clamped = True
        elif self.clamps.open:
            self._clamped_at_mm = self.rolling.moved_mm
        if self._was_clamped and self._may_leave():
            self._drive(Driving.LEAVING, LEAVE_S, self.parking)

    @property
    def _loose(self) -> bool:
        """Whether neither brake nor clamps hold the truck."""
        return not self._braked and (self.rolling.despite_clamps or not self.clamps.made)

    @property
    def _braked(self) -> bool:
        return self.truck is not None and self.truck.parking_brake and not self.truck.faults.brake_slips

    def _roll(self, dt_s: float) -> None:
        self.rolling.advance(dt_s, self._braked, self.clamps.made)
        moved_mm = self.rolling.moved_mm
        self.parking = replace(self._parked, y_error_mm=self._parked.y_error_mm + moved_mm)
        for place in self.mounts.values():
            place.shift(moved_mm)

    def _may_leave(self) -> bool:
        """The driver goes once the way is open again and the dashboard shows that the truck can drive."""
        standing = self.driving is Driving.STANDING and self.truck is not None and not self.truck.swap_mode
        return standing and self._was_clamped and self.clamps.open and self.barrier.open

    def _drive(self, driving: Driving, duration_s: float, parking: Parking | None) -> None:
        self.driving, self._remaining_s = driving, duration_s
        self._next_parking = parking or self._draw()

    def _draw(self) -> Parking:
        return Parking(self._rng.gauss(0.0, 12.0), self._rng.gauss(0.0, 12.0), self._rng.gauss(0.0, 0.2))

    def _arrived(self) -> None:
        if self.driving is Driving.LEAVING and self.truck is not None:
            self.departed.append(self.truck)
            self.truck, self.mounts, self.driving = None, {}, Driving.AWAY
            return
        self.parking = self._parked = self._next_parking
        self.driving, self.rolling, self._clamped_at_mm = Driving.STANDING, Rolling(), 0.0
        if self.truck is not None and not self.mounts:
            self.truck.parking_brake = True
            self.mounts = {n: mount(n, self._addresses[n]) for n in range(1, self.truck.mounts_fitted + 1)}
            for number, pack in self.truck.packs.items():
                self.mounts[number].put(pack)
        for place in self.mounts.values():
            place.shift(0.0)

    def tell_truck(self) -> None:
        """The truck's own switches and wiring see what the mounts do."""
        if self.truck is None:
            return
        for number, place in self.mounts.items():
            self.truck.locked[number] = place.lock.made
            if place.pack is not None:
                self.truck.packs[number] = place.pack
            else:
                self.truck.packs.pop(number, None)
