"""What goes to the robot's PLC in one cycle: one Modbus transaction of lease, permits and command."""

from __future__ import annotations

import logging

from drivers.errors import DeviceError
from drivers.robot_protocol import CommandBlock
from station_ctl import block
from station_ctl.config import Config
from station_ctl.health import Health
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import StationState
from station_ctl.ports import RobotPort

log = logging.getLogger(__name__)


class Output:
    """Writes command blocks, with a heartbeat that counts them. A lost one is repeated by the next cycle only."""

    def __init__(self, config: Config, robot: RobotPort, health: Health) -> None:
        self._robot, self._health = robot, health
        self._leases = (config.robot.lease_ms, config.charging.lease_ms)
        self._heartbeat = 0

    async def write(self, state: StationState, decision: Decision, snapshot: Snapshot) -> CommandBlock | None:
        """What was written, or tried; None while the PLC is not readable."""
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
