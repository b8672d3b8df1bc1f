"""The vocabulary of the controller: places, the snapshot of the plant, the state of a swap. Plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drivers.pack_status import PackStatus
from drivers.reading import Signal
from drivers.robot_protocol import MOUNT_CODE_BASE, EchoState, MotionClass, Opcode, RobotCommand, RobotStatus
from drivers.truck_status import TruckStatus


class PlaceKind(StrEnum):
    """What kind of place a pack can stand in."""

    BAY = "bay"
    MOUNT = "mount"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A bay of the station or a mount on the truck."""

    kind: PlaceKind
    number: int

    @property
    def code(self) -> int:
        """The place's location code in the PLC's command block."""
        return self.number + (MOUNT_CODE_BASE if self.kind is PlaceKind.MOUNT else 0)

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


def bay(number: int) -> Place:
    """Bay `number` (1..24)."""
    return Place(PlaceKind.BAY, number)


def mount(number: int) -> Place:
    """Mount `number` (1..3) of the truck in the lane."""
    return Place(PlaceKind.MOUNT, number)


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
class Authorisation:
    """Leave to swap one truck's packs.

    packs: how many packs to swap (None: all the truck carries).
    soc_promised_pct: the least charge to hand out (None: the station's own figure).
    given_s: event-loop time it was given at; unused it lapses (swap.authorisation_valid_s).
    """

    vin: str
    issuer: str
    given_s: float
    packs: int | None = None
    soc_promised_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One pack out, one pack in, at one mount."""

    mount: int
    serial_out: str
    soc_out_pct: float | None
    bay_in: int  # the discharged pack goes here
    bay_out: int  # the charged pack comes from here
    serial_in: str
    soc_in_pct: float
    accepted: bool | None = None  # the discharged pack: True taken into stock, False quarantined, None not known yet
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Swap:
    """One truck's visit, from its authorisation to its record."""

    id: str
    vin: str
    authorised_by: str
    soc_promised_pct: float
    started_utc: str
    exchanges: tuple[Exchange, ...] = ()
    index: int = 0  # the exchange under way
    installed: tuple[int, ...] = ()  # mounts that hold a pack of ours
    backed_out: bool = False
    aborted: bool = False

    @property
    def exchange(self) -> Exchange:
        """The exchange under way."""
        return self.exchanges[self.index]


@dataclass(frozen=True, slots=True)
class LastMotion:
    """The last motion of ours that the PLC took up.

    A lift or placement that was broken off stays the last one until the gripper is empty, or the robot travels or
    handles a place again: a jog, a clamp or a lock does not end it, and nothing that the PLC rejected does.

    ended: what its echo said last (a RESET after it does not change that).
    full:  whether the place it handled read occupied when `ended` was first seen.
    """

    command: RobotCommand
    ended: EchoState | None = None
    full: Signal = Signal.NOT_AVAILABLE


