"""Ways past the policy that a safety review found, each kept closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import Opcode, RobotMode
from drivers.truck_status import TruckRequest
from hil.plant.pack import Pack
from station_ctl.model.motion import Order
from station_ctl.model.places import mount
from station_ctl.model.words import PackML
from tests.simulation.test_thermal_policy import BEST, THIRD
from tests.simulation.thermal_ground import ISOLATION, HotGround, idle, swapping
from tests.support import run


async def by_hand(ground: HotGround, manual: bool) -> None:
    """The key turned to Manual and the enable pressed anew, or back."""
    ground.world.inputs.mode = RobotMode.MANUAL if manual else RobotMode.PRODUCTION
    ground.world.inputs.local_enable = Signal.FALSE
    await ground.cycles(3)
    ground.world.inputs.local_enable = Signal.TRUE if manual else Signal.FALSE
    await ground.cycles(3)


def test_a_truck_is_not_released_with_a_pack_that_was_not_verified() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("lock")
        await ground.until(lambda: ground.state.pending is not None)
        ground.send("hold")
        await ground.reaches("Held")
        await by_hand(ground, True)
        await ground.cycles(3)
        ground.send("step", motion="lock", mount=1)
        await ground.cycles(200)
        await by_hand(ground, True)
        ground.send("step", motion="home")
        await ground.cycles(200)
        await by_hand(ground, False)
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
        await by_hand(ground, True)
        await ground.cycles(3)
        ground.send("step", motion="move", bay=4)
        await ground.cycles(20)
        asked = ground.send("hold")
        await ground.cycles(60)
        assert ground.verdicts(asked) == ["accepted", "completed"]
        assert ground.robot.status is not None and ground.robot.status.x_speed_mm_s == 0
        await by_hand(ground, False)
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


AT_THE_MOUNT = (
    Order(Opcode.UNLOCK, mount=1),
    Order(Opcode.LOCK, mount=1),
    Order(Opcode.LIFT_FROM, source=mount(1)),
    Order(Opcode.PLACE_TO, destination=mount(1)),
)


@pytest.mark.parametrize("manual", [False, True])
def test_after_end_swap_and_reset_nothing_moves_at_the_mounts_of_a_truck_that_switches_on_again(manual: bool) -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("approach_mount")
        ground.send("hold")
        await ground.reaches("Held")
        ground.send("end_swap")
        await ground.reaches("Stopped")
        await ground.cycles(5)
        assert ground.truck_port.request is TruckRequest.ISOLATE
        ground.send("reset")
        await ground.until(lambda: ground.truck_port.request is TruckRequest.NONE, 60.0)
        ground.pack("TRK1-00000001").faults.contactor_welded = True  # nobody asks it to isolate any more
        await ground.cycles(20)
        state, snapshot = ground.state, ground.runner._read(ground.now_s)
        for order in AT_THE_MOUNT:
            asked = replace(state, manual=order) if manual else state
            why = ground.runner._deciders.guard.admit(snapshot, asked, order.command(9), {})
            assert any("truck_contactor_closed" in line or "high_voltage_on" in line for line in why), order
        before = sum(ground.plc.motions.values())
        await ground.cycles(100)  # it is taken in anew: isolated again before the robot comes near it
        assert ground.state.packml in (PackML.IDLE, PackML.STARTING, PackML.SUSPENDED)
        assert ground.code in ("not_authorised", "driver"), ground.text
        assert sum(ground.plc.motions.values()) == before

    run(main(), 60.0)
