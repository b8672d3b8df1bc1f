"""What may be asked of a station over MQTT, and how it is answered."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from station_ctl.uplink.arguments import (
    AlarmArguments,
    AuthoriseArguments,
    ChargePlanArguments,
    EvacuateArguments,
    JogArguments,
    Nothing,
    OutOfServiceArguments,
    ShelveArguments,
    StepArguments,
)
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
    "charge_plan",
    "ack",
    "shelve",
    "unshelve",
    "out_of_service",
    "in_service",
]


Verdict: TypeAlias = Literal["accepted", "rejected", "completed", "failed"]


AT_ONCE: frozenset[Verb] = frozenset({"step", "jog"})
"""Verbs that are for a person who stands there and sees it: late, they are worse than lost."""


WORDS: frozenset[Verb] = frozenset(
    {"clear", "reset", "resume", "evacuate", "back_out", "isolate", "repark", "release_truck"}
)
"""Verbs with which a person says: I have looked, nobody is inside. What was looked at long ago says nothing of now."""


IDENTIFIER = r"^[A-Za-z0-9_.:-]{8,64}$"


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


class MotionCommand(CommandMessage):
    """One motion by hand: meant for the station as it is seen now, so the state it is seen in is not left out."""

    expected_state: str = Field(max_length=32)


class StepCommand(MotionCommand):
    """`cmd/step`: one motion of the robot, in mode Manual."""

    arguments: StepArguments


class JogCommand(MotionCommand):
    """`cmd/jog`: the robot a little further, in mode Manual."""

    arguments: JogArguments


class ChargePlanCommand(CommandMessage):
    """`cmd/charge_plan`: what each bay may draw, and when."""

    arguments: ChargePlanArguments


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
    "charge_plan": ChargePlanCommand,
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
