"""Which commands are let in. Pure: bytes and a clock in, a verdict out; nothing is executed or sent from here.

Order of the questions: is it a command at all (verb, retained, size, JSON, model), was it asked before (then the
first asking's verdict is repeated), may the sender ask for it, is it in time, does the sender know the
station's state.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from drivers.mqtt_values import MqttMessage
from station_ctl.uplink.message import NotJson, WrongSchema, read_message
from station_ctl.uplink.requests import AT_ONCE, COMMANDS, IDENTIFIER, WORDS, CommandMessage, Verb
from station_ctl.uplink.roles import Roles
from station_ctl.wall_clock import iso_ms

PAYLOAD_MAX_BYTES = 16 * 1024
SKEW_MAX_S = 5.0
LIFE_MAX_S = 120.0
AT_ONCE_LIFE_MAX_S, AT_ONCE_SKEW_MAX_S = 5.0, 1.0
"""Of a motion by hand, from its issuing to its admission: a person has the enable button in hand and waits for it."""
WORD_LIFE_MAX_S = 10.0
"""Of a word that nobody is inside: time for a broker that is away for a moment, too short to go in and come out."""

Command: TypeAlias = CommandMessage


class Refusal(StrEnum):
    """Why a command was not let in; the counters' names."""

    RETAINED = "retained"
    OVERSIZED = "oversized"
    NOT_JSON = "not_json"
    SCHEMA = "schema"
    UNKNOWN_VERB = "unknown_verb"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    FROM_THE_FUTURE = "from_the_future"
    LIFE_TOO_LONG = "life_too_long"
    WRONG_STATE = "wrong_state"
    NO_ROLE = "no_role"
    BUSY = "busy"
    NOT_JOURNALLED = "not_journalled"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A command that was let in, and where its answers go."""

    verb: Verb
    command: Command
    response_topic: str | None
    correlation: bytes | None

    @property
    def id(self) -> str:
        """The command's id."""
        return self.command.id


@dataclass(frozen=True, slots=True)
class Rejection:
    """A command that was not let in. `id` is empty if none could be read; `text` says what to do better."""

    refusal: Refusal
    verb: str
    id: str
    text: str


class CommandLog(Protocol):
    """Where commands and their verdicts are kept, so that no id is executed twice, not even after a power cut."""

    async def seen(self, id: str) -> str | None:
        """The verdict recorded last for an id, as JSON of a ReplyMessage; None: never seen."""

    async def record(self, id: str, verb: str, verdict_json: str, issuer: str, at: datetime) -> None:
        """Write or replace the verdict of an id, durable on return. Raises StationError if it cannot be written."""


def life_max_s(verb: Verb) -> float:
    """How long a command of this verb may live, in seconds from `issued_at` to `expires_at`."""
    if verb in AT_ONCE:
        return AT_ONCE_LIFE_MAX_S
    return WORD_LIFE_MAX_S if verb in WORDS else LIFE_MAX_S


def skew_max_s(verb: Verb) -> float:
    """How far ahead its sender's clock may be, in seconds."""
    return AT_ONCE_SKEW_MAX_S if verb in AT_ONCE or verb in WORDS else SKEW_MAX_S


def age_s(command: Command, now_utc: datetime) -> float:
    """How long ago a command was issued, in seconds, never negative.

    What seems to come from the future is as old as it seems early: a clock that is wrong makes no word younger.
    """
    return abs((now_utc - command.issued_at).total_seconds())


def read_command(verb: str, message: MqttMessage) -> Admitted | Rejection:
    """What a message on `cmd/<verb>` asks for, judged by itself alone."""
    if message.retain:
        text = "commands are never retained; clear it by publishing an empty retained payload"
        return Rejection(Refusal.RETAINED, verb, "", text)
    if len(message.payload) > PAYLOAD_MAX_BYTES:
        return Rejection(Refusal.OVERSIZED, verb, "", f"{len(message.payload)} bytes; accepted: {PAYLOAD_MAX_BYTES}")
    if verb not in COMMANDS:
        return Rejection(Refusal.UNKNOWN_VERB, verb, _id_in(message.payload), _nearest(verb))
    try:
        command = read_message(COMMANDS[verb], message.payload, message.topic)
    except NotJson as e:
        return Rejection(Refusal.NOT_JSON, verb, "", e.what)
    except WrongSchema as e:
        return Rejection(Refusal.SCHEMA, verb, _id_in(message.payload), e.what)
    return Admitted(verb, command, message.response_topic, message.correlation)


def judge(asked: Admitted, now_utc: datetime, state: str | None, roles: Roles) -> Admitted | Rejection:
    """Whether a readable command that was never seen before is let in now. `state` is ours, None if not known yet."""
    command = asked.command
    if text := roles.refusal(asked.verb, command.issuer):
        return _refuse(Refusal.NO_ROLE, asked, text)
    life_s = (command.expires_at - command.issued_at).total_seconds()
    if now_utc >= command.expires_at:
        return _refuse(Refusal.EXPIRED, asked, f"expired at {iso_ms(command.expires_at)}, it is {iso_ms(now_utc)} here")
    if (command.issued_at - now_utc).total_seconds() > skew_max_s(asked.verb):
        text = f"issued at {iso_ms(command.issued_at)}, it is {iso_ms(now_utc)} here; set the sender's clock"
        return _refuse(Refusal.FROM_THE_FUTURE, asked, text)
    if not 0 < life_s <= life_max_s(asked.verb):
        text = f"lives {life_s:g} s; accepted for {asked.verb}: up to {life_max_s(asked.verb):g} s"
        return _refuse(Refusal.LIFE_TOO_LONG, asked, text)
    if command.expected_state is not None and command.expected_state != state:
        text = f"the station is {state or 'not up yet'}, the command was meant for {command.expected_state}"
        return _refuse(Refusal.WRONG_STATE, asked, text)
    return asked


def _refuse(refusal: Refusal, asked: Admitted, text: str) -> Rejection:
    return Rejection(refusal, asked.verb, asked.id, text)


def _nearest(verb: str) -> str:
    near = difflib.get_close_matches(verb[:64], COMMANDS, 1, 0.4)
    return f"nearest known verb: {near[0]}" if near else f"known verbs: {', '.join(COMMANDS)}"


def _id_in(payload: bytes) -> str:
    """The id of a command that is otherwise unusable, so that its sender knows the answer; '' if there is none."""
    try:
        found = json.loads(payload)["id"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return ""
    return found if isinstance(found, str) and re.fullmatch(IDENTIFIER, found) else ""
