"""`station-hil thermal`: the evidence for the thermal watch, and its picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hil.thermal import picture
from station_ctl.thermal import limits as shipped

FIRST = 300_000
"""Seeds below were used to choose the limits; the claims are checked from here on."""


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `thermal` to station-hil."""
    verb = verbs.add_parser(
        "thermal", help="evidence for the thermal watch: packs that run away, and days of those that do not"
    )
    verb.add_argument("--runaways", type=int, default=500, help="so many packs that run away (500)")
    verb.add_argument("--days", type=int, default=1000, help="so many station-days of packs that do not (1000)")
    verb.add_argument("--first", type=int, default=FIRST, help="the first seed (300000)")
    verb.add_argument("--svg", type=Path, metavar="FILE", help="only draw one pack that runs away, as the watch saw it")
    verb.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """0 if every pack was seen before its alarm and no sound one evacuated, and worse detectors would not do."""
    if arguments.svg is not None:
        arguments.svg.write_text(picture.draw(picture.SHOWN), encoding="utf-8")
        return 0
    seen = not arguments.runaways or _runaways(arguments.runaways, arguments.first)
    quiet = not arguments.days or _days(arguments.days, arguments.first)
    return 0 if seen and quiet else 1


def _runaways(count: int, first: int) -> bool:
    from hil.thermal import study  # numpy comes with it: for this verb only

    limits, seeds = shipped.load(), range(first, first + count)
    _say("packs that run away, as the wire tells of them (no smoke detector, no alarm of the pack's)")
    outcomes = study.runaways(seeds, limits)
    _say(*(f"  {line}" for line in study.told(outcomes)))
    few = seeds[: max(1, count // 10)]
    _say("the same without the cells' voltages (BMV is optional): what temperatures alone see")
    _say(*(f"  {line}" for line in study.told(study.runaways(few, limits, lists=False))))
    _say("the same with the rise switched off and no voltages: nothing must be seen")
    deaf = study.runaways(few[:5], study.easier(limits, 1e6), lists=False)
    _say(*(f"  {line}" for line in study.told(deaf)))
    return all(o.detected_s is not None for o in outcomes) and all(o.detected_s is None for o in deaf)


def _days(count: int, first: int) -> bool:
    from hil.thermal import study

    limits = shipped.load()
    _say(f"station-days of packs that do not, {study.FAULTY:.0%} of the stays with a broken sensor")
    total = study.days(count, first, limits, _say)
    _say(*(f"  {line}" for line in total.told()))
    jumpy = study.days(max(1, count // 500), first, study.easier(limits, 0.1))
    _say(f"  with a tenth of the rises: {jumpy.events.total()} evacuations in {jumpy.days} station-days")
    share = study.closest(max(1, count // 50), first, limits)
    _say(
        f"  the first evacuation would come at {share:.0%} of the rises"
        if share
        else "  none at 40 % of the rises either"
    )
    return not total.events.total() and jumpy.events.total() > 0


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()
