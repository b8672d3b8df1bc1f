"""Everything that is said over MQTT, as models: JSON objects, unknown keys refused, units in the names.

Every message carries `schema` (1), `timestamp` (UTC, ms, of its making) and `sequence` (one more than the message
before it on the same topic since the station's start; a gap says that messages were dropped).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

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


class EvacuationPart(Part):
    """A pack that is brought to isolation. source: 'bay 3'; interrupted: the step that was pre-empted."""

    source: str
    isolation: int
    serial: str | None
    why: str
    interrupted: str


class ThermalPart(Part):
    """A place with a thermal event: what was measured, what the station does, what a person must do."""

    place: str
    serial: str | None
    why: str
    station: str
    person: str


class WherePart(Part):
    """One place as measured: empty, named (by its serial), silent (a pack that does not say who it is) or unknown.

    by_journal: which pack the journal has there, where the measurement does not tell.
    """

    place: str
    says: Literal["empty", "named", "silent", "unknown"]
    serial: str | None = None
    by_journal: str | None = None


class RecoveryMessage(Message):
    """`recovery`, retained: while the station stands, what is where by measurement, and how that fits the journal.

    kind: unknown (PLC or packs not read yet: `unread`), idle, resumable, fault (see `contradictions`; resume is refused
    until a person has put it right), or running: the station works, nothing is compared.
    """

    kind: Literal["unknown", "idle", "resumable", "fault", "running"]
    where: tuple[WherePart, ...] = ()
    under_way: str
    choices: str
    contradictions: tuple[str, ...] = ()
    unread: str | None = None


class StoppedPart(Part):
    """Which condition stopped the robot, in one line, and since when by the station's clock."""

    by: str
    since: Utc


class StateMessage(Message):
    """`state`, retained: what the station does and why it waits.

    packml is a PackML state name, mode Production, Maintenance or Manual, `choices` the verbs a person may send now,
    exchange the running number (1..exchanges) of the pack exchange under way, 0 if none. stopped: which condition
    stopped the robot (cause, measured value, age, limit, remedy), since when; None while nothing does.
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
    stopped: StoppedPart | None = None
    evacuation: EvacuationPart | None = None
    thermal: tuple[ThermalPart, ...] = ()


class BayMessage(Message):
    """`bay/<n>`, retained: one bay and the pack in it. None: not known or not fresh.

    energised: the supply's contactor, by the PLC. charging: how it stands (charging, full, queued, pause, no_demand,
    supply_open, withheld, tripped, unconfirmed, isolation, empty, shutdown); charging_reason: why it does not charge.
    current_a, power_kw: by the BMS, > 0 charges.
    """

    bay: int
    occupied: Presence
    serial: str | None
    soc_pct: float | None
    soh_pct: float | None
    temperature_max_c: float | None
    link: str
    state: Literal["empty", "stored", "quarantined", "isolation", "unknown"]
    reason: str | None = None
    energised: Presence = "not_available"
    charging: str = "unknown"
    charging_reason: str | None = None
    current_a: float | None = None
    power_kw: float | None = None


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


AlarmId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class AlarmPart(Part):
    """One alarm as it stands (ISA-18.2). `cause`, `consequence` and `remedy` are for the person who has to respond.

    id: the code, and `:bay-3` where there are many. active: its condition stands, or is latched, and it is neither
    shelved, suppressed nor out of service. value, limit: in `unit`, where something is measured. reaction: what the
    station does by itself. first_out: it tripped first.
    """

    id: AlarmId
    code: str
    priority: Literal["high", "medium", "low"]
    alarm_class: Literal["safety", "process", "equipment", "communication"]
    state: Literal[
        "normal",
        "unacknowledged",
        "acknowledged",
        "returned",
        "latched",
        "shelved",
        "suppressed",
        "out_of_service",
    ]
    active: bool
    first_out: bool
    text: str
    value: float | None
    limit: float | None
    unit: str
    cause: str
    consequence: str
    remedy: str
    reaction: str
    raised_at: Utc | None
    cleared_at: Utc | None
    acked_at: Utc | None
    acked_by: str | None
    shelved_until: Utc | None
    shelved_by: str | None
    suppressed_by: str | None
    out_of_service_by: str | None


class AlarmMessage(AlarmPart, Message):
    """`alarm/<id>`: an alarm has changed. trigger: by what; by: by whom, `station` if by nobody."""

    trigger: str
    by: str


class AlarmsMessage(Message):
    """`alarms`, retained: every alarm that is not plainly normal, active ones first, high priority first.

    flood: more than ten were announced in ten minutes; first_out: the alarm the flood began with; collected: low ones
    that are told one by one only when it is over. figures: counts, as in `metrics`.
    """

    alarms: tuple[AlarmPart, ...]
    flood: bool
    first_out: AlarmId | None
    collected: tuple[str, ...]
    figures: dict[str, int]


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
    """`metrics`: how well the controller itself runs, at 1 Hz. `counters`: faults since the start, by name.

    alarms: how many are active, unacknowledged, shelved, suppressed, out of service, standing for over a day, and
    announced within the last ten minutes.
    """

    cycle_period_ms: Spread
    lateness_ms: Spread
    overruns: int
    modbus_round_trip_ms: Spread
    can_frames: int
    can_state: str
    queue_depths: dict[str, int]
    rejected_commands: int
    counters: dict[str, int] = Field(default_factory=dict)
    alarms: dict[str, int] = Field(default_factory=dict)


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


SnapshotMessage: TypeAlias = StateMessage | BayMessage | TruckMessage | AlarmsMessage | RecoveryMessage
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
