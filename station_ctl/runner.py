"""The control cycle: read -> judge -> step -> gate -> write -> record, at a fixed period, and at once on danger.

The cycle never stops: what goes wrong inside it ends in Aborted with the lease not re-armed, and the next cycle runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from drivers.errors import DeviceError
from drivers.robot_protocol import RobotCommand
from station_ctl import block
from station_ctl.commands import Commands
from station_ctl.config import Config
from station_ctl.journal import Entry, JournalError, stable, utc_text
from station_ctl.model import Decision, PackML, Place, Reason, Snapshot, StationState, bay, mount
from station_ctl.ports import JournalPort, PackPort, RobotPort, TruckPort, UplinkPort
from station_ctl.report import Reporter
from station_ctl.safety.guard import Guard
from station_ctl.stats import Distribution
from station_ctl.swap import step as swap_step
from station_ctl.swap.look import Look
from station_ctl.swap.machine import PACKML

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Health:
    """How the cycle itself is doing since the start."""

    period: Distribution = field(default_factory=Distribution)
    lateness: Distribution = field(default_factory=Distribution)
    work: Distribution = field(default_factory=Distribution)
    cycles: int = 0
    overruns: int = 0
    failed_writes: int = 0
    failed_cycles: int = 0


@dataclass(frozen=True, slots=True)
class Plant:
    """The ports of one station. can: state of each bus by name; clock: the event loop's time in seconds."""

    robot: RobotPort
    packs: PackPort
    truck: TruckPort
    uplink: UplinkPort
    journal: JournalPort
    can: Callable[[], dict[str, str]]
    clock: Callable[[], float]


