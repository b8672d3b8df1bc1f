"""The bench tested by defects: each is planted in the controller, and a soak has to find it in its CI budget.

The soaks take minutes and are left out of `make test`; `make planted` runs them, and so does CI.

One worker has 180 s of CPU for a soak in CI; here each defect gets half of that, counted in CPU so that a busy
machine changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from drivers.robot_protocol import CommandBlock
from hil.record import Record
from hil.rig.operator import Operator
from hil.scenario import load
from hil.scenario.virtual import play_virtual
from hil.soak.case import Case, Outcome
from hil.soak.run import run
from station_ctl import commands
from station_ctl.commands import Commands
from station_ctl.config import Config
from station_ctl.cycle import Cycle
from station_ctl.journal import Entry
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import Asked, StationState
from station_ctl.runner import Runner
from station_ctl.safety import from_plc, inputs
from station_ctl.safety.guard import Guard
from station_ctl.swap import people, steps
from station_ctl.uplink import admission
from station_ctl.uplink.admission import Command

FORGETS, STARTS = "forgets people without a word", "starts by itself after somebody was inside"
BUDGET_SEEDS = 12
"""Seeds and not seconds: what is found depends on no machine. The soak in CI plays more of them, twice as long."""
SEED_S = 150.0


@pytest.fixture(autouse=True)
def quiet() -> None:
    """What faults make the service log is not what this is about."""
    logging.disable(logging.CRITICAL)


def search() -> tuple[Outcome | None, float]:
    """Seeds from 1 on until one finds something or the budget is spent."""
    spent_s = 0.0
    for seed in range(1, BUDGET_SEEDS + 1):
        outcome = run(Case(seed, SEED_S))
        spent_s += outcome.cpu_s
        if outcome.violations:
            return outcome, spent_s
    return None, spent_s


def permit_ignored_in_the_gate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Guard, "admit", lambda self, snapshot, state, command, thermal: ())


def age_check_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(inputs, "_age_ms", lambda age_s: 0)


def intent_journalled_after_the_write(patch: pytest.MonkeyPatch) -> None:
    record, write = Runner._recorded, Runner._write
    late: list[tuple[Entry, Cycle]] = []

    async def postponed(self: Runner, entry: Entry, cycle: Cycle) -> StationState:
        if entry.intent is None:
            return await record(self, entry, cycle)
        late.append((entry, cycle))
        return entry.state

    async def written(self: Runner, state: StationState, decision: Decision, snapshot: Snapshot) -> CommandBlock | None:
        block = await write(self, state, decision, snapshot)
        while late:
            await record(self, *late.pop())
        return block

    patch.setattr(Runner, "_recorded", postponed)
    patch.setattr(Runner, "_write", written)


def latch_that_opens_by_itself(patch: pytest.MonkeyPatch) -> None:
    judge, latched_s = Guard.judge, {}

    def forgetful(self: Guard, snapshot: Snapshot, state: StationState, *, reset: bool, **more: Any) -> Decision:
        decision = judge(self, snapshot, state, reset=reset, **more)
        if not decision.latched or decision.blocks_reset:
            latched_s.pop(self, None)
        elif snapshot.now_s - latched_s.setdefault(self, snapshot.now_s) > 2.0:
            return judge(self, snapshot, state, reset=True, **more)
        return decision

    patch.setattr(Guard, "judge", forgetful)


def last_verdict_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Commands, "follow", lambda self, state, finished: self.open.clear())


def visits_at_rest_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(people, "noticed", lambda state, snapshot, config: replace(state, visited=False))


def what_starts_by_itself_is_not_withheld(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(steps.people, "withheld", lambda look, outcome: outcome)


def word_that_counts_while_somebody_comes_in(patch: pytest.MonkeyPatch) -> None:
    def told(state: StationState, asked: Asked, snapshot: Snapshot, config: Config) -> StationState:
        return replace(state, visited=False) if asked.verb in people.WORDS else state

    patch.setattr(people, "told", told)
    patch.setattr(people, "too_early", lambda asked, state, snapshot, config: "")


def old_word(patch: pytest.MonkeyPatch) -> None:
    """Whatever is said was said long before: the controller looks at no age."""
    patch.setattr(people, "_since", lambda asked, snapshot: True)
    patch.setattr(commands, "age_s", lambda command, now_utc: 0.0)
    send = Operator.command

    def late(self: Operator, *args: Any, **more: Any) -> Command:
        command = send(self, *args, **more)
        return command.model_copy(update={"issued_at": command.issued_at - timedelta(seconds=4.0)})

    patch.setattr(Operator, "command", late)
    patch.setattr(admission, "WORD_LIFE_MAX_S", 120.0)


DEFECTS: list[tuple[Callable[[pytest.MonkeyPatch], None], tuple[str, ...]]] = [
    (permit_ignored_in_the_gate, ("order without its permit",)),
    (age_check_dropped, ("permit without its inputs",)),
    (intent_journalled_after_the_write, ("order before its intent",)),
    (latch_that_opens_by_itself, ("latch opens by itself",)),
    (last_verdict_forgotten, ("a command left without its last verdict",)),
    (visits_at_rest_forgotten, ("somebody inside is forgotten", FORGETS)),
    (what_starts_by_itself_is_not_withheld, (STARTS,)),
    (word_that_counts_while_somebody_comes_in, ("somebody inside is forgotten", FORGETS)),
    (old_word, (FORGETS, STARTS)),
]


@pytest.mark.planted
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("plant", "invariants"), DEFECTS, ids=lambda x: getattr(x, "__name__", ""))
def test_the_soak_finds_a_planted_defect(
    plant: Callable[[pytest.MonkeyPatch], None], invariants: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    outcome, spent_s = search()
    assert outcome is not None, f"nothing found in {BUDGET_SEEDS} seeds, {spent_s:.0f} s of CPU"
    found = {violation.invariant for violation in outcome.violations}
    assert found & set(invariants), f"seed {outcome.case.seed} found {found}"


@pytest.mark.planted
def test_without_a_defect_the_first_seed_finds_nothing() -> None:
    outcome = run(Case(1, SEED_S))
    assert outcome.violations == []
    assert outcome.swaps >= 1
    assert outcome.faults


def heartbeat_not_watched(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(from_plc, "HEARTBEAT_STILL_S", 1e9)


def test_a_scenario_finds_what_a_few_seeds_may_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    def play() -> Record:
        return play_virtual(load.load(load.find(["plc_status_stale"])[0]), 1, lambda text: None)

    assert play().passed
    heartbeat_not_watched(monkeypatch)
    assert not play().passed
