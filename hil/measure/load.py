"""Sections `cycle` and `swap`: the production service under the load of a whole station."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from hil.measure import process
from hil.measure.bare_loop import bare_loop
from hil.measure.figures import Section
from hil.measure.groups import cause
from hil.measure.steptimes import StepTimes
from hil.rig.person import send_truck
from hil.rig.processes import RigError
from hil.rig.setting import Setting
from hil.rig.station import Rig, rig
from station_ctl.uplink.record_messages import MetricsMessage, SwapRecord

PERIOD_MS = 50
STOCK = (96.0, 95.0, 94.0, 93.0, 92.0, 91.0, 90.0)
"""Seven packs in eight bays and two on the truck: while one hangs on the robot, eight are docked and talk."""
PACKS = 2
SWAP_S = 1200.0

LATENESS_MS, CPU_PCT, RESIDENT_MB, ADDED_PCT = 5.0, 15.0, 120.0, 2.0
"""The bars."""
FIFO_PRIORITY = 20


@dataclass(frozen=True, slots=True)
class Mark:
    """The controller at one instant, from outside (processor time) and in its own words (metrics)."""

    at_s: float
    cpu_s: float
    metrics: MetricsMessage


@dataclass(slots=True)
class Load:
    """What was measured."""

    began: Mark
    ended: Mark
    resident_mb: float
    record: SwapRecord
    visit: dict[str, Any]
    steps: StepTimes
    bare: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return self.ended.at_s - self.began.at_s


async def measure(minutes: float, speed: float, seed: int, fifo: bool) -> Load:
    """Run the station for so long, truck after truck, at least until the first swap is recorded.

    fifo: the service runs under SCHED_FIFO, before all ordinary processes of the machine (root only).
    Raises RigError if the station does not come up or the swap does not end.
    """
    bare: dict[str, float] = {}
    steps = StepTimes()
    setting = Setting(speed=speed, seed=seed, period_ms=PERIOD_MS, packs_soc_pct=STOCK)
    async with rig(setting, on_message=steps.see) as station, bare_loop(PERIOD_MS, bare.update):
        await station.start_up()
        if fifo:
            _before_all_others(station)
        began = await _mark(station)
        async with _traffic(station), steps.kept(station):
            await asyncio.sleep(minutes * 60.0)
            record = await station.operator.until(
                lambda: next(iter(station.operator.records), None), SWAP_S, "swap record"
            )
            ended = await _mark(station)
            resident_mb = process.resident_mb(_pid(station))
            visit = await _first_visit(station)
            return Load(began, ended, resident_mb, record, visit, steps, bare)


async def _mark(station: Rig) -> Mark:
    """A mark at the next second's metrics."""
    operator = station.operator
    before = operator.metrics
    await operator.until(lambda: operator.metrics if operator.metrics is not before else None, 10.0, "metrics")
    if operator.metrics is None:
        raise RigError("no metrics", where="operator")
    return Mark(asyncio.get_running_loop().time(), process.cpu_s(_pid(station)), operator.metrics)


async def _first_visit(station: Rig) -> dict[str, Any]:
    """The plant's books of the first truck once it drives off: its driver goes some time after the swap is recorded."""
    for _ in range(200):
        visit: dict[str, Any] = (await station.plant.truth())["visits"][0]
        if visit["duration_s"] is not None:
            return visit
        await asyncio.sleep(0.05)
    raise RigError("the truck does not drive off", where=visit["vin"], limit="10 s")


def _pid(station: Rig) -> int:
    if station.controller.process is None:
        raise RigError("the controller is not running", where="rig")
    return station.controller.process.pid


def _before_all_others(station: Rig) -> None:
    try:
        os.sched_setscheduler(_pid(station), os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except PermissionError as e:
        raise RigError("SCHED_FIFO is not allowed", where="bench --fifo", value=str(e), remedy="run it as root") from e


@contextlib.asynccontextmanager
async def _traffic(station: Rig) -> AsyncIterator[None]:
    """Truck after truck while the context lasts; a failure of it ends the measurement."""

    async def drive() -> None:
        number = 0
        while True:
            number += 1
            await send_truck(station, number, PACKS)
            await station.operator.reaches("Starting", SWAP_S)
            await station.operator.reaches("Idle", SWAP_S)
            await station.plant.ask("charge")

    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(drive(), name="traffic")
            yield
            task.cancel()
    except BaseExceptionGroup as failed:
        raise cause(failed) from None


def cycle_section(load: Load) -> Section:
    """Lateness, overruns, processor time and memory of the controller, beside what the machine itself gives."""
    says = f"the service as a process, {PERIOD_MS} ms, {load.seconds:.0f} s with swaps under way; 8 packs docked, truck"
    section = Section("cycle", says)
    before, after = load.began.metrics, load.ended.metrics
    for name, spread, bar in (("lateness", after.lateness_ms, LATENESS_MS), ("period", after.cycle_period_ms, None)):
        section.add(f"cycle {name} p50", spread.p50, "ms")
        section.add(f"cycle {name} p99", spread.p99, "ms", bar)
        section.add(f"cycle {name} max", spread.max, "ms")
    section.add("overruns", after.overruns - before.overruns, "", 0, inclusive=True)
    section.add("overruns while starting", before.overruns)
    for share in ("p50", "p99", "max"):
        section.add(f"a bare loop's lateness {share}", load.bare[share], "ms")
    used_pct = 100.0 * (load.ended.cpu_s - load.began.cpu_s) / load.seconds
    section.add("processor, of one core", used_pct, "%", CPU_PCT)
    section.add("resident memory, highest", load.resident_mb, "MB", RESIDENT_MB)
    section.add("CAN frames received", (after.can_frames - before.can_frames) / load.seconds, "/s")
    for share in ("p50", "p99", "max"):
        section.add(f"Modbus round trip {share}", getattr(after.modbus_round_trip_ms, share), "ms")
    section.details = {"seconds": load.seconds, "bare": load.bare, "metrics": after.model_dump(mode="json")}
    return section


def swap_section(load: Load, speed: float) -> Section:
    """Time the controller adds to a swap: what no motion, truck or person accounts for, by the plant's own books."""
    visit, record = load.visit, load.record
    floor_s = visit["acting_s"]
    added_s = visit["duration_s"] - floor_s
    section = Section(
        "swap", f"a swap of {PACKS} packs, the plant at speed {speed:g}; floor: robot, truck or driver acts"
    )
    section.add("swap, arrival to way out open", visit["duration_s"], "s")
    section.add("mechanical floor", floor_s, "s")
    section.add("added by the controller", added_s, "s")
    section.add("added, of the floor", 100.0 * added_s / floor_s, "%", ADDED_PCT)
    added = load.steps.added_s()
    shown = [f"{name} {s:.2f}" for name, s in sorted(added.items(), key=lambda item: -item[1]) if s >= 0.005]
    section.lines.append(f"  added by step, s: {', '.join(shown)}")
    waits = [f"{name} {s:.2f}" for name, s in sorted(record.waits_s.items(), key=lambda item: -item[1])]
    section.lines.append(f"  the record's reasons to wait, s: {', '.join(waits)}")
    section.details = {
        "visit": visit,
        "added_by_step_s": added,
        "waits_s": record.waits_s,
        "steps_s": record.steps_s,
        "outcome": record.outcome,
    }
    return section
