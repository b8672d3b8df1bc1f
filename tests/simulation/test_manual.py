"""Mode Manual, and what a person with a role can do: single steps, jog, park again, let a truck go."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import MotionClass, Opcode, RobotMode
from station_ctl.model.places import bay
from station_ctl.model.state import Asked
from station_ctl.model.words import PackML, Verb
from station_ctl.swap import verbs
from station_ctl.swap.manual import MOTIONS
from station_ctl.uplink.arguments import StepArguments
from tests.simulation.ground import VIN, Ground
from tests.simulation.test_hazards import cycles, permits, text
from tests.simulation.test_swap import clear_and_reset, swapping
from tests.support import run


def at_the_cabinet(ground: Ground, enable: Signal = Signal.TRUE) -> None:
    """The key on Manual, the enable button pressed."""
    ground.world.inputs.mode = RobotMode.MANUAL
    ground.world.inputs.local_enable = enable


async def press(ground: Ground) -> None:
    """The button is let go and pressed anew, as each motion wants it."""
    for enable in (Signal.FALSE, Signal.TRUE):
        at_the_cabinet(ground, enable)
        await cycles(ground, 3)


async def by_hand(ground: Ground, verb: str, **arguments: Any) -> str:
    """One motion with the button pressed anew; the last verdict."""
    await press(ground)
    return await answered(ground, ground.send(verb, **arguments))


async def stopped() -> Ground:
    """A station that was cleared and not reset."""
    ground = Ground()
    await ground.reaches("Aborted")
    ground.send("clear")
    await ground.reaches("Stopped", 5.0)
    return ground


async def answered(ground: Ground, identifier: str) -> str:
    await ground.until(lambda: len(ground.verdicts(identifier)) > 1 or "rejected" in ground.verdicts(identifier), 60.0)
    return ground.verdicts(identifier)[-1]


def test_a_jog_moves_the_robot_so_far_and_no_further() -> None:
    async def main() -> None:
        ground = await stopped()
        await press(ground)
        before = ground.robot.status
        assert before is not None and before.x_mm is not None
        assert await by_hand(ground, "jog", dx_mm=120) == "completed"
        await cycles(ground, 3)
        after = ground.robot.status
        assert after is not None and after.x_mm == pytest.approx(before.x_mm + 120, abs=2.0)
        assert ground.state.packml is PackML.STOPPED
        assert permits(ground) is MotionClass(0)

    run(main())


def test_single_steps_bring_a_pack_from_bay_to_bay() -> None:
    async def main() -> None:
        ground = await stopped()
        at_the_cabinet(ground)
        serial = ground.world.bays[1].pack
        assert serial is not None
        for arguments in (
            {"motion": "move", "bay": 1},
            {"motion": "lift", "bay": 1},
            {"motion": "move", "bay": 4},
            {"motion": "place", "bay": 4},
            {"motion": "home"},
        ):
            assert await by_hand(ground, "step", **arguments) == "completed", text(ground)
        assert ground.world.bays[4].pack is serial
        assert ground.world.bays[1].pack is None
        assert ground.world.ledger.violations == []

    run(main())


def test_nothing_moves_without_key_and_button() -> None:
    async def main() -> None:
        ground = await stopped()
        for mode, enable in ((RobotMode.PRODUCTION, Signal.TRUE), (RobotMode.MANUAL, Signal.FALSE)):
            await press(ground)
            ground.world.inputs.mode, ground.world.inputs.local_enable = mode, enable
            await cycles(ground, 3)
            assert await answered(ground, ground.send("jog", dx_mm=50)) == "rejected"
        assert ground.plc.motions == {}

    run(main())


def test_a_button_that_is_taped_down_enables_nothing() -> None:
    async def main() -> None:
        ground = await stopped()
        at_the_cabinet(ground)
        await cycles(ground, 20)
        taped = ground.send("jog", dx_mm=50)
        assert await answered(ground, taped) == "rejected"
        assert "not let go" in ground.uplink.verdicts[taped][-1][1]
        assert await by_hand(ground, "jog", dx_mm=50) == "completed"
        held = ground.send("jog", dx_mm=50), ground.send("step", motion="home")  # over the end of the motion
        assert [await answered(ground, identifier) for identifier in held] == ["rejected"] * 2
        assert await by_hand(ground, "jog", dx_mm=50) == "completed"
        assert len(ground.plc.motions) == 2

    run(main())


@pytest.mark.parametrize("shown", [Signal.UNTRUSTED, Signal.NOT_AVAILABLE])
def test_only_a_measured_release_in_manual_lets_the_next_motion_begin(shown: Signal) -> None:
    async def main() -> None:
        ground = await stopped()
        for enable in (shown, Signal.TRUE):  # a cut cable is no release
            at_the_cabinet(ground, enable)
            await cycles(ground, 3)
        assert await answered(ground, ground.send("jog", dx_mm=50)) == "rejected"
        await press(ground)
        ground.client.broken = True  # nor is what was seen before the link was lost
        await cycles(ground, 3)
        ground.robot.status = None
        await cycles(ground, 1)
        ground.client.broken = False
        await cycles(ground, 5)
        ground.send("clear")
        await ground.reaches("Stopped", 5.0)
        late = ground.send("jog", dx_mm=50)
        assert await answered(ground, late) == "rejected"
        assert "not let go" in ground.uplink.verdicts[late][-1][1]
        await press(ground)
        ground.world.inputs.mode = RobotMode.PRODUCTION
        await cycles(ground, 3)
        at_the_cabinet(ground)  # the key is turned back with the button down
        await cycles(ground, 3)
        assert await answered(ground, ground.send("jog", dx_mm=50)) == "rejected"
        assert ground.plc.motions == {}
        assert await by_hand(ground, "jog", dx_mm=50) == "completed"

    run(main())


def test_letting_go_of_the_button_stops_the_motion() -> None:
    async def main() -> None:
        ground = await stopped()
        await press(ground)
        identifier = ground.send("step", motion="move", bay=4)
        await ground.until(lambda: bool(permits(ground)), 5.0)
        await cycles(ground, 3)
        ground.world.inputs.local_enable = Signal.FALSE
        await ground.reaches("Aborted", 5.0)
        assert not permits(ground)
        assert "not_in_production" in text(ground)
        assert await answered(ground, identifier) == "failed"
        at = ground.robot.status
        await cycles(ground, 20)
        assert at is not None and ground.robot.status is not None
        assert ground.robot.status.x_mm == pytest.approx(at.x_mm, abs=1.0)

    run(main())


def test_the_interlock_is_in_force_in_manual() -> None:
    async def main() -> None:
        ground = await stopped()
        ground.world.inputs.zone_clear = Signal.FALSE
        assert await by_hand(ground, "step", motion="move", bay=4) == "failed"
        assert "person_in_zone" in text(ground)
        ground.world.inputs.zone_clear = Signal.TRUE
        assert await by_hand(ground, "step", motion="place", bay=1) == "failed"
        assert "gripper_not_ready" in text(ground)
        assert ground.plc.motions == {}

    run(main())


def test_a_jog_wants_closed_doors_and_a_safe_lane() -> None:
    async def main() -> None:
        ground = await stopped()
        at_the_cabinet(ground)
        for cause, unsafe in (
            ("door_open", lambda: setattr(ground.world.inputs, "doors_closed", Signal.FALSE)),
            ("lane_not_safe", lambda: ground.world.inputs.overrides.update(truck_present=Signal.TRUE)),
        ):
            unsafe()
            await cycles(ground, 3)
            assert await by_hand(ground, "jog", dx_mm=50) == "failed"
            assert cause in text(ground)
            ground.world.inputs.doors_closed = Signal.TRUE
        assert ground.plc.motions == {}

    run(main())


def test_a_swap_that_was_put_right_by_hand_goes_on() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("unlock")
        ground.send("hold")
        await ground.reaches("Held")
        assert await by_hand(ground, "step", motion="unlock", mount=1) == "completed", text(ground)
        assert ground.state.packml is PackML.HELD
        ground.world.inputs.mode, ground.world.inputs.local_enable = RobotMode.PRODUCTION, Signal.FALSE
        await cycles(ground, 3)
        ground.send("resume")
        await ground.until(lambda: bool(ground.finished()), 120.0)
        assert ground.finished()[0].installed == (1,)
        assert ground.world.ledger.violations == []

    run(main())


async def half_lifted() -> Ground:
    """A swap that is held while the gripper has its pack and the pack still sits in the mount; the key on Manual."""
    ground = await swapping(1, speed=1.0)
    await ground.at_step("extract")
    await ground.until(lambda: ground.robot.status is not None and ground.robot.status.gripper_holding is Signal.TRUE)
    ground.send("hold")
    await ground.reaches("Held", 10.0)
    await cycles(ground, 3)
    assert ground.world.seated(ground.world.lane.mounts[1])
    await press(ground)
    return ground


@pytest.mark.parametrize("between", [("jog", {"dx_mm": 50}), ("step", {"motion": "clamp"})])
def test_a_half_done_lift_is_not_forgotten_over_what_does_not_end_it(between: tuple[str, dict[str, object]]) -> None:
    async def main() -> None:
        ground = await half_lifted()
        assert await by_hand(ground, "step", motion="move", bay=3) == "failed"
        assert "pack_not_free_to_travel" in text(ground)
        verdict = await by_hand(ground, between[0], **between[1])
        assert verdict == ("failed" if between[0] == "jog" else "completed"), text(ground)  # not at travel height
        for arguments in ({"motion": "move", "bay": 3}, {"motion": "home"}):
            assert await by_hand(ground, "step", **arguments) == "failed"
            assert "pack_not_free_to_travel" in text(ground)
            assert ground.world.seated(ground.world.lane.mounts[1])
        ground.world.inputs.mode, ground.world.inputs.local_enable = RobotMode.PRODUCTION, Signal.FALSE
        await cycles(ground, 3)
        ground.send("resume")
        await ground.until(lambda: ground.state.packml is PackML.EXECUTE, 5.0)
        assert ground.state.step == "extract"
        await ground.until(lambda: bool(ground.finished()), 300.0)
        assert ground.finished()[0].installed == (1,)
        assert ground.world.ledger.violations == []

    run(main())


def test_a_half_done_lift_that_was_finished_by_hand_lets_the_robot_travel() -> None:
    async def main() -> None:
        ground = await half_lifted()
        assert await by_hand(ground, "jog", dx_mm=50) == "failed"
        assert await by_hand(ground, "step", motion="lift", mount=1) == "completed", text(ground)
        assert await by_hand(ground, "step", motion="move", bay=3) == "completed", text(ground)
        assert ground.world.ledger.violations == []

    run(main())


def test_a_manual_motion_does_not_outlive_a_restart() -> None:
    async def main() -> None:
        ground = await stopped()
        await press(ground)
        ground.send("step", motion="move", bay=4)
        await ground.until(lambda: ground.state.pending is not None, 5.0)
        ground.restart()
        await cycles(ground, 20)
        assert ground.state.manual is None
        assert ground.state.packml is PackML.ABORTED

    run(main())


def test_a_driver_parks_again_as_often_as_a_person_lets_him() -> None:
    async def main() -> None:
        ground = Ground(repark_attempts=0)
        await ground.ready()
        ground.arrive(1, x_error_mm=85.0)
        ground.send("authorise", vin=VIN)
        await ground.reaches("Held")
        assert ground.state.step == "position"
        ground.send("repark")
        await ground.until(lambda: ground.state.packml is not PackML.HELD, 5.0)
        assert ground.state.parking.attempts == 0

    run(main())


def test_a_supervisor_lets_a_whole_truck_go() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("approach_mount")
        ground.send("hold")
        await ground.reaches("Held")
        identifier = ground.send("release_truck")
        await ground.until(lambda: ground.verdicts(identifier)[-1:] in (["completed"], ["failed"], ["rejected"]), 30.0)
        if ground.verdicts(identifier)[-1] == "failed":  # the robot was in the way: it is parked by hand first
            assert "robot_in_the_way" in text(ground)
            assert await by_hand(ground, "step", motion="home") == "completed"
            ground.world.inputs.mode, ground.world.inputs.local_enable = RobotMode.PRODUCTION, Signal.FALSE
            await cycles(ground, 3)
            assert await answered(ground, ground.send("release_truck")) == "completed"
        assert ground.world.lane.clamps.open
        assert ground.finished()[0].backed_out
        assert ground.finished()[0].installed == ()

    run(main())


def test_an_open_truck_is_not_let_go() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("approach_bay")
        ground.send("hold")
        await ground.reaches("Held")
        assert await answered(ground, ground.send("release_truck")) == "rejected"
        await clear_and_reset_if_down(ground)
        assert not ground.world.lane.clamps.open

    run(main())


async def clear_and_reset_if_down(ground: Ground) -> None:
    """Back to Held by way of an abort: the refusal stays."""
    ground.send("abort")
    await ground.reaches("Aborted", 10.0)
    await clear_and_reset(ground)
    assert await answered(ground, ground.send("release_truck")) == "rejected"


@pytest.mark.parametrize(
    ("motion", "place"), [("unlock", {"bay": 1}), ("lift", {}), ("home", {"bay": 1}), ("move", {"bay": 1, "mount": 1})]
)
def test_a_step_without_its_place_is_refused_by_name(motion: str, place: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{motion} needs"):
        StepArguments(motion=motion, **place)  # type: ignore[arg-type]


def test_every_single_step_has_its_opcode() -> None:
    assert set(MOTIONS) == set(StepArguments.model_fields["motion"].annotation.__args__)  # type: ignore[union-attr]
    assert set(MOTIONS.values()) == set(Opcode) - {Opcode.NONE, Opcode.STOP, Opcode.RESET, Opcode.JOG}


def test_a_person_sends_the_old_pack_to_isolation_and_the_swap_goes_on() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("carry_to_bay")
        ground.send("hold")
        await ground.reaches("Held")
        asked = ground.send("isolate")
        await ground.until(lambda: bool(ground.finished()), 120.0)
        assert ground.verdicts(asked) == ["accepted", "completed"]
        (exchange,) = ground.finished()[0].exchanges
        stands = ground.world.bays[6].pack
        assert stands is not None and stands.serial == exchange.serial_out == "TRK1-00000001"
        assert exchange.accepted is False
        assert "asked by test" in ground.state.quarantined[exchange.serial_out]
        assert ground.world.ledger.violations == []

    run(main())


def test_a_bay_with_a_thermal_event_of_this_very_cycle_is_not_offered_for_isolation() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("carry_to_bay")
        ground.send("hold")
        await ground.reaches("Held")
        here, isolate = ground.runner._read(ground.now_s), Asked(Verb.ISOLATE, "test")
        assert verbs.refusal(isolate, ground.state, here, ground.config, ()) == ""
        assert "no isolation bay" in verbs.refusal(isolate, ground.state, here, ground.config, {bay(6): "smoke"})

    run(main())


def test_isolation_is_refused_where_the_robot_does_not_hold_the_old_pack() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("approach_bay")
        ground.send("hold")
        await ground.reaches("Held")
        assert await answered(ground, ground.send("isolate")) == "rejected"

    run(main())
