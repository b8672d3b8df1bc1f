"""What the station does and why it stands, as messages."""

from __future__ import annotations

from typing import Literal

from station_ctl.uplink.message import Message, Part, Utc


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
