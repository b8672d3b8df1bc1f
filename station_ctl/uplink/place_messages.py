"""Bays, mounts and the truck, as messages."""

from __future__ import annotations

from typing import Literal

from station_ctl.uplink.message import Message, Part, Presence


class BayMessage(Message):
    """`bay/<n>`, retained: one bay and the pack in it. None: not known or not fresh.

    energised: the supply's contactor, by the PLC. charging: how it stands (charging, full, queued, pause, no_demand,
    supply_open, withheld, tripped, unconfirmed, isolation, empty, shutdown, journal_stalled, cycle_stalled; with a
    charger also starting, planned, no_grid, charger_failed); charging_reason: why it does not charge.
    current_a, power_kw: by the BMS, > 0 charges. In a bay with a charger also phase (of the charge, '' between two),
    limited_by (bms, type, charger, plan, grid), trouble (of charger or meter), set_current_a (what is wanted of it),
    charged_kwh (into the pack since the charge began, by the meter's registers; None: nobody knows).
    current_a, power_kw: by the BMS, > 0 charges.
    soc_pct, soh_pct: the BMS's own word. soc_estimate_pct to p_promised_pct: by the estimator (docs/soc.md): charge,
    the interval that holds it nine times out of ten, capacity, energy that a steady drive gets out of it, and the
    probability that it holds what the station promises. soc_reason: what they rest on (anchored, plateau, coasting,
    doubtful), else why there are none (`off`, `unread: ..`, `other_type: ..`); bms_soc_wrong: soc_pct cannot be right.
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
    phase: str = ""
    limited_by: str = ""
    trouble: str | None = None
    set_current_a: float | None = None
    charged_kwh: float | None = None
    soc_estimate_pct: float | None = None
    soc_p05_pct: float | None = None
    soc_p95_pct: float | None = None
    capacity_ah: float | None = None
    energy_kwh: float | None = None
    p_promised_pct: float | None = None
    soc_reason: str | None = None
    bms_soc_wrong: bool | None = None


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
