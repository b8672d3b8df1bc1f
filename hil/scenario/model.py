"""A scenario as a model: what it needs, how the station is set up, and its steps in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, model_validator

from hil.scenario.plant_words import SocPct
from hil.scenario.steps import ControllerStep, FaultStep, MarkStep, MeasureStep, Step
from hil.scenario.words import Capability, Text, Words


class Station(Words):
    """How the station is set up. speed: of the plant's motion; packs_soc_pct: bays are filled from the first on.

    grid_kw: given, every ordinary bay has a charger and a meter, and the connection point this limit.
    soc: the charge estimator is on; the cells then keep the bench's time, whatever `speed` is.
    """

    speed: float = Field(20.0, gt=0, le=1000)
    packs_soc_pct: tuple[SocPct, ...] | None = Field(None, max_length=24, strict=False)
    started: bool = True
    grid_kw: float | None = Field(None, ge=100, le=100_000)
    soc: bool = False


class Scenario(Words):
    """One scenario file. covers: rows of the hazard list, fault cases. within_s: for all of it."""

    name: str = Field("", exclude=True)
    title: Text
    why: Text
    covers: tuple[Text, ...] = Field((), strict=False)
    needs: tuple[Capability, ...] = Field((), strict=False)
    within_s: float = Field(300.0, gt=0, le=86_400)
    station: Station = Station()
    step: tuple[Step, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _marked(self) -> Scenario:
        marks: dict[str, None] = {}
        for step in self.step:
            if isinstance(step, MarkStep):
                marks[step.mark] = None
            elif isinstance(step, MeasureStep) and step.mark not in (None, *marks):
                raise ValueError(f"no step before marks {step.mark!r}")
        return self

    @property
    def capabilities(self) -> list[str]:
        """What a ground must be able to do: what is said in `needs`, and what the steps need."""
        chargers = {"chargers"} if self.station.grid_kw is not None else set()
        return sorted({"truth", *chargers, *self.needs, *(need for step in self.step for need in _needs(step))})


def _needs(step: Any) -> Iterator[str]:
    if isinstance(step, FaultStep):
        yield f"fault.{step.fault.kind}"
    elif isinstance(step, ControllerStep):
        yield "kill"
    elif getattr(step, "do", "") in ("power_cut", "power_return"):
        yield "plc_power"


def missing(scenario: Scenario, capabilities: frozenset[str]) -> list[str]:
    """What a scenario needs and a ground with these capabilities has not."""
    return [need for need in scenario.capabilities if not {need, _group(need)} & capabilities]


def _group(need: str) -> str:
    """fault.can of fault.can.loss; anything else is a group of its own."""
    return ".".join(need.split(".")[:2])
