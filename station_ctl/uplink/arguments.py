"""The arguments of commands over MQTT, each with its ranges."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field, model_validator

from station_ctl.uplink.alarm_parts import AlarmId
from station_ctl.uplink.message import Part

Vin = Annotated[str, Field(pattern=r"^[A-HJ-NPR-Z0-9]{17}$", description="ISO 3779, 17 characters.")]


class Nothing(Part):
    """No arguments."""


class AuthoriseArguments(Part):
    """What a swap is authorised for: the truck, how many packs (None: all), at least how full (None: as configured)."""

    vin: Vin
    packs: int | None = Field(None, ge=1, le=3)
    soc_promised_pct: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)


class EvacuateArguments(Part):
    """The bay whose pack is to be brought to the isolation area."""

    bay: int = Field(ge=1, le=24)


_STEPS = {
    "unlock": ("mount",),
    "lock": ("mount",),
    "lift": ("bay", "mount"),
    "place": ("bay", "mount"),
    "move": ("bay", "mount"),
    "home": (),
    "clamp": (),
    "release": (),
}


class StepArguments(Part):
    """One motion: unlock or lock a mount, lift from, place to or move to a bay or mount, home, clamp, release."""

    motion: Literal["unlock", "lock", "lift", "place", "move", "home", "clamp", "release"]
    bay: int | None = Field(None, ge=1, le=24)
    mount: int | None = Field(None, ge=1, le=3)

    @model_validator(mode="after")
    def _place_fits(self) -> StepArguments:
        wanted = _STEPS[self.motion]
        given = [name for name in ("bay", "mount") if getattr(self, name) is not None]
        if len(given) != min(len(wanted), 1) or not set(given) <= set(wanted):
            needed, has = " or ".join(wanted) or "no place", " and ".join(given) or "none"
            raise ValueError(f"{self.motion} needs {needed}, got {has}")
        return self


class JogArguments(Part):
    """How far, at most 500 mm a time."""

    dx_mm: int = Field(0, ge=-500, le=500)
    dy_mm: int = Field(0, ge=-500, le=500)


class ChargePlanArguments(Part):
    """Power of bays at the grid in W, in slots of equal length from the receipt on; no bay: back to the default."""

    id: str = Field(min_length=1, max_length=64)
    slot_s: float = Field(ge=60, le=86400, allow_inf_nan=False)
    power_w: dict[str, tuple[float, ...]] = Field(max_length=24)

    def text(self) -> str:
        """As a plan is written in a file."""
        return json.dumps({"schema": 1, "id": self.id, "slot_s": self.slot_s, "power_w": self.power_w})


class AlarmArguments(Part):
    """Which alarm, by its id."""

    alarm: AlarmId


class ShelveArguments(AlarmArguments):
    """For how long; the catalogue has the maximum, at most 60 min for a safety alarm."""

    minutes: float = Field(gt=0, le=1440, allow_inf_nan=False)


class OutOfServiceArguments(AlarmArguments):
    """Why nobody needs it for the time being."""

    why: str = Field(min_length=3, max_length=200)
