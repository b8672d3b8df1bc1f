"""The written policy of a thermal event (station_ctl.swap.thermal_policy.POLICY): a test for each of its rows."""

from __future__ import annotations

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import EchoState, Opcode
from hil.plant.pack import Pack
from station_ctl.model.words import PackML
from station_ctl.swap.thermal_policy import POLICY
from tests.simulation.ground import VIN
from tests.simulation.thermal_ground import ISOLATION, HotGround, idle, swapping
from tests.support import run

BEST, SECOND, THIRD = "SIMP-00000001", "SIMP-00000002", "SIMP-00000003"
OWN = "TRK1-00000001"


def ordered(ground: HotGround) -> list[str]:
    """The steps that the robot's motions were ordered in, in order."""
    return [entry.state.step for entry in ground.journal.entries if entry.intent is not None]


def safe(ground: HotGround) -> None:
    """What holds in every case."""
    assert ground.world.ledger.violations == []
    assert all(times == 1 for times in ground.started().values())
    assert len(set(ground.serials())) == len(ground.serials())


async def isolated(ground: HotGround, serial: str) -> None:
    """The pack stands in isolation, quarantined, and the station waits for a person."""
    await ground.stands()
    assert ground.code == "evacuated", ground.text
    assert ground.bay_of(serial) == ISOLATION
    assert serial in ground.text and f"isolation bay {ISOLATION}" in ground.text
    assert ground.state.evacuation is None
    assert ground.state.quarantined[serial].startswith("thermal event: ")
    assert ground.world.robot.pack is None
    safe(ground)


def test_each_row_of_the_policy_has_its_test() -> None:
    names = [rule.name for rule in POLICY]
    assert len(set(names)) == len(names) == 18
    missing = [name for name in names if f"test_{name}" not in globals()]
    assert not missing


def test_quarantined() -> None:
    async def main() -> None:
        ground = await idle()
        ground.heat(THIRD)
        await ground.cycles(1)
        assert ground.state.quarantined[THIRD].startswith("thermal event: ")
        said = [m for m in ground.uplink.said if getattr(m, "code", "") == "pack.quarantined"]
        assert len(said) == 1 and THIRD in said[0].text
        told = [m for m in ground.uplink.states if getattr(m, "thermal", ())][-1].thermal[0]
        assert (told.place, told.serial) == ("bay 3", THIRD) and told.person and "charging is off" in told.station
        await isolated(ground, THIRD)
        ground.restart()  # the detector forgets, the journal does not
        assert THIRD in ground.state.quarantined

    run(main())


def test_empty() -> None:
    async def main() -> None:
        ground = await idle()
        ground.heat(SECOND)
        await isolated(ground, SECOND)
        steps = ["approach", "lift", "carry", "place", "park"]
        assert ordered(ground)[-5:] == [f"evacuate_{step}" for step in steps]

    run(main())


def test_travelling() -> None:
    async def main() -> None:
        ground = await swapping(speed=4.0)
        await ground.at_step("approach_bay")
        await ground.cycles(4)
        pending = ground.state.pending
        assert pending is not None and pending.opcode is Opcode.MOVE_TO
        ground.heat(THIRD)
        await ground.cycles(2)
        assert ground.state.step == "evacuate_approach"
        await isolated(ground, THIRD)
        assert ground.plc.outcomes[pending.sequence, Opcode.MOVE_TO] is EchoState.STOPPED
        assert "fetch" not in ordered(ground)
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed() == {1: BEST}
        safe(ground)

    run(main())


@pytest.mark.parametrize("step", ["unlock", "extract", "stow", "fetch", "insert", "lock", "immobilise"])
def test_finished(step: str) -> None:
    async def main() -> None:
        ground = await swapping(speed=5.0)
        await ground.at_step(step)
        await ground.cycles(3)
        pending = ground.state.pending
        assert pending is not None and ground.state.step == step
        ground.heat(THIRD)
        await ground.until(lambda: ground.state.evacuation is not None)
        assert ground.plc.outcomes[pending.sequence, pending.opcode] is EchoState.DONE
        following = ordered(ground)
        assert following[-1] == step or following[-1].startswith("evacuate_")
        await isolated(ground, THIRD)
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed() == {1: BEST} and not ground.finished()[0].backed_out
        safe(ground)

    run(main())


