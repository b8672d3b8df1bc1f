"""Where a pack can be locked in: bays and a truck's mounts."""

from __future__ import annotations

from drivers.robot_protocol import MOUNT_CODE_BASE
from hil.plant.movers import Actuator
from hil.plant.pack import Pack

BAY_PITCH_MM = 1600.0
LANE_HALF_MM = 2400.0
MOUNT_PITCH_MM = 2600.0
PINS = 0.85
"""Share of its stroke from which on a coupler's pins touch. Its switch is made at the end only, so that it opens,
filter and all, before the pack falls silent."""


class Place:
    """A bay or a mount. `address` is the source address its connector codes for a pack that is mated here."""

    def __init__(self, code: int, x_mm: float, y_mm: float, address: int, *, lock_s: float, mate_s: float) -> None:
        self.code, self.x_mm, self.y_mm, self.address = code, x_mm, y_mm, address
        self._nominal_y_mm = y_mm
        self.pack: Pack | None = None
        self.lock = Actuator(0.0, lock_s)
        self.coupler = Actuator(0.0, mate_s)

    @property
    def name(self) -> str:
        """'bay 3', 'mount 1'."""
        return f"mount {self.code - MOUNT_CODE_BASE}" if self.is_mount else f"bay {self.code}"

    @property
    def is_mount(self) -> bool:
        """Whether this is a mount on the truck."""
        return self.code > MOUNT_CODE_BASE

    @property
    def mated(self) -> bool:
        """Whether a pack is electrically connected here."""
        return self.pack is not None and self.coupler.made

    def shift(self, y_mm: float) -> None:
        """What it is fastened to stands so far from where it was measured."""
        self.y_mm = self._nominal_y_mm + y_mm

    def put(self, pack: Pack) -> None:
        """Lock a pack in as it stands before a scenario begins."""
        self.pack, self.lock.position, self.coupler.position = pack, 1.0, 1.0
        self.connect()

    @property
    def stale(self) -> bool:
        """Whether the coupler has mated or parted since `connect`. Pins that wiped on stay on until they leave."""
        pack = self.pack
        return pack is not None and pack.mated is not (self.coupler.position >= (PINS if pack.mated else 1.0))

    def connect(self) -> None:
        """Let the pack know what its coupler does."""
        if self.pack is not None and self.stale:
            if self.pack.mated:
                self.pack.part()
            else:
                self.pack.mate(self.address)


def bay(number: int, index: int, of: int, address: int) -> Place:
    """Bay `index` (0-based) of `of` in a row across the lane, which lies in the middle."""
    left = (of + 1) // 2
    x_mm = (
        -LANE_HALF_MM - BAY_PITCH_MM * (left - 1 - index)
        if index < left
        else LANE_HALF_MM + BAY_PITCH_MM * (index - left)
    )
    return Place(number, x_mm, 0.0, address, lock_s=1.0, mate_s=1.0)


def mount(number: int, address: int) -> Place:
    """Mount 1 is nearest to the cab; the truck stands along y."""
    return Place(MOUNT_CODE_BASE + number, 0.0, (number - 1) * MOUNT_PITCH_MM, address, lock_s=2.0, mate_s=1.0)
