"""A controller that starts on a machine that has been up for days: loop time is large, what is restored knows none."""

from __future__ import annotations

from tests.simulation.ground import Ground
from tests.support import run

DAY_S = 86400.0


def test_homing_after_a_start_has_its_full_time() -> None:
    async def main() -> None:
        ground = Ground(speed=1.0)
        ground.now_s = 30 * DAY_S
        ground.world.robot.x.position_mm += 3000.0
        started_s = ground.now_s
        await ground.ready()
        assert ground.now_s - started_s > 1.0 and ground.world.robot.home

    run(main())


def test_homing_after_days_of_idling_and_an_abort_has_its_full_time() -> None:
    async def main() -> None:
        ground = Ground(speed=1.0)
        await ground.ready()
        ground.now_s += 3 * DAY_S
        ground.send("abort")
        await ground.reaches("Aborted", 5.0)
        ground.world.robot.x.position_mm += 3000.0
        await ground.ready()
        assert ground.world.robot.still
        assert ground.state.packml == "Idle"

    run(main())
