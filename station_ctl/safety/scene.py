"""What the interlock's inputs are taken from, and how four-valued signals and numbers are combined.

Every function here may only make the picture worse: what is not known is NOT_AVAILABLE or NaN with infinite age.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import MountSensors, RobotCommand, RobotStatus
from station_ctl.model.look import Snapshot
from station_ctl.model.motion import LastMotion
from station_ctl.model.places import Place
from station_ctl.model.visit import Evacuation

Four = tuple[Signal, float]
"""A four-valued input and its age in seconds."""
Number = tuple[float, float]
"""An analogue input (NaN: unknown) and its age in seconds."""

UNKNOWN: Four = (Signal.NOT_AVAILABLE, math.inf)
UNKNOWN_NUMBER: Number = (math.nan, math.inf)
NOTHING_TO_WATCH: Four = (Signal.TRUE, 0.0)

_NO_PACK = PackStatus(0)
_BADNESS = {Signal.TRUE: 0, Signal.UNTRUSTED: 1, Signal.NOT_AVAILABLE: 2, Signal.FALSE: 3}
_INVERTED = {Signal.FALSE: Signal.TRUE, Signal.TRUE: Signal.FALSE}


@dataclass(frozen=True, slots=True)
class Scene:
    """What the inputs are taken from: the plant, the command meant, and which mounts matter.

    command:   the one under way or proposed; it says which place is the source and which the destination.
    last:      the last motion that the PLC took up (one that was stopped may be taken up again).
    fitted:    mounts that the truck has. installed: mounts that hold a pack put in by this swap, with its serial.
    worked_at: the truck was isolated for the robot and is not given back yet: it has to be held where it stands.
    evacuation, isolation, thermal: the evacuation under way, the isolation bays there are, and where a thermal event
    is measured. manual: the order is one motion that a person at the cabinet asked for.
    """

    snapshot: Snapshot
    command: RobotCommand | None
    last: LastMotion | None
    fitted: tuple[int, ...]
    installed: Mapping[int, str]
    worked_at: bool = False
    evacuation: Evacuation | None = None
    isolation: tuple[int, ...] = ()
    thermal: Mapping[Place, str] = field(default_factory=dict)
    manual: bool = False

    def sensors(self, number: int) -> MountSensors | None:
        """Sensors of a mount, None while the PLC is not readable."""
        robot = self.snapshot.robot
        return robot.mounts[number - 1] if robot and number <= len(robot.mounts) else None

    def pack(self, place: Place) -> PackStatus:
        """What the pack at a place says; silence for a place that is not configured."""
        return self.snapshot.packs.get(place, _NO_PACK)

    def plc(self, read: Callable[[RobotStatus], Signal]) -> Four:
        """A signal from the status block with the block's age."""
        robot = self.snapshot.robot
        return (read(robot), self.snapshot.now_s - robot.received_s) if robot else UNKNOWN


def all_true(signals: Iterable[Four]) -> Four:
    """The conjunction of four-valued signals with the age of the oldest; a known FALSE outweighs the unknown."""
    found = [*signals, NOTHING_TO_WATCH]
    return max([value for value, _ in found], key=_BADNESS.__getitem__), max([age for _, age in found])


def inverted(four: Four) -> Four:
    """FALSE for TRUE and TRUE for FALSE; what is not known stays so."""
    return _INVERTED.get(four[0], four[0]), four[1]


def signal(reading: Reading[Signal], now_s: float) -> Four:
    """A received signal with its age; of bad quality it is UNTRUSTED or NOT_AVAILABLE, whatever it reads."""
    if reading.quality is not Quality.GOOD or reading.value is None:
        bad = Signal.UNTRUSTED if reading.quality is Quality.UNTRUSTED else Signal.NOT_AVAILABLE
        return bad, reading.age_s(now_s)
    return reading.value, reading.age_s(now_s)


def number(reading: Reading[float], now_s: float) -> Number:
    """A received number with its age; of bad quality it is NaN."""
    good = reading.quality is Quality.GOOD and reading.value is not None
    return (reading.value if good and reading.value is not None else math.nan), reading.age_s(now_s)


def worst(numbers: Iterable[Number], pick: Callable[[Iterable[float]], float], none: float) -> Number:
    """The one that `pick` chooses with the age of the oldest; NaN if one is unknown, `none` if there are none."""
    found = list(numbers)
    if not found:
        return none, 0.0
    values = [value for value, _ in found]
    return (math.nan if any(math.isnan(v) for v in values) else pick(values)), max(age for _, age in found)
