"""The control cycle when things go wrong inside it or around it."""

from __future__ import annotations

import asyncio

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import MotionClass
from hil.plant.lane import Driving
from station_ctl.journal import Entry
from station_ctl.model.words import PackML
from tests.simulation.ground import MAP, VIN, Ground
from tests.simulation.test_swap import clear_and_reset, swapping
from tests.support import run

COMMAND = MAP.block("command")


def permits(ground: Ground) -> MotionClass:
    """What the last block on the wire permitted."""
    return MotionClass(int(COMMAND.decode(ground.writes[-1]).points["permits"] or 0))


def test_the_intent_is_journalled_before_the_command_is_written() -> None:
    async def main() -> None:
        ground = await swapping(1)
        before = len(ground.journal.entries)
        given: dict[int, int] = {}
        while not ground.finished():
            written = len(ground.writes)
            await ground.cycle()
            for words in ground.writes[written:]:
                points = COMMAND.decode(words).points
                if points["opcode"]:
                    given.setdefault(int(points["sequence"] or 0), len(ground.journal.entries))
        entries = list(enumerate(ground.journal.entries, 1))[before:]
        intents = {e.intent.sequence: i for i, e in entries if e.intent is not None}
        assert set(given) == set(intents)
        assert all(intents[sequence] <= written for sequence, written in given.items())

    run(main())


def test_an_intent_that_cannot_be_journalled_is_not_given() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("extract")
        await ground.until(lambda: ground.state.pending is not None)
        ground.journal.fail = True
        started = sum(ground.plc.motions.values())
        await ground.until(lambda: ground.state.packml is PackML.ABORTED, 30.0)
        assert sum(ground.plc.motions.values()) == started
        assert ground.state.reason is not None and ground.state.reason.code == "journal"
        ground.journal.fail = False
        await clear_and_reset(ground)
        await ground.reaches("Held")
        ground.send("resume")
        await ground.to_the_end()

    run(main())


def test_a_stop_does_not_wait_for_a_disk_that_fails() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("carry_to_bay")
        await ground.until(lambda: ground.state.pending is not None)
        assert permits(ground) == MotionClass.TRAVEL
        ground.journal.fail = True
        ground.world.inputs.platform_clear = Signal.FALSE
        await ground.cycle()
        assert permits(ground) == MotionClass(0)

    run(main())


def test_an_error_inside_the_cycle_aborts_withdraws_all_and_the_next_cycle_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("carry_to_bay")
        await ground.until(lambda: ground.state.pending is not None)
        healthy = ground.healthy

        def broken(*_: object) -> None:
            raise ZeroDivisionError("a defect")

        with monkeypatch.context() as patch:
            patch.setattr(ground.runner._reporter, "report", broken)
            await ground.runner._supervised(ground.now_s)
        assert ground.runner.health.failed_cycles == 1
        assert ground.healthy == healthy, "the watchdog is not fed by a cycle that failed"
        assert ground.state.packml is PackML.ABORTING
        await ground.runner._supervised(ground.now_s)
        assert permits(ground) == MotionClass(0)
        assert ground.runner.health.cycles > 0
        assert "a defect" in caplog.text

    run(main())


def test_link_loss_in_motion_ends_in_aborted_and_is_recovered_by_a_person() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("fetch")
        await ground.until(lambda: ground.state.pending is not None)
        ground.client.broken = True
        await ground.until(lambda: ground.state.packml is PackML.ABORTED, 5.0)
        assert ground.state.reason is not None and "plc_not_alive" in ground.state.reason.text
        ground.pass_time(1.0)
        assert ground.world.robot.still
        ground.client.broken = False
        await clear_and_reset(ground)
        await ground.reaches("Held")
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed() == {1: "SIMP-00000001"}

    run(main())


def test_danger_wakes_the_cycle_at_once_and_the_period_keeps_its_beat() -> None:
    async def main() -> None:
        ground = Ground()
        task = asyncio.create_task(ground.runner.run(), name="cycle")
        loop = asyncio.get_running_loop()
        while ground.runner.health.cycles < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        before, at_s = ground.runner.health.cycles, loop.time()
        ground.runner.wake()
        while ground.runner.health.cycles == before:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert loop.time() - at_s < 0.045, "sooner than the next period"
        assert ground.runner.health.lateness.total <= ground.runner.health.cycles
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())


def test_verbs_at_the_wrong_time_are_rejected_with_the_reason() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.reaches("Aborted")
        for verb in ("hold", "resume", "back_out", "reset"):
            identifier = ground.send(verb)
            await ground.cycle()
            ((verdict, reason),) = ground.uplink.verdicts[identifier]
            assert verdict == "rejected"
            assert "Aborted" in reason

    run(main())


def test_each_accepted_command_gets_exactly_one_last_answer() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("extract")
        await ground.cycle()
        first, second = ground.send("hold"), ground.send("abort")
        await ground.reaches("Aborted")
        await clear_and_reset(ground)
        await ground.reaches("Held")
        ground.send("resume")
        await ground.to_the_end()
        await ground.cycle()
        assert ground.verdicts(first) == ["accepted", "failed"]
        assert ground.verdicts(second) == ["accepted", "completed"]
        for identifier, verdicts in ground.uplink.verdicts.items():
            assert len(verdicts) == 2, identifier

    run(main())


