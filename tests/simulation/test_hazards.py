"""Ways in which people could be hurt or packs lost, each found by review and kept closed."""

from __future__ import annotations

import pytest

from drivers.errors import DeviceRefused
from drivers.reading import Signal
from drivers.robot_protocol import EchoState, MotionClass, Opcode, RobotMode
from hil.plant.lane import Driving, Parking
from hil.plant.pack import Pack
from hil.plant.truck import Truck
from station_ctl.journal import Entry
from station_ctl.model.words import PackML
from tests.simulation.ground import MAP, VIN, Ground
from tests.simulation.test_swap import check_invariants, clear_and_reset, swapping
from tests.support import run

COMMAND = MAP.block("command")


async def cycles(ground: Ground, count: int) -> None:
    for _ in range(count):
        await ground.cycle()


def code(ground: Ground) -> str:
    return ground.state.reason.code if ground.state.reason else ""


def text(ground: Ground) -> str:
    return ground.state.reason.text if ground.state.reason else ""


def permits(ground: Ground) -> MotionClass:
    return MotionClass(int(COMMAND.decode(ground.writes[-1]).points["permits"] or 0))


def test_an_order_the_plc_has_not_taken_passes_the_gate_anew_every_cycle() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("reconnect")
        write = ground.client.write

        async def refuse(*_: object) -> None:
            raise DeviceRefused("busy", where="PLC")

        ground.client.write = refuse  # type: ignore[method-assign, assignment]
        await ground.until(lambda: ground.state.step == "release" and ground.state.pending is not None)
        ground.world.inputs.overrides["mount.1.locked"] = Signal.FALSE
        await cycles(ground, 5)
        ground.client.write = write  # type: ignore[method-assign]
        await cycles(ground, 40)
        assert ground.state.packml is PackML.HELD
        assert "mount_not_locked" in text(ground)
        assert not ground.world.lane.clamps.open
        assert ground.world.ledger.violations == []

    run(main())


def test_the_robot_does_not_start_by_itself_after_people_were_inside() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        ground.arrive(1)
        ground.send("authorise", vin=VIN)
        await ground.at_step("stow")
        for pack in ground.world.packs():
            pack.soc_pct = 20.0
        await ground.reaches("Suspended", 60.0)
        assert code(ground) == "no_charged_pack"
        ground.world.inputs.zone_clear = Signal.FALSE
        ground.world.inputs.mode = RobotMode.MANUAL
        await cycles(ground, 10)
        assert ground.state.packml is PackML.ABORTED
        ground.world.inputs.zone_clear, ground.world.inputs.mode = Signal.TRUE, RobotMode.PRODUCTION
        started = ground.plc.retained.motions_started
        ground.world.packs()[0].soc_pct = 99.0
        await cycles(ground, 60)
        assert ground.plc.retained.motions_started == started

    run(main())


def test_another_truck_is_not_swapped_on_the_first_ones_authorisation() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        ground.arrive(1, x_error_mm=80.0)
        ground.send("authorise", vin=VIN)
        await ground.reaches("Suspended", 20.0)
        ground.world.lane.driving = Driving.LEAVING
        await ground.until(lambda: ground.world.truck is None)
        other = Truck("LZZ5CLSB8NA000002", {1: Pack("TRK2-00000001", 30.0)})
        ground.world.arrive(other, Parking(0.0, 0.0, 0.0))
        truck = ground._truck
        ground._truck = lambda: type(truck())(  # type: ignore[method-assign]
            **{f: getattr(truck(), f) for f in truck().__slots__ if f != "vin"}
        )
        await ground.until(lambda: ground.state.packml is PackML.HELD, 60.0)
        assert code(ground) == "truck_silent"
        assert ground.plc.motions[ground.plc.retained.sequence, Opcode.UNLOCK] == 0

    run(main())


def test_a_pack_that_is_not_heard_before_unlock_is_waited_for_and_nothing_is_opened() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("approach_mount")
        pack = ground.world.lane.mounts[1].pack
        assert pack is not None
        pack.faults.mute = True
        await ground.at_step("unlock")
        assert (ground.state.packml, code(ground)) == (PackML.EXECUTE, "pack_identity")
        pack.faults.mute = False
        await ground.at_step("extract")

        ground = await swapping(1)
        await ground.at_step("approach_mount")
        pack = ground.world.lane.mounts[1].pack
        assert pack is not None
        pack.faults.mute = True
        await ground.reaches("Held", 60.0)
        assert code(ground) == "other_pack_aboard"
        assert "a pack that does not say who it is" in text(ground)
        assert ground.plc.motions[ground.plc.retained.sequence, Opcode.UNLOCK] == 0

    run(main())


