"""The words a scenario may use where the controller or the bench has a list of them, and quantities with units."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from drivers.robot_protocol import Opcode, RobotState, StopReason
from hil.faults.catalogue import FAULTS
from station_ctl.model import PackML
from station_ctl.safety import table
from station_ctl.swap.table import STEPS

REASONS = (
    *("first_start", "restarted", "shutdown", "internal_error", "journal", "interlock", "plc_restarted"),
    *("clear_refused", "plc_not_readable", "gripper_full", "interrupted", "looking", "homing", "mode", "lane_free"),
    *("truck_silent", "other_truck", "pack_silent", "pack_identity", "not_authorised", "no_charged_pack"),
    *("no_free_bay", "parking", "position", "repark", "isolating", "not_isolated", "driver", "moving"),
    *("motion_stopped", "motion_timeout", "not_proved", "proving", "not_permitted", "other_pack_aboard"),
    *("command_rejected", "command_failed", "verifying", "wrong_pack", "pack_not_verified", "accepting"),
    *("mount_not_locked", "self_test", "self_test_failed", "self_test_timeout", "departing", "still_here"),
    *("asked_authorise", "asked_hold", "asked_resume", "asked_back_out", "asked_abort", "asked_clear", "asked_reset"),
)
"""Codes of why the station waits or stands, as its `state` message says them."""

CAPABILITIES = (
    *("truth", "kill", "plc_power", "virtual_time", "deterministic", "cycle_invariants"),
    *dict.fromkeys(f"fault.{kind.split('.')[0]}" for kind in FAULTS),
    *(f"fault.{kind}" for kind in FAULTS),
)
"""What a ground can do. A whole group ("fault.can") stands for each of its kinds."""


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


PackMLName = Annotated[str, one_of("PackML state", [s.value for s in PackML])]
StepName = Annotated[str, one_of("step of a swap", [s.name for s in STEPS])]
ReasonCode = Annotated[str, one_of("reason", REASONS)]
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
    "times": ("times", 1.0),
}
"""What a limit may be given in: the unit it is compared in, and the factor to it."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A limit: its value in the unit that it is compared in (s, mm, kg, times)."""

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
