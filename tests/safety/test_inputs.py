"""From the plant's values to the interlock's inputs: nothing unknown ever reads as safe."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import (
    BaySensors,
    EchoState,
    MotionClass,
    MountSensors,
    Opcode,
    RobotCommand,
    RobotMode,
    RobotState,
    RobotStatus,
    StopReason,
)
from drivers.truck_status import TruckStatus
from station_ctl.model.look import Snapshot
from station_ctl.model.motion import LastMotion
from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import StationState
from station_ctl.safety import inputs, table
from station_ctl.safety import scene as scene_of
from station_ctl.safety.classes import ALL_CLASSES, motion_class
from station_ctl.safety.guard import Guard, fitted_mounts, moving
from tests.simulation.ground import station_config

NOW = 50.0
T, F, U, N = Signal.TRUE, Signal.FALSE, Signal.UNTRUSTED, Signal.NOT_AVAILABLE


OF_A_COMMAND = {
    "source_unlocked", "lift_is_free", "destination_free", "destination_unlocked", "gripper_ready", "travel_free",
    "bay_smoke_clear", "evacuation_called_for",
}  # fmt: skip
"""Inputs that ask about one kind of command only."""


def good(value: Any, age_s: float = 0.0) -> Reading[Any]:
    return Reading(value, Quality.GOOD, NOW - age_s)


def bad(quality: Quality) -> Reading[Any]:
    return Reading(None, quality, NOW)


def robot(**changes: Any) -> RobotStatus:
    """A PLC status at which everything is safe and the truck stands clamped."""
    base = RobotStatus(
        received_s=NOW, heartbeat_changed_s=NOW, heartbeat=7, mode=RobotMode.PRODUCTION, state=RobotState.READY,
        step=0, fault_code=0, stop_reason=StopReason.NONE, echo_sequence=5, echo_opcode=0, echo_state=EchoState.DONE,
        echo_result=0, motions_started=0, lease_remaining_ms=0, permits=0, x_mm=0.0, y_mm=0.0, z_mm=0.0,
        x_speed_mm_s=0.0, y_speed_mm_s=0.0, z_speed_mm_s=0.0, load_kg=0.0, estop_released=T, zone_clear=T,
        doors_closed=T, fire_clear=T, platform_clear=T, local_enable=F, gripper_closed=F, gripper_holding=F,
        truck_present=T, truck_in_position=T, wheels_clamped=T, barrier_closed=T, robot_home=T, robot_clear=T,
        truck_x_error_mm=0.0, truck_y_error_mm=0.0, truck_angle_deg=0.0,
        mounts=(*tuple(MountSensors(T, T, F, T) for _ in range(2)), MountSensors(N, N, N, N)),
        bays=tuple(BaySensors(F, F, F, T, F) for _ in range(24)),
    )  # fmt: skip
    return replace(base, **changes)


def pack(address: int, **changes: Any) -> PackStatus:
    """A healthy monitored pack with its contactor open."""
    base = PackStatus(
        address,
        PackLink.MONITORED,
        NOW,
        pack_current_a=good(0.0),
        pack_voltage_v=good(566.0),
        cell_voltages_v=good((3.2,) * 177),
        link_voltage_v=good(5.0),
        contactor_closed=good(F),
        thermal_event=good(F),
        temperature_max_c=good(25.0),
        insulation_ohm_per_v=good(1500.0),
    )
    return replace(base, **changes)


def truck(**changes: Any) -> TruckStatus:
    """A truck of two mounts in swap mode, high voltage off."""
    base = TruckStatus(
        NOW,
        mounts_fitted=good(2),
        swap_mode=good(T),
        hv_off=good(T),
        parking_brake=good(T),
        contactors_closed=(good(F), good(F), good(F)),
        link_voltage_v=good(12.0),
    )
    return replace(base, **changes)


def snapshot(the_robot: RobotStatus | None = None, the_truck: TruckStatus | None = None, **packs: Any) -> Snapshot:
    places: dict[Place, PackStatus] = {mount(n): pack(0xA0 + n) for n in (1, 2, 3)}
    places |= {bay(n): pack(0xB0 + n) for n in range(1, 7)}
    places |= {mount(int(name[1:])): status for name, status in packs.items()}
    return Snapshot(NOW, the_robot or robot(), "", the_truck or truck(), places)


def scene(at: Snapshot, command: RobotCommand | None = None, installed: dict[int, str] | None = None) -> scene_of.Scene:
    return scene_of.Scene(at, command, None, fitted_mounts(at, (1, 2, 3)), installed or {})


def value(name: str, at: Snapshot, **more: Any) -> Any:
    return inputs.READERS[name](scene(at, **more))[0]


def test_with_no_plc_nothing_from_it_is_known() -> None:
    blind = replace(snapshot(), robot=None)
    for entry in table.load().inputs:
        found, age_s = inputs.READERS[entry.name](scene(blind))
        if entry.age == "plc_age_ms" and entry.name not in OF_A_COMMAND:
            assert age_s == math.inf
            assert found is N or math.isnan(found)
    place = RobotCommand(1, Opcode.PLACE_TO, destination=3)
    assert inputs.READERS["destination_free"](scene(blind, place)) == scene_of.UNKNOWN
    lift = RobotCommand(1, Opcode.LIFT_FROM, source=101)
    assert inputs.READERS["source_unlocked"](scene(blind, lift)) == scene_of.UNKNOWN
    assert inputs.READERS["gripper_ready"](scene(blind, lift)) == scene_of.UNKNOWN
    assert inputs.READERS["bay_smoke_clear"](scene(blind, place)) == scene_of.UNKNOWN
    fill = RobotCommand(1, Opcode.PLACE_TO, destination=101)
    assert inputs.READERS["destination_unlocked"](scene(blind, fill)) == scene_of.UNKNOWN
    move = RobotCommand(1, Opcode.MOVE_TO, destination=3)
    assert inputs.READERS["travel_free"](scene(blind, move)) == scene_of.UNKNOWN


def test_a_heartbeat_that_stands_still_is_not_alive() -> None:
    assert value("plc_alive", snapshot()) is T
    assert value("plc_alive", snapshot(robot(heartbeat_changed_s=NOW - 0.31))) is F


@pytest.mark.parametrize("state", [RobotState.FAULTED, RobotState.EMERGENCY_STOPPED])
def test_a_faulted_plc_is_not_healthy(state: RobotState) -> None:
    assert value("plc_healthy", snapshot(robot(state=state))) is F
    assert value("plc_healthy", snapshot(robot(state=None))) is U


def test_the_lane_is_safe_empty_or_with_a_clamped_truck_only() -> None:
    assert value("lane_safe", snapshot()) is T
    assert value("lane_safe", snapshot(robot(truck_present=F, truck_in_position=F, wheels_clamped=F))) is T
    for name in ("truck_present", "truck_in_position", "wheels_clamped"):
        for signal in (U, N) if name == "truck_present" else (F, U, N):
            assert value("lane_safe", snapshot(robot(**{name: signal}))) is not T


@given(st.lists(st.sampled_from([T, F, U, N]), max_size=5))
def test_a_conjunction_is_true_only_if_all_are(signals: list[Signal]) -> None:
    result, _ = scene_of.all_true((s, 0.0) for s in signals)
    assert (result is T) == all(s is T for s in signals)
    assert (result is F) == (F in signals)


@pytest.mark.parametrize("reading", [good(T), bad(Quality.UNTRUSTED), bad(Quality.NOT_AVAILABLE)])
@pytest.mark.parametrize("number", [1, 2])
def test_any_contactor_not_known_open_counts(number: int, reading: Reading[Signal]) -> None:
    closed = [good(F), good(F), good(F)]
    closed[number - 1] = reading
    assert value("truck_contactors_open", snapshot(None, truck(contactors_closed=tuple(closed)))) is not T
    faulty = {f"m{number}": pack(0xA0 + number, contactor_closed=reading)}
    assert value("pack_contactors_open", snapshot(**faulty)) is not T


def test_a_parted_pack_needs_no_word_of_its_contactor_but_an_unknown_coupler_does() -> None:
    silent = {"m1": PackStatus(0xA1)}
    assert value("pack_contactors_open", snapshot(**silent)) is N
    parted = robot(mounts=(MountSensors(T, F, T, F), MountSensors(T, T, F, T), MountSensors(N, N, N, N)))
    assert value("pack_contactors_open", snapshot(parted, **silent)) is T
    doubtful = robot(mounts=(MountSensors(T, F, T, U), MountSensors(T, T, F, T), MountSensors(N, N, N, N)))
    assert value("pack_contactors_open", snapshot(doubtful, **silent)) is N


def test_current_counts_in_both_directions_and_its_age_is_the_oldest() -> None:
    at = snapshot(m1=pack(0xA1, pack_current_a=good(-2.0, 0.1)), m2=pack(0xA2, pack_current_a=good(0.5, 0.3)))
    found, age_s = inputs.READERS["pack_current_a"](scene(at))
    assert found == 2.0
    assert age_s == pytest.approx(0.3)
    assert math.isnan(value("pack_current_a", snapshot(m2=pack(0xA2, pack_current_a=bad(Quality.UNTRUSTED)))))


def test_a_mount_that_may_hold_a_pack_is_watched_though_the_truck_does_not_name_it() -> None:
    at = snapshot()
    assert fitted_mounts(at, (1, 2, 3)) == (1, 2)
    seated = robot(mounts=(*robot().mounts[:2], MountSensors(U, N, N, N)))
    assert fitted_mounts(snapshot(seated), (1, 2, 3)) == (1, 2, 3)
    assert fitted_mounts(snapshot(None, TruckStatus()), (1, 2, 3)) == (1, 2, 3)


@pytest.mark.parametrize(
    "sensors",
    [MountSensors(F, T, F, T), MountSensors(T, F, F, T), MountSensors(T, T, T, T), MountSensors(T, U, F, T)],
)
def test_release_needs_seat_and_both_lock_switches_of_every_mount(sensors: MountSensors) -> None:
    assert value("mounts_locked", snapshot()) is T
    assert value("mounts_locked", snapshot(robot(mounts=(robot().mounts[0], sensors, robot().mounts[2])))) is not T


@pytest.mark.parametrize("sensors", [MountSensors(T, T, F, T), MountSensors(T, T, T, T), MountSensors(T, F, U, T)])
def test_no_lift_from_a_mount_whose_switches_do_not_both_say_unlocked(sensors: MountSensors) -> None:
    lift = RobotCommand(1, Opcode.LIFT_FROM, source=101)
    at = snapshot(robot(mounts=(sensors, *robot().mounts[1:])))
    assert value("source_unlocked", at, command=lift) is not T


def test_no_lift_from_a_bay_whose_pack_is_not_known_isolated() -> None:
    lift = RobotCommand(1, Opcode.LIFT_FROM, source=2)
    mated = robot(bays=tuple(BaySensors(T, T, T, T, F) for _ in range(24)))
    assert value("source_isolated", snapshot(mated), command=lift) is T
    closed = snapshot(mated)
    closed = replace(closed, packs={**closed.packs, bay(2): pack(0xB2, contactor_closed=good(T))})
    assert value("source_isolated", closed, command=lift) is F
    silent = replace(closed, packs={**closed.packs, bay(2): PackStatus(0xB2)})
    assert value("source_isolated", silent, command=lift) is N
    for energised in (T, U, N):
        for coupler in (T, F):
            live = snapshot(robot(bays=tuple(BaySensors(T, T, coupler, T, energised) for _ in range(24))))
            assert value("source_isolated", live, command=lift) is not T


def last(opcode: Opcode, ended: EchoState, full: Signal = T, **places: int) -> LastMotion:
    return LastMotion(RobotCommand(5, opcode, **places), ended, full)


PLACE = RobotCommand(6, Opcode.PLACE_TO, destination=3)
OCCUPIED = tuple(BaySensors(T, F, F, T) for _ in range(24))


@pytest.mark.parametrize(
    ("before", "holding", "free"),
    [
        (None, T, F),
        (last(Opcode.PLACE_TO, EchoState.STOPPED, destination=3), T, T),  # stopped on the way down: its own pack
        (last(Opcode.PLACE_TO, EchoState.STOPPED, F, destination=3), T, F),  # the place was empty then: another pack
        (last(Opcode.PLACE_TO, EchoState.DONE, destination=3), F, T),  # done before: nothing will move
        (last(Opcode.PLACE_TO, EchoState.DONE, destination=3), T, F),  # another pack hangs on the robot
        (last(Opcode.PLACE_TO, EchoState.STOPPED, destination=4), T, F),
        (last(Opcode.PLACE_TO, EchoState.EXECUTING, destination=3), T, F),
        (last(Opcode.LIFT_FROM, EchoState.STOPPED, source=3), T, T),  # gripped but still seated: let go again
        (last(Opcode.LIFT_FROM, EchoState.STOPPED, source=3), F, F),
        (last(Opcode.LIFT_FROM, EchoState.DONE, source=3), T, F),
    ],
)
def test_an_occupied_place_is_free_only_for_the_pack_the_robot_handles_there(
    before: LastMotion | None, holding: Signal, free: Signal
) -> None:
    at = snapshot(robot(bays=OCCUPIED, gripper_holding=holding))
    assert inputs.READERS["destination_free"](scene_of.Scene(at, PLACE, before, (1, 2), {}))[0] is free
    empty = snapshot(robot(gripper_holding=holding))
    assert inputs.READERS["destination_free"](scene_of.Scene(empty, PLACE, None, (1, 2), {}))[0] is T


def gripper(name: str, command: RobotCommand, before: LastMotion | None = None, **changes: Any) -> Any:
    return inputs.READERS[name](scene_of.Scene(snapshot(robot(**changes)), command, before, (1, 2), {}))[0]


def test_the_gripper_is_empty_to_lift_and_loaded_to_put_down() -> None:
    lift = RobotCommand(6, Opcode.LIFT_FROM, source=3)
    assert gripper("gripper_ready", lift, gripper_holding=F) is T
    assert gripper("gripper_ready", lift, gripper_holding=T) is F
    assert gripper("gripper_ready", lift, last(Opcode.LIFT_FROM, EchoState.STOPPED, source=3), gripper_holding=T) is T
    assert gripper("gripper_ready", lift, last(Opcode.LIFT_FROM, EchoState.STOPPED, source=4), gripper_holding=T) is F
    assert gripper("gripper_ready", PLACE, gripper_holding=T) is T
    assert gripper("gripper_ready", PLACE, gripper_holding=F) is F
    assert gripper("gripper_ready", PLACE, last(Opcode.PLACE_TO, EchoState.DONE, destination=3), gripper_holding=F) is T
    for unknown in (U, N):
        assert gripper("gripper_ready", lift, gripper_holding=unknown) is not T
        before = last(Opcode.LIFT_FROM, EchoState.STOPPED, source=3)
        assert gripper("gripper_ready", lift, before, gripper_holding=unknown) is not T


def test_no_travel_with_a_pack_that_has_not_left_its_place_or_a_gripper_that_is_not_known() -> None:
    move = RobotCommand(6, Opcode.MOVE_TO, destination=4)
    stopped = last(Opcode.LIFT_FROM, EchoState.STOPPED, source=101)
    seated = (MountSensors(T, F, T, F), *robot().mounts[1:])
    out = (MountSensors(F, F, T, F), *robot().mounts[1:])
    assert gripper("travel_free", move) is T
    assert gripper("travel_free", move, gripper_holding=T, gripper_closed=T) is T
    assert gripper("travel_free", move, gripper_holding=T, gripper_closed=F) is F
    assert gripper("travel_free", move, gripper_holding=F, gripper_closed=T) is F
    assert gripper("travel_free", move, stopped, gripper_holding=T, gripper_closed=T, mounts=seated) is F
    assert gripper("travel_free", move, stopped, gripper_holding=T, gripper_closed=T, mounts=out) is T
    assert gripper("travel_free", move, gripper_holding=U) is not T


@pytest.mark.parametrize("signal", [F, U, N])
def test_smoke_or_closed_locks_or_a_hot_pack_keep_the_robot_away(signal: Signal) -> None:
    smoky = robot(bays=tuple(BaySensors(F, F, F, signal) for _ in range(24)))
    assert value("bay_smoke_clear", snapshot(smoky), command=PLACE) is not T
    at_mount = RobotCommand(6, Opcode.PLACE_TO, destination=101)
    assert value("destination_unlocked", snapshot(), command=at_mount) is F  # locked and not unlocked
    unlocked = robot(mounts=(MountSensors(F, F, T, F), *robot().mounts[1:]))
    assert value("destination_unlocked", snapshot(unlocked), command=at_mount) is T
    burning = {"m1": pack(0xA1, thermal_event=good(T), temperature_max_c=good(95.0))}
    assert value("aboard_no_thermal_event", snapshot(**burning)) is F
    assert value("aboard_temperature_c", snapshot(**burning)) == 95.0


def test_release_needs_the_serials_that_were_planned() -> None:
    identity = good(PackIdentity("SIMP-00000001", 3, 302.0, 566.4, 10))
    right = {"m1": pack(0xA1, identity=identity)}
    assert value("installed_serials_match", snapshot(**right), installed={1: "SIMP-00000001"}) is T
    assert value("installed_serials_match", snapshot(**right), installed={1: "SIMP-00000002"}) is F
    assert value("installed_serials_match", snapshot(), installed={1: "SIMP-00000001"}) is N
    assert value("installed_serials_match", snapshot(**right)) is T  # nothing put in: nothing to compare


def test_packs_put_in_are_judged_before_release_and_only_those() -> None:
    hot = {"m1": pack(0xA1, temperature_max_c=good(61.0), thermal_event=good(T), insulation_ohm_per_v=good(99.0))}
    assert value("installed_temperature_c", snapshot(**hot)) == -math.inf
    assert value("installed_temperature_c", snapshot(**hot), installed={1: "a", 2: "b"}) == 61.0
    assert value("installed_insulation_ohm_per_v", snapshot(**hot), installed={1: "a"}) == 99.0
    assert value("installed_no_thermal_event", snapshot(**hot), installed={1: "a"}) is F
    assert math.isnan(value("installed_temperature_c", snapshot(m1=PackStatus(0xA1)), installed={1: "a"}))


# --- the guard over whole snapshots ----------------------------------------------------------------------------------


def guard() -> Guard:
    """The guard after a person's reset at a safe plant."""
    made = Guard(table.load(), station_config())
    made.judge(snapshot(), StationState(), reset=False, engaged=False)
    assert not made.judge(snapshot(), StationState(), reset=True, engaged=False).latched
    return made


