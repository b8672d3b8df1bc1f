"""Choice of packs and bays: the highest that is ready; never a fault, stale data, or under the promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import BaySensors, MotionClass
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Exchange, Swap
from station_ctl.model.words import Reason
from station_ctl.swap import choice, hindrance, plan, quarantine, seen_packs
from station_ctl.swap.look import Look
from tests.safety.test_inputs import NOW, good, pack, robot, truck
from tests.simulation.ground import station_config

CONFIG = station_config(6)  # bay 6 is the isolation area
T, F = Signal.TRUE, Signal.FALSE


def make(mounts: tuple[int, ...], state: StationState, here: Snapshot) -> tuple[Exchange, ...] | Reason:
    """A plan at 80 % while no thermal event is told."""
    return choice.make(mounts, state, here, CONFIG, 80.0, ())


def stored(number: int, soc_pct: float, **changes: Any) -> PackStatus:
    """A healthy pack in a bay."""
    healthy = dict.fromkeys(
        ("insulation_fault", "connector_fault", "overtemperature", "overcurrent", "cell_voltage_fault"), good(F)
    )
    identity = good(PackIdentity(f"SIMP-{number:08d}", 3, 302.0, 566.4, 10))
    return pack(0xB0 + number, identity=identity, soc_pct=good(soc_pct), **{**healthy, **changes})


def at(occupied: dict[int, PackStatus]) -> Snapshot:
    """A station with packs in some bays and two packs on the truck."""
    bays = tuple(BaySensors(T if n in occupied else F, F, F, T) for n in range(1, 25))
    places: dict[Place, PackStatus] = {bay(n): occupied.get(n, PackStatus(0xB0 + n)) for n in range(1, 7)}
    for n in (1, 2, 3):
        old = good(PackIdentity(f"TRK1-{n:08d}", 3, 302.0, 566.4, 10))
        places[mount(n)] = pack(0xA0 + n, identity=old, soc_pct=good(12.0))
    return Snapshot(NOW, robot(bays=bays), "", truck(), places)


def test_the_highest_ready_packs_are_chosen_and_one_free_bay_is_enough() -> None:
    here = at({1: stored(1, 85.0), 2: stored(2, 97.0), 3: stored(3, 91.0), 4: stored(4, 81.0)})
    exchanges = make((1, 2), StationState(), here)
    assert isinstance(exchanges, tuple)
    assert [(e.mount, e.bay_out, e.serial_in) for e in exchanges] == [(1, 2, "SIMP-00000002"), (2, 3, "SIMP-00000003")]
    assert exchanges[0].bay_in == 5
    assert exchanges[1].bay_in == 2  # emptied by the first exchange and nearest to the next pack
    assert [e.serial_out for e in exchanges] == ["TRK1-00000001", "TRK1-00000002"]


def test_the_isolation_area_is_neither_source_nor_destination() -> None:
    full = {n: stored(n, 90.0) for n in range(1, 6)}
    assert make((1,), StationState(), at(full)) == Reason("no_free_bay", "no bay is free for a discharged pack")
    only_isolated = make((1,), StationState(), at({6: stored(6, 99.0)}))
    assert isinstance(only_isolated, Reason)
    assert only_isolated.code == "no_charged_pack"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"soc_pct": good(79.9)}, "promised 80 %"),
        ({"soc_pct": Reading(None, Quality.NOT_AVAILABLE, NOW)}, "promised 80 %"),
        ({"soc_pct": Reading(99.0, Quality.UNTRUSTED, NOW)}, "promised 80 %"),
        ({"soc_pct": good(99.0, 2.1)}, "promised 80 %"),
        ({"link": PackLink.IDENTIFIED}, "BMS identified"),
        ({"identity": Reading(None, Quality.UNTRUSTED, NOW)}, "BMS monitored"),
        ({"thermal_event": good(T)}, "thermal_event is true"),
        ({"thermal_event": good(F, 2.1)}, "thermal_event is not known"),
        ({"insulation_fault": good(T)}, "insulation_fault is true"),
        ({"insulation_fault": Reading(Signal.UNTRUSTED, Quality.UNTRUSTED, NOW)}, "insulation_fault is not known"),
        ({"overtemperature": good(T)}, "overtemperature"),
        ({"cell_voltage_fault": good(T)}, "cell voltage"),
        ({"temperature_max_c": good(60.1)}, "at most 60"),
        ({"insulation_ohm_per_v": good(99.0)}, "at least 100"),
    ],
)
def test_a_pack_that_is_not_fit_is_never_handed_out(changes: dict[str, Any], says: str) -> None:
    fit = at({1: stored(1, 95.0)})
    assert plan.readiness(1, StationState(), fit, CONFIG, 80.0) == ""
    unfit = at({1: replace(stored(1, 95.0), **changes)})
    assert says in plan.readiness(1, StationState(), unfit, CONFIG, 80.0)
    assert isinstance(make((1,), StationState(), unfit), Reason)


@pytest.mark.parametrize("doubt", [(T, F, F), (F, T, F), (F, F, T), (F, Signal.UNTRUSTED, F)])
def test_a_bay_is_free_only_if_all_its_switches_say_so(doubt: tuple[Signal, Signal, Signal]) -> None:
    here = at({n: stored(n, 90.0) for n in range(1, 5)})
    assert plan.free_bays(StationState(), here, CONFIG, ()) == [5]
    assert hindrance.isolation_bays(StationState(), here, CONFIG, ()) == [6]
    assert here.robot is not None
    bays = list(here.robot.bays)
    bays[4] = bays[5] = BaySensors(*doubt, T)
    doubted = replace(here, robot=replace(here.robot, bays=tuple(bays)))
    assert plan.free_bays(StationState(), doubted, CONFIG, ()) == []
    assert hindrance.isolation_bays(StationState(), doubted, CONFIG, ()) == []
    assert make((1,), StationState(), doubted) == Reason("no_free_bay", "no bay is free for a discharged pack")


def test_a_bay_with_an_event_or_in_quarantine_is_not_free() -> None:
    here = at({n: stored(n, 90.0) for n in range(1, 4)})
    assert plan.free_bays(StationState(), here, CONFIG, {bay(4): "70 degC"}) == [5]
    quarantined = StationState(quarantined={"bay 5": "thermal event: smoke", "bay 6": "thermal event: smoke"})
    assert plan.free_bays(quarantined, here, CONFIG, ()) == [4]
    assert hindrance.isolation_bays(quarantined, here, CONFIG, ()) == []
    assert hindrance.isolation_bays(StationState(), here, CONFIG, {bay(6): "70 degC"}) == []


HOT_BAY = StationState(quarantined={"bay 5": "thermal event: smoke"})
OPEN = Decision(MotionClass(255), False, 0, None, {})


def looked(state: StationState, here: Snapshot, decision: Decision = OPEN) -> StationState:
    """The state after a cycle's look at who stands where."""
    after = seen_packs.seen(state, here)
    return quarantine.quarantine(Look(after, here, decision, CONFIG, ""), state)


