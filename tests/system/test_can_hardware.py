"""A swap over two CAN controllers with a real driver (can0: the station; can1: packs and truck; one wire between).

In the guest they are QEMU's Kvaser PCI cards: `make test-canhw`. Any two interfaces of a machine that are wired
together and up at 250 kbit/s do as well: STATION_CAN=hw pytest tests/system/test_can_hardware.py.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from drivers.can_link import query
from hil.rig.setting import Setting
from tests.integration.station_support import station
from tests.support import run
from tests.system.support import bus_is, count, goes_well
from tests.system.wires import ip

pytestmark = pytest.mark.timeout(600)
SETTING = Setting(speed=40.0, poll_ms=40, broker="iotcore", packs_soc_pct=(96.0, 94.5))


def test_swap_over_two_controllers() -> None:
    async def main() -> None:
        async with station(replace(SETTING, can="can0", peers_can="can1")) as there:
            await there.up()
            before, own = await there.rig.plant.truth(), await there.truck()
            await there.authorise()
            await goes_well(there, before, own)
            metrics = await bus_is(there, "UP")
            sys.stdout.write(f"\n{metrics.json_bytes().decode()}\n{ip('-s', '-d', 'link', 'show', 'can0')}")
            assert (count(metrics, "reopened"), count(metrics, "restarts")) == (0, 0)
            assert there.stops() == []

    assert (query("can0").bitrate, query("can1").bitrate) == (250_000, 250_000)
    run(main(), timeout_s=500.0)