def test_a_pack_exchanged_by_hand_is_found_before_unlock_and_before_release() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("isolate")
        mount = ground.world.lane.mounts[1]
        assert mount.pack is not None
        mount.pack.part()
        mount.put(Pack("HAND-00000001", 12.0))
        await ground.reaches("Held", 60.0)
        assert code(ground) == "other_pack_aboard"

        ground = await swapping(1)
        await ground.at_step("reconnect")
        ground.send("hold")
        await ground.reaches("Held")
        mount = ground.world.lane.mounts[1]
        assert mount.pack is not None
        mount.pack.part()
        mount.put(Pack("HAND-00000001", 3.0))
        await cycles(ground, 20)
        resume = ground.send("resume")
        await cycles(ground, 2)
        (verdict, why) = ground.uplink.verdicts[resume][0]
        assert verdict == "rejected" and "mount 1; measured: HAND-00000001" in why

    run(main())


def test_a_pack_under_the_promise_is_not_released() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("lock")
        pack = ground.world.lane.mounts[1].pack
        assert pack is not None
        pack.soc_pct = 10.0
        await ground.reaches("Held", 60.0)
        assert "charge 10.0 %" in text(ground)

    run(main())


def test_a_slow_disk_never_arms_the_lease_on_old_data() -> None:
    async def main() -> None:
        ground = await swapping(2)
        await ground.at_step("fetch")
        await ground.until(lambda: ground.state.pending is not None)
        append = ground.journal.append
        armed: list[MotionClass] = []

        async def slow(entry: Entry) -> None:
            ground.world.inputs.fire_clear = Signal.FALSE
            await ground.robot.poll()
            written = len(ground.writes)
            await append(entry)
            armed.extend([permits(ground)] if len(ground.writes) > written else [])

        ground.journal.append = slow  # type: ignore[method-assign]
        for _ in range(100):
            before = len(ground.writes)
            fire = ground.world.inputs.fire_clear is Signal.FALSE
            await ground.cycle()
            if fire and len(ground.writes) > before:
                assert permits(ground) == MotionClass(0)
        assert ground.state.packml is PackML.ABORTED
        assert armed == []

    run(main())


def test_no_travel_with_a_pack_that_is_gripped_but_still_seated() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("extract")
        ground.world.speed = 1.0
        mount = ground.world.lane.mounts[1]
        await ground.until(lambda: ground.world.robot.pack is not None and ground.world.seated(mount))
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        assert ground.world.seated(mount)
        ground.world.speed = 20.0
        ground.send("back_out")
        await ground.until(lambda: ground.state.packml is PackML.EXECUTE, 5.0)
        assert ground.state.step == "insert", "it is let go where it stands, never dragged"
        await ground.to_the_end()
        assert ground.departed() == {1: "TRK1-00000001"}
        check_invariants(ground)

    run(main())


@pytest.mark.parametrize("fault", ["thermal_event", "temperature"])
def test_a_burning_or_hot_pack_is_not_taken_into_the_station(fault: str) -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        hot = Pack("TRK1-00000001", 12.0, temperature_c=95.0 if fault == "temperature" else 25.0)
        if fault == "thermal_event":
            hot.faults.thermal_event = Signal.TRUE
        before = ground.plc.motions.copy()
        ground.world.arrive(Truck(VIN, {1: hot}), Parking(0.0, 0.0, 0.0))
        ground.send("authorise", vin=VIN)
        await ground.reaches("Held", 90.0)
        if fault == "thermal_event":  # the truck is not even let in
            assert code(ground) == "thermal_event_aboard" and ground.state.step == "identify"
            assert ground.plc.motions == before
            return
        assert "pack_aboard" in text(ground)
        ground.send("back_out")
        await ground.to_the_end()
        assert ground.departed() == {1: "TRK1-00000001"}

    run(main())


