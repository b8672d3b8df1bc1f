"""The control cycle: read -> judge -> step -> gate -> write -> record, at a fixed period, and at once on danger.

What is decided is decided in station_ctl.cycle; here is all the awaiting around it. The cycle never stops: what goes
wrong inside it ends in Aborted with the lease not re-armed, and the next cycle runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from drivers.robot_protocol import CommandBlock
from station_ctl.alarms.vitals import Vital
from station_ctl.commands import Commands
from station_ctl.config import Config
from station_ctl.cycle import Cycle, Decided, Seen, confirm, decide, undone
from station_ctl.deciders import Deciders
from station_ctl.entries import Entries
from station_ctl.health import Health
from station_ctl.journal import Entry
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML, Reason
from station_ctl.output import Output
from station_ctl.pacer import Pacer
from station_ctl.plans import Plans
from station_ctl.plant import Plant, addresses
from station_ctl.report import Reporter
from station_ctl.swap import changes
from station_ctl.swap.machine import PACKML
from station_ctl.wall_clock import utc_now, utc_text

log = logging.getLogger(__name__)

STOP_S = 1.0
"""Category-1 ramps of the plant are shorter, and the service has 2 s to end."""


class Runner:
    """Runs the control cycle of one station.

    on_healthy: called after every cycle that did all its phases.
    on_cycle:   called with what a cycle saw, how it judged, and the state it ended in; for whoever keeps watch.
    on_end:     called with every cycle there was, also one that failed or was cancelled; for the black box.
    None of them may raise, and none is waited for.
    """

    def __init__(
        self,
        config: Config,
        deciders: Deciders,
        plant: Plant,
        reporter: Reporter,
        state: StationState,
        on_healthy: Callable[[], None],
    ) -> None:
        self.health = Health()
        self.state = state
        self.on_cycle: Callable[[Snapshot, Decision, StationState], None] = _unwatched
        self.on_end: Callable[[Cycle], None] = _unrecorded
        self._config = config
        self._deciders = deciders
        self._plant = plant
        self._reporter = reporter
        self._on_healthy = on_healthy
        self._journal_error = ""
        self._journal_s = 0.0  # waited for the journal since the chargers were told last
        self._alarms = reporter.alarms
        plans = Plans([section.number for section in config.bay], plant.uplink)
        self._commands = Commands(plant.uplink, reporter.alarms, plans)
        self._entries = Entries(plant.journal)
        self._addresses = addresses(config)
        self._pacer = Pacer(self.health, config.station.period_ms / 1000)
        self._output = Output(config, plant.robot, self.health, plant.chargers)

    def wake(self) -> None:
        """Run a cycle now: something was read that can only mean danger."""
        self._pacer.wake()

    async def run(self) -> None:
        """Cycle until cancelled. A missed period is left out, never caught up in a burst."""
        self._pacer.begin()
        while True:
            await self._supervised(await self._pacer.due())
            self._pacer.done()

    async def stop(self) -> None:
        """Bring the robot to a stop before the service ends: withdraw everything until it stands."""
        now_s = asyncio.get_running_loop().time()
        if PACKML.allows(self.state.packml, "stop"):
            self.state = changes.go(self.state, "stop", now_s, Reason("shutdown", "the service is being stopped"))
        elif PACKML.allows(self.state.packml, "abort"):
            reason = Reason("shutdown", f"the service was stopped in step {self.state.step}")
            self.state = changes.abort(self.state, now_s, reason)
        self.state = replace(self.state, shutting_down=True)
        loop = asyncio.get_running_loop()
        await self._supervised(loop.time())  # charging ends now, not when its lease is out
        while loop.time() < now_s + STOP_S and self.state.packml not in (PackML.ABORTED, PackML.STOPPED):
            await self._supervised(loop.time())
            await asyncio.sleep(self._config.station.period_ms / 1000)
        await self._entries.flush(STOP_S / 2)

    async def _supervised(self, now_s: float) -> None:
        cycle = Cycle(self.state)
        try:
            await self._cycle(now_s, cycle)
        except asyncio.CancelledError:
            cycle.failed = "cancelled"
            raise
        except Exception as e:
            log.exception("the control cycle failed; the station is aborted")
            cycle.failed = f"{type(e).__name__}: {e}"
            self.health.failed_cycles += 1
            self.state = replace(self.state, visited=True)  # who came in meanwhile, a failed cycle may have overlooked
            if PACKML.allows(self.state.packml, "abort"):
                self.state = changes.abort(self.state, now_s, Reason("internal_error", cycle.failed))
            return
        finally:
            cycle.after = self.state
            self.on_end(cycle)
        self.health.cycles += 1
        self._on_healthy()

    async def _cycle(self, now_s: float, cycle: Cycle) -> None:
        snapshot = self._read(now_s)
        cycle.seen = Seen(snapshot, self._commands.take(now_s), utc_text())
        cycle.decided = decided = decide(self._deciders, self._config, self.state, cycle.seen)
        self._commands.answer(decided.refusals)
        decision, command = decided.decision, decided.command
        if command is None:  # nothing new moves: the lease does not wait for the disk, and a stop even less
            cycle.block = await self._write(decided.state, decision, snapshot)
        else:
            self._output.want(decision, now_s)
        told = self._alarms.step(decided.state, snapshot, decision, self._vital())
        events = (*changes.told(self.state, decided.state), *told.events, *self._plant.estimates.told(decided.state))
        entry = Entry(decided.state, command, events, decided.finished, told.transitions)
        state = await self._recorded(entry, cycle)
        if command is not None:
            snapshot, decision, state = self._still_admitted(decided, state, cycle)
            cycle.block = await self._write(state, decision, snapshot)
        self.state = state
        self._plant.truck.request = changes.truck_request(state)
        finished = decided.finished if cycle.unwritten is None else None
        self._reporter.report(state, snapshot, decision, entry.events, finished)
        self._commands.follow(state, finished)
        self.on_cycle(snapshot, decision, state)

    def _read(self, now_s: float) -> Snapshot:
        snapshot = self._plant.read(self._addresses, now_s, self._commands.plans.plan)
        silent_s, unsaid = self._output.silent_s(now_s), self._output.unsaid
        if silent_s or unsaid:
            snapshot = replace(
                snapshot, unsaid=unsaid, silent_s=silent_s, journal_s=self._journal_s if silent_s else 0.0
            )
        return snapshot

    def _vital(self) -> Vital:
        """How the controller itself is doing, for its alarms."""
        uplink, health = self._plant.uplink.figures(), self.health
        return Vital(
            utc_now(),
            uplink.connected,
            uplink.rejected,
            uplink.dropped,
            health.overruns,
            health.failed_writes,
            self._entries.behind,
            self._journal_error,
            self._plant.recorder(),
        )

    async def _recorded(self, entry: Entry, cycle: Cycle) -> StationState:
        """The state once its entry is in the journal; the one to fall back to if it is not."""
        began_s = self._plant.clock()
        cycle.unwritten = why = await self._entries.add(entry)
        self._journal_s = self._plant.clock() - began_s
        self._journal_error = why.text if why else ""
        if why is None:
            if not self._entries.behind:
                self._alarms.written()
            return entry.state
        self._alarms.not_written()
        log.error("%s", why.text)
        cycle.undone_s = self._plant.clock()
        return undone(cycle.before, entry.state, cycle.undone_s, why)

    def _still_admitted(
        self, decided: Decided, state: StationState, cycle: Cycle
    ) -> tuple[Snapshot, Decision, StationState]:
        """Read and judge again before an order is written: the plant may have changed while its intent went to disk."""
        cycle.again = snapshot = self._read(self._plant.clock())
        cycle.judged, state = confirm(self._deciders, self._config, decided, state, snapshot)
        return snapshot, cycle.judged, state

    async def _write(self, state: StationState, decision: Decision, snapshot: Snapshot) -> CommandBlock | None:
        return await self._output.write(state, decision, snapshot)


def _unwatched(_snapshot: Snapshot, _decision: Decision, _state: StationState) -> None:
    """Nobody keeps watch."""


def _unrecorded(_cycle: Cycle) -> None:
    """Nobody keeps a record."""
