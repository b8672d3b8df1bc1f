"""What can go wrong with a bay's charger or meter: each ends the charge, leaves the bay dead, and is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from drivers.charger_status import OFF, ChargerMode, SetPoint
from drivers.reading import NEVER, Quality, Reading, Signal
from station_ctl.charging import table
from station_ctl.charging.supervision import INPUTS, Supervision, Watched
from tests.charge_room import ChargeRoom
from tests.unit.test_charging import DOCKED


def _good(value: float, at_s: float) -> Reading[float]:
    return Reading(value, Quality.GOOD, at_s)


def charging(soc_pct: float = 50.0, **section: Any) -> ChargeRoom:
    """A room in which bay 1 charges at full current."""
    room = ChargeRoom(soc_pct, **section)
    room.until("charging").run(8.0)
    assert room.plant().current_a > 100.0 and room.bay().trouble == ""
    return room


def _fault(**changes: Any) -> Callable[[ChargeRoom], None]:
    def spoil(room: ChargeRoom) -> None:
        for name, value in changes.items():
            setattr(room.plant().faults, name, value)

    return spoil


def _meter(**changes: Any) -> Callable[[ChargeRoom], None]:
    def spoil(room: ChargeRoom) -> None:
        for name, value in changes.items():
            setattr(room.world.electrics.meters[1].faults, name, value)

    return spoil


def _wire(room: ChargeRoom) -> None:
    room.wires[1].mute = True


def _reset(room: ChargeRoom) -> None:
    room.world.electrics.meters[1].energy_in_wh = 0.0


def _less(room: ChargeRoom) -> None:
    """The BMS asks for less."""
    room.packs[1] = {"current_demand_a": 50.0}


def _ignored(room: ChargeRoom) -> None:
    _fault(ignores_set_point=True)(room)
    _less(room)


FAULTS: list[tuple[str, str, float, Callable[[ChargeRoom], None]]] = [
    ("charger_silent", "withheld", 1.5, _wire),
    ("charger_silent", "withheld", 1.5, _fault(heartbeat_stuck=True)),
    ("charger_fault", "withheld", 0.5, _fault(internal=True)),
    ("charger_disobeys", "tripped", 6.0, _ignored),
    ("charger_disobeys", "tripped", 2.5, _fault(over_delivery_a=20.0)),
    ("charge_not_delivered", "withheld", 33.0, _fault(derating=0.0)),
    ("meter_silent", "withheld", 4.0, _meter(mute=True)),
    ("meter_silent", "withheld", 4.0, _meter(stuck=True)),
    ("meter_wrong", "tripped", 6.0, _meter(frozen=True)),
    ("meter_wrong", "tripped", 2.0, _reset),
    ("meter_wrong", "tripped", 10.0, lambda room: _count_wrongly(room)),
    ("currents_differ", "tripped", 17.0, _meter(gain=0.9)),
]


def _count_wrongly(room: ChargeRoom) -> None:
    """A register that counts half of what flows: its readings are right."""
    meter = room.world.electrics.meters[1]
    measure = meter.measure

    def half(voltage_v: float, current_a: float, power_w: float, dt_s: float) -> None:
        measure(voltage_v, current_a, power_w, dt_s)
        meter.energy_in_wh -= power_w / 2.0 * dt_s / 3600.0

    meter.measure = half  # type: ignore[method-assign]


@pytest.mark.parametrize(("cause", "code", "within_s", "spoil"), FAULTS)
def test_each_fault_ends_the_charge_and_is_named(
    cause: str, code: str, within_s: float, spoil: Callable[[ChargeRoom], None]
) -> None:
    room = charging()
    spoil(room)
    for _ in range(round(within_s / 0.05)):
        found = room.cycle()
        if not found.charge_permits:
            break
    assert (found.charge_permits, room.bay().code) == (0, code), room.bay()
    assert room.bay().reason.startswith(f"{cause}: ") and room.bay().trouble
    assert found.set_points[1].mode is ChargerMode.OFF  # in the same cycle
    room.run(1.0)
    assert room.plant().current_a == 0.0 and room.world.supplies.energised == 0
    assert room.bay().trouble


def _once(room: ChargeRoom, **seen: Any) -> None:
    """One cycle with this in its snapshot."""
    before = room.snapshot
    room.snapshot = lambda: replace(before(), **seen)  # type: ignore[method-assign]
    room.cycle()
    room.snapshot = before  # type: ignore[method-assign]


@pytest.mark.parametrize("phase", ["insulation_test", "closing", "charging"])
def test_a_charge_that_the_controllers_own_silence_has_ended_is_named_for_it(phase: str) -> None:
    room = charging() if phase == "charging" else ChargeRoom(50.0).until(phase)
    _once(room, silent_s=0.5, journal_s=0.45)
    assert room.wanted().current_a == 0.0
    room.run(2.5)
    codes = [code for n, code, _ in room.said if n == 1]
    assert "journal_stalled" in codes and "charger_failed" not in codes
    assert (room.found.charge_permits, room.wanted(), room.bay().trouble) == (0, OFF, "")
    assert room.world.supplies.arcs[1] == 0
    room.run(25.0)
    assert room.bay().code == "charging"


def test_silence_while_a_charger_is_off_anyway_ends_nothing() -> None:
    room = ChargeRoom(50.0).until("handshake")
    _once(room, silent_s=0.5)
    assert room.bay().phase == "insulation_test" and room.until("charging", seconds=20.0)


def test_a_charger_that_cannot_be_told_what_is_wanted_ends_its_charge_at_once() -> None:
    room = charging()
    _once(room, unsaid={1: "command: current_a does not fit"})
    assert (room.found.charge_permits, room.wanted(), room.bay().code) == (0, OFF, "charger_failed")
    assert "cannot be told" in room.bay().reason and "current_a does not fit" in room.bay().trouble
    room.run(1.0)
    assert room.plant().current_a == 0.0 and room.bay().code == "pause"


def test_a_charger_that_never_begins_to_follow_is_not_waited_for_for_ever() -> None:
    room = ChargeRoom(50.0).until("closing")
    room.plant().faults.ignores_set_point = True  # at 0 A
    room.until("charging").run(31.0)
    assert (1, "withheld", "") in room.said
    assert room.bay().trouble == INPUTS["charge_delivered"]


def test_a_derated_charger_is_asked_for_no_more_than_it_can() -> None:
    room = charging()
    room.plant().faults.derating = 0.3
    room.run(3.0)
    assert room.bay().limited_by == "charger" and room.wanted().current_a == pytest.approx(114.0, abs=7.0)
    room.run(32.0)
    assert room.bay().code == "charging"


def test_a_charger_that_runs_on_is_dead_by_the_supply_and_trips_the_bay_at_rest() -> None:
    room = charging()
    room.plant().faults.runs_on = True
    room.packs[1] = {"overtemperature": Signal.TRUE}
    room.cycle()
    assert room.found.charge_permits == 0
    room.run(0.2)
    assert room.plant().current_a == 0.0  # the contactor has opened
    room.packs.clear()
    room.clear()
    room.run(4.0)
    assert room.bay().code == "tripped"  # the first is over; this is what is found now
    assert "relay_opens is false" in room.bay().reason and room.bay().trouble
    room.plant().faults.runs_on = False
    room.run(3.0)
    room.clear()
    room.run(30.0)
    assert room.bay().code == "charging"


def test_a_relay_that_sticks_is_found_at_rest_and_nothing_begins() -> None:
    room = ChargeRoom(99.0, 50.0)
    room.run(2.0)
    room.plant().faults.relay_stuck = True
    room.run(4.0)
    assert room.bay().code == "tripped" and "relay_opens is false" in room.bay().reason
    assert room.bay(2).code in ("starting", "charging")


def test_current_that_flows_without_leave_trips_the_bay_by_meter_or_charger() -> None:
    room = ChargeRoom(99.0)
    room.run(6.0)
    assert room.bay().code == "full"
    room.wires[1].plant.current_a = 30.0
    now_s, status, found = room.now_s, room.wires[1].status(room.now_s), Supervision()
    assert status is not None and status.output_current_a == 30.0
    found.look(Watched(now_s - 0.5, None, None))  # off since then
    assert found.look(Watched(now_s, status, None))["output_ends"] is Signal.TRUE
    later = replace(status, received_s=now_s + 0.6, heartbeat_changed_s=now_s + 0.6)
    assert found.look(Watched(now_s + 0.6, later, None))["output_ends"] is Signal.FALSE
    told = SetPoint(ChargerMode.CHARGE, 40.0, 600.0, 24e3)
    assert found.look(Watched(now_s + 0.7, later, None, told))["output_ends"] is Signal.TRUE
    meter = room.meter(1)
    flows = replace(meter, received_s=now_s + 9.0, heartbeat_changed_s=now_s + 9.0, current_a=_good(30.0, now_s + 9.0))
    found = Supervision()
    found.look(Watched(now_s, None, None))
    assert found.look(Watched(now_s + 9.0, None, flows))["output_ends"] is Signal.FALSE


def test_low_insulation_of_the_charger_trips_the_bay_before_its_supply_ever_closes() -> None:
    room = ChargeRoom(50.0)
    room.plant().faults.insulation_ohm_per_v = 60.0
    room.run(10.0)
    assert room.bay().code == "tripped" and room.bay().reason.startswith("insulation_test_failed: ")
    assert not any(phase == "closing" for _, _, phase in room.said) and room.bay().quarantine == ""
    room.plant().faults.insulation_ohm_per_v = 5000.0
    room.run(20.0)
    assert room.bay().code == "tripped"  # a person has to say so
    room.clear()
    room.until("charging")


@pytest.mark.parametrize(
    "spoil",
    [
        {"current_demand_a": NEVER},
        {"overtemperature": Signal.TRUE},
        {"insulation_ohm_per_v": 50.0},
        {"thermal_event": Signal.TRUE},
    ],
)
def test_a_cause_of_the_pack_skips_the_ramp(spoil: dict[str, Any]) -> None:
    room = charging()
    room.packs[1] = spoil
    found = room.cycle()
    assert found.charge_permits == 0 and found.set_points[1] == OFF and room.bay().phase == ""
    room.run(0.1)
    assert room.plant().current_a == 0.0


def test_bcl_that_is_lost_for_a_second_ends_it_at_once() -> None:
    room = charging()
    lost = room.pack(1).current_demand_a
    room.packs[1] = {"current_demand_a": lost}
    lost_s = room.now_s
    while room.cycle().charge_permits:
        assert room.now_s - lost_s < 1.2
    assert room.bay().reason.startswith("demand_lost: ") and room.wanted() == OFF


def test_a_supply_that_opens_by_itself_ends_the_charge() -> None:
    room = charging()
    room.bays[1] = DOCKED
    command = room.world.supplies.command
    room.world.supplies.command = lambda coils: command(0)  # type: ignore[method-assign]
    room.run(2.0)
    assert room.found.charge_permits == 0
    assert room.bay().code in ("supply_open", "charger_failed", "withheld", "pause")


def test_a_charger_that_was_switched_off_for_a_moment_is_told_off_and_tried_again() -> None:
    room = charging()
    room.wires[1].program.power_cut()
    room.wires[1].program.power_return()
    room.run(1.5)
    assert (1, "charger_failed", "") in room.said and room.bay().code == "pause"
    assert room.bay().trouble == "the charger has ended by itself: power"
    room.until("charging", seconds=40.0).run(6.0)
    assert room.bay().trouble == ""  # it delivers again


def test_each_input_is_of_the_table_and_a_bay_without_a_charger_has_none_of_it() -> None:
    watched = {cause.input.name for cause in table.load().causes}
    assert set(INPUTS) <= watched
    good = Supervision().look(Watched(0.0, None, None, has_meter=False))
    assert [name for name, found in good.items() if found is not Signal.TRUE] == ["charger_alive"]


def test_what_it_remembers_can_be_written_down_in_the_middle_of_a_charge() -> None:
    room = charging()
    memory = json.loads(json.dumps(room.charger.dump()))
    other = ChargeRoom(50.0)
    other.charger.load(memory)
    assert json.loads(json.dumps(other.charger.dump())) == memory
    for _ in range(100):
        at = room.snapshot()
        again = other.charger.decide(at, room.state, room.decision)
        assert room.charger.decide(at, room.state, room.decision) == again
        room.run(0.05)
        other.charger.load(json.loads(json.dumps(room.charger.dump())))
    cabinet = memory["bays"]["1"]["cabinet"]
    wrong: list[dict[str, Any]] = [
        {k: v for k, v in memory.items() if k != "dispatch"},
        memory | {"dispatch": {}},
        memory | {"bays": memory["bays"] | {"1": memory["bays"]["1"] | {"cabinet": {}}}},
        memory | {"bays": memory["bays"] | {"1": memory["bays"]["1"] | {"cabinet": cabinet | {"energy": {}}}}},
    ]
    for broken in wrong:
        with pytest.raises(ValueError, match="memory"):
            other.charger.load(broken)
