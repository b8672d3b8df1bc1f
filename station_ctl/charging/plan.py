"""The charge plan: what each bay may draw over time, and the order in which bays begin. docs/charging.md has its form.

    {"schema": 1, "id": "2026-03-01T22:00Z", "slot_s": 900, "power_w": {"1": [0, 240000], "2": [240000, 120000]}}

Without a plan, or where it says nothing, every bay may draw what it can (within its fair share of the grid limit), and
the earliest need begins first: the fullest pack is the next one to be handed out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers.errors import StationError
from station_ctl.model.charge_plan import ChargePlan

LEAST_W = 2000.0
"""A bay that the plan gives less does not charge."""
_LONGEST_S = 7 * 86400.0

Number = Annotated[str, Field(pattern=r"^([1-9]|1[0-9]|2[0-4])$")]
Power = Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)]


class PlanError(StationError):
    """A charge plan that cannot be used; the one before holds. Names key, value and limit."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal[1] = Field(alias="schema")
    id: str = Field(min_length=1, max_length=64)
    slot_s: float = Field(ge=60.0, le=86400.0)
    power_w: dict[Number, tuple[Power, ...]]

    @model_validator(mode="after")
    def _slots(self) -> _Form:
        lengths = {len(slots) for slots in self.power_w.values()}
        if len(lengths) > 1 or 0 in lengths:
            raise ValueError("every bay needs the same number of slots, at least one")
        if self.slot_s * max(lengths, default=0) > _LONGEST_S:
            raise ValueError("a plan reaches no further than 7 days")
        return self


def parse(text: str | bytes, start_s: float, bays: Iterable[int]) -> ChargePlan:
    """A plan that begins at this event-loop time, for these bays of the station.

    Raises PlanError for what is no JSON of that form, or names a bay that the station does not have.
    """
    try:
        form = _Form.model_validate_json(text)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the plan"
        value = first["input"] if isinstance(first["input"], (int, float)) else None
        raise _error(f"{key}: {first['msg']}", value) from e
    power_w = {int(number): slots for number, slots in form.power_w.items()}
    if strange := sorted(set(power_w) - set(bays)):
        raise _error("power_w names a bay that the station does not have", strange[0])
    return ChargePlan(form.id, start_s, form.slot_s, dict(sorted(power_w.items())))


def text(plan: ChargePlan) -> str:
    """The JSON form of a plan; `parse` makes the same plan of it."""
    slots = {str(number): list(powers) for number, powers in plan.power_w.items()}
    form: dict[str, Any] = {"schema": 1, "id": plan.id, "slot_s": plan.slot_s, "power_w": slots}
    return json.dumps(form)


def power_w(plan: ChargePlan | None, number: int, now_s: float) -> float | None:
    """What the plan lets a bay draw now, in W at the grid; None: as much as it can."""
    return plan.at(number, now_s) if plan is not None else None


def _error(what: str, value: object = None) -> PlanError:
    return PlanError(what, where="charge plan", value=value, remedy="mend the plan and send it again")
