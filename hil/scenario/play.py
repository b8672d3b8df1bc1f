"""Play a scenario on a ground: the same on each; what is left behind is a Record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from drivers import tasks
from drivers.errors import StationError
from hil.ground import Ground
from hil.record import Record, Violation
from hil.scenario.failed import Failed
from hil.scenario.keeper import Keeper, versions
from hil.scenario.model import Scenario
from hil.scenario.stage import Stage
from hil.scenario.story import Story
from station_ctl.wall_clock import utc_text

Progress = Callable[[str], None]
END_S = 30.0
"""For the last look at a plant that may have ended."""


async def play(scenario: Scenario, ground: Ground, seed: int, on_progress: Progress = lambda text: None) -> Record:
    """Play it to its end or to the first step that fails. What fails is a violation in the record, never an exception.

    The station is up and a person may have cleared it or not; it is bounded by the scenario's own `within_s`.
    """
    loop = asyncio.get_running_loop()
    began_s, wall_s = loop.time(), time.perf_counter()
    record = blank(scenario, ground.name, seed)

    def clock() -> float:
        return round(loop.time() - began_s, 4)

    story = Story(ground.operator, clock)
    keeper = Keeper(record, ground, story, clock)
    stage = Stage(scenario, ground, story, keeper, lambda text: on_progress(f"{clock():8.2f} s  {text}"))
    try:
        await keeper.begin()
        await _steps(scenario, stage, keeper)
    except StationError as e:  # the bench itself
        keeper.violation("bench", str(e))
    await _close(keeper)
    record.wall_s = round(time.perf_counter() - wall_s, 3)
    _tell(record, on_progress)
    return record


def blank(scenario: Scenario, ground: str, seed: int) -> Record:
    """The record of a run that begins now."""
    return Record(
        scenario=scenario.name,
        title=scenario.title,
        ground=ground,  # type: ignore[arg-type]  # one of the three, by the protocol
        seed=seed,
        began_utc=utc_text(),
        versions=versions(),
    )


def unplayed(scenario: Scenario, ground: str, seed: int, why: str) -> Record:
    """The record of a run that did not come to begin."""
    record = blank(scenario, ground, seed)
    record.violations.append(Violation(0.0, "bench", why))
    return record


async def _steps(scenario: Scenario, stage: Stage, keeper: Keeper) -> None:
    """All steps, with the sampler beside them; the faults that are left are healed at the end."""
    sampler = asyncio.create_task(keeper.run(), name="sampler")
    try:
        async with asyncio.timeout(scenario.within_s):
            await stage.play()
    except Failed as e:
        keeper.violation(e.invariant, str(e))
    except TimeoutError:
        keeper.violation("liveness", f"the scenario is not over; station: {stage.where}")
    finally:
        await tasks.end(sampler)
        await stage.close()
    if not sampler.cancelled():
        sampler.result()  # it ends by itself only with an error


async def _close(keeper: Keeper) -> None:
    try:
        async with asyncio.timeout(END_S):
            await keeper.finish()
    except (StationError, TimeoutError) as e:
        keeper.violation("bench", f"no last look at the plant: {e}")
    keeper.close()


def _tell(record: Record, on_progress: Progress) -> None:
    for check in record.checks:
        limit = "" if check.limit is None else f", {'at most' if check.at_most else 'at least'} {check.limit:g}"
        on_progress(f"  {'ok  ' if check.held else 'NOT '} {check.name}: {check.measured:.3f} {check.unit}{limit}")
    for violation in record.violations:
        on_progress(_said(violation))


def _said(violation: Violation) -> str:
    return f"  VIOLATION at {violation.at_s:.2f} s, {violation.invariant}: {violation.text}"