UNLOCK = RobotCommand(6, Opcode.UNLOCK, mount=1)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"zone_clear": F}, "person_in_zone"),
        ({"zone_clear": U}, "person_in_zone"),
        ({"estop_released": F}, "emergency_stop"),
        ({"doors_closed": N}, "door_open"),
        ({"platform_clear": F}, "object_on_platform"),
        ({"truck_in_position": F}, "truck_out_of_position"),
        ({"wheels_clamped": U}, "wheels_not_clamped"),
        ({"mode": RobotMode.MANUAL}, "not_in_production"),
        ({"received_s": NOW - 0.31, "heartbeat_changed_s": NOW}, "plc_not_alive"),
    ],
)
def test_gate_refuses_and_motion_trips_with_the_cause_named_first(changes: dict[str, Any], cause: str) -> None:
    judge = guard()
    assert judge.admit(snapshot(), StationState(), UNLOCK) == ()
    at = snapshot(robot(**changes))
    refusal = judge.admit(at, StationState(), UNLOCK)
    assert any(line.startswith(f"{cause}: ") for line in refusal)
    decision = judge.judge(at, StationState(pending=UNLOCK), reset=False, engaged=False)
    assert decision.latched
    assert decision.first_out == cause
    assert decision.stop_category == 1
    assert not decision.permits
    assert cause in decision.tripped


