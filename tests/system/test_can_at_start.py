"""What a station does whose bus is missing, or runs at a wrong bit rate, when it starts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.station_support import Station, station
from tests.support import run
from tests.system.support import ON_ADAPTERS, ON_VCAN, ONE_CHARGED, bus_is, goes_well, nothing_begins
from tests.system.wires import PEERS, STATION, adapters, configure, vcan

pytestmark = pytest.mark.timeout(120)
LIMIT_S = 100.0


async def _truck_waits(there: Station) -> tuple[dict[str, Any], list[str]]:
    """A truck comes and is authorised: nothing moves as long as the bus is of no use."""
    await there.up()
    before, own = await there.rig.plant.truth(), await there.truck()
    await there.authorise()
    await nothing_begins(there, for_s=3.0)
    assert (await there.rig.plant.truth())["plc"]["motions_started"] == before["plc"]["motions_started"]
    return before, own


def test_missing_interface_is_named_and_used_once_it_is_there() -> None:
    async def main() -> None:
        async with station(ONE_CHARGED, **ON_VCAN) as there:
            assert "READY=1" in there.rig.controller.notified
            await bus_is(there, "DOWN")
            assert "packs: socketcan stv0 cannot be opened: [Errno 19] No such device" in there.log()
            before, own = await _truck_waits(there)
            with vcan():
                await bus_is(there, "UP")
                await _goes_on(there, before, own)

    run(main(), LIMIT_S)


def test_station_at_another_bit_rate_does_not_disturb_the_bus() -> None:
    async def main() -> None:
        async with station(ONE_CHARGED, **ON_ADAPTERS) as there:
            await bus_is(there, "DOWN")
            assert "it runs at 500000 bit/s, not at 250000" in there.log()
            before, own = await _truck_waits(there)
            configure(STATION, 250)
            await bus_is(there, "UP")
            await _goes_on(there, before, own)

    with adapters(station_kbit=500):
        run(main(), LIMIT_S)


def test_peers_at_another_bit_rate_are_not_heard_and_nothing_moves() -> None:
    async def main() -> None:
        async with station(ONE_CHARGED, **ON_ADAPTERS) as there:
            await bus_is(there, "ERROR_PASSIVE", "SILENT")
            before, own = await _truck_waits(there)
            configure(PEERS, 250)
            await bus_is(there, "UP")
            await _goes_on(there, before, own)

    with adapters(peers_kbit=125):
        run(main(), LIMIT_S)


async def _goes_on(there: Station, before: dict[str, Any], own: list[str]) -> None:
    """By itself, or when a person asked for it: the station may have held in the meantime."""
    state = there.rig.operator.state
    if state is not None and state.packml == "Held":
        await there.resume()
    await goes_well(there, before, own)
