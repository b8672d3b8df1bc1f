"""Who may have come in between two cycles: every status that the driver has read is looked at, not only a cycle's.

A cycle waits for the journal, up to a second and more; a door that was open and shut meanwhile is read by the driver
and in no snapshot. Pure: the time is handed in.
"""

from __future__ import annotations

from typing import NamedTuple

from drivers.reading import Signal
from drivers.robot_protocol import RobotMode, RobotStatus
from station_ctl.safety.from_plc import HEARTBEAT_STILL_S


class Unwatched(NamedTuple):
    """What a cycle takes. since_last: so in some reading since the last one taken; last_s: when last, None: unread."""

    since_last: bool
    last_s: float | None


def wrong(robot: RobotStatus) -> list[str]:
    """What of zone, doors and key does not say that nobody is coming in; empty if all of it is good."""
    found = (("zone clear", robot.zone_clear), ("doors closed", robot.doors_closed))
    said = [f"{name} is {value.name.lower()}" for name, value in found if value is not Signal.TRUE]
    return said + (["the key switch is not on Production"] if robot.mode is not RobotMode.PRODUCTION else [])


class Doorkeeper:
    """Looks at every status of the PLC, remembers the last one that was not good, or that came after a gap."""

    def __init__(self, age_max_s: float) -> None:
        """age_max_s: two readings further apart leave a gap in which nobody was watched (safety.plc_age_ms)."""
        self._age_max_s = age_max_s
        self._read_s: float | None = None
        self._heartbeat: int | None = None
        self._beat_s = float("-inf")
        self._unwatched = Unwatched(True, None)

    def look(self, robot: RobotStatus, now_s: float) -> None:
        """A status was read. The first one of a life ends a gap, too: nobody has watched before."""
        gap = self._read_s is None or now_s - self._read_s > self._age_max_s
        still = now_s - self._beat_s > HEARTBEAT_STILL_S  # also in the reading in which it goes on again
        self._read_s = now_s
        if robot.heartbeat != self._heartbeat:
            self._heartbeat, self._beat_s = robot.heartbeat, now_s
        if gap or still or wrong(robot):
            self._unwatched = Unwatched(True, now_s)

    def take(self) -> Unwatched:
        """What there is to know by now; `since_last` counts from here on."""
        taken = self._unwatched
        self._unwatched = taken._replace(since_last=self._read_s is None)
        return taken
