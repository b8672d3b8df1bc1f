"""`station-hil endurance`: many swaps over a wire that loses, delays and cuts; the PLC counts every motion."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from drivers.errors import StationError
from hil.measure import trucks
from hil.measure.groups import cause
from hil.measure.trucks import Tally

VIN_BLOCK = 10_000
"""Numbers of trucks for each worker."""


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `endurance` to station-hil."""
    verb = verbs.add_parser("endurance", help="swaps over a faulty wire, motions counted by the PLC; exit 1 on a fault")
    verb.add_argument("--swaps", type=int, default=200, help="how many trucks (200)")
    verb.add_argument("--seed", type=int, default=1, help="seed of everything that is drawn (1)")
    verb.add_argument("--workers", type=int, default=6, help="stations at the same time, each whole (6)")
    verb.add_argument("--json", metavar="FILE", help="write the summary to a file, - for standard output")
    verb.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """0 if no command ran twice, none was lost, and every truck left as it should; else 1."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    out = sys.stderr if arguments.json == "-" else sys.stdout
    began_s = time.monotonic()

    def progress(done: int) -> None:
        if done % 10 == 0 or done == arguments.swaps:
            out.write(f"{time.monotonic() - began_s:7.1f} s  {done} of {arguments.swaps} swaps\n")
            out.flush()

    try:
        tally = asyncio.run(measure(arguments.swaps, arguments.seed, arguments.workers, progress))
    except StationError as e:
        sys.stderr.write(f"endurance: {e} (seed {arguments.seed})\n")
        return 1
    out.write(summary(tally, arguments.swaps, arguments.seed))
    if arguments.json:
        _write_json(arguments.json, as_dict(tally, arguments.swaps, arguments.seed))
    return 0 if good(tally, arguments.swaps) else 1


async def measure(swaps: int, seed: int, workers: int, progress: Callable[[int], None]) -> Tally:
    """The swaps, taken one after the other by so many stations. Raises StationError if one does not come up."""
    whole, begun, done = Tally(), itertools.count(), itertools.count(1)

    async def work(number: int) -> None:
        run = trucks.run(
            lambda: next(begun) < swaps, f"{seed}/{number}", number * VIN_BLOCK + 1, lambda: progress(next(done))
        )
        whole.add(await run)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(min(workers, swaps)):
                group.create_task(work(number), name=f"station {number}")
    except BaseExceptionGroup as failed:
        raise cause(failed) from None
    return whole


def good(tally: Tally, swaps: int) -> bool:
    """Whether everything was as it has to be."""
    return not tally.faults and tally.swaps == swaps


def as_dict(tally: Tally, swaps: int, seed: int) -> dict[str, Any]:
    """For --json."""
    counted = {f.name: getattr(tally, f.name) for f in fields(tally)}
    return {"held": good(tally, swaps), "seed": seed, "asked": swaps, **counted}


def summary(tally: Tally, swaps: int, seed: int) -> str:
    """The table a person reads."""
    twice = sum("times" in fault and fault.startswith("command") for fault in tally.faults)
    lost = sum("never ran" in fault for fault in tally.faults)
    rows: list[tuple[str, object]] = [
        ("swaps", f"{tally.swaps} of {swaps}"),
        ("motions, counted by the PLC", tally.motions),
        ("commands executed exactly once", tally.executed),
        ("commands withdrawn, never executed", tally.withdrawn),
        ("commands repeated on the wire", tally.plc["repeats"]),
        ("requests lost", tally.wire["dropped_requests"]),
        ("replies lost", tally.wire["dropped_replies"]),
        ("  of them answers to a command block", tally.wire["dropped_write_replies"]),
        ("replies delayed", tally.wire["delayed"]),
        ("connections cut", tally.wire["cut"]),
        ("holds and interruptions resumed", tally.person["resume"]),
        ("aborts cleared", tally.person["clear"]),
        ("executed twice", twice),
        ("lost", lost),
        ("faults", len(tally.faults)),
    ]
    lines = [f"  {name:<38} {value}" for name, value in rows]
    lines += [f"  stood {n:>4} times: {why}" for why, n in tally.stood.most_common()]
    lines += [f"  WRONG: {fault}" for fault in tally.faults]
    end = (
        "every command once or never, every truck served"
        if good(tally, swaps)
        else f"NOT as it has to be (seed {seed})"
    )
    return "\n".join([*lines, end, ""])


def _write_json(target: str, whole: dict[str, Any]) -> None:
    text = json.dumps(whole, indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        Path(target).write_text(text, encoding="utf-8")
