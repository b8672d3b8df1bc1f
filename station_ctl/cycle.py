"""What one control cycle decides, and from what: pure, so that it can be decided again from a recording.

`decide` is all between reading and writing: judge, what is asked, step, gate. The runner awaits what is around it;
`station-ctl replay` calls the same functions over what the black box kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from drivers.robot_protocol import CommandBlock, RobotCommand
from station_ctl import block
from station_ctl.config import Config
from station_ctl.deciders import Deciders
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import bay
from station_ctl.model.state import Asked, StationState
from station_ctl.model.visit import Swap
from station_ctl.model.words import PackML, Reason
from station_ctl.safety.guard import Guard
from station_ctl.swap import changes, people, reconcile, recovery, verbs
from station_ctl.swap.look import Look
from station_ctl.swap.machine import PACKML
from station_ctl.swap.step import step


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a cycle decides from, beside its configuration, its state and what the deciders remember.

    now_utc: the wall clock's label of the cycle; it names a swap that begins.
    """

    snapshot: Snapshot
    asked: tuple[Asked, ...]
    now_utc: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of it.

    refusals: for each verb asked why it is refused, '' if it is obeyed. wanted: the state that the step asked for,
    before its order came to the gate; state: the one after it. command: new to the PLC, its intent goes to disk first.
    finished: the swap whose record is complete now.
    """

    decision: Decision
    refusals: tuple[str, ...]
    wanted: StationState
    state: StationState
    command: RobotCommand | None
    finished: Swap | None


@dataclass(slots=True)
class Cycle:
    """One cycle from its reading to its writing, filled in as it goes; what it did not come to stays None.

    before:  the state it began in. seen, decided: see there.
    unwritten, undone_s: why its entry is not in the journal, and when that was known (event-loop seconds).
    again:   what was read while the intent went to disk; judged: what the interlock made of that.
    after:   the state it ended in. block: what went to the PLC.
    failed:  the defect that ended it, one line; '' for a cycle that did all its phases.
    """

    before: StationState
    seen: Seen | None = None
    decided: Decided | None = None
    unwritten: Reason | None = None
    undone_s: float | None = None
    again: Snapshot | None = None
    judged: Decision | None = None
    after: StationState | None = None
    block: CommandBlock | None = None
    failed: str = ""


def decide(deciders: Deciders, config: Config, state: StationState, seen: Seen) -> Decided:
    """One cycle: judge, obey what is asked, step, gate. No await, no clock, no I/O."""
    snapshot = seen.snapshot
    decision = deciders.judge(snapshot, state)
    asked, refusals = _obeyed(people.noticed(state, snapshot, config), seen, config, decision)
    result = step(Look(asked, snapshot, decision, config, seen.now_utc))
    after, command = _gate(deciders.guard, config, result, snapshot, decision)
    after = _charged(changes.naming_bus(state, after, snapshot.can), decision)
    return Decided(decision, refusals, result.state, after, command, result.finished)


def _charged(state: StationState, decision: Decision) -> StationState:
    """How charging stands goes into the state; a pack that tripped its bay by a fault of its own is quarantined."""
    charges = decision.charging.values()
    bad = {c.quarantine: c.reason for c in charges if c.quarantine and c.quarantine not in state.quarantined}
    if bad:
        state = replace(state, quarantined={**state.quarantined, **bad})
    return state if state.charging is decision.charging else replace(state, charging=decision.charging)


def _obeyed(
    state: StationState, seen: Seen, config: Config, decision: Decision
) -> tuple[StationState, tuple[str, ...]]:
    refusals = []
    for asked in seen.asked:
        why = verbs.refusal(asked, state, seen.snapshot, config, decision.thermal)
        source = bay(asked.bay) if asked.bay is not None else None
        why = why or reconcile.refusal(asked.verb, state, seen.snapshot, config, source)
        refusals.append(why)
        if not why:
            state = verbs.obey(asked, state, seen.snapshot, config, decision.thermal)
    return state, tuple(refusals)


def _gate(
    guard: Guard, config: Config, result: recovery.Result, snapshot: Snapshot, decision: Decision
) -> tuple[StationState, RobotCommand | None]:
    """The one way for an order to become a command; one that the PLC has not taken yet passes it every cycle."""
    state, robot = result.state, snapshot.robot
    if robot is None:
        return state, None
    if result.order is None:
        waiting = state.pending is not None and robot.echo_sequence != state.pending.sequence
        if waiting and state.pending and guard.admit(snapshot, state, state.pending, decision.thermal):
            return replace(state, pending=None), None  # the step orders it anew, and is refused by name
        return state, None
    command = result.order.command(block.next_sequence(state, robot))
    reasons = guard.admit(snapshot, state, command, decision.thermal)
    if reasons:
        return changes.refused(state, reasons, snapshot.now_s, config.swap.permit_grace_s), None
    return changes.given(state, command), command


def confirm(
    deciders: Deciders, config: Config, decided: Decided, state: StationState, again: Snapshot
) -> tuple[Decision, StationState]:
    """Judge once more what was read while the intent went to disk; what no longer holds is not given.

    Nor is what would start beside somebody who has come in meanwhile, even if he is no longer seen.
    """
    decision = deciders.judge_again(again, state, decided.decision)
    command, before = decided.command, state
    state = people.noticed(state, again, config)
    came_in = state.visited and not before.visited
    if command is not None and came_in and command.opcode not in people.OPENS:
        return decision, replace(state, pending=None)
    if command is not None and deciders.guard.admit(again, decided.wanted, command, decision.thermal):
        state = replace(state, pending=None)
    return decision, state


def undone(before: StationState, wanted: StationState, now_s: float, why: Reason) -> StationState:
    """The state before this cycle, aborted: what could not be written down is not built upon. Down is always on."""
    visited = before.visited or wanted.visited  # who was seen is not forgotten
    if wanted.packml in (PackML.ABORTING, PackML.ABORTED):
        return replace(wanted, pending=None, visited=visited)
    before = replace(before, sequence=wanted.sequence, visited=visited)  # a number that may be on the disk is used
    if PACKML.allows(before.packml, "abort"):
        return changes.abort(before, now_s, why)
    return replace(before, pending=None, reason=why)
