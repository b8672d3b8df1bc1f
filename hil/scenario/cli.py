"""The command lines of `station-hil list` and `station-hil run`; the rest is imported when it is asked for."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_list(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `list` to station-hil."""
    verb = verbs.add_parser("list", help="the scenarios that come with the bench")
    verb.add_argument("--covers", action="store_true", help="by hazard and fault case: what covers it")
    verb.set_defaults(run=_list)


def add_run(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `run` to station-hil."""
    verb = verbs.add_parser("run", help="play scenarios; exit 0 only if all passed")
    verb.add_argument("scenario", nargs="+", help="name, file ending in .toml, or all")
    verb.add_argument("--ground", choices=("virtual", "local", "rig"), default="virtual")
    verb.add_argument("--seed", type=int, default=1, help="seed of all that is random (1)")
    verb.add_argument("--report", type=Path, metavar="FOLDER", help="write junit.xml, report.html and the records")
    verb.add_argument("--environment", type=Path, metavar="FILE", help="rig: what is where")
    verb.add_argument(
        "--drive-real-hardware", action="store_true", help="rig: yes, for this run; nothing is opened without it"
    )
    verb.add_argument("--quiet", action="store_true", help="one line a scenario")
    verb.set_defaults(run=_run)


def _list(arguments: argparse.Namespace) -> int:
    from hil.scenario.run import list_main  # every child process of the bench reads this command line

    return list_main(arguments)


def _run(arguments: argparse.Namespace) -> int:
    from hil.scenario.run import run_main

    return run_main(arguments)
