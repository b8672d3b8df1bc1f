"""`python -m fuzz`: fuzz targets one after the other, say what came of it; exit status 1 if something was found."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzz import targets
from fuzz.runs import HEAD, Outcome, run


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"some of {', '.join(targets.NAMES)}; none: all")
    parser.add_argument("--seconds", type=int, default=8, help="how long each runs")
    parser.add_argument("--jobs", type=int, default=1, help="how many run at the same time")
    parser.add_argument("--seed", type=int, default=0, help="of the engine; 0: another one each time")
    parser.add_argument("--room", type=Path, default=Path("build/fuzz"), help="where inputs and logs are kept")
    asked = parser.parse_args()
    if unknown := set(asked.targets) - set(targets.NAMES):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    sys.stdout.write(f"{HEAD}\n")
    with ThreadPoolExecutor(asked.jobs) as workers:
        names = asked.targets or targets.NAMES
        outcomes = list(workers.map(lambda name: _tell(run(name, asked.seconds, asked.room, asked.seed)), names))
    return 1 if any(outcome.finding for outcome in outcomes) else 0


def _tell(outcome: Outcome) -> Outcome:
    sys.stdout.write(f"{outcome.line()}\n")
    sys.stdout.flush()
    return outcome


if __name__ == "__main__":
    sys.exit(main())
