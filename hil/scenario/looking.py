"""Waiting for conditions, and seeing that they hold."""

from __future__ import annotations

import asyncio

from hil.scenario import steps as m
from hil.scenario import truths
from hil.scenario.conditions import When
from hil.scenario.failed import Failed
from hil.scenario.keeper import Keeper
from hil.scenario.story import Story

LOOK_S = 0.02
"""How often a condition is looked at."""


class Looking:
    """The station's part of a condition is looked for in its story, the plant's part in its truth. All raise Failed."""

    def __init__(self, story: Story, keeper: Keeper) -> None:
        self._story, self._keeper = story, keeper
        self._loop = asyncio.get_running_loop()

    async def until(self, step: m.UntilStep) -> None:
        """Read on in the story until the condition is met; short states are not missed."""
        await self._wait(step.until, step.within_s, live=True)

    async def expect(self, step: m.ExpectStep) -> None:
        """It holds now, or as soon as messages have come."""
        self._story.read = len(self._story.moments) - 1
        await self._wait(step.expect, step.within_s, live=False)

    async def stays(self, step: m.StaysStep) -> None:
        """It holds now and at every look and in every message from now on; no motion begins that must not."""
        story, when = self._story, step.stays
        begun, first = (await self._keeper.truth())["plc"]["motions_started"], len(story.moments) - 1
        end_s = self._loop.time() + step.for_s
        while True:
            if not all(moment.meets(when) for moment in story.moments[first:]) or not story.holds(when):
                raise Failed("did not stay; the station says otherwise")
            if when.true and not truths.meets(await self._keeper.truth(), when, begun):
                raise Failed(f"did not stay; {self._lacks(when)}")
            if self._loop.time() >= end_s:
                return
            first = len(story.moments) - 1
            await asyncio.sleep(LOOK_S)

    async def _wait(self, when: When, within_s: float, live: bool) -> None:
        story, deadline_s = self._story, self._loop.time() + within_s
        while not await self._met(when):
            if self._loop.time() >= deadline_s:
                raise Failed(f"did not come within {within_s:g} s; {self._lacks(when)}", live=live)
            await asyncio.sleep(LOOK_S)
        met = story.met(when)
        story.read = met if met is not None else len(story.moments) - 1

    async def _met(self, when: When) -> bool:
        """The station's part at one moment of its story if it is alone, else now, as all the rest."""
        story = self._story
        told = story.now.meets(when) if when.true or not when.told else story.met(when) is not None
        return told and story.holds(when) and (not when.true or truths.meets(await self._keeper.truth(), when))

    def _lacks(self, when: When) -> str:
        """What of the plant's part is not so, for an error."""
        latest = self._keeper.latest
        wrong = [name for name in sorted(when.true) if latest and not truths.meets(latest, when.only(name))]
        return f"not so in the plant: {', '.join(wrong)}" if wrong else "the station says otherwise"