def test_a_pack_in_a_smoking_bay_is_not_handed_out_and_no_pack_is_put_there() -> None:
    async def main() -> None:
        ground = await swapping(1)
        ground.world.inputs.smoke_clear[1] = Signal.FALSE
        for empty in (4, 5):
            ground.world.inputs.smoke_clear[empty] = Signal.UNTRUSTED if empty == 4 else Signal.TRUE
        await ground.reaches("Held", 60.0)
        assert code(ground) == "evacuated"
        assert ground.world.bays[1].pack is None and ground.world.bays[6].pack is not None
        ground.send("resume")
        await ground.to_the_end()
        exchange = ground.finished()[0].exchanges[0]
        assert (exchange.bay_out, exchange.bay_in) == (2, 5)

    run(main())


def test_the_truck_is_told_to_leave_only_when_clamps_and_barrier_are_open() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("reconnect")
        while not ground.finished():
            await ground.cycle()
            if ground.truck_port.request.name == "LEAVE":
                assert ground.world.lane.clamps.open
                assert ground.world.lane.barrier.open
        await ground.reaches("Idle")

    run(main())


def test_high_voltage_is_not_switched_on_with_a_person_in_the_zone_or_a_mount_unlocked() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("reconnect")
        ground.world.inputs.zone_clear = Signal.FALSE
        await cycles(ground, 40)
        assert ground.world.truck is not None
        assert ground.world.truck.hv_off
        assert ground.state.packml is PackML.ABORTED
        ground.world.inputs.zone_clear = Signal.TRUE
        ground.world.inputs.overrides["mount.1.locked"] = Signal.FALSE
        await clear_and_reset(ground)
        await ground.reaches("Held")
        ground.send("resume")
        await ground.until(lambda: code(ground) == "mount_not_locked", 10.0)
        await cycles(ground, 40)
        assert ground.world.truck.hv_off

    run(main())


def test_a_pack_put_into_the_bay_by_hand_stops_a_placement_from_being_taken_up_again() -> None:
    async def main() -> None:
        ground = await swapping(1, speed=4.0)
        await ground.at_step("stow")
        await ground.until(lambda: ground.state.last is not None and ground.state.last.ended is EchoState.EXECUTING)
        assert ground.state.swap is not None
        bay = ground.world.bays[ground.state.swap.exchange.bay_in]
        ground.send("hold")
        await ground.reaches("Held", 10.0)
        assert not ground.world.seated(bay)
        bay.put(Pack("HAND-00000001", 50.0))
        await cycles(ground, 20)  # nothing is resumed before it has said who it is
        ground.send("resume")
        await ground.until(lambda: ground.state.packml is PackML.EXECUTE, 5.0)
        await ground.reaches("Held", 10.0)
        assert "destination_occupied" in text(ground)

    run(main())


def test_a_plc_that_forgets_its_commands_does_not_make_the_robot_move() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("carry_to_bay")
        await ground.until(lambda: ground.state.last is not None and ground.state.last.ended is EchoState.EXECUTING)
        ground.plc.power_cut()
        ground.plc.retained = type(ground.plc.retained)()
        ground.plc.motions.clear()
        ground.plc.power_return()
        await cycles(ground, 20)
        assert ground.state.packml is PackML.ABORTED
        assert "PLC" in text(ground)
        assert ground.plc.retained.motions_started == 0

    run(main())


def test_a_recorded_swap_is_never_recorded_again_as_something_else() -> None:
    async def main() -> None:
        ground = await swapping(1)
        ground.world.lane._may_leave = lambda: False  # type: ignore[method-assign]
        await ground.reaches("Complete")
        assert ground.state.swap is None
        ground.restart()
        await clear_and_reset(ground)
        await ground.until(lambda: ground.state.packml in (PackML.IDLE, PackML.STARTING, PackML.SUSPENDED), 30.0)
        assert len(ground.finished()) == 1
        assert not ground.finished()[0].aborted

    run(main())


def test_one_bad_sample_does_not_forget_an_open_swap() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("approach_bay")
        await ground.cycle()
        ground.send("abort")
        await ground.reaches("Aborted")
        ground.world.inputs.overrides["truck_present"] = Signal.FALSE
        ground.world.inputs.overrides["wheels_clamped"] = Signal.FALSE
        await clear_and_reset(ground)
        await ground.cycle()
        await ground.cycle()
        ground.world.inputs.overrides.clear()
        await ground.reaches("Held", 10.0)
        assert ground.state.swap is not None
        ground.send("resume")
        await ground.to_the_end()
        assert not ground.finished()[0].aborted

    run(main())


