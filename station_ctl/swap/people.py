"""What the controller remembers of people at the robot, so that nothing starts by itself beside somebody. Pure.

Manual reset as in ISO 13849-1 5.2.2 and IEC 60204-1 9.2.3.3, 9.2.5.2: that zone and doors read clear *now* does not say
that nobody is inside; somebody can have walked in at rest and stand where the scanner does not see, behind a door that
is closed again. So it is remembered from the first cycle on in which it was not measured that nobody can be coming in,
and only a person's word ends it. A controller that has just started has seen nobody come or go: it boots remembering.
"""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import Opcode, RobotMode, RobotStatus
from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.state import Asked, StationState
from station_ctl.model.words import PackML, Reason, Verb
from station_ctl.safety.from_plc import HEARTBEAT_STILL_S
from station_ctl.swap.doorkeeper import wrong
from station_ctl.swap.look import Give, Go, Look, Outcome, Wait, suspend

WAS_INSIDE = "somebody_was_inside"
"""Reason code of a station that waits for a person's word."""
WORDS = frozenset(
    {
        *(Verb.CLEAR, Verb.RESET, Verb.RESUME, Verb.EVACUATE),
        *(Verb.BACK_OUT, Verb.ISOLATE, Verb.REPARK, Verb.RELEASE_TRUCK),
    }
)
"""Verbs with which a person says: I have looked, nobody is inside. After each of them the robot may be in motion."""
_MOVES = WORDS - {Verb.CLEAR, Verb.RESET, Verb.RELEASE_TRUCK}
"""Those after which it moves at once: with somebody coming in they would end in an abort."""
BY_ITSELF = (
    *(PackML.IDLE, PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.COMPLETE, PackML.RESETTING),
    *(PackML.SUSPENDING, PackML.SUSPENDED, PackML.UNSUSPENDING),
)
"""States that a motion may begin in, or after, without another word: there a `reset` is the word alone."""
OPENS = (Opcode.RELEASE,)
"""Not withheld: clamps and barrier that open set somebody free. The zone as measured withholds it, in the table."""


def noticed(state: StationState, snapshot: Snapshot, config: Config) -> StationState:
    """The state with what this cycle's reading says of people. Never forgets anybody."""
    visited = state.visited or bool(unseen(snapshot, config))
    let_go = _let_go(state, snapshot.robot)
    if (visited, let_go) == (state.visited, state.let_go):
        return state
    return replace(state, visited=visited, let_go=let_go)


def _let_go(state: StationState, robot: RobotStatus | None) -> bool:
    """Whether the enable button was measured released in this stay in Manual, and since the last motion by hand.

    A button that is taped down never is. What cannot be read is no release, and what was seen before it counts no more.
    """
    if robot is None or robot.mode is not RobotMode.MANUAL or state.manual is not None:
        return False
    return state.let_go or robot.local_enable is Signal.FALSE


def unseen(snapshot: Snapshot, config: Config) -> str:
    """Why somebody may be coming in, as measured since the last cycle; '' if all was clear, fresh, in Production.

    As fresh as the interlock wants it (safety.plc_age_ms): one lost answer on the wire is not yet somebody inside.
    """
    robot = snapshot.robot
    if robot is None:
        return f"the PLC is not readable: {snapshot.robot_error or 'not read yet'}"
    age_s, still_s = snapshot.now_s - robot.received_s, snapshot.now_s - robot.heartbeat_changed_s
    if age_s > config.safety.plc_age_ms / 1000 or still_s > HEARTBEAT_STILL_S:
        return f"the PLC's word is {max(age_s, still_s):.1f} s old"
    found = wrong(robot)
    if snapshot.unwatched and not found:
        return "zone, doors or key were not good a moment ago"
    return ", ".join(found)


def told(state: StationState, asked: Asked, snapshot: Snapshot, config: Config) -> StationState:
    """The state after an obeyed verb. A word counts only while it is measured that nobody comes in meanwhile.

    And only if it was issued after that was not so last: a word from before says nothing of who came in since.
    """
    if asked.verb in WORDS and state.visited and not unseen(snapshot, config) and _since(asked, snapshot):
        return replace(state, visited=False)
    return state


def _since(asked: Asked, snapshot: Snapshot) -> bool:
    """Whether it was issued since somebody could come in last."""
    return snapshot.unwatched_s is None or snapshot.now_s - asked.age_s > snapshot.unwatched_s


def too_early(asked: Asked, state: StationState, snapshot: Snapshot, config: Config) -> str:
    """Why a word does not count yet, or no more; '' if it does, or if it is a verb that may be obeyed without that."""
    if asked.verb not in WORDS or not state.visited:
        return ""
    if why := unseen(snapshot, config):
        return _not_yet(why) if asked.verb in _MOVES else ""
    return "" if _since(asked, snapshot) else f"{asked.verb} was issued before somebody could come in: look again"


def no_word(state: StationState, snapshot: Snapshot, config: Config) -> str:
    """Why a `reset` outside of Stopped has nothing to say, '' if it has."""
    if state.packml not in BY_ITSELF or not state.visited:
        return f"reset is possible in Stopped, or where somebody was inside; the station is {state.packml}"
    why = unseen(snapshot, config)
    return _not_yet(why) if why else ""


def _not_yet(why: str) -> str:
    return f"not yet: {why}; get everybody out, close the doors, key on Production"


def reason(look: Look) -> Reason:
    """Why nothing starts by itself, and what a person does."""
    now = unseen(look.snapshot, look.config)
    what = now if now else "somebody may have been in the zone since a person looked last"
    return Reason(WAS_INSIDE, f"{what}: nothing starts by itself; look that nobody is inside, close the doors, reset")


def withheld(look: Look, outcome: Outcome) -> Outcome:
    """What a step comes to, less what would start by itself while somebody may be inside.

    No truck is taken in, a truck that stands right is not clamped (and may still drive off), no motion begins.
    """
    if not look.state.visited:
        return outcome
    why = reason(look)
    match outcome:
        case Go(trigger="arrived") | Wait(reason=Reason(code="lane_free")):
            return Wait(why)
        case Go(trigger="positioned", state=state):
            return suspend(why.code, why.text, state)
        case Give(order=order) if order.opcode not in OPENS:
            return suspend(why.code, why.text)
    return outcome
