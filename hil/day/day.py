"""One day: the production deciders over the yard in virtual time, cycle after cycle."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from drivers.registers import load
from drivers.robot_protocol import MotionClass
from hil.day import demand
from hil.day.case import PROMISED_PCT, Case
from hil.day.lane import Lane
from hil.day.line import Line
from hil.day.loads import Loads
from hil.day.outcome import Minute, Outcome
from hil.day.sight import Sight
from hil.day.troubles import TROUBLES, Troubles
from hil.day.yard import FINE_S, Yard
from hil.peers.charger_rules import ChargerProgram
from station_ctl.charging import table
from station_ctl.charging.charger import Charger
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import BayCharge, StationState
from station_ctl.swap import plan

CYCLE_S, QUIET_S = 0.5, 2.0
"""Ten of the service's cycles: the proof of the shares bears commands and statuses that are 1 s late. The longer one
as long as nothing but charge, heat and voltage changes, slowly: no current ramps, no phase begins, no robot moves."""
STEADY: Final = frozenset({"", "charging", "tapering", "balancing"})
MINUTE_S: Final = 60.0
_FREE: Final = Decision(MotionClass(255), False, 0, None, {})


class Day:
    """One case, played by `run`."""

    def __init__(self, case: Case, promised_pct: float = PROMISED_PCT) -> None:
        self.case, self.config = case, case.station()
        self.yard = Yard(case.bays, case.limit_kw * 1000.0, case.ambient_c)
        for number in range(1, case.bays):
            self.yard.dock(number, self.yard.pack(case.stock_pct, 2.0))
        register_map = load("charger-v1")
        chargers = self.yard.electrics.chargers
        self.lines = {n: Line(ChargerProgram(c, register_map), case.seed, n) for n, c in chargers.items()}
        self.charger = Charger(table.load(), self.config)
        self.sight = Sight(self.yard, self.lines, grid=case.grid_meter)
        trucks = demand.day(case.seed, case.from_h, case.hours)
        self.lane = Lane(self.yard, trucks, self.config, promised_pct, case.seed)
        self.loads, self.plan = Loads(case.seed), case.plan()
        self.troubles = Troubles(self.yard, self.lines, TROUBLES if case.troubled else ())
        self.state, self.now_s = StationState(), case.from_h * 3600.0
        self.troubles.plan(self.now_s, case.hours * 3600.0)
        accounts, peak = self.yard.accounts, self.yard.peak
        self.outcome = Outcome(case, peak, accounts, self.yard.worst, self.lane.served)
        self._minute_s, self._before, self._most_w = self.now_s, (0.0, 0.0, 0.0), 0.0
        self.ramped = True

    def run(self) -> Outcome:
        """All of it."""
        began_s, end_s = time.process_time(), self.now_s + self.case.hours * 3600.0
        while self.now_s < end_s - 1e-6:
            self.cycle()
        outcome = self.outcome
        outcome.accounts, outcome.waiting = self.yard.close(), self.lane.waiting
        outcome.arcs = sum(self.yard.supplies.arcs.values())
        outcome.cpu_s = time.process_time() - began_s
        return outcome

    def cycle(self) -> None:
        """One cycle of the controller, and the plant until the next."""
        now_s = self.now_s
        self.troubles.step(now_s)
        snapshot = self.sight.snapshot(now_s, self.plan)
        self.lane.step(now_s, snapshot, self.state)
        self.state = replace(self.state, swap=self.lane.under_way, clears=self.troubles.clears)
        found = self.charger.decide(snapshot, self.state, _FREE)
        self._note(found.charging)
        self.state = replace(self.state, charging=found.charging)
        self.yard.supplies.command(found.charge_permits)
        for number, line in self.lines.items():
            line.want(found.set_points[number], now_s)
        self.yard.electrics.auxiliary_w = self.loads.draw(now_s, robot_moves=self.lane.moves)
        self._advance(self._pace(found))
        if self.now_s - self._minute_s >= MINUTE_S - 1e-6:
            self._write(snapshot)

    def _pace(self, found: Decision) -> float:
        """How long the plant is left alone: a cycle, or until something may happen."""
        stirs = self.ramped or self.lane.moves or any(line.waiting for line in self.lines.values())
        if stirs or any(charge.phase not in STEADY for charge in found.charging.values()):
            return CYCLE_S
        events_s = self.troubles.next_s, self.lane.next_s, self.loads.next_s, self.now_s + QUIET_S
        return max(min(events_s) - self.now_s, CYCLE_S)

    def _advance(self, length_s: float) -> None:
        """Fine steps while any current ramps or a command is under way, then the rest at once."""
        yard, end_s = self.yard, self.now_s + length_s
        yard.allow()
        self.ramped, ramps = False, length_s <= CYCLE_S
        while self.now_s < end_s - 1e-6:
            waits = any(line.waiting for line in self.lines.values())
            dt_s = FINE_S if ramps or waits else end_s - self.now_s
            for line in self.lines.values():
                line.scan(self.now_s)
            self.now_s = round(self.now_s + dt_s, 6)
            ramps = yard.step(self.now_s, dt_s)
            self.ramped = self.ramped or ramps
            self._most_w = max(self._most_w, yard.last_w)

    def _note(self, charging: Mapping[int, BayCharge]) -> None:
        """Charges that have ended, as the controller tells of them."""
        if charging is self.state.charging:
            return
        for number, now in charging.items():
            before = self.state.charging.get(number)
            if before is None or before == now:
                continue
            if before.phase and not now.phase:
                self.outcome.ended[now.code] += 1
            if now.metered and not before.metered:
                self.outcome.charges += 1
                self.outcome.metered_kwh += now.energy_kwh or 0.0
            self.outcome.unmetered += bool(now.unmetered and not before.unmetered)

    def _write(self, snapshot: Snapshot) -> None:
        """A minute is over."""
        a, span_h = self.yard.accounts, (self.now_s - self._minute_s) / 3600.0
        sums = a.grid, a.losses, a.auxiliary + a.coolant
        grid_w, losses_w, others_w = ((now - then) / span_h for now, then in zip(sums, self._before, strict=True))
        ready = plan.ready_bays(self.state, snapshot, self.config, PROMISED_PCT)
        busy = sum(bool(charge.phase) for charge in self.state.charging.values())
        self.outcome.record.append(
            Minute(
                self.now_s,
                grid_w - losses_w - others_w,
                losses_w,
                others_w,
                self._most_w,
                len(ready),
                self.lane.waiting,
                busy,
            )
        )
        self._minute_s, self._before, self._most_w = self.now_s, sums, 0.0
