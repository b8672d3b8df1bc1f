"""All that the controller remembers between two cycles, and what a cycle is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.robot_protocol import RobotCommand
from station_ctl.model.motion import LastMotion, Order
from station_ctl.model.places import Place
from station_ctl.model.visit import Authorisation, Evacuation, Parking, Swap
from station_ctl.model.words import PackML, Reason, Verb


@dataclass(frozen=True, slots=True)
class BayCharge:
    """How charging stands in one bay.

    permitted: its supply may be closed. code: charging, ready, queued, pause, full, no_demand, supply_open, withheld,
    tripped, unconfirmed, isolation, empty, shutdown, journal_stalled or cycle_stalled; in a bay with a charger also
    starting, planned, no_grid and charger_failed. reason: one line for a person, '' while it charges.
    quarantine: serial of the pack whose own fault the trip is, '' if it is not the pack's. live: the supply is closed,
    or its contact in doubt, although its permit has gone: nothing is to be lifted there.
    Of a bay with a charger: phase of the charge (charging.phases), '' between two; limited_by: who sets its current
    (bms, type, charger, plan, grid), '' while none is asked for; trouble: what is wrong with charger or meter;
    energy_kwh: into the pack by the meter's registers since the charge began, None if not knowable; metered: that is
    final, the charge is over; stay_kwh: the sum of its charges here, None if not knowable; unmetered: why nobody knows
    what a charge that is over has brought, one line.
    """

    permitted: bool
    code: str
    reason: str
    quarantine: str = ""
    live: bool = False
    phase: str = ""
    limited_by: str = ""
    trouble: str = ""
    energy_kwh: float | None = None
    metered: bool = False
    stay_kwh: float | None = None
    unmetered: str = ""


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
    quarantined: why, by serial, or by place or 'gripper' as long as the pack is nameless (swap.quarantine).
    told: by place the serial that was told there last, as long as it stays occupied. bare_since_s: by place, and
    for the gripper, since when no switch sees a pack there (swap.seen_packs).
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
    told: Mapping[str, str] = field(default_factory=dict)
    bare_since_s: Mapping[str, float] = field(default_factory=dict)
    charging: Mapping[int, BayCharge] = field(default_factory=dict)
    clears: int = 0
    shutting_down: bool = False
    visited: bool = True
    let_go: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One verb as a cycle takes it.

    leave: what an `authorise` gives leave for. bay: the bay that an `evacuate` names. order: what `step` and `jog` ask.
    age_s: how long ago it was issued, by the wall clock as the cycle takes it.
    """

    verb: Verb
    issuer: str
    leave: Authorisation | None = None
    bay: int | None = None
    order: Order | None = None
    age_s: float = 0.0
