"""The outbox: bounded where it says so, never where it must not lose."""

from __future__ import annotations

import asyncio

from drivers.mqtt_values import MqttMessage
from station_ctl.uplink.outbox import SNAPSHOT_MAX_S, SNAPSHOT_MIN_S, Lane, Snapshots
from tests.support import run
from tests.uplink_examples import STATE


def _message(n: int) -> MqttMessage:
    return MqttMessage("t", str(n).encode())


def test_full_lane_drops_its_oldest_and_counts() -> None:
    async def main() -> None:
        lane = Lane("events", 3)
        for n in range(5):
            lane.put(_message(n))
        assert (await lane.first()).payload == b"2"
        assert (len(lane), lane.dropped) == (3, 2)

    run(main())


def test_lane_without_limit_keeps_everything() -> None:
    lane = Lane("records", None)
    for n in range(5000):
        lane.put(_message(n))
    assert (len(lane), lane.dropped) == (5000, 0)


def test_done_removes_only_what_was_published() -> None:
    async def main() -> None:
        lane = Lane("events", 2)
        lane.put(_message(0))
        under_way = await lane.first()
        lane.put(_message(1))
        lane.put(_message(2))  # drops 0 while it is being published
        lane.done(under_way)
        assert (await lane.first()).payload == b"1"
        lane.done(await lane.first())
        lane.done(await lane.first())
        assert len(lane) == 0

    run(main())


def test_first_waits_for_something() -> None:
    async def main() -> None:
        lane = Lane("events", 2)
        waiter = asyncio.create_task(lane.first())
        await asyncio.sleep(0)
        assert not waiter.done()
        lane.put(_message(1))
        assert (await waiter).payload == b"1"

    run(main())


def test_snapshot_is_published_on_change_not_too_often_and_not_too_seldom() -> None:
    snapshots = Snapshots()
    moved = STATE.model_copy(update={"progress_pct": 50.0})
    assert snapshots.put("state", STATE)
    assert snapshots.due(0.0) == [("state", STATE)]
    snapshots.sent("state", STATE, 0.0)
    assert not snapshots.put("state", STATE.model_copy(update={"sequence": 9}))
    assert snapshots.due(SNAPSHOT_MAX_S - 0.01) == []
    assert snapshots.next_s() == SNAPSHOT_MAX_S
    assert snapshots.put("state", moved)
    assert snapshots.due(SNAPSHOT_MIN_S / 2) == []
    assert snapshots.due(SNAPSHOT_MIN_S) == [("state", moved)]


def test_change_while_being_published_is_not_lost() -> None:
    snapshots = Snapshots()
    snapshots.put("state", STATE)
    moved = STATE.model_copy(update={"step": "isolate"})
    snapshots.put("state", moved)
    snapshots.sent("state", STATE, 1.0)
    assert snapshots.unsent() == 1
    assert snapshots.due(1.0 + SNAPSHOT_MIN_S) == [("state", moved)]


def test_new_connection_makes_everything_due() -> None:
    snapshots = Snapshots()
    snapshots.put("state", STATE)
    snapshots.sent("state", STATE, 5.0)
    assert snapshots.unsent() == 0
    snapshots.all_due()
    assert snapshots.due(5.0) == [("state", STATE)]
    assert Snapshots().next_s() == float("inf")
