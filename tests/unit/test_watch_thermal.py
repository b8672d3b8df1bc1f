"""The watch over packs with a thermal event finds what must not be."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.robot_protocol import MotionClass
from hil.plant.pack import Pack
from hil.plant.world import World
from hil.virtual.config import station_config
from hil.watch.findings import Findings
from hil.watch.records import Visit
from hil.watch.thermal import ThermalWatch
from station_ctl.model.look import Decision
from station_ctl.model.places import bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation
from station_ctl.model.words import Reason

HOT, GOOD, OWN = "SIMP-00000001", "SIMP-00000002", "TRK1-00000001"
ISOLATION = 3


class Room:
    """Two bays with packs, one isolation bay, and the watch."""

    def __init__(self, folder: Path) -> None:
        self.world = World(bays={1: 1, 2: 2, ISOLATION: 3}, mounts={1: 11})
        self.world.store(1, Pack(HOT, 90.0))
        self.world.store(2, Pack(GOOD, 90.0))
        self.findings = Findings(lambda: 0.0)
        self.watch = ThermalWatch(self.findings, self.world, station_config(folder, bays=2))

    def cycle(self, *thermal: int, evacuation: Evacuation | None = None, code: str = "") -> None:
        decision = Decision(MotionClass(0), False, 0, None, {}, thermal={bay(n): "smoke" for n in thermal})
        self.watch.cycle(decision, StationState(evacuation=evacuation, reason=Reason(code, "") if code else None))

    def carry(self, number: int) -> None:
        place = self.world.bays[1]
        self.world.bays[number].pack, place.pack = place.pack, None

    @property
    def found(self) -> list[str]:
        return [violation.invariant for violation in self.findings.violations]


def test_what_was_found_hot_in_a_bay_is_never_handed_out(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.cycle(1)
    room.cycle()  # it has cooled down, the station was restarted: it stays suspect
    room.watch.left(Visit("V", {1: OWN}, left={1: GOOD}))
    room.watch.left(Visit("V", {1: HOT}, left={1: HOT}))  # a truck's own pack leaves with it
    assert room.found == []
    room.watch.left(Visit("V", {1: OWN}, left={1: HOT}))
    assert room.found == ["a pack with a thermal event was handed out"]
    assert HOT in room.findings.violations[0].text and "bay 1" in room.findings.violations[0].text


def test_an_event_on_the_truck_is_the_trucks(tmp_path: Path) -> None:
    room = Room(tmp_path)
    decision = Decision(MotionClass(0), False, 0, None, {}, thermal={mount(1): "BMS"})
    room.watch.cycle(decision, StationState())
    room.watch.left(Visit("V", {1: OWN}, left={1: HOT}))
    assert room.found == []


@pytest.mark.parametrize(
    ("put", "code", "found"),
    [
        (ISOLATION, "evacuated", False),
        (2, "evacuated", True),
        (1, "evacuated", True),
        (1, "evacuation_given_up", False),
    ],
)
def test_an_evacuation_ends_in_isolation(tmp_path: Path, put: int, code: str, found: bool) -> None:
    room = Room(tmp_path)
    room.cycle(1, evacuation=Evacuation(bay(1), ISOLATION, HOT, "smoke"))
    if put != 1:
        room.carry(put)
    room.cycle(1, code=code)
    assert room.found == (["an evacuation ended outside of isolation"] if found else [])


def test_one_that_gives_way_to_the_next_is_judged_too(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.cycle(1, 2, evacuation=Evacuation(bay(1), ISOLATION, HOT, "smoke"))
    room.cycle(1, 2, evacuation=Evacuation(bay(2), ISOLATION, GOOD, "smoke"))
    assert room.found == ["an evacuation ended outside of isolation"]
