"""The words a scenario may use where the controller or the bench has a list of them, and quantities with units."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from drivers.robot_protocol import Opcode, RobotState, StopReason
from hil.faults.catalogue import FAULTS
from station_ctl.alarms import catalogue
from station_ctl.model.words import PackML
from station_ctl.safety import table
from station_ctl.swap.table import STEPS
from station_ctl.swap.thermal_table import EVACUATION_STEPS

REASONS = tuple(catalogue.load().reasons)
"""Codes of why the station waits or stands, as its `state` message says them."""

CAPABILITIES = (
    *("truth", "kill", "plc_power", "chargers", "virtual_time", "deterministic", "cycle_invariants"),
    *dict.fromkeys(f"fault.{kind.split('.')[0]}" for kind in FAULTS),
    *(f"fault.{kind}" for kind in FAULTS),
)
"""What a ground can do. A whole group ("fault.can") stands for each of its kinds."""
Within = Annotated[float, Field(gt=0, le=3600)]
Text = Annotated[str, Field(min_length=1, max_length=500)]


class Words(BaseModel):
    """Common rules of everything in a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def nearest(value: str, known: Sequence[str]) -> str:
    """The known word that may have been meant, or all of them."""
    near = difflib.get_close_matches(value, known, 1, 0.5)
    return f"nearest: {near[0]}" if near else f"known: {', '.join(known)}"


def one_of(what: str, known: Sequence[str]) -> Any:
    """A validator: the string is one of these, else the error names the nearest."""

    def check(value: str) -> str:
        if value in known:
            return value
        raise PydanticCustomError("unknown_word", "{text}", {"text": f"unknown {what}; {nearest(value, known)}"})

    return AfterValidator(check)


def _known_alarm(identifier: str) -> str:
    """The code is one of the catalogue's; the place behind it, if any, is the scenario's affair."""
    known = list(catalogue.load().alarms)
    if identifier.split(":")[0] not in known:
        raise PydanticCustomError("unknown_word", "{text}", {"text": f"unknown alarm; {nearest(identifier, known)}"})
    return identifier


PackMLName = Annotated[str, one_of("PackML state", [s.value for s in PackML])]
StepName = Annotated[str, one_of("step of a swap", [s.name for s in (*STEPS, *EVACUATION_STEPS)])]
ReasonCode = Annotated[str, one_of("reason", REASONS)]
AlarmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$"), AfterValidator(_known_alarm)]
CauseName = Annotated[str, one_of("cause", [c.name for c in table.load().causes])]
Capability = Annotated[str, one_of("capability", CAPABILITIES)]
FaultKind = Annotated[str, one_of("fault", ["all", *FAULTS])]
OpcodeName = Annotated[str, one_of("opcode", [o.name for o in Opcode])]
RobotStateName = Annotated[str, one_of("state of the robot", [s.name for s in RobotState])]
StopReasonName = Annotated[str, one_of("reason of a stop", [r.name for r in StopReason])]

UNITS = {
    "ms": ("s", 0.001),
    "s": ("s", 1.0),
    "min": ("s", 60.0),
    "mm": ("mm", 1.0),
    "m": ("mm", 1000.0),
    "kg": ("kg", 1.0),
    "t": ("kg", 1000.0),
    "%": ("%", 1.0),
    "times": ("times", 1.0),
}
"""What a limit may be given in: the unit it is compared in, and the factor to it."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A limit: its value in the unit that it is compared in (s, mm, kg, %, times)."""

    value: float
    unit: str


def quantity(text: object) -> Quantity:
    """`"1.0 s"` as a quantity. Raises ValueError for what has no number or no known unit."""
    if isinstance(text, Quantity):
        return text
    parts = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*([a-zA-Z%]*)", text.strip()) if isinstance(text, str) else None
    if parts is None:
        raise PydanticCustomError("quantity", 'a limit is a number and its unit, such as "1.0 s"')
    number, unit = parts.groups()
    if unit not in UNITS:
        hint = f"unknown unit {unit!r}; {nearest(unit, list(UNITS))}"
        raise PydanticCustomError("unknown_word", "{text}", {"text": hint})
    base, factor = UNITS[unit]
    return Quantity(float(number) * factor, base)


Limit = Annotated[Quantity, BeforeValidator(quantity)]
