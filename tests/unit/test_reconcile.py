"""Journal against plant: what is where, what contradicts, and what a person is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from drivers.reading import Signal
from hil.plant.pack import Pack
from station_ctl.model.look import Snapshot
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML
from station_ctl.swap.reconcile import Kind, Reconciled, reconcile
from tests.simulation.ground import Ground
from tests.simulation.thermal_ground import HotGround, idle, swapping
from tests.support import run

OWN, BEST = "TRK1-00000001", "SIMP-00000001"


def looked(ground: Ground) -> Snapshot:
    return ground.runner._read(ground.now_s)


def found(ground: Ground, state: StationState | None = None) -> Reconciled:
    return reconcile(state or ground.state, looked(ground), ground.config)


async def held(step: str) -> HotGround:
    """A swap that is held in a step."""
    ground = await swapping()
    await ground.at_step(step)
    await ground.cycles(1)
    ground.send("hold")
    await ground.reaches("Held", 10.0)
    return ground


def take_out(ground: HotGround, place: str, number: int) -> Pack:
    """By hand."""
    there = ground.world.bays[number] if place == "bay" else ground.world.lane.mounts[number]
    pack = there.pack
    assert pack is not None
    pack.part()
    there.pack, there.coupler.position, there.lock.position = None, 0.0, 0.0
    return pack


def test_boot_is_unknown_until_the_plc_is_read_and_every_pack_has_said_who_it_is() -> None:
    async def main() -> None:
        ground = HotGround()
        nothing = Snapshot(ground.now_s, None, "not connected", looked(ground).truck, looked(ground).packs)
        first = reconcile(ground.state, nothing, ground.config)
        assert first.kind is Kind.UNKNOWN and "not connected" in first.unread
        assert {w.says.value for w in first.where} == {"unknown"}
        mute = ground.pack(BEST)
        mute.faults.mute = True
        await ground.cycles(2)
        assert found(ground).kind is Kind.UNKNOWN and "bay 1" in found(ground).unread
        told = [m for m in ground.uplink.states if getattr(m, "packml", "") == "Aborted"][-1]
        assert told.reason.code == "first_start" and told.reason.text.startswith(
            "unknown: waiting for the pack in bay 1"
        )
        mute.faults.mute = False
        await ground.cycles(12)
        assert found(ground).kind is Kind.IDLE
        told = [m for m in ground.uplink.states if getattr(m, "packml", "") == "Aborted"][-1]
        assert "unknown" not in told.reason.text

    run(main())


def test_a_pack_that_never_says_who_it_is_does_not_keep_the_station_unknown_for_ever() -> None:
    async def main() -> None:
        ground = await idle(handshake_timeout_s=1.0)
        ground.pack(BEST).faults.mute = True
        await ground.cycles(60)
        answer = found(ground)
        assert answer.kind is Kind.IDLE
        assert next((w.place, w.says.value) for w in answer.where) == ("bay 1", "silent")

    run(main())


@pytest.mark.parametrize("step", ["isolate", "unlock", "carry_to_bay", "stow", "fetch", "insert", "lock", "reconnect"])
def test_what_is_held_undisturbed_is_resumable_and_names_what_is_where(step: str) -> None:
    async def main() -> None:
        ground = await held(step)
        await ground.cycles(20)
        answer = found(ground)
        assert answer.kind is Kind.RESUMABLE and answer.contradictions == ()
        assert ground.state.swap is not None and ground.state.swap.id in answer.under_way
        assert answer.choices.startswith("resume")
        where = {w.place: w for w in answer.where}
        for number, place in ground.world.bays.items():
            pack = place.pack
            expected = pack.serial if pack is not None and pack.talking else None
            assert where[f"bay {number}"].serial == expected
            assert (where[f"bay {number}"].says == "empty") == (not ground.world.seated(place))
        assert (where["gripper"].says == "silent") == (ground.world.robot.pack is not None)

    run(main())


async def robot_emptied(ground: HotGround) -> None:
    ground.world.robot.pack = None
    ground.world.robot.gripper.position = 0.0


async def robot_emptied_into_bay(ground: HotGround) -> None:
    pack = ground.world.robot.pack
    assert pack is not None
    await robot_emptied(ground)
    ground.world.bays[5].put(pack)


async def another_in_the_bay(ground: HotGround) -> None:
    take_out(ground, "bay", 4)
    ground.world.bays[4].put(Pack("HAND-00000001", 50.0))


async def nothing_in_the_bay(ground: HotGround) -> None:
    take_out(ground, "bay", 4)


async def same_serial_twice(ground: HotGround) -> None:
    ground.world.bays[5].put(Pack("SIMP-00000002", 50.0))


async def mount_filled(ground: HotGround) -> None:
    ground.world.lane.mounts[1].put(Pack("HAND-00000001", 50.0))


async def mount_locked(ground: HotGround) -> None:
    ground.world.lane.mounts[1].lock.position = 1.0


async def other_truck(ground: HotGround) -> None:
    truck = ground.world.truck
    assert truck is not None
    truck.vin = "LZZ5CLSB8NA999999"


async def pack_on_the_robot(ground: HotGround) -> None:
    ground.world.robot.pack = Pack("HAND-00000001", 50.0)
    ground.world.robot.gripper.position = 1.0


Done = Callable[[HotGround], Awaitable[None]]
WRONG: list[tuple[str, Done, str]] = [
    (
        "carry_to_mount",
        robot_emptied,
        "journal: the robot holds SIMP-00000001; measured: its gripper is empty, nowhere",
    ),
    (
        "carry_to_bay",
        robot_emptied_into_bay,
        f"journal: the robot holds {OWN}; measured: its gripper is empty, {OWN} is",
    ),
    ("approach_bay", another_in_the_bay, f"journal: {OWN} is in bay 4; measured: HAND-00000001"),
    ("approach_bay", nothing_in_the_bay, f"bay 4 is empty and {OWN} is nowhere"),
    ("approach_bay", same_serial_twice, "bay 2 and bay 5 both say they hold SIMP-00000002"),
    ("approach_bay", mount_filled, "the pack of mount 1 is out; measured: a pack is seated"),
    ("approach_bay", mount_locked, "mount 1 is open; measured: its locks are closed"),
    ("approach_mount", other_truck, "measured: truck LZZ5CLSB8NA999999"),
    ("approach_bay", pack_on_the_robot, "journal: the robot is empty; measured: it holds a pack"),
]


@pytest.mark.parametrize(("step", "done", "says"), WRONG, ids=[f"{s}-{d.__name__}" for s, d, _ in WRONG])
def test_a_contradiction_is_named_and_refuses_what_would_move(step: str, done: Done, says: str) -> None:
    async def main() -> None:
        ground = await held(step)
        if step == "approach_bay":
            await ground.until(lambda: ground.pack(OWN).talking, 10.0)
        await done(ground)
        await ground.cycles(30)
        answer = found(ground)
        assert answer.kind is Kind.FAULT
        assert any(says in text for text in answer.contradictions), answer.contradictions
        told = [m for m in ground.uplink.states if type(m).__name__ == "RecoveryMessage"][-1]
        assert told.kind == "fault" and told.contradictions == answer.contradictions
        before = dict(ground.plc.motions)
        for verb in ("resume", "back_out"):
            asked = ground.send(verb)
            await ground.cycles(2)
            verdict, why = ground.uplink.verdicts[asked][0]
            assert verdict == "rejected" and (says in why or verb == "back_out")
        assert ground.state.packml is PackML.HELD and dict(ground.plc.motions) == before
        ended = ground.send("end_swap")  # the way out, whatever contradicts
        await ground.reaches("Stopped", 5.0)
        await ground.cycles(2)
        assert ground.verdicts(ended) == ["accepted", "completed"]
        assert [swap.aborted for swap in ground.finished()] == [True]
        assert ground.state.swap is None

    run(main())


def test_a_plant_that_was_put_right_is_resumable_again() -> None:
    async def main() -> None:
        ground = await held("approach_bay")
        await ground.until(lambda: ground.pack(OWN).talking, 10.0)
        pack = take_out(ground, "bay", 4)
        await ground.cycles(30)
        assert found(ground).kind is Kind.FAULT
        ground.world.bays[4].put(pack)
        await ground.cycles(30)
        assert found(ground).kind is Kind.RESUMABLE
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed() == {1: BEST}

    run(main())


def test_a_truck_that_is_gone_with_everything_contradicts_nothing() -> None:
    async def main() -> None:
        ground = await held("approach_mount")
        robot = looked(ground).robot
        assert robot is not None
        gone = replace(looked(ground), robot=replace(robot, truck_present=Signal.FALSE))
        assert reconcile(ground.state, gone, ground.config).contradictions == ()

    run(main())


def test_end_swap_is_for_held_and_stopped_and_for_something_open() -> None:
    async def main() -> None:
        ground = await idle()
        asked = ground.send("end_swap")
        await ground.cycles(2)
        assert ground.verdicts(asked) == ["rejected"]
        ground = await held("approach_mount")
        assert "end_swap" in [m for m in ground.uplink.states if getattr(m, "packml", "") == "Held"][-1].choices

    run(main())
