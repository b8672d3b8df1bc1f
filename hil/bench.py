"""`station-hil bench`: the figures a station is held to, measured on this machine, each beside its bar."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.errors import StationError
from hil.measure import kernel, load, stop
from hil.measure.figures import Section

SECTIONS = ("kernel", "soc", "cycle", "swap", "stop")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured. minutes: of the cycle; stops: of each kind; calls: of the kernel; speed: of the plant."""

    minutes: float = 10.0
    stops: int = 200
    calls: int = 100_000
    speed: float = 1.0
    settle_s: float = kernel.SETTLE_S
    seed: int = 1
    fifo: bool = False


SHORT = Extent(minutes=0.02, stops=2, calls=400, speed=50.0, settle_s=1.5)
"""A smoke run: everything once; its figures mean little."""


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `bench` to station-hil."""
    verb = verbs.add_parser(
        "bench", help="measure kernels, cycle, load, stop latency and swap overhead; exit 1 if a bar fails"
    )
    verb.add_argument("--minutes", type=float, help="how long the cycle is measured (10)")
    verb.add_argument("--stops", type=int, help="dangers of each kind (200)")
    verb.add_argument("--speed", type=float, help="plant motion in the swap that is measured (1)")
    verb.add_argument("--seed", type=int, help="seed of the plant and of the dangers' phases (1)")
    verb.add_argument("--fifo", action="store_true", help="cycle: the service under SCHED_FIFO (root)")
    verb.add_argument("--only", type=_sections, default=SECTIONS, help=f"some of {','.join(SECTIONS)}")
    verb.add_argument("--short", action="store_true", help="a smoke run of seconds; the figures mean little")
    verb.add_argument("--json", metavar="FILE", help="write all figures to a file, - for standard output")
    verb.set_defaults(run=main)


def _sections(text: str) -> tuple[str, ...]:
    wanted = tuple(text.split(","))
    if unknown := set(wanted) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return wanted


def main(arguments: argparse.Namespace) -> int:
    """0 if every bar held, 1 if one did not or something could not be measured."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    out = sys.stderr if arguments.json == "-" else sys.stdout

    def show(section: Section) -> None:
        out.write(section.text() + "\n")
        out.flush()

    try:
        sections = asyncio.run(measure(extent(arguments), arguments.only, show))
    except StationError as e:
        sys.stderr.write(f"bench: {e}\n")
        return 1
    held = all(section.held for section in sections)
    out.write("all bars held\n" if held else "NOT all bars held\n")
    if arguments.json:
        _write_json(arguments.json, sections, held)
    return 0 if held else 1


def extent(arguments: argparse.Namespace) -> Extent:
    """What the command line asks for."""
    base = SHORT if arguments.short else Extent()
    given = {k: getattr(arguments, k) for k in ("minutes", "stops", "speed", "seed")}
    return Extent(
        minutes=base.minutes if given["minutes"] is None else given["minutes"],
        stops=base.stops if given["stops"] is None else given["stops"],
        speed=base.speed if given["speed"] is None else given["speed"],
        seed=base.seed if given["seed"] is None else given["seed"],
        calls=base.calls,
        settle_s=base.settle_s,
        fifo=arguments.fifo,
    )


async def measure(asked: Extent, wanted: tuple[str, ...], show: Callable[[Section], None]) -> list[Section]:
    """Every section that is wanted, shown as it comes. Raises StationError if one cannot be measured."""
    found: list[Section] = []
    for name, sections in _work(asked, wanted).items():
        if name in wanted or (name == "cycle" and "swap" in wanted):
            for section in await sections():
                show(section)
                found.append(section)
    return found


def _work(asked: Extent, wanted: tuple[str, ...]) -> dict[str, Callable[[], Coroutine[Any, Any, list[Section]]]]:
    async def kernel_sections() -> list[Section]:
        return [await kernel.measure(asked.calls, asked.settle_s)]

    async def soc_sections() -> list[Section]:
        from hil.soc import cost  # numpy and filterpy, which nothing else of the bench needs

        return [cost.measure(asked.calls)]

    async def load_sections() -> list[Section]:
        """Both come from the same run; a swap alone needs no minutes."""
        minutes = asked.minutes if "cycle" in wanted else 0.0
        found = await load.measure(minutes, asked.speed, asked.seed, asked.fifo)
        cycle = [load.cycle_section(found)] if "cycle" in wanted else []
        return cycle + ([load.swap_section(found, asked.speed)] if "swap" in wanted else [])

    async def stop_sections() -> list[Section]:
        return [await stop.measure(asked.stops, asked.seed)]

    return {"kernel": kernel_sections, "soc": soc_sections, "cycle": load_sections, "stop": stop_sections}


def _write_json(target: str, sections: list[Section], held: bool) -> None:
    whole = {"held": held, "processors": os.cpu_count(), "sections": [section.as_dict() for section in sections]}
    text = json.dumps(whole, indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        Path(target).write_text(text, encoding="utf-8")
