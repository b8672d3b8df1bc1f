"""Coming back: what is asked right before a pack is handled, what outlives a restart, what people may do by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import EchoState, Opcode, RobotMode
from hil.plant.pack import Pack
from hil.plant.places import Place
from station_ctl.journal import Entry
from station_ctl.model.motion import LastMotion
from station_ctl.model.words import PackML
from station_ctl.swap.restart import recovered, stable
from tests.simulation.thermal_ground import ISOLATION, HotGround, swapping
from tests.support import run

OWN, BEST, SECOND = "TRK1-00000001", "SIMP-00000001", "SIMP-00000002"


def take_out(place: Place) -> Pack:
    """By hand."""
    pack = place.pack
    assert pack is not None
    pack.part()
    place.pack, place.coupler.position, place.lock.position = None, 0.0, 0.0
    return pack


def lifted(ground: HotGround, source: int) -> int:
    """How often the PLC began to lift from this place."""
    return sum(n for (_, opcode), n in ground.plc.motions.items() if opcode is Opcode.LIFT_FROM and source)


async def held(step: str, **settings: float) -> HotGround:
    ground = await swapping(**settings)
    await ground.at_step(step)
    await ground.cycles(1)
    ground.send("hold")
    await ground.reaches("Held", 10.0)
    return ground


# -- the picture is complete before anybody confirms


@pytest.mark.parametrize("verb", ["resume", "back_out", "repark", "isolate", "release_truck"])
def test_nothing_is_confirmed_on_a_picture_that_is_not_complete(verb: str) -> None:
    async def main() -> None:
        step = {"resume": "carry_to_bay", "repark": "position", "release_truck": "approach_mount"}.get(
            verb, "carry_to_bay"
        )
        ground = await held(step)
        ground.pack(BEST).faults.mute = True
        ground.restart()
        await ground.clear_and_reset()
        await ground.reaches("Held", 10.0)
        asked = ground.send(verb)
        await ground.cycles(3)
        assert ground.verdicts(asked) == ["rejected"]
        if verb == "resume":
            assert "waiting for the pack in bay 1 to say who it is" in ground.uplink.verdicts[asked][0][1]
            told = [m for m in ground.uplink.states if getattr(m, "packml", "") == "Held"][-1]
            assert "resume" not in told.choices
            await ground.until(lambda: ground.now_s - ground.state.state_since_s > 15.1, 30.0)
            ground.send("resume")  # who has not said a word by then is silent
            await ground.reaches("Execute", 5.0)

    run(main())


def test_a_fire_waits_for_no_pack_that_is_still_silent() -> None:
    async def main() -> None:
        ground = HotGround()
        await ground.ready()
        ground.send("abort")
        ground.pack(SECOND).faults.mute = True
        ground.heat(BEST)
        ground.restart()
        await ground.reaches("Aborted", 10.0)
        ground.send("clear")
        await ground.reaches("Stopped", 5.0)
        asked = ground.send("evacuate", bay=1)
        await ground.until(lambda: ground.bay_of(BEST) == ISOLATION, 60.0)
        assert ground.verdicts(asked)[0] == "accepted"

    run(main())


# -- who is lifted is asked right before


def test_another_pack_in_the_bay_is_not_lifted_for_the_planned_one() -> None:
    async def main() -> None:
        ground = await held("approach_bay")
        assert ground.state.swap is not None and ground.state.swap.exchange.serial_in == BEST
        planned, other = ground.world.bays[1], ground.world.bays[2]
        first, second = take_out(planned), take_out(other)
        planned.put(second)
        other.put(first)
        await ground.until(lambda: first.talking and second.talking, 10.0)
        await ground.cycles(10)
        ground.send("resume")
        await ground.until(lambda: ground.state.step == "carry_to_mount", 60.0)
        assert ground.world.robot.pack is not None and ground.state.swap is not None
        assert ground.world.robot.pack.serial == ground.state.swap.exchange.serial_in
        await ground.to_the_end()
        assert ground.departed()[1] == ground.finished()[0].exchanges[0].serial_in

    run(main())


def test_without_another_ready_pack_the_swap_waits_and_names_both() -> None:
    async def main() -> None:
        ground = await held("approach_bay")
        take_out(ground.world.bays[1])
        for number in (2, 3):
            take_out(ground.world.bays[number])
        ground.world.bays[1].put(Pack("HAND-00000001", 50.0))
        await ground.until(lambda: ground.pack("HAND-00000001").talking, 10.0)
        await ground.cycles(10)
        before = lifted(ground, 1)
        ground.send("resume")
        await ground.until(lambda: ground.state.packml is PackML.SUSPENDED, 30.0)
        assert ground.code == "no_charged_pack"
        assert BEST in ground.text and "HAND-00000001" in ground.text
        await ground.cycles(50)
        assert lifted(ground, 1) == before

    run(main())


@pytest.mark.parametrize("brought", ["HAND-00000001", None])
def test_the_trucks_own_pack_is_fetched_back_by_its_own_word_or_not_at_all(brought: str | None) -> None:
    async def main() -> None:
        ground = await held("approach_bay", handshake_timeout_s=2.0)
        assert ground.state.swap is not None
        home = ground.state.swap.exchange.bay_in
        await ground.until(lambda: ground.pack(OWN).talking, 10.0)
        await ground.cycles(10)
        ground.send("back_out")
        await ground.reaches("Execute", 5.0)
        assert ground.state.step == "approach_bay"
        take_out(ground.world.bays[home])
        stranger = Pack(brought or "HAND-00000002", 50.0)
        stranger.faults.mute = brought is None
        ground.world.bays[home].put(stranger)
        before = lifted(ground, home)
        await ground.reaches("Held", 60.0)
        assert ground.code == "other_pack_in_bay"
        assert OWN in ground.text and (brought or "does not say who it is") in ground.text
        assert lifted(ground, home) == before

    run(main())


def test_a_lift_that_was_stopped_in_the_middle_is_taken_up_again_without_asking() -> None:
    async def main() -> None:
        ground = await swapping(speed=4.0)
        await ground.at_step("fetch")
        await ground.until(lambda: ground.world.bays[1].coupler.position < 0.5)  # parted: it cannot say who it is
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        ground.restart()
        await ground.clear_and_reset()
        await ground.reaches("Held", 10.0)
        await ground.cycles(20)
        ground.send("resume")
        await ground.at_step("carry_to_mount", 60.0)
        await ground.to_the_end()
        assert ground.departed()[1] == BEST

    run(main())


def test_a_place_whose_switches_disagree_is_not_filled() -> None:
    async def main() -> None:
        ground = await held("carry_to_bay")
        assert ground.state.swap is not None
        ground.world.bays[ground.state.swap.exchange.bay_in].lock.position = 1.0
        ground.send("resume")
        await ground.until(lambda: ground.code == "place_in_doubt", 60.0)
        await ground.reaches("Held", 10.0)
        assert ground.world.robot.pack is not None

    run(main())


# -- a half-done lift outlives a restart


def by_hand(ground: HotGround, manual: bool, pressed: bool = True) -> None:
    ground.world.inputs.mode = RobotMode.MANUAL if manual else RobotMode.PRODUCTION
    ground.world.inputs.local_enable = Signal.TRUE if manual and pressed else Signal.FALSE


async def jogged(ground: HotGround) -> None:
    """A lift is stopped with the pack on the hook, then somebody jogs: the PLC rejects it, the robot is not raised."""
    await ground.at_step("extract")
    await ground.until(lambda: ground.world.robot.pack is not None)
    ground.send("hold")
    await ground.reaches("Held", 10.0)
    by_hand(ground, True, pressed=False)
    await ground.cycles(3)
    by_hand(ground, True)
    await ground.cycles(3)
    asked = ground.send("jog", dx_mm=100, dy_mm=0)
    await ground.until(lambda: len(ground.verdicts(asked)) == 2, 20.0)
    assert ground.verdicts(asked) == ["accepted", "failed"]
    by_hand(ground, False)
    await ground.cycles(3)


def half_done(last: LastMotion | None) -> bool:
    return last is not None and (last.command.opcode, last.ended) == (Opcode.LIFT_FROM, EchoState.STOPPED)


def test_a_half_done_lift_is_in_the_journal_until_it_is_over() -> None:
    async def main() -> None:
        ground = await swapping(speed=4.0)
        await jogged(ground)
        assert half_done(ground.state.last)
        broken = next(i for i, e in enumerate(ground.journal.entries) if half_done(stable(e.state).last))
        assert all(half_done(stable(e.state).last) for e in ground.journal.entries[broken:])
        orders = [e.intent.opcode for e in ground.journal.entries[broken:] if e.intent is not None]
        assert orders[0] is Opcode.JOG  # it was on the disk before the next order was
        if ground.state.packml is PackML.ABORTED:
            await ground.clear_and_reset()
            await ground.reaches("Held", 10.0)
        await ground.until(lambda: not reads_unread(ground), 30.0)
        ground.send("resume")
        await ground.at_step("carry_to_bay", 60.0)
        await ground.cycles(2)
        assert stable(ground.journal.entries[-1].state).last is None

    run(main())


def reads_unread(ground: HotGround) -> bool:
    told = [m for m in ground.uplink.states if type(m).__name__ == "RecoveryMessage"][-1]
    return told.kind == "unknown"


class Died(Exception):
    """The power went at a journal write."""


async def killed_at(ground: HotGround, number: int) -> bool:
    """Run into the kill at the n-th write from here; False if there are not so many."""
    append, written = ground.journal.append, [0]

    async def dying(entry: Entry) -> None:
        written[0] += 1
        if written[0] == number:
            raise Died
        await append(entry)

    ground.journal.append = dying  # type: ignore[method-assign]
    try:
        await jogged(ground)
    except Died:
        return True
    finally:
        ground.journal.append = append  # type: ignore[method-assign]
    return False


def test_killed_at_each_write_around_a_half_done_lift_it_is_taken_up_again() -> None:
    async def main() -> bool:
        ground = await swapping(speed=4.0)
        await ground.at_step("extract")
        if not await killed_at(ground, number):
            return False
        ground.send("hold")  # nobody is left to take it
        ground.uplink.commands.get_nowait()
        by_hand(ground, False)
        on_the_hook = ground.world.robot.pack
        ground.restart()
        ground.pass_time(1.0)
        await ground.clear_and_reset()
        await ground.reaches("Held", 10.0)
        await ground.until(lambda: not reads_unread(ground), 30.0)
        if on_the_hook is not None and not ground.world.robot.raised:
            assert ground.state.last is not None and ground.state.last.command.opcode is Opcode.LIFT_FROM
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed()[1] == BEST
        return True

    number = 1
    while run_true(main, number):
        number += 1
    assert number > 4


def run_true(main: object, number: int) -> bool:
    found: list[bool] = []

    async def kept() -> None:
        found.append(await main())  # type: ignore[operator]

    run(kept())
    return found[0] and number < 40


# -- what people may do by hand


CHANGES = [("carry_to_bay", "bay_in", OWN, "choose"), ("carry_to_mount", "mount", BEST, "lock")]


@pytest.mark.parametrize("verb", ["resume", "back_out"])
@pytest.mark.parametrize(("step", "goal", "serial", "follows"), CHANGES)
def test_a_pack_set_down_by_hand_where_it_was_to_go_is_accepted_by_its_own_word(
    step: str, goal: str, serial: str, follows: str, verb: str
) -> None:
    async def main() -> None:
        ground = await held(step)
        place = put_down(ground, goal)
        ground.restart()
        await ground.clear_and_reset()
        await ground.reaches("Held", 10.0)
        await ground.until(lambda: not reads_unread(ground), 30.0)
        told = [m for m in ground.uplink.states if type(m).__name__ == "RecoveryMessage"][-1]
        assert told.kind == "resumable" and told.contradictions == ()
        assert "by its own word" in told.under_way
        seen: list[str] = []
        asked = ground.send(verb)
        while len(ground.verdicts(asked)) < 1 or len(seen) < 5:
            await ground.cycle()
            seen.append(ground.state.step)
        assert ground.verdicts(asked)[0] == "accepted"
        fetched_back = verb == "back_out" and goal == "bay_in"
        assert ("approach_bay" if fetched_back else follows) in seen
        assert step not in seen[seen.index("approach_bay" if fetched_back else follows) :]  # it is not carried again
        await ground.to_the_end()
        assert ground.departed()[1] == (OWN if fetched_back else BEST)
        assert (place.pack.serial if place.pack else None) == (None if fetched_back else serial)

    run(main())


def put_down(ground: HotGround, goal: str, mute: bool = False) -> Place:
    """By hand, out of the gripper; locked and connected."""
    assert ground.state.swap is not None and ground.world.robot.pack is not None
    exchange, pack = ground.state.swap.exchange, ground.world.robot.pack
    place = ground.world.lane.mounts[exchange.mount] if goal == "mount" else ground.world.bays[exchange.bay_in]
    ground.world.robot.pack = None
    ground.world.robot.gripper.position = 0.0
    pack.faults.mute = mute
    place.put(pack)
    return place


@pytest.mark.parametrize(("step", "goal"), [("carry_to_bay", "bay_in"), ("carry_to_mount", "mount")])
def test_a_pack_set_down_by_hand_that_says_nothing_is_refused(step: str, goal: str) -> None:
    async def main() -> None:
        ground = await held(step, handshake_timeout_s=1.0)
        put_down(ground, goal, mute=True)
        await ground.cycles(40)
        for verb in ("resume", "back_out"):
            asked = ground.send(verb)
            await ground.cycles(3)
            assert ground.verdicts(asked) == ["rejected"]

    run(main())


def test_what_a_restart_keeps_of_a_half_done_motion_is_kept_by_the_next_one() -> None:
    async def main() -> None:
        ground = await swapping(speed=4.0)
        await jogged(ground)
        state = recovered(stable(ground.state))
        assert state.last == ground.state.last
        assert stable(recovered(stable(state))).last == state.last
        assert stable(replace(state, last=replace(state.last, ended=EchoState.DONE))).last is None  # type: ignore[type-var]

    run(main())
