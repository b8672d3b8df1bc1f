"""The truck is held for as long as it is worked at: also while the robot waits or carries a pack between the bays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.reading import Signal
from station_ctl.model.words import PackML
from tests.simulation.ground import VIN, Ground
from tests.support import run


def brake_off(ground: Ground) -> None:
    assert ground.world.truck is not None
    ground.world.truck.faults.brake_released = True


def not_seen(ground: Ground) -> None:
    ground.world.inputs.overrides["truck_present"] = Signal.FALSE


def clamps_open(ground: Ground) -> None:
    ground.world.inputs.overrides["wheels_clamped"] = Signal.FALSE


async def at_truck(ground: Ground, *, waiting: bool) -> None:
    """An old pack is out of the truck: in the gripper on its way, or stowed while no charged one is ready."""
    await ground.ready()
    ground.arrive(1)
    ground.send("authorise", vin=VIN)
    await ground.at_step("stow" if waiting else "carry_to_bay")
    if waiting:
        for pack in ground.world.packs():
            pack.soc_pct = 20.0
        await ground.reaches("Suspended", 60.0)


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize(
    ("loses", "cause"),
    [
        (brake_off, "truck_let_go"),
        (not_seen, "lane_not_safe"),
        (clamps_open, "lane_not_safe"),
    ],
)
def test_what_holds_the_truck_is_watched_between_the_motions(
    loses: Callable[[Ground], None], cause: str, waiting: bool
) -> None:
    async def main() -> None:
        ground = Ground()
        await at_truck(ground, waiting=waiting)
        loses(ground)
        await ground.until(lambda: ground.state.packml in (PackML.ABORTING, PackML.ABORTED), 1.0)
        assert ground.state.reason is not None
        assert ground.state.reason.text.startswith(f"{cause}: ")
        await ground.until(lambda: not ground.world.robot.active, 3.0)

    run(main())


def test_a_truck_that_is_not_worked_at_may_let_its_brake_go() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        ground.arrive(1)
        await ground.reaches("Suspended", 60.0)
        brake_off(ground)
        for _ in range(5):
            await ground.cycle()
        assert ground.truck_port.status.parking_brake.value is Signal.FALSE
        assert ground.state.packml is PackML.SUSPENDED

    run(main())
