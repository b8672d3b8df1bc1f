"""What all messages over MQTT share: JSON objects, unknown keys refused, units in the names.

Every message carries `schema` (1), `timestamp` (UTC, ms, of its making) and `sequence` (one more than the message
before it on the same topic since the station's start; a gap says that messages were dropped).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from drivers.errors import BadData
from drivers.reading import Signal
from station_ctl.wall_clock import iso_ms, utc_now

SCHEMA: Literal[1] = 1


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as e:  # year 1 or 9999 with an offset: a ValueError is what pydantic reports as bad input
        raise ValueError("is outside of the calendar") from e


Utc = Annotated[
    AwareDatetime, AfterValidator(_in_utc), PlainSerializer(iso_ms, return_type=str, when_used="json-unless-none")
]


Presence: TypeAlias = Literal["false", "true", "untrusted", "not_available"]


Severity: TypeAlias = Literal["info", "warning", "fault"]


_PRESENCE: dict[Signal, Presence] = {
    Signal.FALSE: "false",
    Signal.TRUE: "true",
    Signal.UNTRUSTED: "untrusted",
    Signal.NOT_AVAILABLE: "not_available",
}


def presence(signal: Signal) -> Presence:
    """A four-valued signal as messages spell it."""
    return _PRESENCE[signal]


class NotJson(BadData):
    """A payload that is no JSON at all."""


class WrongSchema(BadData):
    """A payload that is JSON but not the message it should be; the error names the first key that is wrong."""


class Part(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Message(Part):
    """What all messages share. `timestamp` is set when a message is made; the uplink sets `sequence`."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    timestamp: Utc = Field(default_factory=utc_now)
    sequence: int = Field(default=0, ge=0)

    def json_bytes(self) -> bytes:
        """The payload as it goes over the wire."""
        return self.model_dump_json(by_alias=True).encode()

    def says_the_same(self, other: Message | None) -> bool:
        """Whether nothing but time and sequence differ."""
        return other is not None and type(self) is type(other) and _content(self) == _content(other)


def _content(message: Message) -> dict[str, object]:
    return {key: value for key, value in message.__dict__.items() if key not in ("timestamp", "sequence")}


M = TypeVar("M", bound=Message)


def read_message(model: type[M], payload: bytes, where: str) -> M:
    """A payload as the message it should be. Raises NotJson or WrongSchema; `where` names the topic in them."""
    try:
        return model.model_validate_json(payload)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise NotJson(first["msg"][:200], where=where) from e
        key = ".".join(str(part) for part in first["loc"]) or "the message"
        raise WrongSchema(f"{key}: {first['msg']}"[:300], where=where) from e
