"""A station on the kernel's own CAN, and what its operator sees of the bus."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from hil.rig.setting import Setting
from station_ctl.uplink.record_messages import MetricsMessage
from tests.integration.station_support import Station, wrong
from tests.system.wires import PEERS, STATION, VCAN

SETTING = Setting(speed=40.0, poll_ms=40, broker="iotcore", packs_soc_pct=(96.0, 94.5, 93.0))
"""Few packs, and the PLC read every 40 ms: the guest has one CPU, and a system call costs 4 times as much in it."""
ONE_CHARGED = replace(SETTING, packs_soc_pct=(96.0, 60.0, 55.0))
"""For a bus that comes and goes: of several charged packs that one leaves which is heard first when it is back."""
ON_VCAN = {"can": VCAN}
ON_ADAPTERS = {"can": STATION, "peers_can": PEERS}
AGED_S = 1.0
"""The longest that anything said on CAN may be relied upon."""


def count(metrics: MetricsMessage | None, name: str) -> int:
    """A counter of the station's bus."""
    return metrics.counters.get(f"can.packs.{name}", 0) if metrics else 0


async def bus_is(there: Station, *states: str, restarts: int = 0, timeout_s: float = 20.0) -> MetricsMessage:
    """Wait for the operator to see the bus in one of these states, restarted at least so often."""
    operator = there.rig.operator

    def said() -> MetricsMessage | None:
        metrics = operator.metrics
        return metrics if metrics and metrics.can_state in states and count(metrics, "restarts") >= restarts else None

    return await operator.until(said, timeout_s, f"bus {' or '.join(states)}")


async def nothing_begins(there: Station, for_s: float) -> None:
    """Nothing moves once what was said on CAN has aged, and no motion is started from then on."""
    await asyncio.sleep(AGED_S)
    started = (await there.stands())["plc"]["motions_started"]
    await asyncio.sleep(for_s)
    truth = await there.rig.plant.truth()
    assert (truth["plc"]["motions_started"], truth["robot"]["moving"]) == (started, False)


async def goes_well(there: Station, before: dict[str, Any], own: list[str]) -> None:
    """The swap comes to its right end."""
    assert (await there.record()).outcome == "completed"
    assert wrong(before, await there.rig.plant.truth(), own) == []
