"""A pack with a thermal event that is nameless, moved by people, or in somebody's way: what is remembered and asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from drivers.reading import Signal
from hil.plant.pack import Pack
from station_ctl.swap import plan
from station_ctl.swap.restart import stable
from tests.simulation.test_recovery import by_hand, held, take_out
from tests.simulation.test_thermal_policy import BEST, SECOND, THIRD
from tests.simulation.thermal_ground import ISOLATION, VIN, HotGround, idle, swapping
from tests.support import run

OWN, HELD_BACK = "TRK1-00000001", "thermal event: "


def says(ground: HotGround, number: int) -> bool:
    """The pack in this bay tells who it is."""
    pack = ground.world.bays[number].pack
    return pack is not None and pack.talking


async def smoking(mute_first: bool) -> HotGround:
    """Smoke over a pack whose BMS is silent; mute_first: it never said who it is."""
    ground = HotGround(speed=6.0)
    ground.pack(THIRD).faults.mute = mute_first
    await ground.ready()
    ground.pack(THIRD).faults.mute = True
    await ground.cycles(40)
    ground.world.inputs.smoke_clear[3] = Signal.FALSE
    return ground


async def nobody_is_handed(ground: HotGround, serial: str) -> None:
    """It talks again, everything restarts, it is put back, and is the only charged one: no truck gets it."""
    ground.world.inputs.smoke_clear[3] = Signal.TRUE
    ground.pack(serial).faults.mute = False
    await ground.until(lambda: set(ground.state.quarantined) == {serial}, 20.0)  # by name alone, no place any more
    await ground.cycles(2)
    ground.restart()
    assert ground.state.quarantined[serial].startswith(HELD_BACK)
    number = ground.bay_of(serial)
    assert number is not None
    if number != 3:
        ground.world.bays[3].put(take_out(ground.world.bays[number]))
    await ground.clear_and_reset()
    await ground.reaches("Idle", 60.0)
    for other in (BEST, SECOND):
        ground.pack(other).soc_pct = 20.0
    ground.arrive(1)
    ground.send("authorise", vin=VIN)
    await ground.until(lambda: ground.code == "no_charged_pack", 60.0)
    assert "quarantined" in plan.readiness(3, ground.state, ground.runner._read(ground.now_s), ground.config, 50.0)


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("mute_first", [False, True])
def test_a_silent_pack_that_was_evacuated_stays_in_quarantine_under_its_name(mute_first: bool, killed: bool) -> None:
    async def main() -> None:
        ground = await smoking(mute_first)
        await ground.at_step("evacuate_carry", 60.0)
        assert set(ground.state.quarantined) - {"bay 3"} == ({"gripper"} if mute_first else {"gripper", THIRD})
        if killed:
            await ground.cycles(2)
            ground.restart()
            await ground.clear_and_reset()
            await ground.reaches("Held", 10.0)
            assert "gripper" in ground.state.quarantined
            ground.send("resume")
        await ground.reaches("Stopped", 120.0)
        assert ground.bay_of(THIRD) == ISOLATION and f"bay {ISOLATION}" in ground.state.quarantined
        await nobody_is_handed(ground, THIRD)

    run(main(), 60.0)


def test_the_quarantine_goes_with_a_nameless_pack_that_service_sets_down_in_manual() -> None:
    async def main() -> None:
        ground = await smoking(mute_first=True)
        await ground.at_step("evacuate_carry", 60.0)
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        ground.send("end_swap")
        await ground.reaches("Stopped", 5.0)
        for motion in ("move", "place"):
            by_hand(ground, True, pressed=False)
            await ground.cycles(5)
            by_hand(ground, True)
            await ground.cycles(3)
            asked = ground.send("step", motion=motion, bay=5)
            await ground.until(lambda asked=asked: len(ground.verdicts(asked)) == 2, 60.0)  # type: ignore[misc]
            assert ground.verdicts(asked) == ["accepted", "completed"]
        await ground.cycles(3)
        assert "bay 5" in ground.state.quarantined and "gripper" not in ground.state.quarantined
        by_hand(ground, False)
        await ground.cycles(3)
        await nobody_is_handed(ground, THIRD)

    run(main(), 60.0)


def test_what_a_place_told_last_outlives_a_restart_and_goes_with_the_pack() -> None:
    async def main() -> None:
        ground = await idle()
        assert ground.state.told["bay 3"] == THIRD
        ground.pack(THIRD).faults.mute = True
        await ground.cycles(40)
        ground.restart()
        await ground.cycles(5)
        assert ground.state.told["bay 3"] == THIRD and stable(ground.state).told == ground.state.told
        pack = take_out(ground.world.bays[3])
        await ground.cycles(2)
        assert ground.state.told["bay 3"] == THIRD  # one reading, or two, empty no place
        await ground.cycles(45)
        assert "bay 3" not in ground.state.told
        pack.faults.mute = False
        ground.world.bays[4].put(pack)
        await ground.until(lambda: ground.state.told.get("bay 4") == THIRD, 10.0)

    run(main())


# -- people finish it


async def alone() -> HotGround:
    return await idle(speed=4.0)


async def with_a_swap() -> HotGround:
    ground = await swapping(speed=4.0)
    await ground.at_step("approach_bay")
    return ground


Starts = Callable[[], Awaitable[HotGround]]


async def stopped_in(step: str, start: Starts) -> HotGround:
    ground = await start()
    ground.heat(THIRD)
    await ground.at_step(step)
    await ground.cycles(2)
    ground.send("hold")
    await ground.reaches("Held", 10.0)
    return ground


def taken_off(ground: HotGround) -> Pack:
    """Out of the gripper, by hand."""
    pack = ground.world.robot.pack
    assert pack is not None
    ground.world.robot.pack, ground.world.robot.gripper.position = None, 0.0
    return pack


@pytest.mark.parametrize("start", [alone, with_a_swap])
@pytest.mark.parametrize("step", ["evacuate_approach", "evacuate_carry", "evacuate_place"])
def test_an_evacuation_whose_pack_was_carried_away_is_given_up(step: str, start: Starts) -> None:
    async def main() -> None:
        ground = await stopped_in(step, start)
        if step == "evacuate_approach":
            take_out(ground.world.bays[3])
        else:
            taken_off(ground)
        await ground.cycles(5)
        before = dict(ground.plc.motions)
        asked = ground.send("back_out")
        await ground.cycles(5)
        assert ground.verdicts(asked) == ["accepted", "completed"]
        assert ground.state.evacuation is None and ground.code == "evacuation_given_up"
        assert dict(ground.plc.motions) == before
        assert THIRD in ground.state.quarantined
        assert ground.state.packml == ("Held" if ground.state.swap else "Stopped")

    run(main())


@pytest.mark.parametrize("step", ["evacuate_carry", "evacuate_place"])
def test_an_evacuation_is_not_given_up_while_the_robot_holds_the_pack(step: str) -> None:
    async def main() -> None:
        ground = await stopped_in(step, alone)
        asked = ground.send("back_out")
        await ground.cycles(3)
        assert ground.verdicts(asked) == ["rejected"]
        assert ground.state.evacuation is not None

    run(main())


@pytest.mark.parametrize("start", [alone, with_a_swap])
@pytest.mark.parametrize("verb", ["resume", "back_out"])
def test_a_burnt_pack_that_people_set_into_isolation_is_the_evacuated_one(verb: str, start: Starts) -> None:
    async def main() -> None:
        ground = await stopped_in("evacuate_carry", start)
        pack = taken_off(ground)
        pack.faults.mute = True
        ground.world.bays[ISOLATION].put(pack)
        await ground.cycles(20)
        told = [m for m in ground.uplink.states if type(m).__name__ == "RecoveryMessage"][-1]
        assert told.contradictions == () and "by the sensors" in told.under_way
        asked = ground.send(verb)
        await ground.until(lambda: ground.state.evacuation is None, 60.0)
        assert ground.verdicts(asked)[0] == "accepted"
        assert ground.bay_of(THIRD) == ISOLATION
        assert ground.code == ("evacuated" if verb == "resume" else "evacuation_given_up")

    run(main())


def test_a_stranger_in_isolation_is_not_the_evacuated_one() -> None:
    async def main() -> None:
        ground = await stopped_in("evacuate_carry", alone)
        taken_off(ground)
        ground.world.bays[ISOLATION].put(Pack("HAND-00000001", 50.0))
        await ground.until(lambda: says(ground, ISOLATION), 10.0)
        await ground.cycles(5)
        asked = ground.send("resume")
        await ground.cycles(3)
        assert ground.verdicts(asked) == ["rejected"]

    run(main())


# -- fit, not only the right one


def test_a_chosen_pack_that_is_no_longer_fit_is_not_lifted() -> None:
    async def main() -> None:
        ground = await held("approach_bay")
        ground.pack(BEST).faults.insulation = Signal.TRUE
        await ground.cycles(40)
        ground.send("resume")
        await ground.at_step("carry_to_mount", 60.0)
        assert ground.world.robot.pack is not None and ground.world.robot.pack.serial == SECOND
        await ground.to_the_end()
        assert ground.departed()[1] == SECOND and ground.bay_of(BEST) == 1

    run(main())


def test_a_quarantined_pack_that_was_put_in_is_not_let_go() -> None:
    async def main() -> None:
        ground = await held("carry_to_mount")
        why = "its BMS told another serial"
        ground.runner.state = replace(ground.state, quarantined={BEST: why})
        ground.send("resume")
        await ground.reaches("Execute", 5.0)
        await ground.reaches("Held", 120.0)
        assert ground.code == "pack_not_verified" and why in ground.text
        assert ground.state.step == "verify" and not ground.world.lane.clamps.open

    run(main())


# -- a fire is asked only what is in its way


async def down(ground: HotGround) -> None:
    """Stopped, with a fire in bay 3 that a person has to ask for."""
    ground.send("abort")
    await ground.reaches("Aborted", 10.0)
    ground.heat(THIRD)
    ground.send("clear")
    await ground.reaches("Stopped", 5.0)


def test_two_packs_that_say_one_serial_do_not_keep_a_third_one_in_the_fire() -> None:
    async def main() -> None:
        ground = await idle()
        ground.world.bays[4].put(Pack(BEST, 50.0))
        await ground.until(lambda: says(ground, 4), 10.0)
        await ground.cycles(10)
        await down(ground)
        asked = ground.send("evacuate", bay=3)
        await ground.until(lambda: ground.bay_of(THIRD) == ISOLATION, 60.0)
        assert ground.verdicts(asked)[0] == "accepted"

    run(main())


@pytest.mark.parametrize("gone", [True, False])
def test_a_pack_that_the_journal_has_elsewhere_refuses_an_evacuation_only_if_it_is_its_own(gone: bool) -> None:
    async def main() -> None:
        ground = await held("approach_bay")
        assert ground.state.swap is not None
        stowed = ground.state.swap.exchange.bay_in
        if gone:  # the old pack is not where the journal has it: that is no concern of bay 3
            take_out(ground.world.bays[stowed])
        else:  # somebody hung a pack on the robot
            ground.world.robot.pack, ground.world.robot.gripper.position = Pack("HAND-00000001", 50.0), 1.0
        await ground.cycles(5)
        ground.heat(THIRD)
        await ground.cycles(5)
        asked = ground.send("evacuate", bay=3)
        await ground.cycles(5)
        assert ground.verdicts(asked) == (["accepted"] if gone else ["rejected"])

    run(main())
