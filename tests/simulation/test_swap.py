"""Whole swaps on the plant in memory: the good way, and every way off it, at every step."""

from __future__ import annotations

import pytest

from hil.plant.lane import Driving
from station_ctl.model.words import PackML
from station_ctl.swap.table import STEPS
from tests.simulation.ground import VIN, Ground
from tests.support import run

IN_HAND = [s.name for s in STEPS if s.name in (
    "approach_mount", "unlock", "extract", "carry_to_bay", "stow", "approach_bay", "fetch",
    "carry_to_mount", "insert", "lock", "park", "reconnect")]  # fmt: skip


async def swapping(packs: int = 1, **settings: float) -> Ground:
    """A station with an authorised truck driving in."""
    ground = Ground(**settings)
    await ground.ready()
    ground.arrive(packs)
    ground.send("authorise", vin=VIN)
    return ground


async def clear_and_reset(ground: Ground) -> None:
    """What a person does after an abort."""
    await ground.reaches("Aborted", 10.0)
    ground.send("clear")
    await ground.reaches("Stopped", 5.0)
    ground.send("reset")


def check_invariants(ground: Ground) -> None:
    """What must hold whatever happened."""
    assert ground.world.ledger.violations == []
    assert all(times == 1 for times in ground.started().values())
    assert len(set(ground.serials())) == len(ground.serials())


@pytest.mark.parametrize("packs", [1, 2, 3])
def test_a_set_of_packs_is_swapped(packs: int) -> None:
    async def main() -> None:
        ground = await swapping(packs)
        everything = None
        await ground.at_step("approach_mount")
        everything = ground.serials()
        await ground.to_the_end()
        best = {1: "SIMP-00000001", 2: "SIMP-00000002", 3: "SIMP-00000003"}
        assert ground.departed() == {n: best[n] for n in range(1, packs + 1)}
        assert ground.serials() == everything
        swap = ground.finished()[0]
        assert [e.accepted for e in swap.exchanges] == [True] * packs
        assert not swap.backed_out
        check_invariants(ground)

    run(main())


def test_outward_states_are_packml_in_order() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.to_the_end()
        seen = []
        for entry in ground.journal.entries:
            if not seen or seen[-1] != entry.state.packml:
                seen.append(entry.state.packml)
        names = [str(s) for s in seen]
        assert names[-6:] == ["Starting", "Execute", "Completing", "Complete", "Resetting", "Idle"]

    run(main())


def test_driver_is_asked_to_park_again_and_held_after_too_many_attempts() -> None:
    async def main() -> None:
        ground = Ground(repark_attempts=1)
        await ground.ready()
        ground.arrive(1, x_error_mm=80.0)
        ground.send("authorise", vin=VIN)
        await ground.reaches("Suspended", 20.0)
        assert ground.state.reason is not None and ground.state.reason.code == "repark"
        ground.world.repark(type(ground.world.lane.parking)(130.0, 0.0, 0.0))
        await ground.reaches("Held", 30.0)
        assert ground.state.reason is not None and ground.state.reason.code == "position"

    run(main())


def test_truck_that_leaves_before_it_is_clamped_costs_nothing() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        ground.arrive(1)
        await ground.reaches("Suspended", 20.0)
        assert ground.state.reason is not None and ground.state.reason.code == "not_authorised"
        ground.world.lane.driving = Driving.LEAVING
        await ground.reaches("Idle", 30.0)
        assert ground.state.swap is None

    run(main())


def test_no_pack_under_the_promise_is_handed_out_and_the_swap_waits() -> None:
    async def main() -> None:
        ground = Ground()
        for pack in ground.world.packs():
            pack.soc_pct = 60.0
        await ground.ready()
        ground.arrive(1)
        ground.send("authorise", vin=VIN)
        await ground.reaches("Suspended", 20.0)
        assert ground.state.reason is not None and ground.state.reason.code == "no_charged_pack"
        ground.world.packs()[0].soc_pct = 85.0
        await ground.to_the_end()
        assert ground.finished()[0].exchanges[0].soc_in_pct >= 85.0  # it goes on charging

    run(main())


