"""The journal against the measured plant: what is where, what was under way, what a person may do, what contradicts.

Nothing here remembers or moves anything. As long as the two contradict each other, or the picture of the plant is not
complete, nothing moves on what the journal says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML, Verb
from station_ctl.swap import motions, set_down
from station_ctl.swap.contradictions import contradictions, in_the_way
from station_ctl.swap.machine import STEP
from station_ctl.swap.measured import Where, measure, unread, unread_plc, where

RESTING = (PackML.ABORTED, PackML.STOPPED, PackML.HELD, PackML.RESETTING, PackML.CLEARING)
"""States in which the plant stands and a person looks at it."""


class Kind(StrEnum):
    """What the comparison comes to.

    unknown: the PLC or a pack has not been read yet. idle: nothing is open. resumable: something is, and it fits what
    is measured. fault: journal and plant contradict each other.
    """

    UNKNOWN = "unknown"
    IDLE = "idle"
    RESUMABLE = "resumable"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Journal and plant side by side. unread: what has not been read yet; choices: in the words of the abort table."""

    kind: Kind
    where: tuple[Where, ...]
    under_way: str
    choices: str
    contradictions: tuple[str, ...]
    unread: str = ""


def reconcile(state: StationState, snapshot: Snapshot, config: Config) -> Reconciled:
    """Compare. Any state; what is found counts while the robot stands."""
    measured = measure(snapshot, config)
    now = set_down.caught_up(state, snapshot)
    found = tuple(contradictions(now, snapshot, measured, config))
    missing = unread(state, snapshot, config)
    open_ = state.swap is not None or state.evacuation is not None
    kind = Kind.FAULT if found else Kind.UNKNOWN if missing else Kind.RESUMABLE if open_ else Kind.IDLE
    under_way = _under_way(state) + _by_hand(state, snapshot)
    return Reconciled(kind, where(now, measured), under_way, _choices(kind, now), found, missing)


MOVING = frozenset({Verb.RESUME, Verb.BACK_OUT, Verb.EVACUATE, Verb.ISOLATE, Verb.REPARK, Verb.RELEASE_TRUCK})
"""Verbs after which the station moves by itself on what the journal says."""


def refusal(verb: Verb, state: StationState, snapshot: Snapshot, config: Config, source: Place | None = None) -> str:
    """Why what would move must wait until a person has put the plant right, or all of it is read; '' if it need not.

    An evacuation waits for the PLC, not for packs: it lifts what shows the event, at the place where it shows, and sets
    it down in a bay that is measured empty; who the other packs are changes nothing about that, and a fire does not
    wait the handshake_timeout_s that a pack which no longer talks would cost. It is refused by what contradicts about
    the gripper, the bay that is named (`source`) and the isolation bays, and by nothing else. To back out of an open
    evacuation with an empty gripper moves nothing: it is never refused, people may have carried the pack away.
    """
    if verb not in MOVING or state.packml not in RESTING or _gives_up(verb, state, snapshot):
        return ""
    now, measured = set_down.caught_up(state, snapshot), measure(snapshot, config)
    urgent = verb is Verb.EVACUATE
    against = in_the_way(now, measured, config, source) if urgent else contradictions(now, snapshot, measured, config)
    if found := tuple(against):
        return f"{'; '.join(found)}. Put it right by hand, or end the swap"
    missing = unread_plc(snapshot) if urgent else unread(state, snapshot, config)
    return f"the picture is not complete: {missing}" if missing else ""


def _gives_up(verb: Verb, state: StationState, snapshot: Snapshot) -> bool:
    """True for a `back_out` that only gives an evacuation up: the robot is measured empty, nothing moves."""
    robot = snapshot.robot
    return verb is Verb.BACK_OUT and state.evacuation is not None and robot is not None and motions.empty(robot)


def _under_way(state: StationState) -> str:
    parts = []
    if state.swap is not None:
        e, swap = state.swap.exchange, state.swap
        done = ", ".join(f"mount {n}" for n in swap.installed) or "none"
        parts.append(
            f"swap {swap.id} of truck {swap.vin}, mount {e.mount}: {e.serial_out} out to bay {e.bay_in}, "
            f"{e.serial_in} in from bay {e.bay_out}; done: {done}"
        )
    if state.evacuation is not None:
        v = state.evacuation
        parts.append(f"evacuation of {v.serial or 'a pack'} from {v.source} to isolation bay {v.isolation} ({v.why})")
    return f"step {state.step}: {'; '.join(parts)}" if parts else "nothing is open"


def _by_hand(state: StationState, snapshot: Snapshot) -> str:
    place = set_down.stands_at(state, snapshot)
    if place is None:
        return ""
    return f"; its pack stands in {place} already, {set_down.by_its_word(state, snapshot, place)}"


def _choices(kind: Kind, state: StationState) -> str:
    match kind:
        case Kind.FAULT:
            return "put right what contradicts, by hand or in Manual; or end the swap"
        case Kind.UNKNOWN:
            return "wait until PLC and packs are read"
        case Kind.RESUMABLE:
            return STEP[state.step].choices
        case Kind.IDLE:
            return "none needed"
