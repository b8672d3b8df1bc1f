"""What a scenario can wait for and expect: words of the station's own, and words of the plant's truth."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hil.scenario.words import (
    AlarmName,
    CauseName,
    OpcodeName,
    PackMLName,
    ReasonCode,
    RobotStateName,
    StepName,
    StopReasonName,
    Words,
)
from station_ctl.uplink.requests import Verb

PLACE = re.compile(r"^(bay|mount) \d{1,2}$|^robot$")
EMPTY, FULL = "empty", "a pack"
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class BaySays(Words):
    """What the station says of a bay. says: in the reason why its pack cannot be handed out.

    charging: how it stands with charging; because: in the reason why it does not charge. phase: of the charge;
    limited_by: who sets its current; trouble: in what is wrong with charger or meter; charged_kwh: by the meter, at
    least so much, or "unknown": the station says that nobody knows.
    """

    number: int = Field(ge=1, le=24)
    state: Literal["empty", "stored", "quarantined", "isolation", "unknown"] | None = None
    says: str | None = Field(None, min_length=1)
    charging: str | None = Field(None, pattern=r"^[a-z_]+$")
    because: str | None = Field(None, min_length=1)
    phase: str | None = Field(None, pattern=r"^[a-z_]*$")
    limited_by: Literal["bms", "type", "charger", "plan", "grid"] | None = None
    trouble: str | None = Field(None, min_length=1)
    charged_kwh: Annotated[float, Field(ge=0)] | Literal["unknown"] | None = None


class RecordSays(Words):
    """What the record of the last swap says. exchanges: how many packs; accepted: every pack taken out, or not.

    charged_kwh: at least so much has each pack that was put in taken in its bay, by the meter. arrival: whether the
    arrival charge of every pack taken out is estimated.
    """

    outcome: Literal["completed", "backed_out", "aborted"]
    exchanges: int | None = Field(None, ge=0, le=3)
    accepted: bool | None = None
    charged_kwh: float | None = Field(None, ge=0)
    arrival: bool | None = None


class When(Words):
    """One condition; everything given in it has to hold at once.

    The station's word: event (its code, at the moment when it is told), packml, step, reason (its code), says (part of
    its text), choice (a verb it offers), latched, first_out (the cause that tripped), cause (one that stands now), gone
    (one that does not), alarm, bay, record, records (how many so far).
    The plant's truth: moving (the robot, or a motion begun meanwhile), robot (state of the PLC), stop_reason, at (what
    stands where: a serial, "empty" or "a pack"), locked, driving (the truck), departed (trucks so far), left_with
    (serials of the last one, by mount), orders (motions begun so far, by opcode), energised (supplies, by bay),
    charges (whether current flows into the pack there, by bay).
    """

    event: str | None = Field(None, pattern=r"^[a-z_]+(\.[a-z_]+)+$")
    packml: PackMLName | None = None
    step: StepName | None = None
    reason: ReasonCode | None = None
    says: str | None = Field(None, min_length=1)
    choice: Verb | None = None
    latched: bool | None = None
    first_out: CauseName | None = None
    cause: CauseName | None = None
    gone: CauseName | None = None
    alarm: AlarmName | None = None
    bay: BaySays | None = None
    record: RecordSays | None = None
    records: Count | None = None

    moving: bool | None = None
    robot: RobotStateName | None = None
    stop_reason: StopReasonName | None = None
    at: dict[str, str] | None = None
    locked: dict[str, bool] | None = None
    driving: Literal["away", "arriving", "standing", "reparking", "leaving"] | None = None
    departed: Count | None = None
    left_with: dict[str, str] | None = None
    orders: dict[OpcodeName, Count] | None = None
    energised: dict[str, bool] | None = None
    charges: dict[str, bool] | None = None

    @field_validator("at", "locked", "left_with", "energised", "charges")
    @classmethod
    def _places(cls, named: dict[str, object] | None) -> dict[str, object] | None:
        for place in named or ():
            if not PLACE.match(place):
                raise ValueError(f"unknown place {place!r}; places are 'bay 3', 'mount 1' and 'robot'")
        return named

    @model_validator(mode="after")
    def _says_something(self) -> When:
        if not self.model_fields_set:
            raise ValueError("the condition is empty")
        return self

    @property
    def told(self) -> frozenset[str]:
        """What of it the station itself has to say, at one moment."""
        return STORY & self.model_fields_set

    @property
    def true(self) -> frozenset[str]:
        """What of it the plant knows."""
        return TRUTH & self.model_fields_set

    def only(self, name: str) -> When:
        """This part of it alone."""
        return When.model_construct({name}, **{name: getattr(self, name)})


STORY = frozenset({"event", "packml", "step", "reason", "says", "choice", "latched", "first_out", "cause", "gone"})
TRUTH = frozenset(
    {
        "moving",
        "robot",
        "stop_reason",
        "at",
        "locked",
        "driving",
        "departed",
        "left_with",
        "orders",
        "energised",
        "charges",
    }
)
