"""What a scenario may do to the cell: safety inputs, the key switch, and sensors that lie or wear."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from hil.scenario.electric_words import BayNumber
from hil.scenario.words import Words

Shown: TypeAlias = bool | Literal["untrusted", "not_available"]
"""A signal as its sensor shows it."""
SensorName = Annotated[str, Field(pattern=r"^[a-z_]+(\.\d+\.[a-z_]+)?$")]


class DoInput(Words):
    """A safety input of the cell, or the object detector of the platform."""

    do: Literal["zone", "fire", "platform"]
    clear: Shown = False


class DoDoors(Words):
    """The doors of the cell."""

    do: Literal["doors"]
    closed: Shown = False


class DoEstop(Words):
    """The emergency stop."""

    do: Literal["estop"]
    released: Shown = False


class DoSmoke(Words):
    """The smoke detector of a bay."""

    do: Literal["smoke"]
    bay: BayNumber
    clear: Shown = False


class DoSensor(Words):
    """A sensor that shows something else than the truth."""

    do: Literal["sensor"]
    name: SensorName
    shows: Shown = "untrusted"
    mended: bool = False


class DoMode(Words):
    """The key switch at the robot's cabinet."""

    do: Literal["mode"]
    mode: Literal["production", "maintenance", "manual"] = "production"
    local_enable: Shown = False


class DoWear(Words):
    """A sensor that wears: a switch is late or chatters, a measured value has noise, an offset, or stands still."""

    do: Literal["wear"]
    name: SensorName
    mended: bool = False
    delay_s: float = Field(0.0, ge=0, le=60)
    chatter_s: float = Field(0.0, ge=0, le=60)
    noise: float = Field(0.0, ge=0, le=100_000)
    offset: float = Field(0.0, ge=-100_000, le=100_000)
    frozen: bool = False
