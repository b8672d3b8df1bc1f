"""The watch over the supplies finds what it is there for, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from drivers.reading import Signal
from drivers.robot_protocol import MotionClass
from hil.plant.pack import Pack
from hil.plant.world import World
from hil.watch.findings import Findings
from hil.watch.supplies import SupplyWatch
from hil.watch.tap import Written
from station_ctl.model.look import Decision
from station_ctl.model.places import bay
from tests.plc_bench import make_world
from tests.simulation.ground import station_config
from tests.unit.test_charging import Room

OPEN = Decision(MotionClass(255), False, 0, None, {})


class Watch:
    """A watch over a world in which bay 4's supply is closed by its permit."""

    def __init__(self, permits: int = 0b1000) -> None:
        """permits: supplies that are closed, by their permits."""
        self.now_s = 100.0
        self.world: World = make_world(speed=1.0, truck=False)
        self.findings = Findings(lambda: self.now_s)
        self.lies = False
        self.watch = SupplyWatch(self.findings, self.world, station_config(8), lambda _: self.lies)
        self.world.supplies.command(permits)
        self.write(permits)

    def write(self, permits: int, lease_ms: int = 500) -> None:
        self.watch.block(Written(self.now_s, 0, MotionClass(0), 0, 0, 0, 0, 0, 0, lease_ms, permits))

    def passes(self, seconds: float, permits: int | None = 0b1000) -> None:
        for _ in range(round(seconds / 0.1)):
            self.now_s += 0.1
            self.world.advance(0.1)
            if permits is not None:
                self.write(permits)
            self.watch.tick(self.now_s)

    @property
    def pack(self) -> Pack:
        found = self.world.bays[4].pack
        assert found is not None
        return found

    def found(self) -> list[str]:
        return [violation.invariant for violation in self.findings.violations]


def test_a_supply_by_its_permit_is_fine_and_a_welded_one_is_nobodys_doing() -> None:
    watch = Watch()
    watch.world.supplies.weld(2)
    watch.passes(20.0)
    assert watch.found() == [] and watch.findings.checks["a supply closed without its permit"] >= 200


@pytest.mark.parametrize("permits", [None, 0, 0b0111])
def test_a_supply_that_stays_closed_is_found(permits: int | None) -> None:
    watch = Watch()
    watch.passes(1.4, permits)
    assert watch.found() == []
    watch.passes(0.3, permits)
    assert watch.found() == ["a supply closed without its permit"]


def _insulation(watch: Watch) -> None:
    watch.pack.faults.insulation = Signal.TRUE


def _cell(watch: Watch) -> None:
    watch.pack.faults.cell_voltage = 1


def _smoke(watch: Watch) -> None:
    watch.world.inputs.smoke_clear[4] = Signal.FALSE


@pytest.mark.parametrize("spoil", [_insulation, _cell, _smoke])
def test_charging_on_with_an_open_fault_is_found_unless_nobody_can_know(spoil: Callable[[Watch], None]) -> None:
    watch = Watch()
    spoil(watch)
    watch.lies = True
    watch.passes(10.0)
    watch.lies = False
    watch.passes(2.9)
    assert watch.found() == []
    watch.passes(0.3)
    assert watch.found() == ["a bay charges with an open fault"]


BAD: list[tuple[str, Callable[[Room], None]]] = [
    ("emergency stop", lambda r: r.robot.update(estop_released=Signal.FALSE)),
    ("smoke", lambda r: r.bays.update({1: replace(r.bays[1], smoke_clear=Signal.UNTRUSTED)})),
    ("mated", lambda r: r.bays.update({1: replace(r.bays[1], mated=Signal.FALSE)})),
    ("insulation_fault", lambda r: r.packs[1].update(insulation_fault=Signal.TRUE)),
    ("insulation", lambda r: r.packs[1].update(insulation_ohm_per_v=50.0)),
    ("BMS forbids", lambda r: r.packs[1].update(charge_permitted=Signal.FALSE)),
    ("temperature", lambda r: r.packs[1].update(temperature_max_c=None)),
    ("thermal event", lambda r: r.packs[1].update(thermal_event=None)),
    ("no BCL", lambda r: r.packs[1].update(current_demand_a=None)),
    ("old status", lambda r: r.robot.update(received_s=r.now_s - 0.31)),
    ("no PLC", lambda r: setattr(r, "away", True)),
]


@pytest.mark.parametrize(("named", "spoil"), BAD)
def test_a_permit_against_what_was_read_is_found(named: str, spoil: Callable[[Room], None]) -> None:
    watch, room = Watch(0), Room(50.0)
    permitted = replace(OPEN, charge_permits=1)
    watch.watch.cycle(room.snapshot(), permitted)
    assert watch.found() == []
    spoil(room)
    watch.watch.cycle(room.snapshot(), OPEN)
    assert watch.found() == []
    watch.watch.cycle(room.snapshot(), permitted)
    text = watch.findings.violations[0].text
    assert watch.found() == ["permit to charge without its inputs"] and named in text


@pytest.mark.parametrize("changes", [{"thermal": {bay(1): "hot"}}, {"blind": {bay(1): "no data"}}])
def test_a_permit_against_the_thermal_watch_is_found(changes: dict[str, Any]) -> None:
    watch = Watch(0)
    watch.watch.cycle(Room(50.0).snapshot(), replace(OPEN, charge_permits=1, **changes))
    assert watch.found() == ["permit to charge without its inputs"]


def test_a_permit_in_the_isolation_area_is_found() -> None:
    watch, room = Watch(0), Room(50.0, 50.0, 50.0, 50.0, 50.0, 50.0)
    watch.watch = SupplyWatch(watch.findings, watch.world, room.config, lambda _: False)
    watch.watch.cycle(room.snapshot(), replace(OPEN, charge_permits=0b100000))
    assert watch.found() == ["permit to charge without its inputs"]


def test_a_permit_that_was_written_and_not_decided_is_found() -> None:
    watch, room = Watch(0), Room(50.0)
    watch.write(1)
    watch.watch.cycle(room.snapshot(), replace(OPEN, charge_permits=1))
    assert watch.found() == []
    watch.write(1)  # of the last cycle still, though this one finds a thermal event
    watch.watch.cycle(room.snapshot(), replace(OPEN, thermal={bay(1): "hot"}))
    assert watch.found() == ["permit to charge written that was not decided"]


def test_what_a_killed_controller_wrote_is_not_held_against_the_next_one() -> None:
    watch, room = Watch(0), Room(50.0)
    watch.write(1)  # and killed before its cycle ended
    watch.watch.begins()
    watch.watch.cycle(room.snapshot(), OPEN)
    assert watch.found() == []
