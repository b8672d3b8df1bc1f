"""Mode Manual: one motion at a time, asked for by a person who stands at the cabinet with the enable button pressed.

The swap logic does not move meanwhile: the station is Stopped or Held. The order passes the same gate as every other,
under the same table; only the key switch may, and must, stand on Manual. Letting go of the button stops the motion,
and every motion wants it pressed anew (IEC 60204-1 9.2.3.8): one that is taped down enables nothing.
"""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import Opcode, RobotMode, RobotStatus
from station_ctl.model.motion import Order
from station_ctl.model.places import Place
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML, Reason
from station_ctl.swap import motions
from station_ctl.swap.look import Give, Hold, Look, Wait
from station_ctl.swap.result import Result

STATES = (PackML.STOPPED, PackML.HELD)

MOTIONS: dict[str, Opcode] = {
    "unlock": Opcode.UNLOCK,
    "lock": Opcode.LOCK,
    "lift": Opcode.LIFT_FROM,
    "place": Opcode.PLACE_TO,
    "move": Opcode.MOVE_TO,
    "home": Opcode.HOME,
    "clamp": Opcode.CLAMP,
    "release": Opcode.RELEASE,
}
"""What a single step can be, by the word that a person uses."""


def order(motion: str, place: Place | None) -> Order:
    """The order for a single step at a place, as far as the motion has one."""
    opcode = MOTIONS[motion]
    return Order(
        opcode,
        source=place if opcode is Opcode.LIFT_FROM else None,
        destination=place if opcode in (Opcode.PLACE_TO, Opcode.MOVE_TO) else None,
        mount=place.number if place and opcode in (Opcode.UNLOCK, Opcode.LOCK) else 0,
    )


def jog(dx_mm: int, dy_mm: int) -> Order:
    """The order for a jog by so many mm."""
    return Order(Opcode.JOG, parameter_1=dx_mm, parameter_2=dy_mm)


def refusal(state: StationState, robot: RobotStatus | None) -> str:
    """Why no manual motion can be taken now, '' if one can."""
    if state.packml not in STATES:
        return f"manual motion is possible in {' and '.join(STATES)} only, the station is {state.packml}"
    if robot is None:
        return "the PLC is not readable"
    if robot.mode is not RobotMode.MANUAL:
        return "the key switch at the robot's cabinet is not on Manual"
    if robot.local_enable is not Signal.TRUE:
        return "the enable button at the robot's cabinet is not pressed"
    if not state.let_go:
        return "the enable button was not let go since the last motion, or since the key is on Manual: press it anew"
    return "a manual motion is under way" if state.manual is not None else ""


def act(look: Look) -> Result:
    """Follow the one motion until the PLC reports it done, or it ends otherwise; the reason tells which."""
    state, robot = look.state, look.snapshot.robot
    if state.manual is None:
        return Result(state)
    if robot is None:
        return Result(ended(state, "plc_not_readable", look.snapshot.robot_error))
    outcome = motions.ordered(look, robot, state.manual)
    match outcome:
        case Give():
            return Result(state, outcome.order)
        case Hold():
            return Result(ended(state, outcome.reason.code, outcome.reason.text))
        case Wait():
            return Result(replace(state, reason=outcome.reason))
    return Result(ended(state, DONE, f"done by hand: {motions.verb(state.manual.command(0))}"))


def done(state: StationState) -> tuple[bool, str] | None:
    """Whether the motion came to its end: (True, text), (False, why), None still under way."""
    if state.manual is not None:
        return None
    reason = state.reason
    return (reason is not None and reason.code == DONE), reason.text if reason else str(state.packml)


def ended(state: StationState, code: str, text: str) -> StationState:
    """The state after a manual motion, however it ended."""
    return replace(state, manual=None, pending=None, refused_since_s=None, reason=Reason(code, text))


DONE = "manual_done"
"""Reason code of a manual motion that came to its end."""