@pytest.mark.parametrize("blocked", [False, True])
def test_charged_in_hand(blocked: bool) -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("carry_to_mount")
        if blocked:  # the bay that it came from cannot be used any more
            ground.world.inputs.smoke_clear[1] = Signal.FALSE
            await ground.cycles(2)
        ground.heat(SECOND)
        await isolated(ground, SECOND)
        aside = ground.bay_of(BEST)
        assert aside == 1 if not blocked else aside not in (None, 1, ISOLATION)
        assert ground.state.swap is not None and ground.state.swap.exchange.bay_out == aside
        assert ordered(ground)[-7:-5] == ["evacuate_clear", "evacuate_set_down"]
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed() == {1: BEST} and ground.finished()[0].exchanges[0].bay_out == aside
        safe(ground)

    run(main())


@pytest.mark.parametrize("blocked", [False, True])
def test_old_in_hand(blocked: bool) -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("carry_to_bay")
        assert ground.state.swap is not None
        planned = ground.state.swap.exchange.bay_in
        if blocked:
            ground.world.inputs.smoke_clear[planned] = Signal.FALSE
            await ground.cycles(2)
        ground.heat(SECOND)
        await isolated(ground, SECOND)
        stowed = ground.bay_of(OWN)
        assert (stowed == planned) is not blocked and stowed not in (None, ISOLATION)
        assert not ground.world.lane.mounts[1].lock.made  # the truck stays as it was
        assert ground.state.packml is PackML.HELD and ground.state.step == "choose"
        ground.send("back_out")  # the truck's own pack is found where it is now
        await ground.to_the_end()
        assert ground.departed() == {1: OWN}
        safe(ground)

    run(main())


def test_hot_in_hand() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("fetch")
        ground.world.speed = 0.5  # its coupler parts slowly: the BMS says one last thing while the lift begins
        ground.heat(BEST)
        await ground.until(lambda: BEST in ground.state.quarantined, 2.0)
        assert ground.state.step == "fetch" and ground.state.evacuation is None  # the lift is finished
        ground.world.speed = 20.0
        await ground.at_step("evacuate_carry")
        assert ordered(ground)[-1] in ("fetch", "evacuate_carry")
        await isolated(ground, BEST)
        assert "evacuate_set_down" not in ordered(ground)
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed() == {1: SECOND}
        safe(ground)

    run(main())


@pytest.mark.parametrize("serial", [BEST, OWN])
def test_planned(serial: str) -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("approach_bay")
        await ground.until(lambda: ground.world.bays[4].pack is not None and ground.world.bays[4].pack.talking, 10.0)
        ground.heat(serial)
        await isolated(ground, serial)
        if serial == OWN:
            back = ground.send("back_out")
            await ground.cycles(1)
            verdict, why = ground.uplink.verdicts[back][0]
            assert verdict == "rejected" and OWN in why and "thermal event" in why
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed() == {1: SECOND if serial == BEST else BEST}
        exchange = ground.finished()[0].exchanges[0]
        assert exchange.bay_in == (ISOLATION if serial == OWN else 4)
        assert exchange.accepted is (serial != OWN)  # it is not taken into stock
        safe(ground)

    run(main())


@pytest.mark.parametrize("step", ["isolate", "approach_mount"])
def test_mount_before(step: str) -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step(step)
        ground.heat(OWN)
        await ground.stands()
        assert ground.state.packml is PackML.HELD and ground.code == "thermal_event_aboard"
        assert "mount 1" in ground.text and "back out" in ground.text
        assert ground.world.lane.mounts[1].lock.made
        ground.send("back_out")
        await ground.to_the_end()
        assert ground.departed() == {1: OWN} and ground.finished()[0].backed_out
        safe(ground)

    run(main())


