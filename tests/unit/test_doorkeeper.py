"""The doorkeeper looks at every status that was read, and misses nobody between two cycles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import RobotMode, RobotStatus
from station_ctl.swap.doorkeeper import Doorkeeper, Unwatched, wrong
from tests.safety.test_inputs import robot

AGE_S = 0.3
POLL_S = 0.02


class Polled:
    """A PLC that is polled, its heartbeat going on."""

    def __init__(self) -> None:
        self.keeper, self.now_s, self.heartbeat = Doorkeeper(AGE_S), 100.0, 0

    def poll(self, status: RobotStatus, after_s: float = POLL_S, beats: bool = True) -> None:
        self.now_s += after_s
        self.heartbeat += beats
        self.keeper.look(replace(status, heartbeat=self.heartbeat), self.now_s)

    def settled(self) -> Polled:
        """Polled for a while, and taken."""
        for _ in range(5):
            self.poll(robot())
        self.keeper.take()
        return self


BAD = [
    robot(zone_clear=Signal.FALSE),
    robot(zone_clear=Signal.UNTRUSTED),
    robot(doors_closed=Signal.FALSE),
    robot(doors_closed=Signal.NOT_AVAILABLE),
    robot(mode=RobotMode.MAINTENANCE),
    robot(mode=RobotMode.MANUAL),
    robot(mode=None),
]


@pytest.mark.parametrize("bad", BAD)
def test_one_reading_between_two_cycles_is_enough_and_is_told_once(bad: RobotStatus) -> None:
    polled = Polled().settled()
    assert wrong(bad)
    polled.poll(bad)
    seen_s = polled.now_s
    for _ in range(20):
        polled.poll(robot())
    assert polled.keeper.take() == Unwatched(True, seen_s)
    assert polled.keeper.take() == Unwatched(False, seen_s)


def test_good_readings_are_nobody() -> None:
    polled = Polled().settled()
    before = polled.keeper.take()
    for _ in range(100):
        polled.poll(robot())
    assert not before.since_last and polled.keeper.take() == before


@pytest.mark.parametrize(("gap_s", "seen"), [(AGE_S - 0.01, False), (AGE_S + 0.01, True)])
def test_a_gap_between_two_good_readings(gap_s: float, seen: bool) -> None:
    polled = Polled().settled()
    polled.poll(robot(), gap_s)
    assert polled.keeper.take().since_last is seen


def test_a_heartbeat_that_stood_still_is_a_gap_even_if_it_goes_on_again() -> None:
    polled = Polled().settled()
    for _ in range(14):
        polled.poll(robot(), beats=False)
    assert not polled.keeper.take().since_last
    polled.poll(robot(), 0.03)
    assert polled.keeper.take().since_last


def test_before_anything_is_read_nobody_is_watched() -> None:
    keeper = Doorkeeper(AGE_S)
    assert keeper.take() == keeper.take() == Unwatched(True, None)
    keeper.look(robot(), 5.0)
    assert keeper.take() == Unwatched(True, 5.0)
