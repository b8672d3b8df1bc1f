"""The ports of one station, and what all of them have read at one instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from station_ctl.config import Config
from station_ctl.estimates.station import NO_ESTIMATES
from station_ctl.model.charge_plan import ChargePlan
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, bay, mount
from station_ctl.ports import (
    ChargerPort,
    EstimatesPort,
    JournalPort,
    MeterPort,
    PackPort,
    RobotPort,
    TruckPort,
    UplinkPort,
)
from station_ctl.swap.doorkeeper import Doorkeeper


@dataclass(frozen=True, slots=True)
class Plant:
    """The ports of one station. can: state of each bus by name; clock: the event loop's time in seconds.

    doorkeeper: has looked at every status that the robot's driver has read. recorder: the trouble of the black box, ''
    without any. chargers, meters: by bay, of those bays that have one; grid: the meter at the connection point.
    estimates: of the packs' charge; fed with every snapshot.
    """

    robot: RobotPort
    packs: PackPort
    truck: TruckPort
    uplink: UplinkPort
    journal: JournalPort
    can: Callable[[], dict[str, str]]
    clock: Callable[[], float]
    doorkeeper: Doorkeeper
    recorder: Callable[[], str] = str
    chargers: Mapping[int, ChargerPort] = field(default_factory=dict)
    meters: Mapping[int, MeterPort] = field(default_factory=dict)
    grid: MeterPort | None = None
    estimates: EstimatesPort = NO_ESTIMATES

    def read(self, addresses: Mapping[Place, int], now_s: float, plan: ChargePlan | None = None) -> Snapshot:
        """What the drivers have read by now. addresses: of each place, as `addresses` gives them. plan: that holds.

        Each call takes from the doorkeeper: a snapshot that is read has to be looked at.
        """
        packs = {place: self.packs.status(address) for place, address in addresses.items()}
        robot, error = self.robot.status, self.robot.error
        said = str(error) if error else ""
        seen = Snapshot(
            now_s,
            robot,
            said,
            self.truck.status,
            packs,
            self.can(),
            *self.doorkeeper.take(),
            chargers={n: shown for n, c in self.chargers.items() if (shown := c.status) is not None},
            meters={n: read for n, m in self.meters.items() if (read := m.status) is not None},
            grid=self.grid.status if self.grid is not None else None,
            plan=plan,
        )
        return self.estimates.feed(seen)


def addresses(config: Config) -> dict[Place, int]:
    """The CAN source address that the connector of each configured place codes."""
    found = {bay(section.number): section.can_address for section in config.bay}
    return found | {mount(section.number): section.can_address for section in config.mount}