@pytest.mark.parametrize("step", IN_HAND)
def test_hold_and_resume_at_every_step(step: str) -> None:
    async def main() -> None:
        ground = await swapping(2)
        await ground.at_step(step)
        await ground.cycle()
        hold = ground.send("hold")
        await ground.until(lambda: ground.state.packml in (PackML.HELD, PackML.SUSPENDED), 10.0)
        before = ground.world.robot.x.position_mm
        for _ in range(20):
            await ground.cycle()
        assert ground.world.robot.x.position_mm == before
        assert ground.verdicts(hold) == ["accepted", "completed"]
        ground.send("resume")
        await ground.to_the_end()
        assert set(ground.departed().values()) == {"SIMP-00000001", "SIMP-00000002"}
        check_invariants(ground)

    run(main())


@pytest.mark.parametrize("cycles", [0, 8])
@pytest.mark.parametrize("step", [s for s in IN_HAND if s != "reconnect"])
def test_back_out_at_every_step_leaves_the_truck_whole(step: str, cycles: int) -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step(step)
        for _ in range(cycles):
            await ground.cycle()
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        back_out = ground.send("back_out")
        await ground.cycle()
        if ground.verdicts(back_out) == ["rejected"]:  # everything was done by then: on is the only way
            assert ground.state.step in ("park", "reconnect")
            ground.send("resume")
        await ground.to_the_end()
        assert ground.finished()[0].backed_out or ground.verdicts(back_out) == ["rejected"]
        departed = ground.departed()
        assert len(departed) == 1
        check_invariants(ground)

    run(main())


@pytest.mark.parametrize("cycles", [1, 8])
@pytest.mark.parametrize("step", IN_HAND)
def test_restart_at_every_step_moves_nothing_until_a_person_clears(step: str, cycles: int) -> None:
    async def main() -> None:
        ground = await swapping(2)
        await ground.at_step(step)
        for _ in range(cycles):
            await ground.cycle()
        ground.restart()
        ground.pass_time(0.6)
        started = dict(ground.plc.motions)
        for _ in range(40):
            await ground.cycle()
        assert ground.state.packml is PackML.ABORTED
        assert ground.state.reason is not None and "restarted" in ground.state.reason.code
        assert dict(ground.plc.motions) == started
        assert ground.world.robot.still
        await clear_and_reset(ground)
        await ground.reaches("Held", 10.0)
        ground.send("resume")
        await ground.to_the_end()
        assert set(ground.departed().values()) == {"SIMP-00000001", "SIMP-00000002"}
        check_invariants(ground)

    run(main())


@pytest.mark.parametrize("step", IN_HAND)
def test_person_in_the_zone_at_every_step_stops_and_latches(step: str) -> None:
    from drivers.reading import Signal

    async def main() -> None:
        ground = await swapping(2)
        await ground.at_step(step)
        await ground.cycle()
        moving = ground.state.pending is not None
        ground.world.inputs.zone_clear = Signal.FALSE
        for _ in range(3):
            await ground.cycle()
        if moving:
            assert ground.state.packml in (PackML.ABORTING, PackML.ABORTED)
        for _ in range(30):
            await ground.cycle()
        assert ground.world.robot.still
        clear = ground.send("clear")
        await ground.cycle()
        if ground.state.packml in (PackML.CLEARING, PackML.ABORTED):
            await ground.reaches("Aborted", 5.0)  # the person is still there: the latch does not open
            assert "completed" not in ground.verdicts(clear)
        ground.world.inputs.zone_clear = Signal.TRUE
        if ground.state.packml is PackML.ABORTED:
            await clear_and_reset(ground)
        await ground.until(lambda: ground.state.packml is PackML.HELD or bool(ground.finished()))
        if not ground.finished():
            ground.send("resume")
        await ground.to_the_end()
        check_invariants(ground)

    run(main())
