"""The virtual ground for scenarios: one process, virtual time, one seed; the watch's findings go into the record."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from hil.record import Event, Record
from hil.scenario.keeper import log_hash
from hil.scenario.model import Scenario
from hil.scenario.play import Progress, play
from hil.virtual.config import station_config
from hil.virtual.loop import VirtualLoop
from hil.virtual.station import CAPABILITIES as STATION_CAPABILITIES
from hil.virtual.station import VirtualStation
from hil.watch.tap import order_text

CAPABILITIES = STATION_CAPABILITIES | {"virtual_time", "fault.people", "fault.plc", "fault.controller"}
UNANSWERED = ("fault.broker", "fault.controller", "kill", "fault.disk")
"""Where one of these is part of a scenario an answer may never arrive; nor does it before an open swap is over."""


def play_virtual(scenario: Scenario, seed: int, on_progress: Progress) -> Record:
    """Play a scenario here; the same scenario and seed give the same record, but for the wall's clock."""
    folder = tempfile.TemporaryDirectory(prefix="scenario-", dir=_memory())
    with folder as name, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_play(scenario, seed, on_progress, Path(name)))


def _memory() -> str | None:
    """Memory, where there is some: what a disk does wrong is a fault of the scenario, not of this machine."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


async def _play(scenario: Scenario, seed: int, on_progress: Progress, folder: Path) -> Record:
    setup = scenario.station
    packs_soc: list[float | None] | None = None if setup.packs_soc_pct is None else [*setup.packs_soc_pct]
    loop = asyncio.get_running_loop()
    config = station_config(folder, grid_kw=setup.grid_kw, soc=setup.soc)
    async with VirtualStation(config, seed=seed, speed=setup.speed, packs_soc=packs_soc) as station:
        began_s = loop.time()
        record = await play(scenario, station, seed, on_progress)
        over = station.operator.state is not None and station.operator.state.packml == "Idle"
        station.close_books(unsure=not over or any(need.startswith(UNANSWERED) for need in scenario.capabilities))
    found = [replace(v, at_s=round(v.at_s - began_s, 4)) for v in station.findings.violations]
    for violation in found:
        on_progress(f"  VIOLATION at {violation.at_s:.2f} s, {violation.invariant}: {violation.text}")
    record.violations += found
    orders = [order for order in station.watched.controller.orders if order.at_s >= began_s]
    record.events += [Event(round(order.at_s - began_s, 4), "order", order_text(order)) for order in orders]
    record.events.sort(key=lambda event: event.at_s)
    record.log_hash = log_hash(record)
    return record
