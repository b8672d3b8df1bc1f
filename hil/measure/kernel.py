"""Section `kernel`: what deciding costs, without any wire."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from drivers import tasks
from drivers.robot_protocol import MotionClass, Opcode, RobotCommand
from hil.measure.figures import Section
from hil.measure.memory import MemoryStation
from station_ctl.charging import table as charging_table
from station_ctl.charging.charger import Charger
from station_ctl.deciders import Deciders
from station_ctl.model.look import Snapshot
from station_ctl.model.places import bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Exchange, Swap
from station_ctl.model.words import PackML
from station_ctl.plant import Plant
from station_ctl.report import Reporter
from station_ctl.runner import Runner
from station_ctl.safety import inputs, table
from station_ctl.safety import scene as scene_of
from station_ctl.safety.guard import Guard, fitted_mounts
from station_ctl.swap.doorkeeper import Doorkeeper
from station_ctl.uplink.record_messages import MetricsMessage, Spread

SETTLE_S = 3.0
BATCH = 50


def timed_ns(call: Callable[[], object], times: int) -> list[float]:
    """Nanoseconds of one call, as the mean of each of 20 batches: short calls cannot be timed one by one."""
    batch, found = max(1, times // 20), []
    for _ in range(20):
        began_ns = time.perf_counter_ns()
        for _ in range(batch):
            call()
        found.append((time.perf_counter_ns() - began_ns) / batch)
    return found


async def measure(times: int, settle_s: float = SETTLE_S) -> Section:
    """So many calls of the kernel, a tenth of it of the guard and of whole cycles."""
    section = Section("kernel", "deciding without wires: 8 packs and a truck, a swap under way, production drivers")
    with tempfile.TemporaryDirectory(prefix="station-") as folder:
        station = MemoryStation(Path(folder))
        await station.settle(settle_s)
        snapshot = _snapshot(station)
        state = _executing(station)
        rules = table.load()
        scene = scene_of.Scene(snapshot, state.pending, None, fitted_mounts(snapshot, (1, 2, 3)), {})
        block = inputs.Packer(rules, inputs.READERS, inputs.SUBJECTS).pack(scene)
        kernel = table.interlock(rules.causes, station.config.safety)
        moving = int(MotionClass.TRAVEL)
        guard = Guard(rules, station.config)
        section.add_spread("Interlock.judge", timed_ns(lambda: kernel.judge(block, moving, False), times), "ns")
        section.add_spread("Interlock.may_start", timed_ns(lambda: kernel.may_start(block), times), "ns")
        judged_ns = timed_ns(lambda: guard.judge(snapshot, state, reset=False, engaged=True), times // 10)
        section.add_spread("Guard.judge with packing", [ns / 1e3 for ns in judged_ns], "us")
        cycles = Cycles(station, guard, max(BATCH, times // 100))
        section.add_spread("control cycle without I/O", await cycles.measure(state), "us")
        section.details = {
            "calls": times,
            "cycles": cycles.counted,
            "packs_monitored": _monitored(snapshot),
            "state": cycles.state,
        }
    return section


def _monitored(snapshot: Snapshot) -> int:
    return sum(pack.link.name == "MONITORED" for pack in snapshot.packs.values())


def _snapshot(station: MemoryStation) -> Snapshot:
    places = {bay(b.number): b.can_address for b in station.config.bay}
    places |= {mount(m.number): m.can_address for m in station.config.mount}
    packs = {place: station.packs.status(address) for place, address in places.items()}
    now_s = asyncio.get_running_loop().time()
    return Snapshot(now_s, station.robot.status, "", station.truck.status, packs, {"packs": "UP"})


def _executing(station: MemoryStation) -> StationState:
    """Carrying the first pack to its bay, the PLC still at it."""
    exchange = Exchange(1, "TRK1-00000001", 12.0, 7, 1, "SIMP-00000001", 95.0)
    swap = Swap("BENCH", "LZZ5CLSB8NA000001", "bench", 80.0, "2000-01-01T00:00:00.000Z", (exchange,))
    order = RobotCommand(1, Opcode.MOVE_TO, destination=7)
    now_s = asyncio.get_running_loop().time()
    return StationState(
        packml=PackML.EXECUTE,
        step="carry_to_bay",
        swap=swap,
        pending=order,
        sequence=order.sequence,
        step_since_s=now_s,
    )


class Cycles:
    """The production runner in memory: each healthy cycle wakes the next one."""

    def __init__(self, station: MemoryStation, guard: Guard, batches_of: int) -> None:
        self.counted = 0
        self._station, self._guard, self._size = station, guard, batches_of
        self._left = 0
        self._batch_done = asyncio.Event()
        self._runner: Runner | None = None

    @property
    def state(self) -> str:
        """PackML state and reason that the cycles ended in."""
        state = self._runner.state if self._runner else StationState()
        return f"{state.packml}: {state.reason.text if state.reason else ''}"

    async def measure(self, state: StationState, batches: int = 20) -> list[float]:
        """Microseconds of one cycle, as the mean of each batch; inputs are renewed between batches."""
        station = self._station
        plant = Plant(
            station.robot,
            station.packs,
            station.truck,
            station.uplink,
            station.journal,
            lambda: {"packs": "UP"},
            asyncio.get_running_loop().time,
            Doorkeeper(station.config.safety.plc_age_ms / 1000),
        )
        reporter = Reporter(station.config, station.uplink, _no_metrics)
        deciders = Deciders(self._guard, Charger(charging_table.load(), station.config))
        runner = self._runner = Runner(station.config, deciders, plant, reporter, StationState(), self._healthy)
        task = asyncio.create_task(runner.run(), name="control cycle")
        try:
            await self._run(2)
            await station.refresh()
            runner.state = StationState(packml=PackML.CLEARING, state_since_s=asyncio.get_running_loop().time())
            await self._run(2)
            gc.collect()
            return [await self._timed(state) for _ in range(batches)]
        finally:
            await tasks.end(task)

    async def _timed(self, state: StationState) -> float:
        await self._station.refresh()
        if self._runner is not None:
            self._runner.state = state
        began_ns = time.perf_counter_ns()
        await self._run(self._size)
        spent_us = (time.perf_counter_ns() - began_ns) / 1e3 / self._size
        self.counted += self._size
        return spent_us

    async def _run(self, cycles: int) -> None:
        self._left = cycles
        self._batch_done.clear()
        if self._runner is not None:
            self._runner.wake()
        await self._batch_done.wait()

    def _healthy(self) -> None:
        self._left -= 1
        if self._left > 0 and self._runner is not None:
            self._runner.wake()
        elif self._left <= 0:
            self._batch_done.set()


def _no_metrics() -> MetricsMessage:
    none = Spread(p50=0, p99=0, max=0)
    return MetricsMessage(
        cycle_period_ms=none,
        lateness_ms=none,
        overruns=0,
        modbus_round_trip_ms=none,
        can_frames=0,
        can_state="UP",
        queue_depths={},
        rejected_commands=0,
    )
