"""`station-hil every`: a fault at every operation of a swap."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import get_args

from hil.soak.every import CASE, Every, One, What, every

TOLD_EVERY = 100
KILLED = "the controller killed there, and started again 1 s later"
SAID = {"fail": "each operation failed", "kill": f"each write to the journal: {KILLED}"}
SAID |= {"kill_after": f"each write to the journal done: {KILLED}", "kill_anywhere": KILLED}


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `every` to station-hil."""
    verb = verbs.add_parser("every", help="a swap with its n-th input or output failed, or killed there, for every n")
    verb.add_argument(
        "what", choices=get_args(What), help="fail: the operation; kill: the controller, at a journal write"
    )
    verb.add_argument("--stride", type=int, default=1, help="only each so many-th n (1)")
    verb.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (one for each core)")
    verb.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """0 if every swap ended safely, else 1."""
    began_s = time.monotonic()

    def tell(run: One) -> None:
        if run.outcome.violations or run.number % TOLD_EVERY < arguments.stride:
            sys.stdout.write(f"{time.monotonic() - began_s:7.1f} s  n = {run.number:>5} {run.reached}\n")
        for violation in run.outcome.violations:
            sys.stdout.write(f"        {violation.at_s:.3f} s {violation.invariant}: {violation.text}\n")
        sys.stdout.flush()

    found = every(arguments.what, arguments.workers, arguments.stride, tell)
    sys.stdout.write(summary(found, arguments.what, time.monotonic() - began_s))
    return 1 if found.failed or not found.reached() else 0


def summary(found: Every, what: What, wall_s: float) -> str:
    """The figures a person reads."""
    reached, outcomes = found.reached(), [r.outcome for r in found.runs]
    by_kind = ", ".join(f"{n} {kind}" for kind, n in sorted(reached.items()))
    swaps = sum(o.swaps for o in outcomes)
    rows = [
        ("operations hit", f"{reached.total()} ({by_kind})"),
        ("what", SAID[what]),
        ("swaps ended safely", f"{len(found.runs) - len(found.failed)} of {len(found.runs)}, {swaps} recorded"),
        ("held, aborted or restarted on the way", sum(sum(o.people.values()) > 3 for o in outcomes)),
        ("looks at an invariant", f"{sum(o.checks.total() for o in outcomes):,}"),
        (
            "simulated / wall",
            f"{sum(o.simulated_s for o in outcomes):.0f} s / {wall_s:.0f} s, plant at {CASE.speed:g} x",
        ),
        ("violations", sum(len(o.violations) for o in outcomes)),
    ]
    lines = [f"  {name:<38} {value}" for name, value in rows]
    lines += [f"  n = {r.number}: {r.reached}: {r.outcome.ended}" for r in found.failed]
    return "\n".join([*lines, ""])
