"""Somebody walked in while the robot rested: nothing starts by itself until a person says that nobody is inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import Opcode, RobotMode
from station_ctl.journal import Entry
from station_ctl.model.state import BayCharge
from station_ctl.model.words import PackML
from station_ctl.swap.people import WAS_INSIDE
from station_ctl.uplink.state_messages import StateMessage
from tests.simulation.ground import VIN
from tests.simulation.test_thermal_policy import THIRD, isolated
from tests.simulation.thermal_ground import HotGround, idle, swapping
from tests.support import run

Come = Callable[[HotGround, bool], None]


def through_the_zone(ground: HotGround, inside: bool) -> None:
    ground.world.inputs.zone_clear = Signal.FALSE if inside else Signal.TRUE


def through_the_door(ground: HotGround, inside: bool) -> None:
    ground.world.inputs.doors_closed = Signal.FALSE if inside else Signal.TRUE


def past_a_scanner_in_doubt(ground: HotGround, inside: bool) -> None:
    ground.world.inputs.zone_clear = Signal.UNTRUSTED if inside else Signal.TRUE


def with_the_key(ground: HotGround, inside: bool) -> None:
    ground.world.inputs.mode = RobotMode.MAINTENANCE if inside else RobotMode.PRODUCTION


def while_the_plc_stood_still(ground: HotGround, inside: bool) -> None:
    ground.heartbeat_s = ground.now_s if inside else None


WAYS_IN = [through_the_zone, through_the_door, past_a_scanner_in_doubt, with_the_key, while_the_plc_stood_still]


async def walked_in(ground: HotGround, come: Come = through_the_door) -> None:
    """Somebody goes in, where the scanner does not see, and everything reads clear again."""
    come(ground, True)
    await ground.cycles(12)
    come(ground, False)
    await ground.cycles(12)


def motions(ground: HotGround) -> int:
    return sum(ground.plc.motions.values())


@pytest.mark.parametrize("come", WAYS_IN)
def test_a_thermal_event_moves_nothing_beside_who_walked_in_at_rest(come: Come) -> None:
    async def main() -> None:
        ground = await idle()
        before = motions(ground)
        await walked_in(ground, come)
        assert ground.state.visited
        if ground.state.packml is PackML.ABORTED:  # the interlock itself latches a PLC that is not alive
            return
        assert ground.state.packml is PackML.IDLE and ground.code == WAS_INSIDE
        ground.heat(THIRD)
        await ground.cycles(200)
        assert (ground.state.packml, ground.code) == (PackML.ABORTED, "people_unknown")
        assert "since a person looked" in ground.text
        assert motions(ground) == before
        ground.send("clear")
        await ground.reaches("Stopped", 5.0)
        await ground.cycles(100)
        assert motions(ground) == before
        ground.send("evacuate", bay=3)
        await ground.until(lambda: ground.state.evacuation is not None, 5.0)
        await isolated(ground, THIRD)

    run(main(), 60.0)


def test_who_has_said_that_nobody_is_inside_has_the_pack_moved() -> None:
    async def main() -> None:
        ground = await idle()
        await walked_in(ground)
        word = ground.send("reset")
        await ground.cycles(2)
        assert ground.verdicts(word) == ["accepted", "completed"]
        assert ground.state.packml is PackML.IDLE and ground.code == "lane_free"
        ground.heat(THIRD)
        await isolated(ground, THIRD)

    run(main(), 60.0)


def test_no_word_counts_while_somebody_may_be_coming_in() -> None:
    async def main() -> None:
        ground = await idle()
        assert "reset" not in ground.uplink.states[-1].model_dump().get("choices", ())
        early = ground.send("reset")
        await ground.cycles(2)
        assert ground.verdicts(early) == ["rejected"]  # nobody was inside: there is nothing to say
        through_the_door(ground, True)
        await ground.cycles(2)
        word = ground.send("reset")
        await ground.cycles(2)
        assert ground.verdicts(word) == ["rejected"]
        assert "doors closed is false" in ground.uplink.verdicts[word][-1][1]
        through_the_door(ground, False)
        await ground.cycles(2)
        assert ground.state.visited and ground.code == WAS_INSIDE

    run(main())


def test_a_truck_is_not_taken_in_beside_who_walked_in() -> None:
    async def main() -> None:
        ground = await idle()
        before = motions(ground)
        await walked_in(ground)
        ground.arrive(1)
        ground.send("authorise", vin=VIN)
        await ground.cycles(200)
        assert ground.state.packml is PackML.IDLE and ground.code == WAS_INSIDE
        assert motions(ground) == before
        ground.send("reset")
        await ground.to_the_end()
        assert ground.world.ledger.violations == []

    run(main(), 60.0)


def test_a_truck_that_parks_is_not_clamped_beside_who_walked_in_and_may_still_leave() -> None:
    async def main() -> None:
        for leaves in (False, True):
            ground = await swapping()
            await ground.at_step("position")
            before = motions(ground)
            await walked_in(ground)
            await ground.cycles(100)
            assert (ground.state.packml, ground.state.step, ground.code) == (PackML.SUSPENDED, "position", WAS_INSIDE)
            assert motions(ground) == before
            if leaves:
                ground.world.drive_off()
                await ground.reaches("Idle", 150.0)  # one who moved off may be parking again: REPARK_S
                await ground.cycles(2)
                assert ground.code == WAS_INSIDE
                continue
            word = ground.send("reset")
            await ground.to_the_end()
            assert ground.verdicts(word) == ["accepted", "completed"]

    run(main(), 60.0)


def test_a_thermal_event_beside_a_truck_that_waits_for_the_word_moves_nothing() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("position")
        before = motions(ground)
        await walked_in(ground)
        await ground.until(lambda: ground.code == WAS_INSIDE)
        ground.heat(THIRD)
        await ground.cycles(200)
        assert (ground.state.packml, ground.code) == (PackML.ABORTED, "people_unknown")
        assert motions(ground) == before

    run(main(), 60.0)


def test_a_restart_forgets_nobody() -> None:
    async def main() -> None:
        ground = await idle()
        before = motions(ground)
        await walked_in(ground)
        ground.restart()
        assert ground.state.visited
        ground.heat(THIRD)
        await ground.cycles(200)
        assert ground.state.packml is PackML.ABORTED and motions(ground) == before
        ground.send("clear")
        await ground.reaches("Stopped", 5.0)
        await walked_in(ground)  # and again, between the two words
        assert ground.state.visited
        await ground.cycles(100)
        assert motions(ground) == before
        ground.send("evacuate", bay=3)
        await ground.until(lambda: ground.state.evacuation is not None, 5.0)
        await isolated(ground, THIRD)

    run(main(), 60.0)


def test_a_controller_that_was_off_has_seen_nobody_come_or_go() -> None:
    async def main() -> None:
        ground = await idle()
        assert not ground.state.visited
        ground.restart()
        await ground.cycles(5)
        assert ground.state.visited
        ground.send("clear")
        await ground.reaches("Stopped", 5.0)
        assert not ground.state.visited

    run(main())


def test_a_robot_that_parks_itself_after_a_truck_has_left_waits_for_the_word() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.reaches("Complete", 120.0)
        ground.world.robot.x.position_mm += 500.0  # somebody moved it by hand meanwhile
        await walked_in(ground)
        before = motions(ground)
        await ground.reaches("Resetting", 120.0)
        await ground.cycles(100)
        assert (ground.state.packml, ground.code) == (PackML.RESETTING, WAS_INSIDE)
        assert motions(ground) == before
        word = ground.send("reset")
        await ground.reaches("Idle", 30.0)
        assert ground.verdicts(word) == ["accepted", "completed"]
        assert motions(ground) == before + 1

    run(main(), 60.0)


def test_a_clear_for_a_bay_alone_is_no_word() -> None:
    async def main() -> None:
        ground = await idle()
        await walked_in(ground)
        tripped = {**ground.state.charging, 2: BayCharge(False, "tripped", "over its demand")}
        ground.runner.state = replace(ground.state, charging=tripped)
        word = ground.send("clear")
        await ground.cycles(2)
        assert ground.verdicts(word) == ["accepted", "completed"]
        assert ground.state.visited

    run(main())


def test_a_word_from_before_the_second_visit_is_refused_when_it_comes_at_last() -> None:
    async def main() -> None:
        ground = await idle()
        before = motions(ground)
        await walked_in(ground)
        word = ground.send("reset")
        late = ground.uplink.commands.get_nowait()  # on its way; the broker delivers it again
        await walked_in(ground)
        ground.uplink.commands.put_nowait(late)
        ground.arrive(1)
        ground.send("authorise", vin=VIN)
        await ground.cycles(200)
        assert ground.verdicts(word) == ["rejected"]
        assert "look again" in ground.uplink.verdicts[word][-1][1]
        assert ground.state.visited and ground.code == WAS_INSIDE
        assert motions(ground) == before
        ground.send("reset")
        await ground.to_the_end()

    run(main(), 60.0)


async def visited_while_it_is_written(ground: HotGround, opcode: Opcode, comes: int, goes: int) -> None:
    """The disk is slow when the intent of this order is written: polls go on, with the door open, then shut again."""
    append = ground.journal.append

    async def slow(entry: Entry) -> None:
        await append(entry)
        if entry.intent is not None and entry.intent.opcode is opcode:
            ground.journal.append = append  # type: ignore[method-assign]
            for open_, polls in ((True, comes), (False, goes)):
                through_the_door(ground, open_)
                for _ in range(polls):
                    await ground.poll()

    ground.journal.append = slow  # type: ignore[method-assign]
    await ground.until(lambda: ground.journal.append == append, 150.0)


def test_a_visit_between_the_snapshots_of_a_slow_cycle_is_not_lost() -> None:
    async def main() -> None:
        ground = await swapping()
        before = motions(ground)
        await visited_while_it_is_written(ground, Opcode.CLAMP, 8, 8)
        assert ground.state.visited
        await ground.cycles(100)
        assert (ground.state.packml, ground.code) == (PackML.SUSPENDED, WAS_INSIDE)
        assert motions(ground) == before
        ground.send("reset")
        await ground.to_the_end()

    run(main(), 60.0)


def test_a_visit_that_only_the_second_look_sees_is_remembered() -> None:
    async def main() -> None:
        ground = await swapping()
        await visited_while_it_is_written(ground, Opcode.RELEASE, 1, 0)  # what opens is not given up for it
        through_the_door(ground, False)
        await ground.cycles(3)
        assert ground.state.visited

    run(main(), 60.0)


@pytest.mark.parametrize("verb", ["resume", "back_out", "repark"])
def test_what_would_move_is_refused_while_the_door_is_open(verb: str) -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("position")
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        through_the_door(ground, True)
        await ground.cycles(3)
        told = [m for m in ground.uplink.states if isinstance(m, StateMessage)][-1]
        assert told.choices and verb not in told.choices
        asked = ground.send(verb)
        await ground.cycles(20)
        assert ground.verdicts(asked) == ["rejected"]
        assert "doors closed is false" in ground.uplink.verdicts[asked][-1][1]
        assert ground.state.packml is PackML.HELD

    run(main(), 60.0)


def test_one_lost_answer_at_rest_is_not_yet_somebody_inside() -> None:
    async def main() -> None:
        ground = await idle()
        for lost_s, inside in ((0.2, False), (0.4, True)):
            heard_s = ground.now_s
            status = ground.robot.status
            assert status is not None
            while ground.now_s - heard_s < lost_s:
                ground._advance()
                await ground.runner._supervised(ground.now_s)
            assert ground.state.visited is inside

    run(main())


def test_who_was_seen_in_a_cycle_that_could_not_be_written_is_not_forgotten() -> None:
    async def main() -> None:
        ground = await idle()
        ground.journal.fail = True
        ground.send("authorise", vin=VIN)  # something to write
        through_the_door(ground, True)
        await ground.cycles(1)
        through_the_door(ground, False)
        ground.journal.fail = False
        await ground.cycles(5)
        assert ground.state.visited

    run(main())
