"""Ways past the policy that a safety review found, each kept closed."""

from __future__ import annotations

from drivers.reading import Signal
from drivers.robot_protocol import RobotMode
from drivers.truck_status import TruckRequest
from hil.plant.pack import Pack
from station_ctl.model import PackML
from tests.simulation.test_thermal_policy import BEST, THIRD
from tests.simulation.thermal_ground import ISOLATION, HotGround, idle, swapping
from tests.support import run


def by_hand(ground: HotGround, manual: bool) -> None:
    """The key turned to Manual with the enable pressed, or back."""
    ground.world.inputs.mode = RobotMode.MANUAL if manual else RobotMode.PRODUCTION
    ground.world.inputs.local_enable = Signal.TRUE if manual else Signal.FALSE


def test_a_truck_is_not_released_with_a_pack_that_was_not_verified() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("lock")
        await ground.until(lambda: ground.state.pending is not None)
        ground.send("hold")
        await ground.reaches("Held")
        by_hand(ground, True)
        await ground.cycles(3)
        ground.send("step", motion="lock", mount=1)
        await ground.cycles(200)
        ground.send("step", motion="home")
        await ground.cycles(200)
        by_hand(ground, False)
        ground.heat(BEST)
        await ground.cycles(20)
        asked = ground.send("release_truck")
        await ground.cycles(100)
        assert ground.verdicts(asked) == ["rejected"]
        assert not ground.world.lane.clamps.open

    run(main())


def test_a_hot_pack_aboard_holds_the_truck_also_while_another_waits_in_its_bay() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("reconnect")
        ground.world.store(ISOLATION, Pack("OLDP-00000001", 10.0))
        await ground.cycles(2)
        ground.heat(THIRD)
        await ground.cycles(3)
        ground.heat(BEST)
        await ground.reaches("Held", 5.0)
        assert ground.code == "thermal_event_aboard"
        await ground.cycles(100)
        assert not ground.world.lane.clamps.open

    run(main())


def test_ending_a_swap_in_an_evacuation_keeps_the_open_truck_isolated_and_the_hot_pack_movable() -> None:
    async def main() -> None:
        ground = await swapping(packs=2)
        await ground.until(lambda: ground.state.swap is not None and ground.state.swap.installed == (1,))
        await ground.at_step("approach_bay")
        ground.heat(THIRD)
        await ground.at_step("evacuate_approach")
        ground.send("hold")
        await ground.reaches("Held")
        assert ground.truck_port.request is TruckRequest.ISOLATE
        ground.send("end_swap")
        await ground.reaches("Stopped")
        await ground.cycles(5)
        assert ground.truck_port.request is TruckRequest.ISOLATE
        asked = ground.send("evacuate", bay=3)
        await ground.until(lambda: len(ground.verdicts(asked)) == 2, 60.0)
        assert ground.verdicts(asked) == ["accepted", "completed"]
        assert ground.bay_of(THIRD) == ISOLATION

    run(main())


def test_a_bay_that_is_none_is_refused() -> None:
    async def main() -> None:
        ground = HotGround()
        await ground.reaches("Aborted")
        ground.send("clear")
        await ground.reaches("Stopped")
        for number in (20, ISOLATION):
            asked = ground.send("evacuate", bay=number)
            await ground.cycles(3)
            assert ground.verdicts(asked) == ["rejected"]
        assert ground.state.packml is PackML.STOPPED

    run(main())


def test_hold_stops_a_motion_by_hand_and_a_robot_that_parks_itself() -> None:
    async def main() -> None:
        ground = HotGround(speed=1.0)
        await ground.reaches("Aborted")
        ground.send("clear")
        await ground.reaches("Stopped")
        by_hand(ground, True)
        await ground.cycles(3)
        ground.send("step", motion="move", bay=4)
        await ground.cycles(20)
        asked = ground.send("hold")
        await ground.cycles(60)
        assert ground.verdicts(asked) == ["accepted", "completed"]
        assert ground.robot.status is not None and ground.robot.status.x_speed_mm_s == 0
        by_hand(ground, False)
        await ground.clear_and_reset()  # stopped short in Manual trips, as letting go of the button does
        await ground.until(lambda: bool(ground.robot.status and ground.robot.status.x_speed_mm_s), 10.0)
        asked = ground.send("hold")
        await ground.reaches("Aborted", 10.0)
        await ground.cycles(60)
        assert ground.verdicts(asked) == ["accepted", "completed"]
        assert ground.robot.status is not None and ground.robot.status.x_speed_mm_s == 0

    run(main())


def test_nobody_is_asked_for_an_evacuation_while_idle() -> None:
    async def main() -> None:
        ground = await idle()
        asked = ground.send("evacuate", bay=3)
        await ground.cycles(3)
        assert ground.verdicts(asked) == ["rejected"]

    run(main())
