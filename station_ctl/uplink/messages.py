"""What a station says over MQTT, as models."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from station_ctl.uplink.alarm_parts import AlarmMessage, AlarmsMessage
from station_ctl.uplink.message import Message, Part, Presence, Severity, Utc


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


SnapshotMessage: TypeAlias = StateMessage | BayMessage | TruckMessage | AlarmsMessage | RecoveryMessage


"""What is retained: the latest counts."""


OutgoingMessage: TypeAlias = EventMessage | AlarmMessage | SwapRecord | MetricsMessage


"""What is said once, in order."""
