"""What a scenario may do to the truck in the lane, and its driver."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hil.plant.truck import TruckFaults
from hil.scenario.words import Words, one_of

ErrorMm = Annotated[float, Field(ge=-1000, le=1000)]
Degrees = Annotated[float, Field(ge=-45, le=45)]


class DoRepark(Words):
    """The driver parks again."""

    do: Literal["repark"]
    x_error_mm: ErrorMm | None = None
    y_error_mm: ErrorMm | None = None
    angle_deg: Degrees | None = None


class DoDriveOff(Words):
    """The driver leaves as the truck came, before it is clamped."""

    do: Literal["drive_off"]


class DoRoll(Words):
    """The truck rolls, backwards if positive; 0 stops it. despite_clamps: they do not hold it."""

    do: Literal["roll"]
    speed_mm_s: float = Field(40.0, ge=-1000, le=1000)
    despite_clamps: bool = False


class DoBrake(Words):
    """The parking brake of the truck in the lane."""

    do: Literal["brake"]
    applied: bool = True
    holds: bool = True


class DoTruckFault(Words):
    """Something is wrong with the truck in the lane, or no more."""

    do: Literal["truck_fault"]
    fault: Annotated[str, one_of("fault of a truck", list(TruckFaults.__dataclass_fields__))]
    value: bool | int | str = True
