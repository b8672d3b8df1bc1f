"""Whole swaps by the production service over the kernel's own CAN, and every way in which a bus fails in one."""

from __future__ import annotations

import pytest

from drivers.can_link import query
from tests.integration.station_support import Station, station
from tests.support import run
from tests.system.support import ON_ADAPTERS, ON_VCAN, ONE_CHARGED, SETTING, bus_is, count, goes_well, nothing_begins
from tests.system.wires import STATION, VCAN, adapters, ip, order, vcan

pytestmark = pytest.mark.timeout(120)
LIMIT_S = 100.0


OFF = ("BUS_OFF", "DOWN")
"""A bus that is off is taken down and up again after 1 s, which is when what was said on it has aged."""


async def _stopped_by(there: Station, *bus: str) -> None:
    """In mid-motion: the interlock trips within its age limits and the operator reads why."""
    await there.rig.operator.reaches("Aborted", timeout_s=5.0)
    code, text = there.reason()
    assert code == "interlock" and "ms old" in text
    assert text.startswith(tuple(f"CAN bus packs is {state}; " for state in bus))


def test_swap_on_vcan() -> None:
    async def main() -> None:
        async with station(SETTING, **ON_VCAN) as there:
            await there.up()
            before, own = await there.rig.plant.truth(), await there.truck(packs=2)
            await there.authorise()
            await goes_well(there, before, own)
            metrics = await bus_is(there, "UP")
            assert there.stops() == []
            assert [count(metrics, n) for n in ("reopened", "transmit_full", "rejected", "garbage")] == [0] * 4

    with vcan():
        run(main(), LIMIT_S)


def test_bus_off_in_a_motion_trips_the_service_restarts_the_bus_and_a_person_goes_on() -> None:
    async def main() -> None:
        async with station(ONE_CHARGED, **ON_ADAPTERS) as there:
            await there.up()
            before, own = await there.rig.plant.truth(), await there.truck()
            await there.authorise()
            await there.moving_in("extract", slow=2.0, after="approach_mount")
            order(f"busoff {STATION}")
            await _stopped_by(there, *OFF)
            await bus_is(there, "UP", restarts=1)
            assert query(STATION).bitrate == 250_000
            await nothing_begins(there, for_s=1.0)
            await there.to_held()
            await there.resume()
            await goes_well(there, before, own)
            assert count(there.rig.operator.metrics, "restarts") == 1

    with adapters():
        run(main(), LIMIT_S)


def test_short_circuit_stops_the_swap_is_tried_ever_more_rarely_and_goes_on_when_mended() -> None:
    async def main() -> None:
        async with station(ONE_CHARGED, **ON_ADAPTERS) as there:
            await there.up()
            before, own = await there.rig.plant.truth(), await there.truck()
            await there.authorise()
            await there.moving_in("approach_mount", slow=1.0, after="isolate")
            order(f"short {STATION}")
            await _stopped_by(there, *OFF)
            await bus_is(there, "BUS_OFF", restarts=2)
            await nothing_begins(there, for_s=1.0)
            order(f"mend {STATION}")
            await bus_is(there, "UP", restarts=3)
            waits = [line.split(" after ")[1] for line in there.log().splitlines() if "restarted after" in line]
            assert waits[:3] == ["1 s of bus-off", "2 s of bus-off", "4 s of bus-off"]
            await there.to_held()
            await there.resume()
            await goes_well(there, before, own)

    with adapters():
        run(main(), LIMIT_S)


def test_interface_taken_down_in_a_motion_trips_and_is_used_again_when_somebody_takes_it_up() -> None:
    async def main() -> None:
        async with station(SETTING, **ON_VCAN) as there:
            await there.up()
            before, own = await there.rig.plant.truth(), await there.truck()
            await there.authorise()
            await there.moving_in("insert", slow=2.0, after="fetch")
            ip("link", "set", VCAN, "down")
            await _stopped_by(there, "DOWN")
            await bus_is(there, "DOWN")
            await nothing_begins(there, for_s=2.0)
            assert "UP" not in ip("-br", "link", "show", VCAN).split()[1], "what a person took down is left alone"
            assert there.log().count("open (socketcan") == 1
            ip("link", "set", VCAN, "up")
            await bus_is(there, "UP")
            await there.to_held()
            await there.resume()
            await goes_well(there, before, own)

    with vcan():
        run(main(), LIMIT_S)


def test_error_passive_is_shown_and_the_swap_goes_on_because_the_bus_still_carries_everything() -> None:
    async def main() -> None:
        async with station(SETTING, **ON_ADAPTERS) as there:
            await there.up()
            before, own = await there.rig.plant.truth(), await there.truck()
            await there.authorise()
            await there.moving_in("extract", slow=10.0, after="approach_mount")
            order(f"passive {STATION}")
            await bus_is(there, "ERROR_PASSIVE")
            await goes_well(there, before, own)
            assert there.stops() == []
            order(f"active {STATION}")
            await bus_is(there, "UP")

    with adapters():
        run(main(), LIMIT_S)
