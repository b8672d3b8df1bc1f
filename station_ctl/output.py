"""What goes out in one cycle: to the robot's PLC one Modbus transaction of lease, permits and command; to chargers."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from drivers.errors import DeviceError, StationError
from drivers.robot_protocol import CommandBlock
from station_ctl import block
from station_ctl.config import Config
from station_ctl.health import Health
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import StationState
from station_ctl.ports import ChargerPort, RobotPort

log = logging.getLogger(__name__)


class Output:
    """Writes command blocks, with a heartbeat that counts them. A lost one is repeated by the next cycle only.

    What chargers shall do is said to their drivers, which write it by themselves: no charger holds up a cycle.
    """

    def __init__(
        self, config: Config, robot: RobotPort, health: Health, chargers: Mapping[int, ChargerPort] | None = None
    ) -> None:
        self._robot, self._health, self._chargers = robot, health, chargers or {}
        self._leases = (config.robot.lease_ms, config.charging.lease_ms)
        self._heartbeat = 0

    async def write(self, state: StationState, decision: Decision, snapshot: Snapshot) -> CommandBlock | None:
        """What was written to the PLC, or tried; None while that is not readable."""
        self.want(decision, snapshot.now_s)
        if snapshot.robot is None:
            return None
        self._heartbeat = (self._heartbeat + 1) % 0x10000
        written = block.make(state, decision, snapshot.robot, self._heartbeat, *self._leases)
        try:
            await self._robot.write(written)
        except DeviceError as e:
            self._health.failed_writes += 1
            log.debug("command block not written: %s", e)
        return written

    def want(self, decision: Decision, now_s: float) -> None:
        """Say to every charger what is wanted of it.

        A set point that its driver cannot carry is not said: the charger is off 0.3 s after the last one.
        """
        for number, set_point in decision.set_points.items():
            try:
                self._chargers[number].want(set_point, now_s)
            except StationError as e:
                self._health.failed_writes += 1
                log.warning("bay %d: %s", number, e)
