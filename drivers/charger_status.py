"""What goes over the wire to a bay's charger, as plain values (docs/charger.md is its contract)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from drivers.reading import Signal


class ChargerMode(IntEnum):
    """What a charger is asked for; the `mode` register of its command."""

    OFF = 0
    INSULATION_TEST = 1  # with the output relay open; takes some seconds
    CHARGE = 2
    CONDITION = 3  # warm the pack by the bay's coolant unit; no output


class ChargerState(IntEnum):
    """What a charger does."""

    OFF = 0  # relay open, nothing armed
    STANDBY = 1  # armed, relay open: waits for voltage at its output, precharges, or its test is done
    INSULATION_TEST = 2
    CHARGING = 3  # relay closed, also at 0 A
    CONDITIONING = 4
    FAULT = 5  # left by mode OFF with the cause gone


class ChargerStop(IntEnum):
    """Why a charger is off. All but NONE and COMMAND want mode OFF before all else, which makes COMMAND of them."""

    NONE = 0
    COMMAND = 1
    LEASE = 2
    COUNTER = 3  # commands came, but their counter stood still
    FAULT = 4
    POWER = 5
    LOAD_LOST = 6  # the circuit beyond the relay opened while it charged


class ChargerFault(IntEnum):
    """Fault codes that every charger of this map uses alike; 100 and above are its maker's."""

    NONE = 0
    INSULATION = 1  # the test failed
    OVERTEMPERATURE = 2
    RELAY = 3  # the output relay does not obey
    INTERNAL = 4


NEVER_TESTED = 0xFFFF
"""`insulation_ohm_per_v` before the first test."""


@dataclass(frozen=True, slots=True)
class SetPoint:
    """What is wanted of a charger: the output follows the least of the three, and of what the charger can give.

    current_a: 0..1000; voltage_v: 0..1000, where constant voltage begins; power_w: DC output in mode CHARGE, electric
    power of the coolant unit in mode CONDITION, 0..1,000,000. Other modes need none of them.
    """

    mode: ChargerMode
    current_a: float = 0.0
    voltage_v: float = 0.0
    power_w: float = 0.0

    def less_than(self, other: SetPoint) -> bool:
        """Whether anything of it is less than in `other`, or its mode is another and not the beginning of one."""
        if self.mode is not other.mode:
            return other.mode is not ChargerMode.OFF
        return self.current_a < other.current_a or self.voltage_v < other.voltage_v or self.power_w < other.power_w


OFF = SetPoint(ChargerMode.OFF)


@dataclass(frozen=True, slots=True)
class ChargerStatus:
    """One status block, decoded. Numbers out of the map's range are None; signals then are UNTRUSTED.

    received_s: event-loop time the block arrived; heartbeat_changed_s: when `heartbeat` last moved
    (a charger that answers with a heartbeat that stands still is not alive).
    output_current_a: above 0 charges. input_power_w: from the grid. set_*: the set point as the charger has taken it.
    insulation_ohm_per_v: of the last test, None before the first.
    current_max_a, power_max_w: what it can give now. echo_counter: of the last command that counted.
    """

    received_s: float
    heartbeat_changed_s: float
    heartbeat: int
    state: ChargerState | None
    fault_code: int
    stop_reason: ChargerStop | None
    echo_counter: int
    lease_remaining_ms: int
    relay_closed: Signal
    insulation_tested: Signal
    insulation_ohm_per_v: float | None
    output_voltage_v: float | None
    output_current_a: float | None
    input_power_w: float | None
    set_current_a: float | None
    set_voltage_v: float | None
    set_power_w: float | None
    current_max_a: float | None
    power_max_w: float | None
    cabinet_temperature_c: float | None
