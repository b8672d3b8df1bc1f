"""What is said once: events, records of swaps, figures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from station_ctl.uplink.message import Message, Part, Severity, Utc


class EventMessage(Message):
    """`event`: what happened, once. `details` are plain values for programs."""

    code: str
    severity: Severity
    text: str
    details: dict[str, str | int | float | bool | None] = Field(default_factory=dict)


class ChargePart(Part):
    """A charge by the estimator: between p05 and p95 nine times out of ten; reason: what it rests on.

    energy_kwh: what a steady drive ([soc] drive_kw) gets out of the pack.
    """

    soc_pct: float
    soc_p05_pct: float
    soc_p95_pct: float
    reason: str
    energy_kwh: float | None = None


class ExchangePart(Part):
    """One pack for another. `accepted`: whether the pack taken out may be used again; None: not judged.

    charged_kwh: what the pack put in has taken in its bay, by the registers of the bay's meter; None: not knowable.
    soc_out_pct, soc_in_pct: by the BMSs. arrival_provisional, outgoing: the same packs by the estimator, at the time of
    the exchange; None: not estimated. The event `soc.arrival_final` has the arrival charge seen from the end of the
    charge that follows; without it, or after `soc.arrival_provisional`, the provisional one stays.
    """

    mount: int
    bay_in: int | None
    bay_out: int | None
    serial_out: str | None
    soc_out_pct: float | None
    serial_in: str | None
    soc_in_pct: float | None
    accepted: bool | None
    charged_kwh: float | None = None
    arrival_provisional: ChargePart | None = None
    outgoing: ChargePart | None = None


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
