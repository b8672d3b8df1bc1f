"""The steps a scenario is made of; each has one word, which is the first key of its model."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from hil.faults.catalogue import AnyFault
from hil.scenario.conditions import When
from hil.scenario.electric_words import BayNumber
from hil.scenario.measures import MEASURES, MeasureName
from hil.scenario.plant_words import Degrees, ErrorMm, MountNumber, PlantDo, SocPct
from hil.scenario.words import FaultKind, Limit, Words
from station_ctl.uplink.arguments import Vin
from station_ctl.uplink.requests import Verb

Within = Annotated[float, Field(gt=0, le=3600)]
Text = Annotated[str, Field(min_length=1, max_length=500)]


class TruckIn(Words):
    """A truck that drives in. vin: not given, of its running number; authorised: it may swap before it comes."""

    mounts: int = Field(2, ge=1, le=3)
    soc_pct: SocPct = 12.0
    vin: Vin | None = None
    x_error_mm: ErrorMm | None = None
    y_error_mm: ErrorMm | None = None
    angle_deg: Degrees | None = None
    authorised: bool = True


class TruckStep(Words):
    """`truck`: one drives in. The n-th truck has VIN LTESTTRUCK000000n and packs TRKn-00000001, ..."""

    truck: TruckIn


class SendStep(Words):
    """`send`: a person's command, and the verdict it has to get; for `accepted` the end of it is not waited for.

    age_s: it was made so long ago (negative: its sender's clock is ahead); expected_state: what the sender saw;
    again: the very command of this verb that was sent last, its id and all; retained: with the retain flag.
    power_w: of a `charge_plan`, by bay: one slot that lasts a day.
    by: who sends it, with the roles that the station's configuration gives to this name's `-1`.
    """

    send: Verb
    verdict: Literal["accepted", "rejected", "completed", "failed"] = "completed"
    says: Text | None = None
    within_s: Within = 60.0
    vin: Vin | None = None
    packs: int | None = Field(None, ge=1, le=3)
    soc_promised_pct: SocPct | None = None
    bay: BayNumber | None = None
    mount: MountNumber | None = None
    motion: Literal["unlock", "lock", "lift", "place", "move", "home", "clamp", "release"] | None = None
    dx_mm: int | None = Field(None, ge=-500, le=500)
    dy_mm: int | None = Field(None, ge=-500, le=500)
    power_w: dict[str, float] | None = None
    by: Literal["operator", "supervisor", "service"] = "operator"
    expected_state: str | None = Field(None, max_length=32)
    age_s: float = Field(0.0, ge=-3600, le=86_400)
    again: bool = False
    retained: bool = False

    @property
    def arguments(self) -> dict[str, object]:
        """The command's own arguments."""
        if self.power_w is not None:
            return {"id": "scenario", "slot_s": 86_400.0, "power_w": {n: [w] for n, w in self.power_w.items()}}
        return self.model_dump(include=_ARGUMENTS, exclude_none=True)


_ARGUMENTS = {"vin", "packs", "soc_promised_pct", "bay", "mount", "motion", "dx_mm", "dy_mm"}


class EndedStep(Words):
    """`ended`: the last verdict of the last command of that verb."""

    ended: Verb
    verdict: Literal["completed", "failed"] = "completed"
    says: Text | None = None
    within_s: Within = 60.0


class PersonStep(Words):
    """`person`: until it is idle (start_up), clear and reset once (recover), until it runs again (put_right)."""

    person: Literal["start_up", "recover", "put_right"]
    within_s: Within = 60.0


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
