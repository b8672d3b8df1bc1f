"""The words the station speaks of itself in: PackML states, unit modes, verbs, reasons, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PackML(StrEnum):
    """Outward state (ISA-TR88.00.02). Names, not numbers: companion specifications renumber them."""

    CLEARING = "Clearing"
    STOPPED = "Stopped"
    STARTING = "Starting"
    IDLE = "Idle"
    SUSPENDED = "Suspended"
    EXECUTE = "Execute"
    STOPPING = "Stopping"
    ABORTING = "Aborting"
    ABORTED = "Aborted"
    HOLDING = "Holding"
    HELD = "Held"
    UNHOLDING = "Unholding"
    SUSPENDING = "Suspending"
    UNSUSPENDING = "Unsuspending"
    RESETTING = "Resetting"
    COMPLETING = "Completing"
    COMPLETE = "Complete"


ACTING = frozenset({PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.RESETTING, PackML.CLEARING})
"""States in which the controller may give orders at all."""


class Mode(StrEnum):
    """Unit mode, from the key switch at the robot's cabinet."""

    PRODUCTION = "Production"
    MAINTENANCE = "Maintenance"
    MANUAL = "Manual"
    UNKNOWN = "Unknown"


class Verb(StrEnum):
    """What a person or the cloud can ask of the station."""

    AUTHORISE = "authorise"
    HOLD = "hold"
    RESUME = "resume"
    BACK_OUT = "back_out"
    ABORT = "abort"
    CLEAR = "clear"
    RESET = "reset"
    EVACUATE = "evacuate"
    END_SWAP = "end_swap"
    REPARK = "repark"
    ISOLATE = "isolate"
    RELEASE_TRUCK = "release_truck"
    STEP = "step"
    JOG = "jog"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the station waits or stopped: a stable code and one sentence for a person."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling; `details` values are numbers, texts or booleans."""

    code: str
    severity: str  # info, warning, fault
    text: str
    details: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
