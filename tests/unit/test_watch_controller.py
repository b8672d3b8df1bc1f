"""The watch over the controller is judged by breaking what it watches, and by leaving it whole."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drivers.mqtt_values import MqttMessage
from drivers.pack_status import PackStatus
from drivers.reading import NEVER, Quality, Reading, Signal
from drivers.robot_protocol import (
    BaySensors,
    EchoResult,
    EchoState,
    MotionClass,
    MountSensors,
    Opcode,
    RobotCommand,
    RobotMode,
    RobotState,
    RobotStatus,
)
from drivers.truck_status import TruckStatus
from hil.peers.plc_command import Retained
from hil.plant.pack import Pack
from hil.plant.truck import Truck
from hil.plant.world import World
from hil.watch.books import Intents
from hil.watch.controller import ControllerWatch
from hil.watch.doubts import Doubts
from hil.watch.findings import Findings
from hil.watch.needs import EVACUATE, Meant, withheld
from hil.watch.orders import Orders
from hil.watch.people import Said
from hil.watch.tap import Written
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation

NOW_S = 100.0
HANDLES = MotionClass.HANDLE_MOUNT | MotionClass.UNLOCK
OPEN = MountSensors(Signal.FALSE, Signal.FALSE, Signal.TRUE, Signal.FALSE)


def broken(findings: Findings) -> list[str]:
    return [violation.invariant for violation in findings.violations]


def written(
    opcode: Opcode, *, source: int = 0, destination: int = 0, sequence: int = 1, at_s: float = NOW_S
) -> Written:
    return Written(at_s, 500, MotionClass(255), 0, sequence, opcode, source, destination, 0)


# -- orders by the plant's truth -----------------------------------------------------------------


class Bench:
    """A world with two bays and a truck of one mount, its wire to the PLC, and the watch over orders."""

    def __init__(self) -> None:
        self.world = World(bays={1: 1, 2: 2}, mounts={1: 11, 2: 12, 3: 13})
        self.world.store(1, Pack("SIMP-00000001", 95.0))
        self.world.arrive(Truck("LZZ5CLSB8NA000001", {1: Pack("TRK1-00000001", 12.0)}))
        while not self.world.lane.mounts:
            self.world.advance(0.5)
        self.plc = SimpleNamespace(retained=Retained(), stop_reason=None)
        self.lies = self.disturbs = False
        doubts = SimpleNamespace(
            look=lambda _: None, lied=lambda _: self.lies, disturbed=lambda _: self.lies or self.disturbs
        )
        self.findings = Findings(lambda: NOW_S)
        self.installed: dict[int, str] = {}
        self.evacuation: Evacuation | None = None
        self.orders = Orders(
            self.findings,
            self.world,
            cast(Any, self.plc),
            cast(Doubts, doubts),
            installed=lambda: self.installed,
            evacuation=lambda: self.evacuation,
            isolation=frozenset({2}),
        )
        self.mount = self.world.lane.mounts[1]

    def order(self, opcode: Opcode, *, source: int = 0, destination: int = 0, at_s: float = NOW_S) -> bool:
        before = len(self.findings.violations)
        self.findings._broken.clear()
        self.orders.left(written(opcode, source=source, destination=destination, at_s=at_s))
        return len(self.findings.violations) == before

    def unlock(self) -> None:
        self.mount.lock.position = self.mount.coupler.position = 0.0

    def grip(self) -> None:
        self.world.robot.gripper.position = 1.0
        self.world.robot.pack, self.mount.pack = self.mount.pack, None


def test_release_needs_every_mount_locked_and_the_robot_away() -> None:
    bench = Bench()
    assert bench.order(Opcode.RELEASE)
    bench.mount.lock.position = 0.5
    assert not bench.order(Opcode.RELEASE)
    bench.mount.lock.position = 1.0
    bench.world.robot.x.position_mm, bench.world.robot.z.position_mm = 0.0, 0.0
    assert not bench.order(Opcode.RELEASE)


def test_release_needs_the_packs_that_were_put_in_sound() -> None:
    bench = Bench()
    bench.installed = {1: "SIMP-00000009"}
    assert not bench.order(Opcode.RELEASE)
    assert bench.mount.pack is not None
    bench.installed = {1: bench.mount.pack.serial}
    assert bench.order(Opcode.RELEASE)
    bench.mount.pack.faults.thermal_event = Signal.TRUE
    assert bench.order(Opcode.RELEASE)  # nobody can know yet
    assert not bench.order(Opcode.RELEASE, at_s=NOW_S + 1)


def test_a_mount_is_lifted_from_open_and_with_an_empty_gripper() -> None:
    bench = Bench()
    assert not bench.order(Opcode.LIFT_FROM, source=101)
    bench.unlock()
    assert bench.order(Opcode.LIFT_FROM, source=101)
    bench.grip()
    assert bench.order(Opcode.LIFT_FROM, source=101)  # again, after a stop
    assert not bench.order(Opcode.LIFT_FROM, source=1)


def test_a_place_is_filled_empty_and_open() -> None:
    bench = Bench()
    bench.unlock()
    assert not bench.order(Opcode.PLACE_TO, destination=101)  # nothing to put down
    bench.grip()
    assert not bench.order(Opcode.PLACE_TO, destination=1)
    assert bench.order(Opcode.PLACE_TO, destination=101)
    bench.mount.lock.position = 1.0
    assert not bench.order(Opcode.PLACE_TO, destination=101)
    bench.unlock()
    bench.mount.pack, bench.world.robot.pack = bench.world.robot.pack, None
    assert bench.order(Opcode.PLACE_TO, destination=101)  # again, after a stop


def test_a_bay_is_handled_without_smoke_and_with_an_open_contactor() -> None:
    bench = Bench()
    place = bench.world.bays[1]
    assert place.pack is not None
    assert bench.order(Opcode.LIFT_FROM, source=1)
    place.pack.contactor_closed = True
    assert bench.order(Opcode.LIFT_FROM, source=1)  # since this instant
    assert not bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 1)
    place.pack.contactor_closed = False
    assert bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 2)
    bench.world.inputs.smoke_clear[1] = Signal.UNTRUSTED
    assert bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 2)
    assert not bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 3)
    bench.lies = True
    assert bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 4)


def test_an_evacuation_lifts_from_smoke_and_sets_down_in_isolation_only() -> None:
    bench = Bench()
    robot, hot = bench.world.robot, bench.world.bays[1]
    pack = hot.pack
    assert pack is not None
    bench.world.inputs.smoke_clear[1] = bench.world.inputs.smoke_clear[2] = Signal.FALSE
    pack.contactor_closed = True
    assert bench.order(Opcode.LIFT_FROM, source=1)  # since this instant
    assert not bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 1)
    bench.evacuation = Evacuation(bay(2), 2, None, "smoke")  # another bay's
    assert not bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 1)
    bench.evacuation = Evacuation(bay(1), 2, pack.serial, "smoke")
    assert bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 1)
    bench.world.supplies.weld(1)
    assert bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 2)
    assert not bench.order(Opcode.LIFT_FROM, source=1, at_s=NOW_S + 3)
    robot.gripper.position, robot.pack, hot.pack = 1.0, pack, None
    assert bench.order(Opcode.PLACE_TO, destination=2, at_s=NOW_S + 3)
    bench.world.inputs.smoke_clear.clear()
    assert not bench.order(Opcode.PLACE_TO, destination=1, at_s=NOW_S + 4)
    bench.world.inputs.mode = RobotMode.MANUAL  # a person may
    assert bench.order(Opcode.PLACE_TO, destination=1, at_s=NOW_S + 4)


def test_a_pack_travels_gripped_and_out_of_its_place() -> None:
    bench = Bench()
    robot = bench.world.robot
    assert bench.order(Opcode.HOME)
    bench.grip()
    assert bench.order(Opcode.MOVE_TO, destination=1)
    robot.x.position_mm, robot.y.position_mm, robot.z.position_mm = bench.mount.x_mm, bench.mount.y_mm, 0.0
    assert not bench.order(Opcode.MOVE_TO, destination=1)
    robot.z.position_mm, robot.gripper.position = 2200.0, 0.5
    assert not bench.order(Opcode.MOVE_TO, destination=1)


def answer(bench: Bench, opcode: Opcode, result: EchoResult) -> None:
    number = bench.plc.retained.sequence + 1
    bench.plc.retained = Retained(number, opcode, EchoState.REJECTED if result else EchoState.ACCEPTED, result)
    bench.orders.look(NOW_S)


def test_the_plc_refuses_no_order() -> None:
    bench = Bench()
    answer(bench, Opcode.LIFT_FROM, EchoResult.OK)
    answer(bench, Opcode.LIFT_FROM, EchoResult.NOT_PERMITTED)
    answer(bench, Opcode.RESET, EchoResult.SENSOR_MISMATCH)
    bench.disturbs = True
    answer(bench, Opcode.LIFT_FROM, EchoResult.BUSY)
    assert broken(bench.findings) == []
    bench.disturbs = False
    answer(bench, Opcode.LIFT_FROM, EchoResult.BUSY)
    assert broken(bench.findings) == ["the PLC refused an order"]


def test_doubts_last_a_while_and_see_what_was_on_between_two_looks() -> None:
    bench = Bench()
    counters: Counter[str] = Counter()
    wire = SimpleNamespace(on=lambda _: None, active=False, counters=counters)
    doubts = Doubts(bench.world, cast(Any, bench.plc), cast(Any, wire), {})
    doubts.look(1.0)
    assert not doubts.lied(1.0) and not doubts.disturbed(1.0)
    counters["flipped"] += 1
    doubts.look(2.0)
    doubts.look(2.6)
    assert doubts.lied(2.4) and not doubts.lied(2.6)
    assert doubts.disturbed(3.9) and not doubts.disturbed(4.1)
    bench.world.inputs.overrides["mount.1.locked"] = Signal.TRUE
    doubts.look(9.0)
    assert doubts.lied(9.0)


# -- permits -------------------------------------------------------------------------------------


def good(value: Any, at_s: float = NOW_S) -> Reading[Any]:
    return Reading(value, Quality.GOOD, at_s)


def healthy() -> Snapshot:
    signals = {name: Signal.TRUE for name in RobotStatus.__slots__ if RobotStatus.__annotations__[name] == "Signal"}
    numbers = {name: 0 for name in RobotStatus.__slots__ if name not in signals}
    mated = MountSensors(Signal.TRUE, Signal.TRUE, Signal.FALSE, Signal.TRUE)
    stored = BaySensors(Signal.TRUE, Signal.TRUE, Signal.TRUE, Signal.TRUE, Signal.FALSE)
    robot = RobotStatus(
        **cast(
            Any, numbers | signals | {"received_s": NOW_S, "heartbeat_changed_s": NOW_S, "mode": RobotMode.PRODUCTION}
        )
        | {"state": RobotState.READY, "mounts": (mated, OPEN, OPEN), "bays": (stored, stored)}
    )
    truck = TruckStatus(
        mounts_fitted=good(1),
        swap_mode=good(Signal.TRUE),
        hv_off=good(Signal.TRUE),
        parking_brake=good(Signal.TRUE),
        contactors_closed=(good(Signal.FALSE), NEVER, NEVER),
        link_voltage_v=good(0.0),
    )
    pack = PackStatus(
        1,
        contactor_closed=good(Signal.FALSE),
        thermal_event=good(Signal.FALSE),
        temperature_max_c=good(25.0),
        pack_current_a=good(0.0),
        link_voltage_v=good(0.0),
    )
    return Snapshot(NOW_S, robot, "", truck, {mount(1): pack, mount(2): pack, bay(1): pack, bay(2): pack})


def forbidden(snapshot: Snapshot, pending: RobotCommand | None = None, **about: Any) -> MotionClass:
    found = MotionClass(0)
    for classes in withheld(snapshot, Meant(pending, **about)).values():
        found |= classes
    return found & (MotionClass(511) ^ MotionClass.JOG)


def with_robot(**changes: Any) -> Snapshot:
    snapshot = healthy()
    assert snapshot.robot is not None
    return replace(snapshot, robot=replace(snapshot.robot, **changes))


def test_a_heartbeat_that_stands_still_forbids_everything() -> None:
    assert forbidden(healthy()) == MotionClass(0)
    assert forbidden(with_robot(heartbeat_changed_s=NOW_S - 0.29)) == MotionClass(0)
    assert MotionClass.TRAVEL in forbidden(with_robot(heartbeat_changed_s=NOW_S - 0.31))
    assert MotionClass.TRAVEL in forbidden(with_robot(received_s=NOW_S - 0.31))


@pytest.mark.parametrize("mated", [Signal.UNTRUSTED, Signal.NOT_AVAILABLE])
def test_a_coupler_that_is_not_known_counts_as_mated(mated: Signal) -> None:
    unknown = MountSensors(Signal.FALSE, Signal.FALSE, Signal.FALSE, mated)
    assert forbidden(with_robot(mounts=(unknown, OPEN, OPEN))) == HANDLES


def test_mounts_fitted_counts_only_if_it_is_good() -> None:
    snapshot = healthy()
    doubted = replace(snapshot.truck, mounts_fitted=Reading(1, Quality.UNTRUSTED, NOW_S))
    assert MotionClass.UNLOCK in forbidden(replace(snapshot, truck=doubted))


def test_a_bay_is_lifted_from_isolated_and_without_smoke() -> None:
    lift = RobotCommand(1, Opcode.LIFT_FROM, source=1)
    place = RobotCommand(1, Opcode.PLACE_TO, destination=2)
    assert forbidden(healthy(), lift) == MotionClass(0)
    live = healthy()
    pack = replace(live.packs[bay(1)], contactor_closed=good(Signal.FALSE, NOW_S - 0.6))
    live = replace(live, packs={**live.packs, bay(1): pack})
    assert forbidden(live, lift) == MotionClass.HANDLE_BAY | EVACUATE
    assert forbidden(live, lift, evacuation=Evacuation(bay(1), 2, None, "")) == MotionClass(0)
    assert forbidden(live, place) == forbidden(live) == MotionClass(0)
    smoke = BaySensors(Signal.TRUE, Signal.TRUE, Signal.FALSE, Signal.FALSE, Signal.FALSE)
    assert forbidden(with_robot(bays=(smoke, smoke)), place) == MotionClass.HANDLE_BAY
    parted = replace(smoke, smoke_clear=Signal.TRUE)
    assert forbidden(with_robot(bays=(parted, parted)), lift) == MotionClass(0)


def test_a_bay_whose_supply_is_closed_or_whose_coupler_stays_live_is_not_lifted_from() -> None:
    lift = RobotCommand(1, Opcode.LIFT_FROM, source=1)
    for energised in (Signal.TRUE, Signal.UNTRUSTED, Signal.NOT_AVAILABLE):
        closed = BaySensors(Signal.TRUE, Signal.TRUE, Signal.FALSE, Signal.TRUE, energised)
        assert forbidden(with_robot(bays=(closed, closed)), lift) == MotionClass.HANDLE_BAY | EVACUATE
    live = healthy()
    welded = replace(live.packs[bay(1)], link_voltage_v=good(560.0))
    assert forbidden(replace(live, packs={**live.packs, bay(1): welded}), lift) == MotionClass.HANDLE_BAY | EVACUATE
    assert forbidden(replace(live, packs={**live.packs, mount(1): welded})) == HANDLES


def test_a_lift_against_the_locks_and_locks_under_load_are_forbidden() -> None:
    lift = RobotCommand(1, Opcode.LIFT_FROM, source=101)
    locks = MotionClass.UNLOCK | MotionClass.LOCK
    assert forbidden(with_robot(load_kg=101.0), lift) == MotionClass.HANDLE_MOUNT | locks
    assert forbidden(with_robot(load_kg=100.0), lift) == MotionClass(0)
    opened = with_robot(
        load_kg=1800.0, mounts=(MountSensors(Signal.TRUE, Signal.FALSE, Signal.TRUE, Signal.FALSE), OPEN)
    )
    assert forbidden(opened, lift) == locks


def test_a_truck_that_is_worked_at_is_held() -> None:
    gone = with_robot(truck_present=Signal.FALSE)
    assert MotionClass.TRAVEL not in forbidden(gone)
    assert MotionClass.TRAVEL in forbidden(gone, worked_at=True)
    for age_s, held in ((1.9, True), (2.1, False)):
        at = healthy()
        at = replace(at, truck=replace(at.truck, parking_brake=good(Signal.TRUE, NOW_S - age_s)))
        assert (MotionClass.TRAVEL not in forbidden(at, worked_at=True)) == held
        assert MotionClass.TRAVEL not in forbidden(at)


def test_a_motion_by_hand_needs_the_key_in_manual() -> None:
    assert MotionClass.TRAVEL in forbidden(healthy(), manual=True)
    assert MotionClass.TRAVEL not in forbidden(with_robot(mode=RobotMode.MANUAL), manual=True)
    assert MotionClass.TRAVEL in forbidden(with_robot(mode=RobotMode.MANUAL))


# -- latch and intents ---------------------------------------------------------------------------


def latch(*cycles: tuple[float, bool], cleared_s: float) -> list[str]:
    findings = Findings(lambda: NOW_S)
    watch = ControllerWatch(findings, lambda _: True, lambda: cleared_s)
    for now_s, latched in cycles:
        decision = Decision(MotionClass(0), latched, 0, None, {})
        watch.cycle(replace(healthy(), now_s=now_s), decision, StationState())
    return broken(findings)


def test_the_latch_opens_only_after_a_clear_and_boots_closed() -> None:
    assert latch((0.0, True), (5.0, False), cleared_s=4.9) == []
    assert latch((0.0, True), (5.0, False), cleared_s=-9.0) == ["latch opens by itself"]
    assert latch((0.0, True), (5.0, False), (9.0, True), (9.5, False), cleared_s=4.9) == ["latch opens by itself"]
    assert latch((0.0, False), cleared_s=-1.0) == ["boots with the latch open"]


def test_a_clear_that_comes_again_is_none() -> None:
    now = [1.0]
    clears = Said("station-a", lambda: now[0])

    def arrive(client: str, topic: str, payload: bytes) -> None:
        clears.arrived(client, MqttMessage(topic, payload))

    arrive("station-a", "swap/v1/a/cmd/clear", b"1")
    now[0] = 2.0
    arrive("station-a", "swap/v1/a/cmd/clear", b"1")
    arrive("station-a", "swap/v1/a/cmd/resume", b"2")
    arrive("operator-1", "swap/v1/a/cmd/clear", b"3")
    assert clears.cleared_s == 1.0
    arrive("station-a", "swap/v1/a/cmd/clear", b"4")
    assert clears.cleared_s == 2.0


def test_an_intent_is_for_this_very_order(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE intent (id INTEGER PRIMARY KEY, sequence INTEGER, json TEXT)")
    text = '{"sequence": 7, "opcode": 3, "source": 101, "destination": 0, "mount": 0}'
    db.execute("INSERT INTO intent (sequence, json) VALUES (7, ?)", (text,))
    db.commit()
    db.close()
    intents = Intents(path)
    assert intents.has(written(Opcode.LIFT_FROM, source=101, sequence=7))
    assert not intents.has(written(Opcode.LIFT_FROM, source=102, sequence=7))
    assert not intents.has(written(Opcode.UNLOCK, source=101, sequence=7))
    assert not intents.has(written(Opcode.LIFT_FROM, source=101, sequence=8))
    intents.close()