@dataclass(frozen=True, slots=True)
class Parking:
    """How the driver's attempts to park stand; errors (x, y in mm, angle in deg) unchanged since `since_s`.

    gone_since_s: since when the lane is empty, None while a truck is there.
    """

    attempts: int = 0
    errors: tuple[float | None, ...] = ()
    since_s: float = 0.0
    counted: bool = False
    gone_since_s: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A command the swap logic asks for; it has no effect until the gate has let it through.

    parameter_1, parameter_2: of JOG, how far in x and y, mm.
    """

    opcode: Opcode
    source: Place | None = None
    destination: Place | None = None
    mount: int = 0
    parameter_1: int = 0
    parameter_2: int = 0

    def command(self, sequence: int) -> RobotCommand:
        """The order under a sequence number, as the PLC takes it."""
        return RobotCommand(
            sequence,
            self.opcode,
            self.source.code if self.source else 0,
            self.destination.code if self.destination else 0,
            self.mount,
            self.parameter_1,
            self.parameter_2,
        )


@dataclass(frozen=True, slots=True)
class Evacuation:
    """A pack with a thermal event that is brought to the isolation area (GB/T 51077-2024 12.4.5, 12.4.7).

    source: the bay it stands in, or the place the robot had lifted it from. isolation: number of the bay it goes to.
    serial: who it is, None if its BMS never told. why: what was detected, one sentence.
    interrupted: the swap step that was pre-empted, 'waiting' if none.
    """

    source: Place
    isolation: int
    serial: str | None
    why: str
    interrupted: str = "waiting"


@dataclass(frozen=True, slots=True)
class BayCharge:
    """How charging stands in one bay.

    permitted: its supply may be closed. code: charging, ready, queued, pause, full, no_demand, supply_open, withheld,
    tripped, unconfirmed, isolation, empty or shutdown. reason: one line for a person, '' while it charges.
    quarantine: serial of the pack whose own fault the trip is, '' if it is not the pack's. live: the supply is closed,
    or its contact in doubt, although its permit has gone: nothing is to be lifted there.
    """

    permitted: bool
    code: str
    reason: str
    quarantine: str = ""
    live: bool = False


@dataclass(frozen=True, slots=True)
class StationState:
    """All that the controller remembers between two cycles. Times are event-loop seconds.

    manual:   the one motion that a person at the cabinet asked for, in mode Manual.
    pending:  the order given to the robot in this step.
    given:    the last motion that got a sequence number. last: the last motion the PLC took up.
    rejected: the sequence number of `given`, if the PLC rejected it; else None or an older one.
    sequence: the last sequence number given out. motions_seen: the PLC's own count of motions.
    refused_since_s: since when the gate refuses the order; done_since_s: since when the PLC reports it done.
    resume_to: the phase that Held or Suspended goes back to.
    charging: how it stands in each bay. clears: how often a person's `clear` was obeyed, ever.
    shutting_down: the service is being stopped, nothing begins any more.
    evacuate_asked: what a person has just asked to be evacuated; gone after the cycle that looks at it.
    visited:  somebody may have been at the robot since a person said that nobody is (swap.people).
    let_go:   the enable button was measured released in Manual since the last motion by hand.
    """

    packml: PackML = PackML.ABORTED
    step: str = "waiting"
    reason: Reason | None = None
    resume_to: PackML = PackML.STARTING
    swap: Swap | None = None
    evacuation: Evacuation | None = None
    evacuate_asked: Place | None = None
    authorisation: Authorisation | None = None
    manual: Order | None = None
    pending: RobotCommand | None = None
    given: RobotCommand | None = None
    last: LastMotion | None = None
    rejected: int | None = None
    sequence: int | None = None
    motions_seen: int | None = None
    step_since_s: float = 0.0
    state_since_s: float = 0.0
    refused_since_s: float | None = None
    done_since_s: float | None = None
    parking: Parking = field(default_factory=Parking)
    quarantined: Mapping[str, str] = field(default_factory=dict)
    charging: Mapping[int, BayCharge] = field(default_factory=dict)
    clears: int = 0
    shutting_down: bool = False
    visited: bool = True
    let_go: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One verb as a cycle takes it.

    leave: what an `authorise` gives leave for. bay: the bay that an `evacuate` names. order: what `step` and `jog` ask.
    """

    verb: Verb
    issuer: str
    leave: Authorisation | None = None
    bay: int | None = None
    order: Order | None = None


_NO_PACK = PackStatus(0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the drivers had read, at one instant.

    robot: None while the PLC is not readable; robot_error then says why in one sentence.
    can:   state of each CAN bus by name, e.g. 'UP'.
    """

    now_s: float
    robot: RobotStatus | None
    robot_error: str
    truck: TruckStatus
    packs: Mapping[Place, PackStatus]
    can: Mapping[str, str] = field(default_factory=dict)

    def pack(self, place: Place) -> PackStatus:
        """What the pack at a place says; silence for a place that is not configured."""
        return self.packs.get(place, _NO_PACK)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the interlock decided in one cycle.

    permits: motion classes that may go on. latched: a trip (or boot) withholds everything until a person's reset.
    stop_category: 0 none, else the IEC 60204-1 category to command.
    first_out: the cause that tripped first; tripped is its one-line explanation as measured at that instant.
    active: every cause that stands now, with the classes of motion it withholds; blocks_reset: those of them that
    keep the latch from opening. thermal: places with a thermal event, each with what was measured; suspect: places
    where one may begin; blind: places where none could be seen. charge_permits: bit n - 1 lets the supply of bay n be
    closed; charging: the same by bay, with the reason.
    """

    permits: MotionClass
    latched: bool
    stop_category: int
    first_out: str | None
    active: Mapping[str, MotionClass]
    tripped: str = ""
    blocks_reset: tuple[str, ...] = ()
    thermal: Mapping[Place, str] = field(default_factory=dict)
    suspect: Mapping[Place, str] = field(default_factory=dict)
    blind: Mapping[Place, str] = field(default_factory=dict)
    charge_permits: int = 0
    charging: Mapping[int, BayCharge] = field(default_factory=dict)

    def blocking(self, wanted: MotionClass) -> tuple[str, ...]:
        """Names of the active causes that withhold any of the wanted classes."""
        return tuple(name for name, withheld in self.active.items() if withheld & wanted)


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling; `details` values are numbers, texts or booleans."""

    code: str
    severity: str  # info, warning, fault
    text: str
    details: Mapping[str, str | float | bool | None] = field(default_factory=dict)
