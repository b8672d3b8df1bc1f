"""Carries out the steps of a scenario, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from drivers import tasks
from drivers.errors import StationError
from hil.faults.catalogue import Fault
from hil.ground import Ground
from hil.record import Check
from hil.rig.processes import RigError
from hil.scenario import people_steps as p
from hil.scenario import steps as m
from hil.scenario.failed import Failed, said
from hil.scenario.keeper import Keeper
from hil.scenario.looking import Looking
from hil.scenario.measures import MEASURES, Findings
from hil.scenario.model import Scenario
from hil.scenario.people import People
from hil.scenario.story import Story
from hil.scenario.words import Words


class Stage:
    """One scenario on one ground. tell: each step as it begins, in one line."""

    def __init__(
        self, scenario: Scenario, ground: Ground, story: Story, keeper: Keeper, tell: Callable[[str], None]
    ) -> None:
        self._scenario, self._ground, self._keeper, self._tell = scenario, ground, keeper, tell
        self._loop = asyncio.get_running_loop()
        self._marks: dict[str, float] = {}
        self._healing: list[asyncio.Task[None]] = []
        self._number = 0
        self._work = self._all_work(People(ground, keeper.event), Looking(story, keeper))

    def _all_work(self, people: People, looking: Looking) -> dict[type[Words], Callable[[Any], Awaitable[None]]]:
        """What carries out each kind of step; every other kind is a verb of the plant."""
        return {
            p.TruckStep: people.truck,
            p.SendStep: people.send,
            p.EndedStep: people.ended,
            p.PersonStep: people.person,
            m.UntilStep: looking.until,
            m.ExpectStep: looking.expect,
            m.StaysStep: looking.stays,
            m.FaultStep: self._fault,
            m.HealStep: self._heal,
            m.ControllerStep: self._controller,
            m.WaitStep: self._pass,
            m.MarkStep: self._mark,
            m.MeasureStep: self._measure,
        }

    @property
    def where(self) -> str:
        """The step under way and the station's state, for an error."""
        return f"step {self._number}; {self._ground.operator.now}"

    async def play(self) -> None:
        """All steps. Raises Failed for the first that does not come to what it says."""
        if self._scenario.station.started:
            await self._do(p.PersonStep(person="start_up"))
        for number, step in enumerate(self._scenario.step, 1):
            self._number = number
            self._tell(said(step))
            await self._do(step)

    async def close(self) -> None:
        """Nothing heals itself any more."""
        await tasks.end(*self._healing)

    async def _do(self, step: Words) -> None:
        where = f"step {self._number}: {said(step)}"
        try:
            await self._work.get(type(step), self._plant)(step)
        except Failed as e:
            raise e.at(where, self._ground.operator.now) from e
        except StationError as e:  # an answer that did not come, or a plant that cannot do that now
            raise Failed(e.sentence(), where=where, live=isinstance(e, RigError)) from e

    async def _plant(self, step: Words) -> None:
        arguments = step.model_dump(exclude_none=True, exclude_unset=True)
        await self._ground.ask(str(arguments.pop("do")), **arguments)
        self._keeper.event("plant", said(step))

    async def _fault(self, step: m.FaultStep) -> None:
        fault = step.fault
        await self._ground.inject(fault)
        self._keeper.began(fault.kind, _parameters(fault))
        if fault.lasts_s is not None:
            self._healing.append(asyncio.create_task(self._heal_later(fault), name=f"heal {fault.kind}"))

    async def _heal_later(self, fault: Fault) -> None:
        await asyncio.sleep(fault.lasts_s or 0.0)
        await self._healed(fault.kind)

    async def _heal(self, step: m.HealStep) -> None:
        await self._healed(None if step.heal == "all" else step.heal)

    async def _healed(self, kind: str | None) -> None:
        await self._ground.heal(kind)
        self._keeper.over(kind)
        if kind in (None, "broker.outage"):
            await self._ground.operator.hurry()

    async def _controller(self, step: m.ControllerStep) -> None:
        self._keeper.event("plant", said(step))
        if step.controller == "kill":
            await self._ground.kill()
            self._keeper.began("controller", "without power")
        else:
            await self._ground.start()
            self._keeper.over("controller")

    async def _pass(self, step: m.WaitStep) -> None:
        await asyncio.sleep(step.wait_s)

    async def _mark(self, step: m.MarkStep) -> None:
        self._marks[step.mark] = self._loop.time()

    async def _measure(self, step: m.MeasureStep) -> None:
        """Raises MeasureError if there is nothing to measure."""
        now_s, measure = self._loop.time(), MEASURES[step.measure]
        found = Findings(
            truth=await self._keeper.truth(),
            records=self._ground.operator.records,
            bays=[*self._ground.operator.bays.values()],
            metrics=self._ground.operator.metrics,
            since_s=now_s - self._marks.get(step.mark or "", now_s),
            highest_load_kg=max((s.load_kg for s in self._keeper.record.samples), default=0.0),
        )
        limit = step.at_most or step.at_least
        name = measure.what if step.mark is None else f"time since {step.mark}"
        value = limit.value if limit is not None else None
        check = Check(name, round(measure.take(found), 4), measure.unit, value, step.at_least is None)
        self._keeper.record.checks.append(check)


def _parameters(fault: Fault) -> str:
    given = fault.model_dump(exclude={"kind"}, exclude_unset=True)
    return ", ".join(f"{key} {value}" for key, value in given.items())
