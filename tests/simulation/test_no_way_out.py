"""What would shut a person out: a trip whose cause stands on, a way back that asks a pack which never speaks."""

from __future__ import annotations

from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import RobotMode
from station_ctl.model.words import PackML
from tests.simulation.test_manual import answered, press
from tests.simulation.thermal_ground import HotGround, idle, swapping
from tests.support import run

HOT, OWN = "SIMP-00000003", "TRK1-00000001"


async def cleared(ground: HotGround) -> None:
    """Aborted, and a person clears while the cause stands."""
    await ground.reaches("Aborted", 20.0)
    await ground.stands()
    await ground.cycles(30)
    assert await answered(ground, ground.send("clear")) == "completed"


async def in_production(ground: HotGround) -> None:
    ground.world.inputs.mode = RobotMode.PRODUCTION
    ground.world.inputs.local_enable = Signal.FALSE
    await ground.cycles(3)


async def goes_on(ground: HotGround) -> None:
    """Back to Production: what was interrupted comes to its end."""
    await in_production(ground)
    ground.send("reset")
    await ground.reaches("Held", 20.0)
    ground.send("resume")
    await ground.to_the_end()


def test_clamps_that_let_go_in_mid_lift_are_closed_by_hand_and_the_swap_ends() -> None:
    async def main() -> None:
        ground = await swapping(speed=2.0)
        await ground.at_step("extract")
        await ground.until(lambda: ground.world.robot.pack is not None, 30.0)
        ground.world.inputs.overrides["wheels_clamped"] = Signal.FALSE
        await cleared(ground)
        await press(ground)
        assert await answered(ground, ground.send("step", motion="lock", mount=1)) == "failed"
        await press(ground)
        clamped = ground.send("step", motion="clamp")
        await ground.until(lambda: "accepted" in ground.verdicts(clamped), 10.0)
        del ground.world.inputs.overrides["wheels_clamped"]
        assert await answered(ground, clamped) == "completed"
        await goes_on(ground)

    run(main())


def test_too_heavy_a_load_is_cleared_and_nothing_of_ours_moves_it() -> None:
    async def main() -> None:
        ground = await swapping(speed=2.0)
        await ground.at_step("carry_to_bay")
        poll = ground.robot.poll

        async def heavy() -> None:
            await poll()
            if ground.robot.status is not None:
                ground.robot.status = replace(ground.robot.status, load_kg=3600.0)

        ground.robot.poll = heavy  # type: ignore[method-assign]
        await cleared(ground)
        await press(ground)
        assert await answered(ground, ground.send("step", motion="place", bay=4)) == "failed"
        ground.robot.poll = poll  # type: ignore[method-assign]
        await goes_on(ground)

    run(main())


def test_a_truck_that_drives_in_below_a_hot_pack_is_clamped_by_hand_and_the_pack_gets_away() -> None:
    async def main() -> None:
        ground = await idle(speed=4.0)
        ground.heat(HOT)
        await ground.at_step("evacuate_carry")
        ground.arrive(1)
        await cleared(ground)
        assert ground.state.packml is PackML.STOPPED
        await press(ground)
        assert await answered(ground, ground.send("step", motion="clamp")) == "completed"
        await in_production(ground)
        ground.send("reset")
        await ground.reaches("Held", 20.0)
        ground.send("resume")
        await ground.until(lambda: ground.bay_of(HOT) in {b.number for b in ground.config.bay if b.isolation}, 120.0)

    run(main())


def test_a_swap_backs_out_of_a_mount_that_was_never_opened_without_verifying_it() -> None:
    async def main() -> None:
        ground = await swapping(speed=4.0, handshake_timeout_s=2.0)
        await ground.at_step("approach_mount")
        await ground.cycles(3)
        ground.pack(OWN).faults.mute = True
        await ground.reaches("Held", 60.0)
        assert ground.state.step == "unlock"
        await ground.cycles(60)
        ground.send("back_out")
        await ground.at_step("park", 10.0)
        ground.pack(OWN).faults.mute = False
        await ground.to_the_end()
        assert ground.departed() == {1: OWN}

    run(main())
