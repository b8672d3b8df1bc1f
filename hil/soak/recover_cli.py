"""`station-hil recover`: killed at each journal write and at drawn instants of a swap, an evacuation, a charge."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from typing import get_args

from hil.soak.kill import Found, Kill, Meanwhile, Work
from hil.soak.many import quiet
from hil.soak.recover import lasts_s, one

INSTANTS = 200
KINDS_OF_DAY = 8
"""The drawn instants are spread over so many seeds: another hot pack, another step that it comes in."""
WORKS: tuple[Work, ...] = get_args(Work)
MEANWHILE: tuple[Meanwhile, ...] = get_args(Meanwhile)


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `recover` to station-hil."""
    verb = verbs.add_parser(
        "recover", help="killed at each journal write and at drawn instants of a swap, an evacuation and a charge"
    )
    verb.add_argument("--work", choices=WORKS, action="append", help="only this work (all three)")
    verb.add_argument("--instants", type=int, default=INSTANTS, help=f"drawn instants of each work ({INSTANTS})")
    verb.add_argument("--stride", type=int, default=1, help="only each so many-th journal write (1)")
    verb.add_argument("--seed", type=int, default=1, help="what the instants are drawn from (1)")
    verb.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (one for each core)")
    verb.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """0 if every restart named what is where and moved nothing, and every work came to its end; else 1."""
    bad = 0
    for work in arguments.work or WORKS:
        began_s = time.monotonic()
        found = kills(work, arguments, _tell)
        sys.stdout.write(summary(work, found, time.monotonic() - began_s))
        sys.stdout.flush()
        bad += sum(not f.good for f in found) + (not any(f.hit for f in found))
    return 1 if bad else 0


def kills(work: Work, arguments: argparse.Namespace, on_done: Callable[[Found], None]) -> list[Found]:
    """All runs of one work."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(arguments.workers, mp_context=context, initializer=quiet) as pool:
        found = _at_writes(pool, work, arguments, on_done)
        seeds = range(arguments.seed, arguments.seed + min(KINDS_OF_DAY, arguments.instants))
        took_s = dict(zip(seeds, pool.map(lasts_s, itertools.repeat(work), seeds), strict=False))
        for future in [pool.submit(one, kill) for kill in instants(work, took_s, arguments.instants)]:
            found.append(future.result())
            on_done(found[-1])
    return found


def instants(work: Work, took_s: Mapping[int, float], count: int) -> Iterator[Kill]:
    """Kills at drawn shares of the work's time, by seed; in every other one the PLC is restarted too.

    In two of three people do something before anybody confirms.
    """
    rng = random.Random(f"{min(took_s, default=0)} {work} instants")
    for number, (seed, lasting_s) in zip(range(count), itertools.cycle(took_s.items()), strict=False):
        plc = number // len(took_s) % 2 == 1
        yield Kill(work, seed, share=rng.random(), lasts_s=lasting_s, plc=plc, people=MEANWHILE[number % 3])


def _at_writes(
    pool: ProcessPoolExecutor, work: Work, arguments: argparse.Namespace, on_done: Callable[[Found], None]
) -> list[Found]:
    """Kills at write 1, 1 + stride, ..., before and after it, until the work is over before its n-th write."""
    found: list[Found] = []
    numbers = itertools.count()

    def following() -> Kill:
        n, after = divmod(next(numbers), 2)
        return Kill(work, arguments.seed, write=1 + n * arguments.stride, after=bool(after), plc=n % 2 == 1)

    running = {pool.submit(one, following()) for _ in range(arguments.workers)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        found += [future.result() for future in done]
        for f in found[-len(done) :]:
            on_done(f)
        if all(f.hit for f in found):
            running |= {pool.submit(one, following()) for _ in done}
    return found


def _tell(found: Found) -> None:
    if found.good:
        return
    sys.stdout.write(f"  {found.kill}: {found.ended}\n")
    for violation in found.violations:
        sys.stdout.write(f"        {violation.at_s:.3f} s {violation.invariant}: {violation.text}\n")
    sys.stdout.flush()


def summary(work: Work, found: list[Found], wall_s: float) -> str:
    """The figures a person reads."""
    hit = [f for f in found if f.hit]
    kinds = Counter(f.kind for f in hit)
    rows = [
        ("killed at journal writes", sum(f.kill.write > 0 for f in hit)),
        ("killed at drawn instants", sum(f.kill.write == 0 for f in hit)),
        ("PLC restarted meanwhile", sum(f.kill.plc for f in hit)),
        ("a pack exchanged before the confirmation", sum(f.met for f in hit if f.kill.people == "exchanged")),
        ("a bay in use taken out of station.toml", sum(f.met for f in hit if f.kill.people == "bay_gone")),
        ("published recovery", ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))),
        ("restarts told or moved something wrong", sum(bool(f.violations) for f in hit)),
        ("came to the end", f"{sum(f.good for f in found)} of {len(found)}"),
        ("wall", f"{wall_s:.0f} s"),
    ]
    return "\n".join([work, *(f"  {name:<40} {value}" for name, value in rows), ""])
