"""What all faults share: who may be hit, how often, how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(ge=0, le=1)]
Delay = Annotated[float, Field(ge=0, le=60_000)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Address = Annotated[int, Field(ge=0, le=253)]
Shown = Literal["false", "untrusted", "not_available"]


class FaultModel(BaseModel):
    """One fault. kind: its name in the catalogue. lasts_s: healed by itself after so long; None: when it is healed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str
    lasts_s: float | None = Field(None, gt=0, le=86_400)


class Frames(FaultModel):
    """A fault of single Modbus frames.

    rate: chance for each frame that it could hit. count: over after so many hits; None: it goes on.
    function: which requests, or the answers to which.
    """

    rate: Rate = 1.0
    count: Count | None = None
    function: Literal["any", "read", "write"] = "any"


class OnCan(FaultModel):
    """A fault of a CAN bus. bus: its name in station.toml; None: all of them."""

    bus: str | None = Field(None, min_length=1, max_length=16)


class OfNode(OnCan):
    """A fault of what nodes send. source: only this source address; None: any. rate: chance for each frame."""

    source: Address | None = None
    rate: Rate = 1.0


class Messages(FaultModel):
    """A fault of single MQTT messages; rate is the chance for each."""

    rate: Rate = 1.0


class Input(FaultModel):
    """A safety input that is not as it should be. shows: what the PLC reads there."""

    shows: Shown = "false"