def test_contactor_that_closes_while_unlocking_trips() -> None:
    judge = guard()
    at = snapshot(None, truck(contactors_closed=(good(T), good(F), good(F))))
    decision = judge.judge(at, StationState(pending=UNLOCK), reset=False, engaged=False)
    assert (decision.latched, decision.first_out) == (True, "truck_contactor_closed")
    at = snapshot(m1=pack(0xA1, contactor_closed=good(T)))
    judge = guard()
    decision = judge.judge(at, StationState(pending=UNLOCK), reset=False, engaged=False)
    assert (decision.latched, decision.first_out) == (True, "pack_contactor_closed")


def test_the_tripping_value_is_told_and_stays_after_the_cause_is_gone() -> None:
    judge = guard()
    state = StationState(pending=UNLOCK)
    judge.judge(snapshot(None, truck(link_voltage_v=good(71.0))), state, reset=False, engaged=False)
    told = judge.judge(snapshot(), state, reset=False, engaged=False).tripped
    assert told == (
        "link_voltage_present: link_voltage_v is 71 V (0 ms old), safe when link_voltage_v <= 60 V (by 5 V once it was "
        "not) and at most 500 ms old; wait for the discharge; if the voltage stays, call service"
    )


def test_a_motion_that_the_plc_stopped_first_still_counts_as_moving() -> None:
    stopped = snapshot(robot(echo_sequence=6, echo_state=EchoState.STOPPED, state=RobotState.EMERGENCY_STOPPED))
    assert moving(stopped, StationState(pending=UNLOCK), False) == MotionClass.UNLOCK
    done = snapshot(robot(echo_sequence=6, echo_state=EchoState.DONE))
    assert moving(done, StationState(pending=UNLOCK), False) == MotionClass(0)


def test_a_robot_that_moves_without_our_order_counts_as_every_motion() -> None:
    alone = snapshot(robot(state=RobotState.EXECUTING, echo_sequence=9))
    assert moving(alone, StationState(), False) == ALL_CLASSES ^ MotionClass.JOG
    ramping = snapshot(robot(state=RobotState.STOPPING, echo_sequence=6))
    assert moving(ramping, StationState(given=UNLOCK), False) == MotionClass.UNLOCK


@pytest.mark.parametrize("opcode", list(Opcode))
def test_every_opcode_that_moves_has_a_class(opcode: Opcode) -> None:
    still = {Opcode.NONE, Opcode.STOP, Opcode.RESET}
    for place in ({"source": 1}, {"source": 101}):
        assert bool(motion_class(RobotCommand(1, opcode, **place))) == (opcode not in still)