async def interrupted(step: str, how: str) -> Ground:
    """A swap that an abort or a restart stops in that step; the way is opened, the truck drives off, all is cleared."""
    ground = await swapping(1)
    await ground.at_step(step)
    await ground.cycle()
    if how == "abort":
        ground.send("abort")
        await ground.reaches("Aborted")
    else:
        ground.restart()
    ground.world.lane.driving = Driving.LEAVING
    ground.world.lane.clamps.position = ground.world.lane.barrier.position = 0.0
    ground.pass_time(5.0)
    await clear_and_reset(ground)
    return ground


@pytest.mark.parametrize("how", ["abort", "restart"])
def test_a_swap_ended_by_hand_is_recorded_as_aborted_once_lane_and_robot_are_empty(how: str) -> None:
    async def main() -> None:
        ground = await interrupted("unlock", how)
        await ground.reaches("Idle", 30.0)
        assert ground.finished()[0].aborted

    run(main())


@pytest.mark.parametrize("how", ["abort", "restart"])
def test_a_swap_whose_truck_had_been_let_go_is_resumed_and_recorded_as_completed(how: str) -> None:
    async def main() -> None:
        ground = await interrupted("release", how)
        await ground.reaches("Held", 30.0)
        assert ground.state.reason is not None and ground.state.reason.code == "interrupted"
        ground.send("resume")
        await ground.reaches("Idle", 60.0)
        (swap,) = ground.finished()
        assert not swap.aborted
        assert [e.accepted for e in swap.exchanges] == [True]

    run(main())


def test_an_authorisation_that_nobody_uses_lapses_and_its_sender_is_told() -> None:
    async def main() -> None:
        ground = Ground(authorisation_valid_s=60.0)
        await ground.ready()
        identifier = ground.send("authorise", vin=VIN)
        await ground.cycle()
        assert ground.state.authorisation is not None
        ground.now_s += 61.0
        await ground.cycle()
        assert ground.state.authorisation is None
        assert ground.uplink.verdicts[identifier][-1] == ("failed", "the authorisation lapsed unused")

    run(main())


def test_a_journal_that_hangs_aborts_the_swap_and_the_cycle_goes_on() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("unlock")
        never = asyncio.Event()

        async def hang(_: object) -> None:
            await never.wait()

        ground.journal.append = hang  # type: ignore[method-assign, assignment]
        began_s = asyncio.get_running_loop().time()
        await ground.until(lambda: ground.state.packml is PackML.ABORTING, 10.0)
        assert asyncio.get_running_loop().time() - began_s < 5.0
        assert ground.state.reason is not None and ground.state.reason.code == "journal"
        never.set()
        await ground.cycle()
        await ground.cycle()

    run(main())


def test_what_is_read_while_the_intent_goes_to_disk_still_counts() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("approach_bay")
        ground.send("hold")
        await ground.reaches("Held")
        append, started = ground.journal.append, ground.plc.retained.motions_started

        async def person_walks_in(entry: Entry) -> None:
            await append(entry)
            if entry.intent is not None:
                ground.world.inputs.zone_clear = Signal.FALSE
                await ground.robot.poll()

        ground.journal.append = person_walks_in  # type: ignore[method-assign]
        ground.send("resume")
        for _ in range(6):
            await ground.cycle()
        assert ground.plc.retained.motions_started == started

    run(main())


def test_a_swap_goes_on_with_its_own_truck_only() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("approach_mount")
        await ground.cycle()
        assert ground.world.truck is not None
        ground.world.truck.vin = "LZZ5CLSB8NA000002"
        await ground.reaches("Held", 5.0)
        assert ground.state.reason is not None and ground.state.reason.code == "other_truck"
        started = ground.plc.retained.motions_started
        asked = ground.send("resume")
        await ground.until(lambda: bool(ground.verdicts(asked)), 5.0)
        ((verdict, why),) = ground.uplink.verdicts[asked]
        assert verdict == "rejected" and "LZZ5CLSB8NA000002" in why
        assert ground.state.packml is PackML.HELD
        assert ground.plc.retained.motions_started == started

    run(main())


def test_a_failed_self_test_can_be_tried_again() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("lock")
        assert ground.world.truck is not None
        ground.world.truck.faults.self_test_fails = True
        await ground.reaches("Held", 60.0)
        assert ground.state.reason is not None and ground.state.reason.code == "self_test_failed"
        ground.world.truck.faults.self_test_fails = False
        for _ in range(10):
            await ground.cycle()
        ground.send("resume")
        await ground.to_the_end()

    run(main())


def test_a_slow_disk_holds_up_no_cycle_whose_entry_nothing_depends_on() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("extract")
        await ground.until(lambda: ground.state.pending is not None)
        append, open_again = ground.journal.append, asyncio.Event()

        async def slow(entry: Entry) -> None:
            await open_again.wait()
            await append(entry)

        ground.journal.append = slow  # type: ignore[method-assign]
        ground.send("hold")
        began_s, written = asyncio.get_running_loop().time(), len(ground.writes)
        await ground.reaches("Held", 5.0)
        assert len(ground.writes) - written >= 2
        assert asyncio.get_running_loop().time() - began_s < 1.0
        count = len(ground.journal.entries)
        open_again.set()
        await ground.cycle()
        await ground.cycle()
        assert len(ground.journal.entries) > count, "it follows in order"
        assert [e.state.packml for e in ground.journal.entries][-1] is PackML.HELD

    run(main())
