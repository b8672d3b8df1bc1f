"""Where a pack can stand: a bay of the station, a mount of the truck."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drivers.robot_protocol import MOUNT_CODE_BASE


class PlaceKind(StrEnum):
    """What kind of place a pack can stand in."""

    BAY = "bay"
    MOUNT = "mount"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A bay of the station or a mount on the truck."""

    kind: PlaceKind
    number: int

    @property
    def code(self) -> int:
        """The place's location code in the PLC's command block."""
        return self.number + (MOUNT_CODE_BASE if self.kind is PlaceKind.MOUNT else 0)

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


def bay(number: int) -> Place:
    """Bay `number` (1..24)."""
    return Place(PlaceKind.BAY, number)


def mount(number: int) -> Place:
    """Mount `number` (1..3) of the truck in the lane."""
    return Place(PlaceKind.MOUNT, number)