@pytest.mark.parametrize("step", ["park", "reconnect"])
def test_mount_after(step: str) -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step(step)
        await ground.until(lambda: ground.pack(BEST).talking, 10.0)
        ground.heat(BEST)
        await ground.stands()
        assert ground.state.packml is PackML.HELD and ground.code == "thermal_event_aboard"
        assert "neither switched on nor released" in ground.text
        truck = ground.world.truck
        await ground.cycles(20)
        assert truck is not None and not truck.contactor_closed(1)
        ground.send("resume")
        await ground.cycles(20)
        assert ground.state.packml is PackML.HELD and ground.code == "thermal_event_aboard"
        safe(ground)

    run(main())


def test_half_swapped() -> None:
    async def main() -> None:
        ground = await swapping(packs=2)
        await ground.until(lambda: ground.state.swap is not None and ground.state.swap.installed == (1,))
        await ground.at_step("carry_to_mount")
        ground.heat(THIRD)
        await isolated(ground, THIRD)
        assert ground.state.packml is PackML.HELD
        truck = ground.world.truck
        assert truck is not None and truck.request.name == "ISOLATE" and not truck.contactor_closed(1)
        assert ground.world.lane.clamps.made
        assert "mount 2" in ground.text and "done: mount 1" in ground.text
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed() == {1: BEST, 2: SECOND}
        safe(ground)

    run(main())


def test_no_swap() -> None:
    async def main() -> None:
        ground = await idle()
        ground.heat(BEST)
        await isolated(ground, BEST)
        assert ground.state.packml is PackML.STOPPED
        ground.arrive(1)
        ground.send("authorise", vin=VIN)
        await ground.cycles(40)
        assert ground.state.packml is PackML.STOPPED  # a person looks before the next truck
        ground.send("reset")
        await ground.to_the_end()
        assert ground.departed() == {1: SECOND}
        safe(ground)

    run(main())


def test_queue() -> None:
    async def main() -> None:
        ground = await idle(bays=7, isolation=(6, 7))
        ground.world.inputs.smoke_clear[3] = Signal.FALSE
        ground.heat(SECOND)
        ground.heat(THIRD)
        await ground.stands()
        assert ground.code == "evacuated"
        lifted = [e.intent.source for e in ground.journal.entries if e.intent and e.intent.opcode is Opcode.LIFT_FROM]
        assert lifted == [3, 2]  # smoke first
        assert {ground.bay_of(SECOND), ground.bay_of(THIRD)} == {6, 7}
        safe(ground)

    run(main())


def test_no_room() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("approach_mount")
        ground.world.store(ISOLATION, Pack("OLDP-00000001", 10.0))
        ground.heat(THIRD)
        await ground.reaches("Suspended", 20.0)
        assert ground.code == "evacuation_waits" and f"isolation bay {ISOLATION} is occupied" in ground.text
        before = dict(ground.plc.motions)
        await ground.cycles(40)
        assert dict(ground.plc.motions) == before and ground.world.robot.still
        place = ground.world.bays[ISOLATION]
        place.coupler.position = place.lock.position = 0.0
        assert place.pack is not None
        place.pack.part()
        place.pack = None  # somebody made room
        await isolated(ground, THIRD)
        ground.send("resume")
        await ground.to_the_end()
        safe(ground)

    run(main())


def test_fire() -> None:
    async def main() -> None:
        ground = await idle()
        ground.world.inputs.fire_clear = Signal.FALSE
        ground.heat(THIRD)
        await ground.reaches("Aborted", 10.0)
        before = dict(ground.plc.motions)
        await ground.cycles(40)
        assert dict(ground.plc.motions) == before and THIRD in ground.state.quarantined
        ground.world.inputs.fire_clear = Signal.TRUE
        await ground.cycles(40)
        assert ground.state.packml is PackML.ABORTED and dict(ground.plc.motions) == before
        ground.send("clear")
        await ground.reaches("Stopped", 5.0)
        asked = ground.send("evacuate", bay=3)
        await ground.at_step("evacuate_approach", 5.0)
        await isolated(ground, THIRD)
        await ground.cycles(2)
        assert ground.verdicts(asked) == ["accepted", "completed"]

    run(main())