def later(here: Snapshot, seconds: float, *sensors: Signal) -> Snapshot:
    """The same plant so much later, with these switches at bay 5."""
    assert here.robot is not None
    bays = list(here.robot.bays)
    bays[4] = BaySensors(*sensors, T) if sensors else bays[4]
    robot = replace(here.robot, bays=tuple(bays), received_s=here.robot.received_s + seconds)
    return replace(here, now_s=here.now_s + seconds, robot=robot)


@pytest.mark.parametrize("doubt", [(T, F, F), (F, T, F), (F, F, T), (F, Signal.UNTRUSTED, F)])
def test_a_pack_has_left_only_once_all_switches_of_its_place_say_so_for_two_seconds(
    doubt: tuple[Signal, Signal, Signal],
) -> None:
    here = at({})
    state = looked(HOT_BAY, here)
    assert state.quarantined == HOT_BAY.quarantined  # one reading
    assert looked(state, later(here, 1.9)).quarantined == HOT_BAY.quarantined
    assert looked(state, later(here, 2.0)).quarantined == {"taken away from bay 5": "thermal event: smoke"}
    told = replace(OPEN, thermal={bay(5): "smoke"})
    assert "bay 5" in looked(state, later(here, 2.0), told).quarantined
    doubted = looked(state, later(here, 1.9, *doubt))
    assert looked(doubted, later(here, 2.1)).quarantined == HOT_BAY.quarantined  # it counts from anew


def test_two_packs_taken_away_from_one_bay_stay_two_and_an_event_outweighs_a_fault() -> None:
    away = "taken away from bay 5"
    state = replace(HOT_BAY, quarantined={away: "thermal event: gas", **HOT_BAY.quarantined})
    here = at({})
    state = looked(looked(state, here), later(here, 2.0))
    assert state.quarantined == {away: "thermal event: gas", f"{away}, too": "thermal event: smoke"}
    milder = replace(HOT_BAY, quarantined={"SIMP-00000005": "insulation", **HOT_BAY.quarantined})
    assert looked(milder, at({5: stored(5, 90.0)})).quarantined == {"SIMP-00000005": "thermal event: smoke"}


def test_a_quarantined_pack_is_never_handed_out() -> None:
    state = StationState(quarantined={"SIMP-00000001": "its BMS did not answer"})
    assert "quarantined: its BMS" in plan.readiness(1, state, at({1: stored(1, 95.0)}), CONFIG, 80.0)


def exchange(**changes: Any) -> Exchange:
    return replace(Exchange(1, "TRK1-00000001", 12.0, 5, 1, "SIMP-00000001", 95.0), **changes)


def swapping(*exchanges: Exchange) -> StationState:
    return StationState(swap=Swap("x", "VIN", "me", 80.0, "2026-01-01T00:00:00Z", exchanges))


def test_a_planned_pack_that_went_bad_is_replaced_by_the_next_best_not_planned_elsewhere() -> None:
    packs = {1: stored(1, 95.0, thermal_event=good(T)), 2: stored(2, 94.0), 3: stored(3, 93.0)}
    second = exchange(mount=2, bay_out=2, serial_in="SIMP-00000002")
    chosen = choice.choose_again(exchange(), swapping(exchange(), second), at(packs), CONFIG)
    assert isinstance(chosen, Exchange)
    assert (chosen.bay_out, chosen.serial_in, chosen.soc_in_pct) == (3, "SIMP-00000003", 93.0)
    nothing = choice.choose_again(exchange(), swapping(exchange(), second), at({1: packs[1], 2: packs[2]}), CONFIG)
    assert isinstance(nothing, Reason)


def test_another_pack_in_the_planned_bay_is_not_taken_for_the_planned_one() -> None:
    wrong = choice.choose_again(exchange(), swapping(exchange()), at({1: stored(9, 99.0)}), CONFIG)
    assert isinstance(wrong, Exchange)
    assert wrong.serial_in == "SIMP-00000009"


def test_a_pack_that_goes_back_to_its_own_truck_is_not_judged_by_its_charge() -> None:
    own = exchange(serial_in="TRK1-00000001", bay_out=5)
    assert choice.choose_again(own, swapping(own), at({5: stored(5, 3.0)}), CONFIG) == own
