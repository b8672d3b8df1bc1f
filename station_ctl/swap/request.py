"""A verb that is asked of a station, with all that its rule may look at. Plain values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from drivers.robot_protocol import RobotStatus
from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, bay
from station_ctl.model.state import Asked, StationState
from station_ctl.model.words import Reason
from station_ctl.swap.hindrance import isolation_bays


@dataclass(frozen=True, slots=True)
class Request:
    """A verb asked of a station in a state: all that a rule looks at. thermal: places with an event in this cycle."""

    asked: Asked
    state: StationState
    snapshot: Snapshot
    config: Config
    thermal: Collection[Place]

    @property
    def robot(self) -> RobotStatus | None:
        """The robot, None while the PLC is not readable."""
        return self.snapshot.robot

    @property
    def now_s(self) -> float:
        """Event-loop time."""
        return self.snapshot.now_s

    @property
    def isolation(self) -> tuple[int, ...]:
        """Isolation bays that are measured empty, not in quarantine and without a thermal event."""
        return tuple(isolation_bays(self.state, self.snapshot, self.config, self.thermal))

    @property
    def reason(self) -> Reason:
        """Who asked for what."""
        return Reason(f"asked_{self.asked.verb}", f"{self.asked.verb} asked by {self.asked.issuer}")

    @property
    def place(self) -> Place | None:
        """The bay named with the verb."""
        return bay(self.asked.bay) if self.asked.bay is not None else None
