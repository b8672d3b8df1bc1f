"""What the last command block that counted permits the robot, as long as its lease runs."""

from __future__ import annotations

from drivers.robot_protocol import MotionClass, RobotCommand, StopReason
from hil.peers.lease import Lease
from hil.peers.plc_command import permit_of

NOTHING = MotionClass(0)


class Permits:
    """Of motions; nothing is in force with the power's return. stop_category: 0 while no stop is asked for."""

    def __init__(self) -> None:
        self.lease, self.stop_category = Lease(0.0), 0
        self._classes = NOTHING

    def take(self, classes: MotionClass, lease_ms: float, stop_category: int, now_s: float) -> MotionClass:
        """A block that counts; what it leaves in force (nothing, if it asks for a stop)."""
        self._classes, self.stop_category = classes, stop_category
        self.lease.renew(lease_ms / 1e3, now_s)
        return NOTHING if lease_ms == 0 or stop_category != 0 else classes

    def in_force(self, now_s: float) -> MotionClass:
        """What may move now."""
        return NOTHING if self.lease.out(now_s) or self.stop_category != 0 else self._classes

    def cover(self, command: RobotCommand, now_s: float) -> bool:
        """Whether this motion is permitted now."""
        return bool(self.in_force(now_s) & permit_of(command))

    def ended_by(self, command: RobotCommand, now_s: float) -> StopReason | None:
        """Why this motion has to stop, None if it may go on."""
        if self.stop_category:
            return StopReason.COMMAND
        if self.lease.out(now_s):
            return StopReason.HEARTBEAT if self.lease.frozen else StopReason.LEASE
        return None if self.cover(command, now_s) else StopReason.COMMAND

    def power_cut(self) -> None:
        """All is forgotten."""
        self._classes, self.stop_category, self.lease.until_s = NOTHING, 0, 0.0
