"""What goes out in one cycle: to the robot's PLC one Modbus transaction of lease, permits and command; to chargers."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from drivers.charger import WANT_S
from drivers.charger_status import SetPoint
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
        self._said_s: float | None = None  # when chargers were told last
        self._complained: dict[int, str] = {}  # by bay, what was logged last
        self.unsaid: Mapping[int, str] = {}
        """Bays whose charger could not be told what is wanted of it, and why; a new mapping for each change."""

    def silent_s(self, now_s: float) -> float:
        """How long nothing was said to the chargers, if that is longer than a want holds; else 0."""
        gone_s = now_s - self._said_s if self._said_s is not None else 0.0
        return gone_s if gone_s > WANT_S else 0.0

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

        One that its driver cannot carry is not said: the charger is told OFF, and the next cycle ends the charge.
        """
        self._said_s = now_s
        unsaid = {n: why for n, set_point in decision.set_points.items() if (why := self._want(n, set_point, now_s))}
        if unsaid != self.unsaid:
            self.unsaid = unsaid

    def _want(self, number: int, set_point: SetPoint, now_s: float) -> str:
        """Say it to one charger; why that is not possible, '' if it is."""
        try:
            self._chargers[number].want(set_point, now_s)
        except StationError as e:
            self._complain(number, str(e))
            return str(e)
        if set_point.current_a > 0.0:
            self._complained.pop(number, None)
        return ""

    def _complain(self, number: int, why: str) -> None:
        """Once for each reason, until the charger can be asked for current again."""
        if self._complained.get(number) == why:
            return
        self._complained[number] = why
        self._health.unsaid += 1
        log.warning("bay %d: its charger is off, it cannot be told what is wanted: %s", number, why)