class Runner:
    """Runs the control cycle of one station. on_healthy is called after every cycle that did all its phases."""

    def __init__(
        self,
        config: Config,
        guard: Guard,
        plant: Plant,
        reporter: Reporter,
        state: StationState,
        on_healthy: Callable[[], None],
    ) -> None:
        self.health = Health()
        self.state = state
        self._config = config
        self._guard = guard
        self._plant = plant
        self._reporter = reporter
        self._on_healthy = on_healthy
        self._commands = Commands(plant.uplink)
        self._addresses: dict[Place, int] = {bay(b.number): b.can_address for b in config.bay}
        self._addresses |= {mount(m.number): m.can_address for m in config.mount}
        self._wake = asyncio.Event()
        self._heartbeat = 0
        self._latched = True
        self._recorded: StationState | None = None

    def wake(self) -> None:
        """Run a cycle now: something was read that can only mean danger."""
        self._wake.set()

    async def run(self) -> None:
        """Cycle until cancelled. A missed period is left out, never caught up in a burst."""
        loop = asyncio.get_running_loop()
        period_s = self._config.station.period_ms / 1000
        due_s = loop.time() + period_s
        before_s = loop.time()
        while True:
            woken = await self._until(due_s)
            start_s = loop.time()
            await self._supervised(start_s)
            self.health.work.add(loop.time() - start_s)
            if woken:
                continue
            self.health.lateness.add(start_s - due_s)
            self.health.period.add(start_s - before_s)
            before_s, due_s = start_s, due_s + period_s
            if due_s < loop.time():
                self.health.overruns += 1
                due_s = loop.time() + period_s

    async def stop(self) -> None:
        """Bring the robot to a stop before the service ends: withdraw everything until it stands."""
        now_s = asyncio.get_running_loop().time()
        if PACKML.allows(self.state.packml, "stop"):
            self.state = swap_step.go(self.state, "stop", now_s, Reason("shutdown", "the service is being stopped"))
        elif PACKML.allows(self.state.packml, "abort"):
            reason = Reason("shutdown", f"the service was stopped in step {self.state.step}")
            self.state = swap_step.abort(self.state, now_s, reason)
        loop = asyncio.get_running_loop()
        while loop.time() < now_s + STOP_S:
            await self._supervised(loop.time())
            if self.state.packml in (PackML.ABORTED, PackML.STOPPED):
                return
            await asyncio.sleep(self._config.station.period_ms / 1000)

    async def _until(self, due_s: float) -> bool:
        """Wait for the next period; True if danger came first."""
        try:
            async with asyncio.timeout_at(due_s):
                await self._wake.wait()
        except TimeoutError:
            return False
        finally:
            self._wake.clear()
        return True

    async def _supervised(self, now_s: float) -> None:
        try:
            await self._cycle(now_s)
        except Exception as e:
            log.exception("the control cycle failed; the station is aborted")
            self.health.failed_cycles += 1
            if PACKML.allows(self.state.packml, "abort"):
                self.state = swap_step.abort(self.state, now_s, Reason("internal_error", f"{type(e).__name__}: {e}"))
            return
        self.health.cycles += 1
        self._on_healthy()

    async def _cycle(self, now_s: float) -> None:
        snapshot = self._read(now_s)
        robot_state = snapshot.robot.state if snapshot.robot else None
        decision = self._guard.judge(snapshot, self.state, swap_step.reset_line(self.state, robot_state))
        tripped, self._latched = decision.latched and not self._latched, decision.latched
        asked = self._commands.take(self.state, snapshot)
        result = swap_step.step(Look(asked, snapshot, decision, self._config, utc_text()))
        state, command = self._gate(result, snapshot)
        events = (*result.events, *swap_step.told(result.state, state))
        entry = Entry(state, command, events, result.finished)
        if tripped:  # a stop does not wait for the disk
            await self._write(state, decision, snapshot)
        state = await self._record(entry)
        if command is not None:
            snapshot, decision, state = self._still_admitted(command, result.state, state)
        if not tripped:
            await self._write(state, decision, snapshot)
        self.state = state
        self._plant.truck.request = swap_step.truck_request(state)
        self._reporter.report(state, snapshot, decision, entry.events, result.finished)
        self._commands.follow(state, result.finished)

    def _read(self, now_s: float) -> Snapshot:
        plant = self._plant
        packs = {place: plant.packs.status(address) for place, address in self._addresses.items()}
        robot, error = plant.robot.status, plant.robot.error
        return Snapshot(now_s, robot, str(error) if error else "", plant.truck.status, packs, plant.can())

    def _gate(self, result: swap_step.Result, snapshot: Snapshot) -> tuple[StationState, RobotCommand | None]:
        """The one way for an order to become a command."""
        if result.order is None or snapshot.robot is None:
            return result.state, None
        command = result.order.command(block.next_sequence(result.state, snapshot.robot))
        reasons = self._guard.admit(snapshot, result.state, command)
        if reasons:
            grace_s = self._config.swap.permit_grace_s
            return swap_step.refused(result.state, reasons, snapshot.now_s, grace_s), None
        return swap_step.given(result.state, command), command

    def _still_admitted(
        self, command: RobotCommand, before: StationState, state: StationState
    ) -> tuple[Snapshot, Decision, StationState]:
        """Judge once more what was read while the intent went to disk; what no longer holds is not given."""
        snapshot = self._read(self._plant.clock())
        decision = self._guard.judge(snapshot, state, False)
        if self._guard.admit(snapshot, before, command):
            state = replace(state, pending=None)
        return snapshot, decision, state

    async def _record(self, entry: Entry) -> StationState:
        """Journal what changed; an intent that cannot be journalled is not given."""
        lasting = stable(entry.state)
        if lasting == self._recorded and not (entry.intent or entry.events or entry.finished):
            return entry.state
        try:
            async with asyncio.timeout(JOURNAL_S):
                await self._plant.journal.append(entry)
        except (JournalError, TimeoutError) as e:
            text = str(e) or f"the journal did not take an entry within {JOURNAL_S:g} s"
            log.error("%s", text)
            if PACKML.allows(entry.state.packml, "abort"):
                return swap_step.abort(entry.state, asyncio.get_running_loop().time(), Reason("journal", text))
            return replace(entry.state, pending=None)
        self._recorded = lasting
        return entry.state

    async def _write(self, state: StationState, decision: Decision, snapshot: Snapshot) -> None:
        """One Modbus transaction: lease, permits, command. A lost one is repeated by the next cycle only."""
        if snapshot.robot is None:
            return
        self._heartbeat = (self._heartbeat + 1) % 0x10000
        lease_ms = self._config.robot.lease_ms
        try:
            await self._plant.robot.write(block.make(state, decision, snapshot.robot, self._heartbeat, lease_ms))
        except DeviceError as e:
            self.health.failed_writes += 1
            log.debug("command block not written: %s", e)


JOURNAL_S = 0.4
"""A disk that is slower holds up the cycle; less than the lease, so that the stop is ours and not the PLC's."""
STOP_S = 1.0
"""Category-1 ramps of the plant are shorter, and the service has 2 s to end."""
