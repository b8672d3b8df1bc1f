"""What a person or the cloud may ask, when, and what becomes of the station then. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from drivers.reading import Signal
from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, bay
from station_ctl.model.state import Asked, StationState
from station_ctl.model.visit import Parking
from station_ctl.model.words import PackML, Verb
from station_ctl.safety.from_plc import occupied
from station_ctl.swap import leaving, manual, people, set_down
from station_ctl.swap.back_out import back_out
from station_ctl.swap.back_out import refusal as no_back_out
from station_ctl.swap.changes import abort, go, hold
from station_ctl.swap.leaving import STANDING
from station_ctl.swap.machine import PACKML
from station_ctl.swap.request import Request
from station_ctl.swap.resume import resume

_DOWN = (PackML.ABORTING, PackML.ABORTED)
_ELSEWHERE = tuple(s for s in PackML if s not in (*_DOWN, PackML.CLEARING))
"""States in which a `clear` opens latches of bays only: the station itself has nothing to clear."""
_BY_ITSELF = (PackML.RESETTING, PackML.CLEARING)
"""States in which the robot may be moving and that have no way to Held."""


def refusal(asked: Asked, state: StationState, snapshot: Snapshot, config: Config, thermal: Collection[Place]) -> str:
    """Why a verb cannot be obeyed now, '' if it can. thermal: places with a thermal event in this cycle."""
    why = _RULES[asked.verb][0](Request(asked, state, snapshot, config, thermal))
    return why or ("" if _of_bays_alone(asked, state) else people.too_early(asked, state, snapshot, config))


def obey(
    asked: Asked, state: StationState, snapshot: Snapshot, config: Config, thermal: Collection[Place]
) -> StationState:
    """The state after a verb that `refusal` did not refuse."""
    after = _RULES[asked.verb][1](Request(asked, state, snapshot, config, thermal))
    return after if _of_bays_alone(asked, state) else people.told(after, asked, snapshot, config)


def _of_bays_alone(asked: Asked, state: StationState) -> bool:
    return asked.verb is Verb.CLEAR and state.packml in _ELSEWHERE


def _no_edge(trigger: str) -> Callable[[Request], str]:
    def why_not(r: Request) -> str:
        return "" if PACKML.allows(r.state.packml, trigger) else f"{r.asked.verb} is not possible in {r.state.packml}"

    return why_not


def _no_hold(r: Request) -> str:
    moves = r.state.manual is not None or r.state.packml in _BY_ITSELF
    return "" if moves else _no_edge("hold")(r)


def _hold(r: Request) -> StationState:
    """Whatever moves comes to rest: a motion by hand ends, what has no way to Held is aborted."""
    if r.state.manual is not None:
        return manual.ended(r.state, "asked_hold", r.reason.text)
    return (abort if r.state.packml in _BY_ITSELF else hold)(r.state, r.now_s, r.reason)


def _swap_under_way(r: Request) -> str:
    busy = r.state.swap is not None and r.asked.leave is not None
    return f"swap {r.state.swap.id} is under way" if busy and r.state.swap else ""


def _no_reset(r: Request) -> str:
    return "" if r.state.packml is PackML.STOPPED else people.no_word(r.state, r.snapshot, r.config)


def _reset(r: Request) -> StationState:
    """Out of Stopped; elsewhere it is the word that nobody is inside, and what waited for it goes on."""
    return _anew(r, r.state, "reset") if r.state.packml is PackML.STOPPED else r.state


def _no_clear(r: Request) -> str:
    bay_tripped = any(charge.code == "tripped" for charge in r.state.charging.values())
    return "" if r.state.packml in _ELSEWHERE and bay_tripped else _no_edge("clear")(r)


def _no_evacuation(r: Request) -> str:
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


def _clear(r: Request) -> StationState:
    state = replace(r.state, clears=r.state.clears + 1)
    if not PACKML.allows(state.packml, "clear"):
        return state  # latches of bays alone
    return _anew(r, state, "clear")


def _anew(r: Request, state: StationState, trigger: str) -> StationState:
    # a step restored from the journal began in another life: its time-outs count from here
    return replace(go(state, trigger, r.now_s, r.reason), pending=None, step_since_s=r.now_s)


def _resume(r: Request) -> StationState:
    return resume(_now(r), r.robot, r.reason, r.now_s)


def _now(r: Request) -> StationState:
    """The state, past a placement that people did by hand."""
    return set_down.caught_up(r.state, r.snapshot)


def _manual(r: Request) -> StationState:
    return replace(r.state, manual=r.asked.order, pending=None, step_since_s=r.now_s, reason=r.reason, let_go=False)


def _no_manual(r: Request) -> str:
    return manual.refusal(r.state, r.robot)


_RULES: dict[Verb, tuple[Callable[[Request], str], Callable[[Request], StationState]]] = {
    Verb.AUTHORISE: (_swap_under_way, lambda r: replace(r.state, authorisation=r.asked.leave)),
    Verb.HOLD: (_no_hold, _hold),
    Verb.RESUME: (_no_edge("unhold"), _resume),
    Verb.BACK_OUT: (
        lambda r: no_back_out(_now(r), r.robot),
        lambda r: back_out(_now(r), r.robot, r.reason, r.now_s),
    ),
    Verb.ABORT: (_no_edge("abort"), lambda r: abort(r.state, r.now_s, r.reason)),
    Verb.CLEAR: (_no_clear, _clear),
    Verb.RESET: (_no_reset, _reset),
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
