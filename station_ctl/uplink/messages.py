"""Everything that is said over MQTT, as models: JSON objects, unknown keys refused, units in the names.

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
Verb: TypeAlias = Literal["authorise", "hold", "resume", "back_out", "abort", "clear", "reset"]
Verdict: TypeAlias = Literal["accepted", "rejected", "completed", "failed"]
Vin = Annotated[str, Field(pattern=r"^[A-HJ-NPR-Z0-9]{17}$", description="ISO 3779, 17 characters.")]
IDENTIFIER = r"^[A-Za-z0-9_.:-]{8,64}$"

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


class StatusMessage(Message):
    """`status`, retained, and the last will: whether the station is there. `boot_id` changes with every start."""

    online: bool
    version: str
    boot_id: str


class Reason(Part):
    """Why the station waits or stands: a code for programs, a text for people."""

    code: str
    text: str


class RobotPart(Part):
    """The robot as last seen; None: not known."""

    x_mm: float | None
    y_mm: float | None
    z_mm: float | None
    load_kg: float | None
    state: str


class InterlockPart(Part):
    """What the interlock says: latched, by what first, what holds now, what it permits."""

    latched: bool
    first_out: str | None
    active: tuple[str, ...] = ()
    permits: tuple[str, ...] = ()


class StateMessage(Message):
    """`state`, retained: what the station does and why it waits.

    packml is a PackML state name, mode Production, Maintenance or Manual, `choices` the verbs a person may send now,
    exchange the running number (1..exchanges) of the pack exchange under way, 0 if none.
    """

    packml: str
    mode: str
    step: str
    reason: Reason | None
    choices: tuple[str, ...]
    swap_id: str | None
    exchange: int
    exchanges: int
    progress_pct: float
    robot: RobotPart
    interlock: InterlockPart


class BayMessage(Message):
    """`bay/<n>`, retained: one bay and the pack in it. None: not known or not fresh."""

    bay: int
    occupied: Presence
    serial: str | None
    soc_pct: float | None
    soh_pct: float | None
    temperature_max_c: float | None
    link: str
    state: Literal["empty", "stored", "quarantined", "isolation", "unknown"]
    reason: str | None = None


class MountPart(Part):
    """One place for a pack on the truck."""

    mount: int
    serial: str | None
    seated: Presence
    locked: Presence
    mated: Presence
    contactor_closed: Presence
    soc_pct: float | None


class TruckMessage(Message):
    """`truck`, retained: the truck in the lane. Position errors are truck minus nominal."""

    present: Presence
    vin: str | None
    in_position: Presence
    x_error_mm: float | None
    y_error_mm: float | None
    angle_deg: float | None
    request: str
    swap_mode: Presence
    hv_off: Presence
    self_test: str
    mounts: tuple[MountPart, ...]


class EventMessage(Message):
    """`event`: what happened, once. `details` are plain values for programs."""

    code: str
    severity: Severity
    text: str
    details: dict[str, str | int | float | bool | None] = Field(default_factory=dict)


class AlarmMessage(Message):
    """`alarm/<id>`: an alarm came (`active`) or went. `remedy` says what a person can do."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
    severity: Severity
    text: str
    remedy: str
    active: bool


class ExchangePart(Part):
    """One pack for another. `accepted`: whether the pack taken out may be used again; None: not judged."""

    mount: int
    bay_in: int | None
    bay_out: int | None
    serial_out: str | None
    soc_out_pct: float | None
    serial_in: str | None
    soc_in_pct: float | None
    accepted: bool | None


class SwapRecord(Message):
    """`swap`: one swap from authorisation to release. waits_s: by reason; steps_s: by step."""

    swap_id: str
    vin: str | None
    authorised_by: str | None
    outcome: Literal["completed", "backed_out", "aborted"]
    exchanges: tuple[ExchangePart, ...]
    started: Utc
    ended: Utc
    duration_s: float
    waits_s: dict[str, float]
    steps_s: dict[str, float]


class Spread(Part):
    """Median, 99th percentile and maximum of a second's measurements, in the unit that the key names."""

    p50: float
    p99: float
    max: float


class MetricsMessage(Message):
    """`metrics`: how well the controller itself runs, at 1 Hz. `counters`: faults since the start, by name."""

    cycle_period_ms: Spread
    lateness_ms: Spread
    overruns: int
    modbus_round_trip_ms: Spread
    can_frames: int
    can_state: str
    queue_depths: dict[str, int]
    rejected_commands: int
    counters: dict[str, int] = Field(default_factory=dict)


class Nothing(Part):
    """No arguments."""


class AuthoriseArguments(Part):
    """What a swap is authorised for: the truck, how many packs (None: all), at least how full (None: as configured)."""

    vin: Vin
    packs: int | None = Field(None, ge=1, le=3)
    soc_promised_pct: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)


class CommandMessage(Message):
    """`cmd/<verb>`: what somebody wants. `id` is used once; `expected_state` is the PackML state it is meant for."""

    schema_: Literal[1] = Field(alias="schema")
    id: str = Field(pattern=IDENTIFIER)
    issued_at: Utc
    expires_at: Utc
    issuer: str = Field(min_length=1, max_length=64)
    expected_state: str | None = Field(None, max_length=32)
    arguments: Nothing | AuthoriseArguments = Nothing()


class PlainCommand(CommandMessage):
    """A command whose verb says everything."""

    arguments: Nothing = Nothing()


class AuthoriseCommand(CommandMessage):
    """`cmd/authorise`: let this truck swap."""

    arguments: AuthoriseArguments


COMMANDS: dict[Verb, type[PlainCommand] | type[AuthoriseCommand]] = {
    "authorise": AuthoriseCommand,
    "hold": PlainCommand,
    "resume": PlainCommand,
    "back_out": PlainCommand,
    "abort": PlainCommand,
    "clear": PlainCommand,
    "reset": PlainCommand,
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


SnapshotMessage: TypeAlias = StateMessage | BayMessage | TruckMessage
"""What is retained: the latest counts."""

OutgoingMessage: TypeAlias = EventMessage | AlarmMessage | SwapRecord | MetricsMessage
"""What is said once, in order."""

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
