"""A nameless pack with a thermal event that people carry away, and what else a person may do that must not free it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import RobotMode
from hil.plant.lane import Driving
from station_ctl.swap import plan
from station_ctl.uplink.place_messages import BayMessage
from tests.simulation.test_evacuated_by_hand import smoking, stopped_in, taken_off, with_a_swap
from tests.simulation.test_recovery import take_out
from tests.simulation.test_thermal_policy import BEST, SECOND, THIRD
from tests.simulation.thermal_ground import ISOLATION, VIN, HotGround, idle, swapping
from tests.support import run

AWAY = "taken away from bay 3"


async def smoked() -> HotGround:
    """Smoke over a pack that never told its serial; it is over, nothing has moved, the controller was restarted."""
    ground = HotGround(speed=6.0)
    ground.pack(THIRD).faults.mute = True
    await ground.ready()
    await ground.cycles(40)
    ground.send("abort")
    await ground.reaches("Aborted", 10.0)
    for smoke in (Signal.FALSE, Signal.TRUE):
        ground.world.inputs.smoke_clear[3] = smoke
        await ground.cycles(70)
    ground.restart()
    await ground.cycles(5)
    assert set(ground.state.quarantined) == {"bay 3"}
    return ground


def judged(ground: HotGround, serial: str) -> str:
    number = ground.bay_of(serial)
    assert number is not None
    return plan.readiness(number, ground.state, ground.runner._read(ground.now_s), ground.config, 50.0)


def reads_bare(ground: HotGround, number: int, polls: int) -> None:
    """For so many polls no switch of this bay sees its pack."""
    poll, left = ground.poll, [polls]

    async def spoilt() -> None:
        await poll()
        status = ground.robot.status
        if left[0] and status is not None:
            left[0] -= 1
            bays = list(status.bays)
            bays[number - 1] = replace(bays[number - 1], occupied=Signal.FALSE, locked=Signal.FALSE, mated=Signal.FALSE)
            ground.robot.status = replace(status, bays=tuple(bays))

    ground.poll = spoilt  # type: ignore[method-assign]


@pytest.mark.parametrize("polls", [1, 20])
def test_readings_of_less_than_two_seconds_take_nothing_out_of_quarantine(polls: int) -> None:
    async def main() -> None:
        ground = await smoked()
        reads_bare(ground, 3, polls)
        await ground.cycles(polls + 20)
        assert set(ground.state.quarantined) == {"bay 3"}
        told = [m for m in ground.uplink.states if isinstance(m, BayMessage) and m.bay == 3]
        assert told[-1].state == "quarantined"
        ground.pack(THIRD).faults.mute = False
        await ground.until(lambda: set(ground.state.quarantined) == {THIRD}, 10.0)
        assert "quarantined" in judged(ground, THIRD)

    run(main(), 60.0)


@pytest.mark.parametrize("rests_s", [0.1, 5.0])
@pytest.mark.parametrize("mute", [False, True])
def test_what_people_carry_to_another_bay_is_known_again_when_it_turns_up(rests_s: float, mute: bool) -> None:
    async def main() -> None:
        ground = await smoked()
        pack = take_out(ground.world.bays[3])
        await ground.cycles(round(rests_s / 0.05))
        assert rests_s < 2.0 or set(ground.state.quarantined) == {AWAY}
        pack.faults.mute = mute
        ground.world.bays[5].put(pack)
        await ground.cycles(100)
        if mute:
            assert set(ground.state.quarantined) <= {"bay 5", AWAY}
            assert judged(ground, THIRD)
            pack.faults.mute = False
        await ground.until(lambda: set(ground.state.quarantined) == {THIRD}, 20.0)
        assert "quarantined" in judged(ground, THIRD)
        for known in (BEST, SECOND):
            assert "quarantined" not in judged(ground, known)

    run(main(), 60.0)


def test_a_pack_that_is_known_or_comes_with_a_truck_is_not_taken_for_the_one_that_was_carried_away() -> None:
    async def main() -> None:
        ground = await smoked()
        take_out(ground.world.bays[3])
        await ground.cycles(60)
        assert set(ground.state.quarantined) == {AWAY}
        ground.world.bays[5].put(take_out(ground.world.bays[2]))  # by hand, but it told its serial here before
        await ground.cycles(60)
        await ground.clear_and_reset()
        await ground.reaches("Idle", 60.0)
        ground.arrive(1)
        ground.send("authorise", vin=VIN)
        await ground.to_the_end()
        assert set(ground.state.quarantined) == {AWAY}

    run(main(), 60.0)


def test_the_last_placement_of_a_good_pack_is_not_taken_for_the_hot_one() -> None:
    async def main() -> None:
        ground = await swapping(speed=6.0)
        ground.pack(THIRD).faults.mute = True
        await ground.at_step("carry_to_bay")
        await ground.cycles(40)
        ground.runner.state = replace(ground.state, told={k: v for k, v in ground.state.told.items() if v != THIRD})
        ground.world.inputs.smoke_clear[3] = Signal.FALSE
        await ground.at_step("evacuate_approach", 60.0)
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        ground.world.inputs.smoke_clear[3] = Signal.TRUE
        pack = take_out(ground.world.bays[3])
        await ground.cycles(100)
        assert set(ground.state.quarantined) == {AWAY}
        pack.faults.mute = False
        ground.world.bays[5].put(pack)
        await ground.until(lambda: THIRD in ground.state.quarantined, 20.0)
        assert set(ground.state.quarantined) == {THIRD}

    run(main(), 60.0)


def test_no_truck_is_released_with_a_pack_that_came_into_quarantine_in_its_mount() -> None:
    async def main() -> None:
        ground = await swapping(speed=6.0)
        await ground.until(lambda: ground.state.step == "reconnect", 200.0)
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        ground.heat(BEST)
        await ground.cycles(20)
        ground.pack(BEST).faults.thermal_event = Signal.FALSE
        await ground.cycles(20)
        ground.restart()
        await ground.clear_and_reset()
        await ground.reaches("Held", 10.0)
        ground.send("resume")
        await ground.until(lambda: (ground.state.packml, ground.code) == ("Held", "pack_not_verified"), 60.0)
        asked = ground.send("release_truck")
        await ground.cycles(20)
        assert ground.verdicts(asked) == ["rejected"]
        assert f"{BEST}, which is quarantined" in ground.uplink.verdicts[asked][-1][1]
        assert ground.world.lane.driving is Driving.STANDING

    run(main(), 60.0)


def test_an_evacuation_goes_on_once_the_swap_is_ended_and_its_truck_gone() -> None:
    async def main() -> None:
        ground = await swapping(speed=6.0)
        await ground.at_step("carry_to_bay")
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        taken_off(ground)
        ground.world.lane.clamps.position = 0.0
        ground.world.lane.drive_off()
        await ground.cycles(60)
        ground.heat(THIRD)
        await ground.cycles(5)
        ground.send("end_swap")
        await ground.reaches("Stopped", 10.0)
        ground.send("evacuate", bay=3)
        await ground.until(lambda: ground.code == "evacuated", 120.0)
        assert ground.bay_of(THIRD) == ISOLATION

    run(main(), 60.0)


def test_nothing_is_jogged_against_an_object_on_the_platform() -> None:
    async def main() -> None:
        ground = await with_a_swap()
        ground.world.inputs.platform_clear = Signal.FALSE
        await ground.reaches("Aborted", 10.0)
        ground.send("clear")
        await ground.reaches("Stopped", 10.0)
        for pressed in (Signal.FALSE, Signal.TRUE):
            ground.world.inputs.mode, ground.world.inputs.local_enable = RobotMode.MANUAL, pressed
            await ground.cycles(3)
        asked = ground.send("jog", dx_mm=200, dy_mm=0)
        await ground.until(lambda: len(ground.verdicts(asked)) == 2, 20.0)
        assert ground.verdicts(asked) == ["accepted", "failed"]
        assert "object_on_platform" in ground.uplink.verdicts[asked][-1][1]

    run(main(), 60.0)


def test_a_cycle_that_fails_loses_nobody() -> None:
    async def main() -> None:
        ground = await idle()
        await ground.cycles(5)
        assert not ground.state.visited
        for signal in (Signal.FALSE, Signal.TRUE):
            ground.world.inputs.doors_closed = signal
            await ground.poll()

        def defect(*_: object) -> None:
            raise RuntimeError("a defect")

        step, ground.runner._alarms.step = ground.runner._alarms.step, defect  # type: ignore[method-assign,assignment]
        await ground.runner._supervised(ground.now_s)
        ground.runner._alarms.step = step  # type: ignore[method-assign]
        await ground.cycles(5)
        assert ground.state.visited

    run(main(), 60.0)


def test_what_was_set_into_isolation_by_hand_is_the_evacuated_one() -> None:
    async def main() -> None:
        async def start() -> HotGround:
            return await smoking(mute_first=True)

        ground = await stopped_in("evacuate_carry", start)
        pack = taken_off(ground)
        await ground.cycles(3)
        assert "gripper" in ground.state.quarantined
        ground.world.bays[6].put(pack)
        await ground.until(lambda: set(ground.state.quarantined) == {"bay 6"}, 20.0)

    run(main(), 60.0)
