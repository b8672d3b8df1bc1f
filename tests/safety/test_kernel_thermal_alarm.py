"""What the BMS's own alarm leaves behind in the thermal detector: nothing, in either direction."""

from __future__ import annotations

import pytest

from station_ctl.kernel.thermal import CELL_VOLTAGE_DROP, EVENT, NORMAL, SUSPECT, TEMPERATURE
from tests.safety.test_kernel_thermal import HOT_C, Feed, calm

SOUND_V, DROPPED_V = (3.6, 3.6), (1.0, 3.6)


@pytest.fixture
def feed() -> Feed:
    """A sound pack whose cells are known."""
    feed = calm()
    assert feed(cells_v=SOUND_V) == (NORMAL, 0, False)
    return feed


def test_an_alarm_that_is_over_does_not_make_an_event_of_a_cell(feed: Feed) -> None:
    assert feed(alarm=1)[0] == EVENT
    assert feed(alarm=0, cells_v=DROPPED_V) == (SUSPECT, CELL_VOLTAGE_DROP, False)


def test_warmth_that_came_under_an_alarm_counts_when_a_cell_follows(feed: Feed) -> None:
    feed.settle(HOT_C[0] + 1, HOT_C[0] - 5, alarm=1)
    assert feed(HOT_C[0] + 1, HOT_C[0] - 5, alarm=0, cells_v=DROPPED_V) == (
        EVENT,
        TEMPERATURE | CELL_VOLTAGE_DROP,
        False,
    )