@pytest.mark.parametrize("what", ["zone_clear", "doors_closed", "plc"])
def test_person(what: str) -> None:
    async def main() -> None:
        ground = await idle()
        if what == "plc":
            ground.client.broken = True
            await ground.cycles(2)
        else:
            setattr(ground.world.inputs, what, Signal.FALSE)
            await ground.cycles(2)
            assert ground.state.packml is PackML.IDLE  # at rest people may walk in
        ground.heat(THIRD)
        await ground.cycles(3)
        if what == "plc":  # nothing is known; whoever walks in is not seen either
            ground.client.broken = False
        await ground.reaches("Aborted", 10.0)
        before = dict(ground.plc.motions)
        setattr(ground.world.inputs, what, Signal.TRUE) if what != "plc" else None
        await ground.cycles(60)
        assert ground.state.packml is PackML.ABORTED and dict(ground.plc.motions) == before
        if what == "plc":  # an emergency stop that is not known trips by itself
            assert ground.code == "interlock" and "estop" in ground.text
        else:
            assert ground.code == "people_unknown" and "get everybody" in ground.text
        ground.send("clear")
        await ground.reaches("Stopped", 5.0)
        await ground.cycles(20)
        assert dict(ground.plc.motions) == before
        ground.send("evacuate", bay=3)
        await ground.at_step("evacuate_approach", 5.0)
        await isolated(ground, THIRD)

    run(main())


def test_held() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("approach_bay")
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        before = dict(ground.plc.motions)
        ground.heat(THIRD)
        await ground.cycles(60)
        assert ground.state.packml is PackML.HELD and dict(ground.plc.motions) == before
        assert THIRD in ground.state.quarantined
        told = [m for m in ground.uplink.states if getattr(m, "thermal", ())][-1]
        assert "evacuate" in told.choices and "evacuate" in told.thermal[0].person
        asked = ground.send("evacuate", bay=3)
        await ground.until(lambda: ground.state.evacuation is not None, 5.0)
        await isolated(ground, THIRD)
        await ground.cycles(2)
        assert ground.verdicts(asked) == ["accepted", "completed"]
        ground.send("resume")
        await ground.to_the_end()
        safe(ground)

    run(main())


STEPS = ("approach", "lift", "carry", "place", "park")


@pytest.mark.parametrize("cycles", [1, 6])
@pytest.mark.parametrize("step", [f"evacuate_{s}" for s in ("clear", "set_down", *STEPS)])
def test_killed(step: str, cycles: int) -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("carry_to_mount")
        ground.heat(THIRD)
        await ground.at_step(step)
        await ground.cycles(cycles)
        ground.restart()
        ground.pass_time(0.6)
        before = dict(ground.plc.motions)
        await ground.cycles(40)
        assert ground.state.packml is PackML.ABORTED and dict(ground.plc.motions) == before
        if ground.state.evacuation is not None:
            assert THIRD in ground.text and f"isolation bay {ISOLATION}" in ground.text
        told = [m for m in ground.uplink.states if type(m).__name__ == "RecoveryMessage"][-1]
        assert told.kind == "resumable" and told.contradictions == ()
        await ground.clear_and_reset()
        await ground.reaches("Held", 10.0)
        await ground.cycles(40)
        assert dict(ground.plc.motions) == before
        if ground.state.evacuation is not None:
            ground.send("resume")
            await ground.cycles(2)
            await isolated(ground, THIRD)
        ground.send("resume")
        await ground.to_the_end()
        assert ground.departed() == {1: BEST}
        safe(ground)

    run(main())


def test_an_evacuation_that_is_given_up_leaves_the_swap_to_a_person() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("approach_bay")
        ground.heat(THIRD)
        await ground.at_step("evacuate_approach")
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        given_up = ground.send("back_out")
        await ground.cycles(2)
        assert ground.verdicts(given_up) == ["accepted", "completed"]
        assert ground.state.packml is PackML.HELD and ground.state.evacuation is None and ground.state.step == "choose"
        before = dict(ground.plc.motions)
        await ground.cycles(40)
        assert dict(ground.plc.motions) == before
        ground.send("back_out")  # a truck that is backed out is not held up by a pack that cannot be moved
        await ground.until(lambda: bool(ground.finished()) or ground.state.evacuation is not None)
        safe(ground)

    run(main())
