"""Where a resumed step goes on: a place that the PLC refused to handle untouched is approached anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import EchoState, Opcode, RobotCommand, RobotStatus
from station_ctl.model.motion import LastMotion
from station_ctl.model.places import bay
from station_ctl.model.state import StationState
from station_ctl.model.words import Reason
from station_ctl.safety.from_plc import occupied
from station_ctl.swap.resume import resume
from tests.simulation.thermal_ground import swapping
from tests.support import run

ASKED = Reason("asked_resume", "resume asked by a person")


async def refused() -> tuple[StationState, RobotStatus]:
    """A swap that is held on the way to the bay, as if the PLC had refused to set the pack down there."""
    ground = await swapping()
    await ground.at_step("carry_to_bay")
    await ground.cycles(1)
    ground.send("hold")
    await ground.reaches("Held", 10.0)
    state, robot = ground.state, ground.runner._read(ground.now_s).robot
    assert robot is not None and state.swap is not None and robot.gripper_holding is Signal.TRUE
    place = bay(state.swap.exchange.bay_in)
    assert occupied(robot, place.code) is Signal.FALSE
    given = RobotCommand(9, Opcode.PLACE_TO, 0, place.code)
    return replace(state, step="stow", given=given, reason=Reason("command_rejected", "PLC: SENSOR_MISMATCH")), robot


@pytest.mark.parametrize(
    ("code", "gripper", "step"),
    [
        ("command_rejected", Signal.TRUE, "carry_to_bay"),
        ("command_rejected", Signal.FALSE, "stow"),  # it may have let go: nothing travels, the step is tried again
        ("command_rejected", Signal.UNTRUSTED, "stow"),
        ("asked_hold", Signal.TRUE, "stow"),
    ],
)
def test_what_was_refused_untouched_is_approached_anew(code: str, gripper: Signal, step: str) -> None:
    async def main() -> None:
        state, robot = await refused()
        state = replace(state, reason=Reason(code, ""))
        assert resume(state, replace(robot, gripper_holding=gripper), ASKED, 50.0).step == step

    run(main())


def test_a_lift_that_was_refused_before_it_began_is_approached_anew() -> None:
    async def main() -> None:
        state, robot = await refused()
        assert state.swap is not None
        place = bay(state.swap.exchange.bay_out)
        assert occupied(robot, place.code) is Signal.TRUE
        there = LastMotion(RobotCommand(8, Opcode.MOVE_TO, 0, place.code), EchoState.DONE)
        state = replace(state, step="fetch", last=there, given=RobotCommand(9, Opcode.LIFT_FROM, place.code))
        assert resume(state, replace(robot, gripper_holding=Signal.FALSE), ASKED, 50.0).step == "approach_bay"
        assert resume(state, robot, ASKED, 50.0).step == "fetch"

    run(main())