def test_a_pack_left_on_the_robot_blocks_idle() -> None:
    async def main() -> None:
        ground = Ground()
        ground.world.robot.pack = Pack("HAND-00000001", 50.0)
        await ground.reaches("Aborted")
        ground.send("clear")
        await ground.reaches("Stopped", 5.0)
        reset = ground.send("reset")
        await ground.reaches("Aborted", 5.0)
        assert code(ground) == "gripper_full"
        await ground.cycle()
        assert ground.verdicts(reset) == ["accepted", "failed"]

    run(main())


def test_a_record_that_cannot_be_written_is_not_published_and_not_lost() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("release")
        append = ground.journal.append

        async def fail_at_the_record(entry: Entry) -> None:
            ground.journal.fail = entry.finished is not None
            await append(entry)

        ground.journal.append = fail_at_the_record  # type: ignore[method-assign]
        await ground.reaches("Aborted", 60.0)
        assert code(ground) == "journal"
        assert not [m for m in ground.uplink.said if type(m).__name__ == "SwapRecord"]
        ground.journal.append, ground.journal.fail = append, False  # type: ignore[method-assign]
        assert ground.state.swap is not None

    run(main())


def test_an_emergency_stop_while_setting_down_can_be_resumed() -> None:
    async def main() -> None:
        for wait in (2, 6, 12, 20):
            ground = await swapping(1, speed=6.0)
            await ground.at_step("stow")
            await cycles(ground, wait)
            ground.world.inputs.estop_released = Signal.FALSE
            await cycles(ground, 5)
            ground.world.inputs.estop_released = Signal.TRUE
            await clear_and_reset(ground)
            await ground.reaches("Held")
            ground.send("resume")
            await ground.to_the_end()
            assert ground.departed() == {1: "SIMP-00000001"}
            check_invariants(ground)

    run(main(), timeout_s=50.0)


def test_the_bay_for_the_next_pack_is_chosen_again_when_the_plan_no_longer_holds() -> None:
    async def main() -> None:
        ground = await swapping(2)
        await ground.at_step("stow")
        first = next(p for p in ground.world.packs() if p.serial == "SIMP-00000001")
        first.faults.insulation = Signal.TRUE  # the planned pack goes bad: bay 1 stays full
        await ground.to_the_end()
        assert set(ground.departed().values()) == {"SIMP-00000002", "SIMP-00000003"}
        check_invariants(ground)

    run(main())


def test_a_refused_clear_names_what_blocks_it_and_nothing_else() -> None:
    async def main() -> None:
        ground = Ground()
        ground.world.inputs.estop_released = Signal.FALSE
        await cycles(ground, 3)
        ground.send("clear")
        await ground.until(lambda: ground.state.packml is not PackML.ABORTED, 2.0)
        await ground.reaches("Aborted", 5.0)
        assert code(ground) == "clear_refused"
        assert "emergency_stop" in text(ground)
        assert "not_manual" not in text(ground)
        assert "mount_not_locked" not in text(ground)

    run(main())


def test_an_operators_abort_is_an_event_too() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        ground.send("abort")
        await ground.reaches("Aborted")
        event = [m for m in ground.uplink.said if type(m).__name__ == "EventMessage"][-1]
        assert (event.code, event.severity, event.details["from"]) == ("state.aborted", "warning", "Idle")
        assert event.text == "abort asked by test"

    run(main())


def test_a_link_lost_while_the_clamps_open_is_not_a_dead_end() -> None:
    async def main() -> None:
        ground = await swapping(1, speed=6.0)
        await ground.at_step("release")
        await ground.until(lambda: not ground.world.lane.clamps.made)
        ground.client.broken = True
        await ground.reaches("Aborted", 5.0)
        ground.pass_time(1.0)
        ground.client.broken = False
        await clear_and_reset(ground)
        await ground.reaches("Held")
        ground.send("resume")
        await ground.to_the_end()
        check_invariants(ground)

    run(main())


@pytest.mark.parametrize("step", ["carry_to_bay", "fetch", "lock"])
def test_a_robot_that_ramps_down_after_a_lost_link_leaves_a_latch_that_opens(step: str) -> None:
    async def main() -> None:
        ground = await swapping(1, speed=6.0)
        await ground.at_step(step)
        while ground.state.pending is None:
            await ground.cycle()
        ground.client.broken = True  # before the echo of the new order was seen
        await ground.reaches("Aborted", 5.0)
        ground.client.broken = False
        await cycles(ground, 10)
        await clear_and_reset(ground)
        await ground.reaches("Held")
        ground.send("resume")
        await ground.to_the_end()
        check_invariants(ground)

    run(main())
