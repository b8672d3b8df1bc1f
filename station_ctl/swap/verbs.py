"""What a person or the cloud may ask, when, and when it is done. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.config import Config
from station_ctl.model import Asked, PackML, Parking, Place, Reason, Snapshot, StationState, Swap, Verb, bay
from station_ctl.safety.from_plc import occupied
from station_ctl.swap import leaving, manual
from station_ctl.swap.back_out import GIVEN_UP, back_out
from station_ctl.swap.back_out import refusal as no_back_out
from station_ctl.swap.changes import abort, go, hold
from station_ctl.swap.evacuate import isolation_bays
from station_ctl.swap.leaving import STANDING
from station_ctl.swap.machine import PACKML
from station_ctl.swap.resume import resume

_DOWN = (PackML.ABORTING, PackML.ABORTED)
_ELSEWHERE = tuple(s for s in PackML if s not in (*_DOWN, PackML.CLEARING))
"""States in which a `clear` opens latches of bays only: the station itself has nothing to clear."""
_BY_ITSELF = (PackML.RESETTING, PackML.CLEARING)
"""States in which the robot may be moving and that have no way to Held."""
_RUNNING = (PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.COMPLETE, PackML.SUSPENDED)


@dataclass(frozen=True, slots=True)
class _Request:
    """A verb asked of a station in a state: all that a rule looks at."""

    asked: Asked
    state: StationState
    snapshot: Snapshot
    config: Config

    @property
    def robot(self) -> RobotStatus | None:
        """The robot, None while the PLC is not readable."""
        return self.snapshot.robot

    @property
    def now_s(self) -> float:
        """Event-loop time."""
        return self.snapshot.now_s

    @property
    def isolation(self) -> tuple[int, ...]:
        """Isolation bays that are measured empty and not in quarantine; no finding of this cycle is at hand here."""
        return tuple(isolation_bays(self.state, self.snapshot, self.config, ()))

    @property
    def reason(self) -> Reason:
        """Who asked for what."""
        return Reason(f"asked_{self.asked.verb}", f"{self.asked.verb} asked by {self.asked.issuer}")

    @property
    def place(self) -> Place | None:
        """The bay named with the verb."""
        return bay(self.asked.bay) if self.asked.bay is not None else None


def refusal(asked: Asked, state: StationState, snapshot: Snapshot, config: Config) -> str:
    """Why a verb cannot be obeyed now, '' if it can."""
    return _RULES[asked.verb][0](_Request(asked, state, snapshot, config))


def obey(asked: Asked, state: StationState, snapshot: Snapshot, config: Config) -> StationState:
    """The state after a verb that `refusal` did not refuse."""
    return _RULES[asked.verb][1](_Request(asked, state, snapshot, config))


def _no_edge(trigger: str) -> Callable[[_Request], str]:
    def why_not(r: _Request) -> str:
        return "" if PACKML.allows(r.state.packml, trigger) else f"{r.asked.verb} is not possible in {r.state.packml}"

    return why_not


def _no_hold(r: _Request) -> str:
    moves = r.state.manual is not None or r.state.packml in _BY_ITSELF
    return "" if moves else _no_edge("hold")(r)


def _hold(r: _Request) -> StationState:
    """Whatever moves comes to rest: a motion by hand ends, what has no way to Held is aborted."""
    if r.state.manual is not None:
        return manual.ended(r.state, "asked_hold", r.reason.text)
    return (abort if r.state.packml in _BY_ITSELF else hold)(r.state, r.now_s, r.reason)


def _swap_under_way(r: _Request) -> str:
    busy = r.state.swap is not None and r.asked.leave is not None
    return f"swap {r.state.swap.id} is under way" if busy and r.state.swap else ""


def _no_reset(r: _Request) -> str:
    if r.state.packml is PackML.STOPPED:
        return ""
    return f"reset is possible in Stopped only, the station is {r.state.packml}"


def _no_clear(r: _Request) -> str:
    bay_tripped = any(charge.code == "tripped" for charge in r.state.charging.values())
    return "" if r.state.packml in _ELSEWHERE and bay_tripped else _no_edge("clear")(r)


def _no_evacuation(r: _Request) -> str:
    state, place = r.state, r.place
    if state.packml not in STANDING:
        return f"evacuate is for Held and Stopped, the station is {state.packml}: automatic states do it by themselves"
    if state.evacuation is not None:
        return "an evacuation is open: resume it, or back out of it"
    if r.robot is None:
        return "the PLC is not readable"
    ordinary = {bay(section.number) for section in r.config.bay if not section.isolation}
    if place is not None and place not in ordinary:
        return f"{place} is no bay that a pack is taken to isolation from"
    if place is not None and occupied(r.robot, place.code) is Signal.FALSE:
        return f"{place} is measured empty"
    return ""


def _clear(r: _Request) -> StationState:
    state = replace(r.state, clears=r.state.clears + 1)
    if not PACKML.allows(state.packml, "clear"):
        return state  # latches of bays alone
    return _anew(r, state, "clear")


def _anew(r: _Request, state: StationState, trigger: str) -> StationState:
    # a step restored from the journal began in another life: its time-outs count from here
    return replace(go(state, trigger, r.now_s, r.reason), pending=None, step_since_s=r.now_s)


def _resume(r: _Request) -> StationState:
    return resume(r.state, r.robot, r.reason, r.now_s)


def _manual(r: _Request) -> StationState:
    return replace(r.state, manual=r.asked.order, pending=None, step_since_s=r.now_s, reason=r.reason)


def _no_manual(r: _Request) -> str:
    return manual.refusal(r.state, r.robot)


_RULES: dict[Verb, tuple[Callable[[_Request], str], Callable[[_Request], StationState]]] = {
    Verb.AUTHORISE: (_swap_under_way, lambda r: replace(r.state, authorisation=r.asked.leave)),
    Verb.HOLD: (_no_hold, _hold),
    Verb.RESUME: (_no_edge("unhold"), _resume),
    Verb.BACK_OUT: (
        lambda r: no_back_out(r.state, r.robot),
        lambda r: back_out(r.state, r.robot, r.reason, r.now_s),
    ),
    Verb.ABORT: (_no_edge("abort"), lambda r: abort(r.state, r.now_s, r.reason)),
    Verb.CLEAR: (_no_clear, _clear),
    Verb.RESET: (_no_reset, lambda r: _anew(r, r.state, "reset")),
    Verb.EVACUATE: (_no_evacuation, lambda r: replace(r.state, evacuate_asked=r.place)),
    Verb.END_SWAP: (
        lambda r: leaving.nothing_to_end(r.state),
        lambda r: leaving.end(r.state, r.reason, r.now_s),
    ),
    Verb.REPARK: (lambda r: leaving.no_repark(r.state), lambda r: replace(_resume(r), parking=Parking())),
    Verb.ISOLATE: (
        lambda r: leaving.no_isolating(r.state, r.robot, r.isolation),
        lambda r: leaving.isolate(r.state, r.reason, r.now_s, r.isolation),
    ),
    Verb.RELEASE_TRUCK: (
        lambda r: leaving.no_release(r.state, r.snapshot),
        lambda r: leaving.release_truck(r.state, r.reason, r.now_s),
    ),
    Verb.STEP: (_no_manual, _manual),
    Verb.JOG: (_no_manual, _manual),
}
"""For each verb: why it cannot be obeyed now, and the state after it."""


def done(verb: Verb, state: StationState, finished: Swap | None) -> tuple[bool, str] | None:
    """Whether an accepted verb came to its end: (True, text) completed, (False, why) failed, None still under way."""
    if verb in (Verb.AUTHORISE, Verb.BACK_OUT):
        return _swap_done(verb, state, finished)
    if verb is Verb.ABORT:
        return (True, "aborted") if state.packml is PackML.ABORTED else None
    if verb is Verb.HOLD and state.packml in (*_DOWN, PackML.STOPPED):
        return None if state.packml is PackML.ABORTING else (True, str(state.packml))
    if verb is Verb.END_SWAP:
        return (True, "ended") if state.swap is None and state.evacuation is None else None
    if verb is Verb.EVACUATE:
        return _evacuated(state)
    if verb in (Verb.STEP, Verb.JOG):
        return manual.done(state)
    if state.packml in _DOWN:
        return False, state.reason.text if state.reason else "aborted"
    if verb is Verb.RELEASE_TRUCK and state.packml is PackML.HELD:
        return False, state.reason.text if state.reason else "held"
    goal = {
        Verb.HOLD: (PackML.HELD,),
        Verb.RESUME: _RUNNING,
        Verb.REPARK: _RUNNING,
        Verb.ISOLATE: _RUNNING,
        Verb.RELEASE_TRUCK: (PackML.COMPLETE,),
        Verb.CLEAR: _ELSEWHERE,
        Verb.RESET: (PackML.IDLE, PackML.HELD),
    }[verb]
    return (True, str(state.packml)) if state.packml in goal else None


def _evacuated(state: StationState) -> tuple[bool, str] | None:
    """An evacuation ends in Held or Stopped, saying so; any other reason to stand there is why it failed."""
    if state.packml not in (*_DOWN, *STANDING):
        return None
    text = state.reason.text if state.reason else str(state.packml)
    return state.reason is not None and state.reason.code == "evacuated", text


def _swap_done(verb: Verb, state: StationState, finished: Swap | None) -> tuple[bool, str] | None:
    if finished is None:
        stands = state.packml in (*STANDING, PackML.STOPPING) and state.reason is not None
        if verb is Verb.BACK_OUT and stands and state.reason and state.reason.code == GIVEN_UP:
            return True, state.reason.text
        lapsed = verb is Verb.AUTHORISE and state.authorisation is None and state.swap is None
        return (False, "the authorisation lapsed unused") if lapsed else None
    if finished.aborted:
        return False, "the swap was aborted"
    if verb is Verb.AUTHORISE and finished.backed_out:
        return False, "the swap was backed out"
    return True, f"swap {finished.id} is recorded"
