"""`station-hil`: the bench's commands. Each verb's module adds itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from hil import bench, endurance, golden, sim
from hil.day import cli as day
from hil.scenario import cli as scenarios
from hil.soak import cli as soak
from hil.soak import every_cli as every
from hil.soak import recover_cli as recover
from hil.thermal import cli as thermal

VERBS: tuple[Callable[[argparse._SubParsersAction[argparse.ArgumentParser]], None], ...] = (
    sim.add_verb,
    bench.add_verb,
    endurance.add_verb,
    scenarios.add_list,
    scenarios.add_run,
    soak.add_verb,
    golden.add_verb,
    every.add_verb,
    recover.add_verb,
    thermal.add_verb,
    day.add_verb,
)


def parser() -> argparse.ArgumentParser:
    """The command line with all verbs."""
    top = argparse.ArgumentParser(prog="station-hil", description="The hardware-in-the-loop bench of station-ctl.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="verb")
    for add_verb in VERBS:
        add_verb(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; the verb's exit status."""
    args = parser().parse_args(argv)
    status: int = args.run(args)
    return status


if __name__ == "__main__":
    sys.exit(main())
