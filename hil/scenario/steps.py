"""The steps a scenario is made of; each has one word, which is the first key of its model."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from hil.faults.catalogue import AnyFault
from hil.scenario.conditions import When
from hil.scenario.measures import MEASURES, MeasureName
from hil.scenario.people_steps import EndedStep, PersonStep, SendStep, TruckStep
from hil.scenario.plant_words import PlantDo
from hil.scenario.words import FaultKind, Limit, Within, Words


class FaultStep(Words):
    """`fault`: one of the catalogue is switched on; after its own `lasts_s` it is healed."""

    fault: AnyFault


class HealStep(Words):
    """`heal`: a kind of fault, or all, is switched off."""

    heal: FaultKind


class ControllerStep(Words):
    """`controller`: its PC loses power, or starts again."""

    controller: Literal["kill", "start"]


class UntilStep(Words):
    """`until`: wait for a condition; that it comes within the bound is part of what is tested."""

    until: When
    within_s: Within = 60.0


class ExpectStep(Words):
    """`expect`: a condition that holds now; within_s is what messages may take."""

    expect: When
    within_s: Within = 2.0


class StaysStep(Words):
    """`stays`: a condition that holds now and goes on holding."""

    stays: When
    for_s: Within


class WaitStep(Words):
    """`wait_s`: let time pass."""

    wait_s: Within


class MarkStep(Words):
    """`mark`: a name for this moment."""

    mark: str = Field(pattern=r"^[a-z0-9_]{1,32}$")


class MeasureStep(Words):
    """`measure`: something measured, and its limit; without one it is only reported."""

    measure: MeasureName
    mark: str | None = Field(None, pattern=r"^[a-z0-9_]{1,32}$")
    at_most: Limit | None = None
    at_least: Limit | None = None

    @model_validator(mode="after")
    def _fits(self) -> MeasureStep:
        unit = MEASURES[self.measure].unit
        for limit in (self.at_most, self.at_least):
            if limit is not None and limit.unit != unit:
                raise ValueError(f"{self.measure} is measured in {unit}, not in {limit.unit}")
        if self.at_most is not None and self.at_least is not None:
            raise ValueError("give at_most or at_least")
        if (self.measure == "since") != (self.mark is not None):
            raise ValueError("'since' needs a mark, and nothing else has one")
        return self


_PLAIN: tuple[type[Words], ...] = (
    TruckStep,
    SendStep,
    EndedStep,
    PersonStep,
    FaultStep,
    HealStep,
    ControllerStep,
    UntilStep,
    ExpectStep,
    StaysStep,
    WaitStep,
    MeasureStep,
    MarkStep,
)
BY_WORD = {next(iter(model.model_fields)): model for model in _PLAIN}
WORDS: tuple[str, ...] = ("do", *BY_WORD)
"""What a step can be; the first key of its model. Where two stand in a step, the earlier one counts."""


def _word(step: Any) -> str | None:
    """The word of a step, None if it has none."""
    return next((word for word in WORDS if isinstance(step, dict) and word in step), None)


Step: TypeAlias = Annotated[
    Annotated[Annotated[PlantDo, Field(discriminator="do")], Tag("do")]
    | Annotated[TruckStep, Tag("truck")]
    | Annotated[SendStep, Tag("send")]
    | Annotated[EndedStep, Tag("ended")]
    | Annotated[PersonStep, Tag("person")]
    | Annotated[FaultStep, Tag("fault")]
    | Annotated[HealStep, Tag("heal")]
    | Annotated[ControllerStep, Tag("controller")]
    | Annotated[UntilStep, Tag("until")]
    | Annotated[ExpectStep, Tag("expect")]
    | Annotated[StaysStep, Tag("stays")]
    | Annotated[WaitStep, Tag("wait_s")]
    | Annotated[MeasureStep, Tag("measure")]
    | Annotated[MarkStep, Tag("mark")],
    Discriminator(_word),
]
