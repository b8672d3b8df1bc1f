"""What the alarm catalogue holds: entries, and the texts of reason codes.

Priority is not written down but follows from how bad it gets and how soon somebody has to act (`priority`), so that it
can be argued about entry by entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

SHELVED_MAX_MIN = 24 * 60
INTERLOCK = "interlock."
"""What the code of an alarm made of a cause begins with."""

Priority: TypeAlias = Literal["high", "medium", "low"]
Severity: TypeAlias = Literal["severe", "major", "minor"]
Class: TypeAlias = Literal["safety", "process", "equipment", "communication"]
Per: TypeAlias = Literal["station", "bay", "mount", "pack", "bus"]

SOON_MIN, LATER_MIN = 5.0, 30.0


class Section(BaseModel):
    """A piece of the catalogue: nothing unknown in it, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Rating(Section):
    """What a cause of the interlock is as an alarm, beside its own hazard and remedy."""

    severity: Severity
    respond_within_min: float = Field(gt=0, le=1440)
    off_delay_ms: int = Field(ge=0, le=600_000)
    reaction: str = Field(min_length=10)
    budget_ms: int = Field(gt=0, le=600_000)
    shelvable_min: int = Field(ge=0, le=SHELVED_MAX_MIN)
    suppressed_by: tuple[str, ...] = Field((), strict=False)
    suppressed_in: tuple[str, ...] = Field((), strict=False)


class Alarm(Rating):
    """One entry; docs/alarms.md says what each field means. per: what there is one of each for (pack: bay or mount)."""

    code: str = Field(pattern=r"^[a-z_]+\.[a-z_]+$")
    per: Per
    alarm_class: Class = Field(alias="class")
    on_delay_ms: int = Field(ge=0, le=600_000)
    deadband: float | None = Field(None, gt=0)
    unit: str = ""
    latched: bool
    clears: Literal["itself", "operator", "service"]
    text: str = Field(min_length=5)
    cause: str = Field(min_length=10)
    consequence: str = Field(min_length=10)
    remedy: str = Field(min_length=10)

    @property
    def priority(self) -> Priority:
        """Consequence by time to respond."""
        return priority(self.severity, self.respond_within_min)


class ReasonTexts(Section):
    """Why the station stands, for a person; or `none`: why nobody has to respond. alarm: raised while it waits so."""

    none: str = ""
    alarm: str = ""
    cause: str = ""
    consequence: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All alarms by code, what the reason codes mean, and which alarm stands for a cause that has none of its own."""

    alarms: Mapping[str, Alarm]
    reasons: Mapping[str, ReasonTexts]
    covered: Mapping[str, str]
    at_rest: frozenset[str]

    def of_cause(self, cause: str) -> str:
        """The code of the alarm that a cause of the interlock raises."""
        return self.covered.get(cause, INTERLOCK + cause)


def priority(severity: Severity, respond_within_min: float) -> Priority:
    """severe within 5 min: high; severe within 30 min or major within 5 min: medium; all else low."""
    if severity == "severe" and respond_within_min <= SOON_MIN:
        return "high"
    within = {"severe": LATER_MIN, "major": SOON_MIN, "minor": 0.0}[severity]
    return "medium" if respond_within_min <= within else "low"


def distribution(catalogue: Catalogue) -> dict[Priority, int]:
    """How many entries there are of each priority."""
    found = [entry.priority for entry in catalogue.alarms.values()]
    return {p: found.count(p) for p in ("high", "medium", "low")}
