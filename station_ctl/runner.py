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
from station_ctl.journal import Entry, JournalError, stable
from station_ctl.model import Decision, PackML, Place, Reason, Snapshot, StationState, bay, mount
from station_ctl.ports import JournalPort, PackPort, RobotPort, TruckPort, UplinkPort
from station_ctl.report import Reporter
from station_ctl.safety.guard import Guard
from station_ctl.stats import Distribution
from station_ctl.swap import changes, recovery
from station_ctl.swap.look import Look
from station_ctl.swap.machine import PACKML
from station_ctl.swap.step import step
from station_ctl.wall_clock import utc_text

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
    """Runs the control cycle of one station.

    on_healthy: called after every cycle that did all its phases.
    on_cycle:   called with what a cycle saw, how it judged, and the state it ended in; for whoever keeps watch. It must
                not raise, and is not waited for.
    """

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
        self.on_cycle: Callable[[Snapshot, Decision, StationState], None] = _unwatched
        self._config = config
        self._guard = guard
        self._plant = plant
        self._reporter = reporter
        self._on_healthy = on_healthy
        self._commands = Commands(plant.uplink)
        self._addresses: dict[Place, int] = {bay(b.number): b.can_address for b in config.bay}
        self._addresses |= {mount(m.number): m.can_address for m in config.mount}
        self._wake = asyncio.Event()
        self._danger = False
        self._heartbeat = 0
        self._recorded: StationState | None = None
        self._entries: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """Run a cycle now: something was read that can only mean danger."""
        self._danger = True
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
            late_s = loop.time() - due_s
            if late_s > 0:  # the next period is left out; how late it would have been counts all the same
                self.health.overruns += 1
                self.health.lateness.add(late_s)
                due_s = loop.time() + period_s

    async def stop(self) -> None:
        """Bring the robot to a stop before the service ends: withdraw everything until it stands."""
        now_s = asyncio.get_running_loop().time()
        if PACKML.allows(self.state.packml, "stop"):
            self.state = changes.go(self.state, "stop", now_s, Reason("shutdown", "the service is being stopped"))
        elif PACKML.allows(self.state.packml, "abort"):
            reason = Reason("shutdown", f"the service was stopped in step {self.state.step}")
            self.state = changes.abort(self.state, now_s, reason)
        loop = asyncio.get_running_loop()
        while loop.time() < now_s + STOP_S and self.state.packml not in (PackML.ABORTED, PackML.STOPPED):
            await self._supervised(loop.time())
            await asyncio.sleep(self._config.station.period_ms / 1000)
        if self._entries:  # what follows behind goes to disk before the journal is closed
            await asyncio.wait(self._entries, timeout=STOP_S / 2)

    async def _until(self, due_s: float) -> bool:
        """Wait for the next period; True if danger came first."""
        timer = asyncio.get_running_loop().call_at(due_s, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
            self._wake.clear()
        danger, self._danger = self._danger, False
        return danger

    async def _supervised(self, now_s: float) -> None:
        try:
            await self._cycle(now_s)
        except Exception as e:
            log.exception("the control cycle failed; the station is aborted")
            self.health.failed_cycles += 1
            if PACKML.allows(self.state.packml, "abort"):
                self.state = changes.abort(self.state, now_s, Reason("internal_error", f"{type(e).__name__}: {e}"))
            return
        self.health.cycles += 1
        self._on_healthy()

    async def _cycle(self, now_s: float) -> None:
        snapshot = self._read(now_s)
        robot_state = snapshot.robot.state if snapshot.robot else None
        reset = recovery.reset_line(self.state, robot_state)
        decision = self._guard.judge(snapshot, self.state, reset=reset, engaged=changes.engaged(self.state))
        asked = self._commands.take(self.state, snapshot)
        result = step(Look(asked, snapshot, decision, self._config, utc_text()))
        state, command = self._gate(result, snapshot)
        state = changes.naming_bus(self.state, state, snapshot.can)
        entry = Entry(state, command, changes.told(self.state, state), result.finished)
        if command is None:  # nothing new moves: the lease does not wait for the disk, and a stop even less
            await self._write(state, decision, snapshot)
        state, written = await self._record(entry)
        if command is not None:
            snapshot, decision, state = self._still_admitted(command, result.state, state)
            await self._write(state, decision, snapshot)
        self.state = state
        self._plant.truck.request = changes.truck_request(state)
        finished = result.finished if written else None
        self._reporter.report(state, snapshot, decision, entry.events, finished)
        self._commands.follow(state, finished)
        self.on_cycle(snapshot, decision, state)

    def _read(self, now_s: float) -> Snapshot:
        plant = self._plant
        packs = {place: plant.packs.status(address) for place, address in self._addresses.items()}
        robot, error = plant.robot.status, plant.robot.error
        return Snapshot(now_s, robot, str(error) if error else "", plant.truck.status, packs, plant.can())

    def _gate(self, result: recovery.Result, snapshot: Snapshot) -> tuple[StationState, RobotCommand | None]:
        """The one way for an order to become a command; one that the PLC has not taken yet passes it every cycle."""
        state, robot = result.state, snapshot.robot
        if robot is None:
            return state, None
        if result.order is None:
            waiting = state.pending is not None and robot.echo_sequence != state.pending.sequence
            if waiting and state.pending and self._guard.admit(snapshot, state, state.pending):
                return replace(state, pending=None), None  # the step orders it anew, and is refused by name
            return state, None
        command = result.order.command(block.next_sequence(state, robot))
        reasons = self._guard.admit(snapshot, state, command)
        if reasons:
            return changes.refused(state, reasons, snapshot.now_s, self._config.swap.permit_grace_s), None
        return changes.given(state, command), command

    def _still_admitted(
        self, command: RobotCommand, before: StationState, state: StationState
    ) -> tuple[Snapshot, Decision, StationState]:
        """Judge once more what was read while the intent went to disk; what no longer holds is not given."""
        snapshot = self._read(self._plant.clock())
        decision = self._guard.judge(snapshot, state, reset=False, engaged=changes.engaged(state))
        if self._guard.admit(snapshot, before, command):
            state = replace(state, pending=None)
        return snapshot, decision, state

    async def _record(self, entry: Entry) -> tuple[StationState, bool]:
        """Journal what changed; False if it could not be: then the cycle's step has not happened, and all stops.

        An intent and a swap's record have to be on disk before the world is told; nothing moves meanwhile. Anything
        else follows in order behind the cycle, which does not wait for a slow disk.
        """
        lasting = stable(entry.state)
        vital = entry.intent is not None or entry.finished is not None
        try:
            if lasting != self._recorded or vital or entry.events:
                self._entries.append(asyncio.create_task(self._plant.journal.append(entry), name="journal entry"))
            await self._caught_up(JOURNAL_S if vital else BRIEF_S, all_of_it=vital)
        except (JournalError, TimeoutError) as e:
            text = str(e) or f"the journal did not take an entry within {JOURNAL_S:g} s"
            log.error("%s", text)
            return self._undone(entry.state, Reason("journal", text)), False
        self._recorded = lasting
        return entry.state, True

    async def _caught_up(self, within_s: float, *, all_of_it: bool) -> None:
        """Wait for entries under way. Raises JournalError if one failed, TimeoutError if they are too slow."""
        if not self._entries:
            return
        done, late = await asyncio.wait(self._entries, timeout=within_s)
        self._entries = [task for task in self._entries if task in late]
        for error in [task.exception() for task in done]:
            if error is not None:
                raise error
        if late and (all_of_it or len(late) > ENTRIES_BEHIND):
            raise TimeoutError

    def _undone(self, wanted: StationState, why: Reason) -> StationState:
        """The state before this cycle, aborted: what could not be written down is not built upon. Down is always on."""
        if wanted.packml in (PackML.ABORTING, PackML.ABORTED):
            return replace(wanted, pending=None)
        before = replace(self.state, sequence=wanted.sequence)  # a number that may be on the disk is not given again
        if PACKML.allows(before.packml, "abort"):
            return changes.abort(before, self._plant.clock(), why)
        return replace(before, pending=None, reason=why)

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


def _unwatched(_snapshot: Snapshot, _decision: Decision, _state: StationState) -> None:
    """Nobody keeps watch."""


JOURNAL_S = 1.5
"""An intent that is not on disk by then is not given and the swap aborted. Under the 2 s of the systemd watchdog."""
BRIEF_S = 0.01
"""So long the cycle waits for an entry that nothing depends on."""
ENTRIES_BEHIND = 64
"""So many entries may follow behind the cycle before the disk counts as failed."""
STOP_S = 1.0
"""Category-1 ramps of the plant are shorter, and the service has 2 s to end."""
