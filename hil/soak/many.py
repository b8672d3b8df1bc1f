"""As many seeds as fit in a time, on every core; what they found, and what they cost."""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from hil.soak.case import Case, Outcome
from hil.soak.run import run

LONGER = 3.0


@dataclass(slots=True)
class Total:
    """All outcomes of a soak. wall_s: how long it took."""

    outcomes: list[Outcome] = field(default_factory=list)
    wall_s: float = 0.0

    def sum(self, name: str) -> float:
        """A figure over all seeds."""
        return float(sum(getattr(o, name) for o in self.outcomes))

    @property
    def failed(self) -> list[Outcome]:
        """Seeds with a violation, in order."""
        return sorted((o for o in self.outcomes if o.violations), key=lambda o: o.case.seed)

    @property
    def times_real(self) -> float:
        """Seconds of the controller's own clock for each second of CPU."""
        return self.sum("simulated_s") / max(self.sum("cpu_s"), 1e-9)

    def counts_of_faults(self) -> Counter[str]:
        """How often each kind was injected."""
        whole: Counter[str] = Counter()
        for outcome in self.outcomes:
            whole.update(_kinds(outcome))
        return whole

    def counts(self, name: str) -> Counter[str]:
        """A counter over all seeds."""
        whole: Counter[str] = Counter()
        for outcome in self.outcomes:
            whole.update(getattr(outcome, name))
        return whole


def _kinds(outcome: Outcome) -> Counter[str]:
    return Counter(span.name for span in outcome.faults)


def soak(
    cases: Iterator[Case],
    within_s: float,
    on_done: Callable[[Outcome], None],
    workers: int | None = None,
    at_least: int = 0,
) -> Total:
    """Run cases until they are over or the time is; what is under way is brought to its end.

    at_least: with fewer swaps than this when the time is over, a busy machine gets up to LONGER times the time.
    """
    began_s, total = time.monotonic(), Total()
    processes = workers or os.cpu_count() or 1

    def in_time_for(_case: Case) -> bool:
        past_s = time.monotonic() - began_s
        return past_s < within_s or (past_s < LONGER * within_s and total.sum("swaps") < at_least)

    in_time = itertools.takewhile(in_time_for, cases)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=quiet) as pool:
        running = {pool.submit(run, case) for case in itertools.islice(in_time, processes)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for outcome in [future.result() for future in done]:
                total.outcomes.append(outcome)
                on_done(outcome)
            running |= {pool.submit(run, case) for case in itertools.islice(in_time, len(done))}
    total.wall_s = time.monotonic() - began_s
    return total


def quiet() -> None:
    """The service logs what the faults do to it; the run's own log tells it better."""
    logging.disable(logging.CRITICAL)
