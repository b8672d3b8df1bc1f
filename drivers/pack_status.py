"""What a pack's BMS says over CAN, as plain values (docs/pack-can.md is its contract)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from drivers.reading import NEVER, Reading, Signal


class PackLink(IntEnum):
    """How far the conversation with the BMS at one address has come."""

    SILENT = 0  # nothing heard within the time-out
    HANDSHAKE = 1  # frames heard, BRM not complete yet
    IDENTIFIED = 2  # BRM complete: the serial is known
    MONITORED = 3  # BCP, BCS, BSM and PMS heard and fresh


@dataclass(frozen=True, slots=True)
class PackIdentity:
    """BRM (GB/T 27930, PGN 0x0200): who the pack is."""

    serial: str  # maker's four characters, '-', eight digits
    chemistry: int  # 3 LFP, 6 NCM, 8 LTO
    rated_capacity_ah: float
    rated_voltage_v: float
    cycles: int


@dataclass(frozen=True, slots=True)
class PackStatus:
    """The image of the pack that talks at one source address. A > 0 charges the pack."""

    address: int
    link: PackLink = PackLink.SILENT
    heard_s: float = float("-inf")  # event-loop time of the last frame
    identity: Reading[PackIdentity] = NEVER
    energy_nominal_kwh: Reading[float] = NEVER  # BCP
    soc_pct: Reading[float] = NEVER  # BCS (1 %), BCP (0.1 %) before it
    soh_pct: Reading[float] = NEVER  # PMS
    pack_voltage_v: Reading[float] = NEVER  # BCS
    pack_current_a: Reading[float] = NEVER  # BCS
    cell_voltage_max_v: Reading[float] = NEVER  # BCS
    remaining_min: Reading[int] = NEVER  # BCS
    voltage_demand_v: Reading[float] = NEVER  # BCL
    current_demand_a: Reading[float] = NEVER  # BCL
    temperature_max_c: Reading[float] = NEVER  # BSM
    temperature_min_c: Reading[float] = NEVER  # BSM
    cell_voltage_fault: Reading[Signal] = NEVER  # BSM, high or low
    overcurrent: Reading[Signal] = NEVER  # BSM
    overtemperature: Reading[Signal] = NEVER  # BSM
    insulation_fault: Reading[Signal] = NEVER  # BSM
    connector_fault: Reading[Signal] = NEVER  # BSM
    charge_permitted: Reading[Signal] = NEVER  # BSM
    contactor_closed: Reading[Signal] = NEVER  # PMS, any main contactor
    thermal_event: Reading[Signal] = NEVER  # PMS
    link_voltage_v: Reading[float] = NEVER  # PMS, outside of the contactors
    insulation_ohm_per_v: Reading[float] = NEVER  # PMS
    cell_voltages_v: Reading[tuple[float, ...]] = NEVER  # BMV
    temperatures_c: Reading[tuple[float, ...]] = NEVER  # BMT
