"""`station-hil soak` and `station-hil replay`."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

from drivers.errors import StationError
from hil.report.write import write
from hil.soak import regression
from hil.soak.case import Case, Outcome, drawn
from hil.soak.log import line
from hil.soak.many import Total, quiet, soak
from hil.soak.record import record
from hil.soak.run import run

REGRESSIONS = Path("tests/regressions")
DEFAULT_S = 180.0


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `soak` and `replay` to station-hil."""
    many = verbs.add_parser("soak", help="a busy station with faults, seed after seed, in virtual time")
    many.add_argument("--seeds", type=int, default=None, help="so many seeds (default: as many as fit in the time)")
    many.add_argument("--hours", type=float, default=DEFAULT_S / 3600, help="wall time, seeds begin in it (0.05)")
    many.add_argument("--first", type=int, default=1, help="the first seed (1)")
    many.add_argument("--duration-s", type=float, default=300.0, help="simulated time of each seed (300)")
    many.add_argument("--speed", type=float, default=20.0, help="the plant moves so many times faster (20)")
    many.add_argument("--workers", type=int, default=None, help="processes (one for each core)")
    many.add_argument("--at-least", type=int, default=0, help="up to 3 times the time for so many swaps, else fail")
    many.add_argument("--store", type=Path, default=REGRESSIONS, help=f"where failing seeds are kept ({REGRESSIONS})")
    many.add_argument("--report", type=Path, metavar="FOLDER", help="write junit.xml, report.html and the records")
    many.set_defaults(run=soak_main)
    one = verbs.add_parser("replay", help="run one seed again and show what happened")
    one.add_argument("what", help="a seed, or a regression file")
    one.add_argument("--duration-s", type=float, default=300.0, help="simulated time (300)")
    one.add_argument("--speed", type=float, default=20.0, help="the plant moves so many times faster (20)")
    one.add_argument("--log", action="store_true", help="print every line")
    one.add_argument("--report", type=Path, metavar="FOLDER", help="write junit.xml, report.html and the record")
    one.set_defaults(run=replay_main)


def soak_main(arguments: argparse.Namespace) -> int:
    """0 without a violation (and with enough swaps), else 1."""
    last = None if arguments.seeds is None else arguments.first + arguments.seeds
    seeds: Iterator[int] = itertools.count(arguments.first) if last is None else iter(range(arguments.first, last))
    cases = (drawn(seed, arguments.duration_s, arguments.speed) for seed in seeds)
    total = soak(cases, arguments.hours * 3600, _tell, arguments.workers, arguments.at_least)
    for outcome in total.failed:
        path = regression.store(outcome, arguments.store)
        sys.stdout.write(f"seed {outcome.case.seed} is kept in {path}; again: station-hil replay {path}\n")
    if arguments.report is not None:
        write([record(outcome) for outcome in total.outcomes], arguments.report)
    sys.stdout.write(summary(total))
    enough = total.sum("swaps") >= arguments.at_least
    if not enough:
        sys.stdout.write(f"too few swaps: {total.sum('swaps'):.0f} of {arguments.at_least}\n")
    return 0 if enough and not total.failed else 1


def _tell(outcome: Outcome) -> None:
    """One line a seed."""
    verdict = "ok  " if not outcome.violations else "FAIL"
    sys.stdout.write(
        f"{verdict} seed {outcome.case.seed:>6}  {outcome.trucks:>3} trucks {outcome.swaps:>3} swaps "
        f"{len(outcome.faults):>3} faults  {outcome.simulated_s:>6.0f} s in {outcome.cpu_s:>5.1f} s CPU  "
        f"{outcome.hash[:12]}  {outcome.ended}\n"
    )
    sys.stdout.writelines(f"       {v.at_s:.3f} s {v.invariant}: {v.text}\n" for v in outcome.violations)
    sys.stdout.flush()


def summary(total: Total) -> str:
    """The figures of a soak."""
    speed = total.outcomes[0].case.speed if total.outcomes else 1.0
    kinds = total.counts_of_faults()
    rows: list[tuple[str, object]] = [
        ("seeds", len(total.outcomes)),
        ("trucks served / swaps recorded", f"{total.sum('trucks'):.0f} / {total.sum('swaps'):.0f}"),
        ("motions of the robot", f"{total.sum('motions'):.0f}"),
        ("faults injected", f"{sum(kinds.values())} of {len(kinds)} kinds"),
        ("looks at an invariant", f"{total.counts('checks').total():,}"),
        ("seeds that ended at work for service", sum(bool(o.ended) and not o.violations for o in total.outcomes)),
        ("simulated / wall", f"{total.sum('simulated_s'):.0f} s / {total.wall_s:.0f} s"),
        ("Modbus requests", f"{total.sum('round_trips'):.0f}"),
        ("times real time on one core", f"{total.times_real:.1f} (controller), {speed * total.times_real:.0f} (plant)"),
        ("violations", sum(len(o.violations) for o in total.outcomes)),
    ]
    lines = [f"  {name:<38} {value}" for name, value in rows]
    lines += [f"  stood {n:>4} times: {why}" for why, n in total.counts("stood").most_common(12)]
    lines += [f"  {n:>5} x {kind}" for kind, n in sorted(kinds.items())]
    return "\n".join([*lines, ""])


def replay_main(arguments: argparse.Namespace) -> int:
    """0 without a violation, 1 with one, 2 if the file cannot be used."""
    try:
        case = _case(arguments)
    except StationError as e:
        sys.stderr.write(f"{e}\n")
        return 2
    quiet()
    outcome = run(case)
    if arguments.log:
        sys.stdout.writelines(f"{line(event)}\n" for event in outcome.events)
    _tell(outcome)
    if arguments.report is not None:
        write([record(outcome)], arguments.report)
    sys.stdout.write(f"log hash {outcome.hash}\n")
    return 1 if outcome.violations else 0


def _case(arguments: argparse.Namespace) -> Case:
    if arguments.what.isdigit():
        return drawn(int(arguments.what), arguments.duration_s, arguments.speed)
    return regression.load(Path(arguments.what))[0]
