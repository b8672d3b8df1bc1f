"""`station-hil golden`: what the controller orders in the standard scenarios, as text that can be compared.

Times are left out: a change of speed is no change of behaviour. What stands here changes with every change of the
order of steps, of what is ordered, permitted or answered, and shows as a diff.
"""

from __future__ import annotations

import argparse
import difflib
import logging
import sys
from pathlib import Path

from hil.record import Record

FOLDER = Path("tests/golden")
STANDARD = (
    "one_pack",
    "two_packs",
    "three_packs",
    "repark",
    "operator_holds",
    "back_out_in_extract",
    "person_in_zone",
    "restart_in_mid_lift",
    "plc_power_cut",
    "broker_outage_in_swap",
)
KINDS = ("state", "step", "order", "sent", "verdict", "alarm", "stop")
SEED = 1


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `golden` to station-hil."""
    verb = verbs.add_parser("golden", help="command streams of the standard scenarios: compare, or write them anew")
    verb.add_argument("--folder", type=Path, default=FOLDER, help=f"where they are ({FOLDER})")
    verb.add_argument("--write", action="store_true", help="write what is seen now")
    verb.set_defaults(run=main)


def stream(record: Record) -> str:
    """What a run did, one line each."""
    lines = [f"{event.kind:<8}{event.text}" for event in record.events if event.kind in KINDS]
    return "\n".join([f"# {record.scenario}, seed {record.seed}: {record.title}", *lines, ""])


def play(name: str) -> Record:
    """A standard scenario, on the virtual ground."""
    from hil.scenario import load  # every child process of the bench reads this command line
    from hil.scenario.virtual import play_virtual

    return play_virtual(load.load(load.find([name])[0]), SEED, lambda text: None)


def difference(name: str, folder: Path, found: str) -> str:
    """A diff from what is kept to what was seen; '' if nothing differs."""
    path = folder / f"{name}.txt"
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(kept.splitlines(), found.splitlines(), str(path), "now", lineterm="")
    return "\n".join(lines)


def main(arguments: argparse.Namespace) -> int:
    """0 if all are as they were, or were written; else 1 and the differences."""
    logging.disable(logging.CRITICAL)  # what the scenarios do to the service is in their streams
    differ = 0
    for name in STANDARD:
        found = stream(play(name))
        if arguments.write:
            arguments.folder.mkdir(parents=True, exist_ok=True)
            (arguments.folder / f"{name}.txt").write_text(found, encoding="utf-8")
        elif text := difference(name, arguments.folder, found):
            differ += 1
            sys.stdout.write(f"{text}\n")
    sys.stdout.write(f"{len(STANDARD) - differ} of {len(STANDARD)} as kept\n")
    return 1 if differ else 0
