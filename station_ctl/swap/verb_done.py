"""When what a person or the cloud asked for has come to its end, and how. Pure."""

from __future__ import annotations

from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.model.words import PackML, Verb
from station_ctl.swap import manual
from station_ctl.swap.back_out import GIVEN_UP
from station_ctl.swap.leaving import STANDING

_DOWN = (PackML.ABORTING, PackML.ABORTED)
_CLEARED = tuple(s for s in PackML if s not in (*_DOWN, PackML.CLEARING))
_RUNNING = (PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.COMPLETE, PackML.SUSPENDED)
_GOALS: dict[Verb, tuple[PackML, ...]] = {
    Verb.HOLD: (PackML.HELD,),
    Verb.RESUME: _RUNNING,
    Verb.REPARK: _RUNNING,
    Verb.ISOLATE: _RUNNING,
    Verb.RELEASE_TRUCK: (PackML.COMPLETE,),
    Verb.CLEAR: _CLEARED,
    Verb.RESET: (PackML.IDLE, PackML.HELD, *_RUNNING, PackML.SUSPENDING, PackML.UNSUSPENDING),
}
"""States in which a verb has come to its end. A `reset` where somebody was inside ends where it was said."""


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
    return (True, str(state.packml)) if state.packml in _GOALS[verb] else None


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
