"""A stop while a CAN bus fails says so; nothing else that the station says is changed."""

from __future__ import annotations

from station_ctl.model.state import StationState
from station_ctl.model.words import PackML, Reason
from station_ctl.swap.changes import abort, hold, naming_bus

RUNNING = StationState(packml=PackML.EXECUTE, step="extract", reason=Reason("moving", "robot: lifts"))
WHY = Reason("interlock", "parking_brake_off: 515 ms old")
BUSES = {"truck": "UP", "packs": "BUS_OFF"}


def test_a_stop_names_every_bus_that_is_not_up() -> None:
    for stopping in (abort(RUNNING, 1.0, WHY), hold(RUNNING, 1.0, WHY)):
        named = naming_bus(RUNNING, stopping, BUSES)
        assert named.reason == Reason("interlock", "CAN bus packs is BUS_OFF; parking_brake_off: 515 ms old")
        assert naming_bus(RUNNING, stopping, BUSES | {"truck": "DOWN"}).reason == Reason(
            "interlock", "CAN bus packs is BUS_OFF, CAN bus truck is DOWN; parking_brake_off: 515 ms old"
        )


def test_it_is_said_once_and_only_of_a_stop() -> None:
    stopping = naming_bus(RUNNING, abort(RUNNING, 1.0, WHY), BUSES)
    assert naming_bus(stopping, stopping, BUSES) is stopping
    assert naming_bus(RUNNING, RUNNING, BUSES) is RUNNING
    well = abort(RUNNING, 1.0, WHY)
    assert naming_bus(RUNNING, well, {"packs": "UP"}) is well
