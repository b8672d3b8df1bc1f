"""What the truck's swap controller says over CAN, as plain values (docs/truck-can.md is its contract)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from drivers.reading import NEVER, Reading, Signal


class TruckRequest(IntEnum):
    """What the station asks of the truck, sent every 100 ms in SSC1."""

    NONE = 0
    ISOLATE = 1  # enter swap mode: high voltage off, contactors open
    RECONNECT = 2  # close contactors and run the self-test
    LEAVE = 3  # end swap mode, ready to drive


class SelfTest(IntEnum):
    """State of the truck's self-test after new packs are locked in."""

    IDLE = 0
    RUNNING = 1
    PASSED = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class TruckStatus:
    """The image of the truck in the lane. Tuples are indexed by mount number - 1 (three mounts)."""

    heard_s: float = float("-inf")  # event-loop time of the last frame
    vin: Reading[str] = NEVER  # J1939 VI, 17 characters
    mounts_fitted: Reading[int] = NEVER  # TSC2, 1..3
    swap_mode: Reading[Signal] = NEVER  # TSC1
    hv_off: Reading[Signal] = NEVER  # TSC1
    parking_brake: Reading[Signal] = NEVER  # TSC1
    contactors_closed: tuple[Reading[Signal], Reading[Signal], Reading[Signal]] = (NEVER, NEVER, NEVER)  # TSC1
    link_voltage_v: Reading[float] = NEVER  # TSC1, traction bus
    self_test: Reading[SelfTest] = NEVER  # TSC2
