"""The ports of one station, and what all of them have read at one instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, bay, mount
from station_ctl.ports import JournalPort, PackPort, RobotPort, TruckPort, UplinkPort


@dataclass(frozen=True, slots=True)
class Plant:
    """The ports of one station. can: state of each bus by name; clock: the event loop's time in seconds.

    recorder: the trouble of the black box, '' without any.
    """

    robot: RobotPort
    packs: PackPort
    truck: TruckPort
    uplink: UplinkPort
    journal: JournalPort
    can: Callable[[], dict[str, str]]
    clock: Callable[[], float]
    recorder: Callable[[], str] = str

    def read(self, addresses: Mapping[Place, int], now_s: float) -> Snapshot:
        """What the drivers have read by now. addresses: of each place, as `addresses` gives them."""
        packs = {place: self.packs.status(address) for place, address in addresses.items()}
        robot, error = self.robot.status, self.robot.error
        return Snapshot(now_s, robot, str(error) if error else "", self.truck.status, packs, self.can())


def addresses(config: Config) -> dict[Place, int]:
    """The CAN source address that the connector of each configured place codes."""
    found = {bay(section.number): section.can_address for section in config.bay}
    return found | {mount(section.number): section.can_address for section in config.mount}
