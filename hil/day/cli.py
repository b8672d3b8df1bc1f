"""`station-hil day`: whole days of charging under a grid limit, and defects that they have to find."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from hil.day import planted, report
from hil.day.case import DAYS, SHORT, Case
from hil.day.day import Day
from hil.day.outcome import Outcome

T = TypeVar("T")


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `day` to station-hil."""
    verb = verbs.add_parser(
        "day", help="days of 67 swaps under a grid limit: never exceeded, energy closes, none short"
    )
    verb.add_argument(
        "--short", action="store_true", help="three hours around the morning peak, 8 bays (half a minute)"
    )
    verb.add_argument("--planted", action="store_true", help="defects in controller and meters: each has to be found")
    verb.add_argument("--only", type=int, metavar="N", help=f"only the N-th of the {len(DAYS)} days")
    verb.add_argument("--workers", type=int, default=2, help="processes (2)")
    verb.add_argument("--png", type=Path, metavar="FILE", help="draw the days")
    verb.add_argument("--page", type=Path, metavar="FILE", help="put the figures into this page, between its marks")
    verb.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """0 if every day holds, and every defect was found."""
    if arguments.planted:
        return 0 if _planted(arguments.workers) else 1
    days: Sequence[Case] = (SHORT,) if arguments.short else DAYS
    if arguments.only is not None:
        days = days[arguments.only - 1 : arguments.only]
    outcomes = _days(days, arguments.workers)
    _keep(outcomes, arguments.png, arguments.page)
    return 1 if any(outcome.found for outcome in outcomes) else 0


def _play(case: Case) -> Outcome:
    return Day(case).run()


def _days(days: Sequence[Case], workers: int) -> list[Outcome]:
    outcomes = []
    for outcome in _each(_play, days, workers):
        _say(f"{outcome.case.name}", *(f"  {line}" for line in report.told(outcome)))
        _say(*(f"  DOES NOT HOLD: {line}" for line in (*outcome.found, *outcome.worst.over)))
        outcomes.append(outcome)
    return outcomes


def _each(work: Callable[[T], Outcome], of: Sequence[T], workers: int) -> Iterator[Outcome]:
    """The work done on each, in order; in this process if one is enough."""
    if workers < 2 or len(of) < 2:
        yield from map(work, of)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(work, of)


def _keep(outcomes: Sequence[Outcome], png: Path | None, page: Path | None) -> None:
    if png is not None:
        from hil.day import picture  # matplotlib comes with it

        picture.draw(outcomes, png)
    if page is not None:
        page.write_text(report.put(page.read_text(encoding="utf-8"), outcomes), encoding="utf-8")


def _defective(index: int) -> Outcome:
    return planted.play(planted.DEFECTS[index])


def _planted(workers: int) -> bool:
    """Each defect is found; and without any, the same hours hold."""
    sound = _play(planted.CASE)
    _say(f"none planted: {', '.join(sound.found) or 'holds'}")
    good = not sound.found
    numbers = range(len(planted.DEFECTS))
    for defect, outcome in zip(planted.DEFECTS, _each(_defective, numbers, workers), strict=True):
        seen = defect.finding in outcome.found
        _say(f"{defect.name}: {', '.join(outcome.found) or 'NOT FOUND'}{'' if seen else f', not {defect.finding}'}")
        good = good and seen
    return good


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()
