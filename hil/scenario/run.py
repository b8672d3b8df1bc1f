"""What `station-hil list` and `station-hil run` do: which scenarios there are, and playing them on a ground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass

from drivers.errors import StationError
from hil.record import Record
from hil.report.write import write
from hil.scenario import environment, load, local, rig, virtual
from hil.scenario.model import Scenario, missing
from hil.scenario.play import Progress, play, unplayed

Play = Callable[[Scenario, int, Progress], Record]
USAGE = 2


@dataclass(frozen=True, slots=True)
class On:
    """A ground to play on: what it can do, and how one scenario is played there."""

    capabilities: frozenset[str]
    play: Play


def list_main(arguments: argparse.Namespace) -> int:
    """0, or 2 if a scenario that comes with the bench cannot be read."""
    try:
        scenarios = [load.load(path) for path in load.shipped()]
    except StationError as e:
        sys.stderr.write(f"{e}\n")
        return USAGE
    for line in _covers(scenarios) if arguments.covers else _titles(scenarios):
        sys.stdout.write(f"{line}\n")
    return 0


def _titles(scenarios: list[Scenario]) -> list[str]:
    width = max(len(s.name) for s in scenarios)
    return [f"{s.name:<{width}}  {s.title}" for s in scenarios]


def _covers(scenarios: list[Scenario]) -> list[str]:
    rows: dict[str, list[str]] = {}
    for scenario in scenarios:
        for row in scenario.covers:
            rows.setdefault(row, []).append(scenario.name)
    return [line for row in sorted(rows) for line in (row, *(f"    {name}" for name in rows[row]))]


def run_main(arguments: argparse.Namespace) -> int:
    """0 if all passed, 1 if one did not, 2 if something was wrong with what was asked: then nothing was started."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("station_ctl").setLevel(logging.CRITICAL)  # faults are what this is for
    try:
        scenarios = [load.load(path) for path in load.find(arguments.scenario)]
        on = _ground(arguments)
        chosen = _possible(scenarios, on, everything="all" in arguments.scenario)
    except StationError as e:
        sys.stderr.write(f"run: {e}\n")
        return USAGE
    records = [_one(scenario, on, arguments) for scenario in chosen]
    if arguments.report is not None:
        write(records, arguments.report)
    passed = sum(record.passed for record in records)
    sys.stdout.write(f"{passed} of {len(records)} passed\n")
    return 0 if records and passed == len(records) else 1


def _one(scenario: Scenario, on: On, arguments: argparse.Namespace) -> Record:
    out = sys.stdout

    def tell(text: str) -> None:
        if not arguments.quiet:
            out.write(f"{text}\n")
            out.flush()

    tell(f"{scenario.name}: {scenario.title}")
    try:
        record = on.play(scenario, arguments.seed, tell)
    except StationError as e:  # the ground did not come up
        record = unplayed(scenario, arguments.ground, arguments.seed, str(e))
        tell(f"  {e}")
    out.write(f"{'passed' if record.passed else 'FAILED'}  {scenario.name}  {record.duration_s:.1f} s\n")
    out.flush()
    return record


def _possible(scenarios: list[Scenario], on: On, everything: bool) -> list[Scenario]:
    """Those that this ground can play. Raises ScenarioError for one that it cannot, unless all were asked for."""
    possible = []
    for scenario in scenarios:
        lacking = missing(scenario, on.capabilities)
        if not lacking:
            possible.append(scenario)
        elif everything:
            sys.stdout.write(f"left out  {scenario.name}: needs {', '.join(lacking)}\n")
        else:
            raise load.ScenarioError("this ground cannot do what it needs", where=scenario.name, value=lacking)
    return possible


def _ground(arguments: argparse.Namespace) -> On:
    """The ground that is asked for. Raises StationError for a rig that is not described, or not allowed."""
    if arguments.ground == "virtual":
        return On(virtual.CAPABILITIES, virtual.play_virtual)
    if arguments.ground == "local":
        return On(local.CAPABILITIES, _play_local)
    if not arguments.drive_real_hardware:
        raise rig.NotAllowed(
            "real hardware is not driven", where="rig", remedy="say --drive-real-hardware for this run"
        )
    if arguments.environment is None:
        raise environment.EnvironmentFileError("no environment file", where="rig", remedy="say --environment FILE")
    there = environment.load(arguments.environment)

    def play_rig(scenario: Scenario, seed: int, tell: Progress) -> Record:
        return asyncio.run(_on_rig(scenario, there, seed, tell))

    return On(rig.capabilities(there), play_rig)


def _play_local(scenario: Scenario, seed: int, tell: Progress) -> Record:
    return asyncio.run(_on_local(scenario, seed, tell))


async def _on_local(scenario: Scenario, seed: int, tell: Progress) -> Record:
    async with local.ground(scenario.station, seed) as ground:
        return await play(scenario, ground, seed, tell)


async def _on_rig(scenario: Scenario, there: environment.Environment, seed: int, tell: Progress) -> Record:
    async with rig.ground(there, scenario.station, seed, drive=True) as ground:
        return await play(scenario, ground, seed, tell)
