"""What may be asked of a station over MQTT, and how it is answered."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from station_ctl.uplink.alarm_parts import AlarmId
from station_ctl.uplink.message import Message, Part, Utc

Verb: TypeAlias = Literal[
    "authorise",
    "hold",
    "resume",
    "back_out",
    "abort",
    "clear",
    "reset",
    "evacuate",
    "end_swap",
    "repark",
    "isolate",
    "release_truck",
    "step",
    "jog",
    "ack",
    "shelve",
    "unshelve",
    "out_of_service",
    "in_service",
]


Verdict: TypeAlias = Literal["accepted", "rejected", "completed", "failed"]


Vin = Annotated[str, Field(pattern=r"^[A-HJ-NPR-Z0-9]{17}$", description="ISO 3779, 17 characters.")]


IDENTIFIER = r"^[A-Za-z0-9_.:-]{8,64}$"


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


class AlarmArguments(Part):
    """Which alarm, by its id."""

    alarm: AlarmId


class ShelveArguments(AlarmArguments):
    """For how long; the catalogue has the maximum, at most 60 min for a safety alarm."""

    minutes: float = Field(gt=0, le=1440, allow_inf_nan=False)


class OutOfServiceArguments(AlarmArguments):
    """Why nobody needs it for the time being."""

    why: str = Field(min_length=3, max_length=200)


class CommandMessage(Message):
    """`cmd/<verb>`: what somebody wants. `id` is used once; `expected_state` is the PackML state it is meant for."""

    schema_: Literal[1] = Field(alias="schema")
    id: str = Field(pattern=IDENTIFIER)
    issued_at: Utc
    expires_at: Utc
    issuer: str = Field(min_length=1, max_length=64)
    expected_state: str | None = Field(None, max_length=32)
    arguments: Part = Nothing()


class PlainCommand(CommandMessage):
    """A command whose verb says everything."""

    arguments: Nothing = Nothing()


class AuthoriseCommand(CommandMessage):
    """`cmd/authorise`: let this truck swap."""

    arguments: AuthoriseArguments


class EvacuateCommand(CommandMessage):
    """`cmd/evacuate`: bring a pack to the isolation area, in Held or Stopped."""

    arguments: EvacuateArguments


class StepCommand(CommandMessage):
    """`cmd/step`: one motion of the robot, in mode Manual."""

    arguments: StepArguments


class JogCommand(CommandMessage):
    """`cmd/jog`: the robot a little further, in mode Manual."""

    arguments: JogArguments


class AlarmCommand(CommandMessage):
    """`cmd/ack`, `cmd/unshelve`, `cmd/in_service`: for one alarm."""

    arguments: AlarmArguments


class ShelveCommand(CommandMessage):
    """`cmd/shelve`: keep one alarm off the list for a while."""

    arguments: ShelveArguments


class OutOfServiceCommand(CommandMessage):
    """`cmd/out_of_service`: keep one alarm off the list until somebody takes it in again."""

    arguments: OutOfServiceArguments


COMMANDS: dict[Verb, type[CommandMessage]] = {
    "authorise": AuthoriseCommand,
    "hold": PlainCommand,
    "resume": PlainCommand,
    "back_out": PlainCommand,
    "abort": PlainCommand,
    "clear": PlainCommand,
    "reset": PlainCommand,
    "evacuate": EvacuateCommand,
    "end_swap": PlainCommand,
    "repark": PlainCommand,
    "isolate": PlainCommand,
    "release_truck": PlainCommand,
    "step": StepCommand,
    "jog": JogCommand,
    "ack": AlarmCommand,
    "shelve": ShelveCommand,
    "unshelve": AlarmCommand,
    "out_of_service": OutOfServiceCommand,
    "in_service": AlarmCommand,
}


class ReplyMessage(Message):
    """The answer on a command's response topic: first accepted or rejected, later completed or failed.

    `id` is empty if the command was too broken to have one; `state` is the station's PackML state.
    """

    id: str
    verb: str
    verdict: Verdict
    reason: str
    state: str
