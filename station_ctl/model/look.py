"""What one cycle looks at: what the drivers had read, and what the interlock decided of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.charger_status import ChargerStatus, SetPoint
from drivers.meter_status import MeterStatus
from drivers.pack_status import PackStatus
from drivers.robot_protocol import MotionClass, RobotStatus
from drivers.truck_status import TruckStatus
from station_ctl.model.charge_estimate import ChargeEstimate
from station_ctl.model.charge_plan import ChargePlan
from station_ctl.model.places import Place
from station_ctl.model.state import BayCharge

_NO_PACK = PackStatus(0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the drivers had read, at one instant.

    robot: None while the PLC is not readable; robot_error then says why in one sentence.
    can:   state of each CAN bus by name, e.g. 'UP'.
    unwatched: zone, doors or key were not good in some reading since the last snapshot, or there was a gap in them;
    unwatched_s: when that was so last, in event-loop seconds (swap.doorkeeper).
    chargers, meters: by bay, those that have been heard; grid: the meter at the connection point, None if there is none
    or it was not heard. plan: the charge plan that holds, None: the default (charging.plan).
    estimates: by serial, of packs that are here or were a moment ago; not_estimated: by serial why a pack has none.
    unsaid: bays whose charger could not be told what is wanted of it, and is OFF, and why. silent_s: so long nothing
    was said to the chargers, if that was longer than a want holds (they were OFF by then), else 0; journal_s: so much
    of it was waiting for an entry of the journal.
    """

    now_s: float
    robot: RobotStatus | None
    robot_error: str
    truck: TruckStatus
    packs: Mapping[Place, PackStatus]
    can: Mapping[str, str] = field(default_factory=dict)
    unwatched: bool = False
    unwatched_s: float | None = None
    chargers: Mapping[int, ChargerStatus] = field(default_factory=dict)
    meters: Mapping[int, MeterStatus] = field(default_factory=dict)
    grid: MeterStatus | None = None
    plan: ChargePlan | None = None
    estimates: Mapping[str, ChargeEstimate] = field(default_factory=dict)
    not_estimated: Mapping[str, str] = field(default_factory=dict)
    unsaid: Mapping[int, str] = field(default_factory=dict)
    silent_s: float = 0.0
    journal_s: float = 0.0

    def pack(self, place: Place) -> PackStatus:
        """What the pack at a place says; silence for a place that is not configured."""
        return self.packs.get(place, _NO_PACK)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the interlock decided in one cycle.

    permits: motion classes that may go on. latched: a trip (or boot) withholds everything until a person's reset.
    stop_category: 0 none, else the IEC 60204-1 category to command.
    first_out: the cause that tripped first; tripped is its one-line explanation as measured at that instant.
    active: every cause that stands now, with the classes of motion it withholds; blocks_reset: those of them that
    keep the latch from opening. thermal: places with a thermal event, each with what was measured; suspect: places
    where one may begin; blind: places where none could be seen. charge_permits: bit n - 1 lets the supply of bay n be
    closed; charging: the same by bay, with the reason. set_points: what is wanted of the charger of each bay that has
    one.
    """

    permits: MotionClass
    latched: bool
    stop_category: int
    first_out: str | None
    active: Mapping[str, MotionClass]
    tripped: str = ""
    blocks_reset: tuple[str, ...] = ()
    thermal: Mapping[Place, str] = field(default_factory=dict)
    suspect: Mapping[Place, str] = field(default_factory=dict)
    blind: Mapping[Place, str] = field(default_factory=dict)
    charge_permits: int = 0
    charging: Mapping[int, BayCharge] = field(default_factory=dict)
    set_points: Mapping[int, SetPoint] = field(default_factory=dict)

    def blocking(self, wanted: MotionClass) -> tuple[str, ...]:
        """Names of the active causes that withhold any of the wanted classes."""
        return tuple(name for name, withheld in self.active.items() if withheld & wanted)
