"""Who may charge: each cause alone ends it, trips latch, ordinary ends do not, and the choice among those that may."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest

from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import NEVER, Quality, Reading, Signal
from drivers.robot_protocol import BaySensors, MotionClass, Opcode, RobotCommand, RobotStatus
from station_ctl import config
from station_ctl.charging import charger, table
from station_ctl.charging.charger import Charger
from station_ctl.charging.supervision import INPUTS
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import bay
from station_ctl.model.state import StationState
from station_ctl.model.visit import Evacuation, Exchange, Swap
from station_ctl.safety.table import TableError, parse
from tests.safety.test_inputs import robot

T, F, U, N = Signal.TRUE, Signal.FALSE, Signal.UNTRUSTED, Signal.NOT_AVAILABLE
CYCLE_S = 0.05
DOCKED = BaySensors(T, T, T, T, F)
EMPTY = BaySensors(F, F, F, T, F)
OPEN = Decision(MotionClass(255), False, 0, None, {})
LATCHED = replace(OPEN, permits=MotionClass(0), latched=True)


class Room:
    """A charger over a plant that obeys it: six bays, packs in the first ones, the last bay is the isolation area."""

    def __init__(self, *socs: float, **charging: Any) -> None:
        document = {
            "station": {"id": "T"},
            "robot": {"host": "plc"},
            "can": [{"name": "packs"}],
            "bay": [{"number": n, "can_address": 0xB0 + n, "isolation": n == 6} for n in range(1, 7)],
            "mount": [{"number": 1, "can_address": 0xA1}],
            "charging": charging,
        }
        self.config = config.parse(document, "test")
        self.charger = Charger(table.load(), self.config)
        self.now_s = 1000.0
        self.state, self.decision = StationState(), OPEN
        self.packs: dict[int, dict[str, Any]] = {n: {"soc_pct": soc} for n, soc in enumerate(socs, 1)}
        self.bays = {n: DOCKED if n <= len(socs) else EMPTY for n in range(1, 25)}
        self.robot: dict[str, Any] = {}
        self.away, self.welded = False, 0
        self.permits = 0
        self.said: list[tuple[int, str]] = []

    def pack(self, number: int) -> PackStatus:
        changes = self.packs.get(number)
        if changes is None:
            return PackStatus(0xB0 + number)
        values: dict[str, Any] = {
            "identity": PackIdentity(f"PACK-{number:08d}", 3, 302.0, 566.4, 1), "soc_pct": 50.0,
            "current_demand_a": 300.0, "pack_voltage_v": 580.0, "temperature_max_c": 25.0, "temperature_min_c": 23.0,
            "insulation_ohm_per_v": 1500.0, "charge_permitted": T, "thermal_event": F, "insulation_fault": F,
            "connector_fault": F, "overtemperature": F, "overcurrent": F, "cell_voltage_fault": F,
        }  # fmt: skip
        values |= {k: v for k, v in changes.items() if k not in ("link", "heard_s")}
        readings = {k: v if isinstance(v, Reading) else self.reading(v) for k, v in values.items()}
        link, heard_s = changes.get("link", PackLink.MONITORED), changes.get("heard_s", self.now_s)
        return PackStatus(0xB0 + number, link, heard_s, **readings)

    def reading(self, value: Any, age_s: float = 0.0) -> Reading[Any]:
        good = value is not None
        return Reading(value, Quality.GOOD if good else Quality.UNTRUSTED, self.now_s - age_s)

    def snapshot(self) -> Snapshot:
        closed = self.permits | self.welded
        here = [self.bays[n] for n in range(1, 25)]
        shown = [replace(b, energised=Signal(closed >> i & 1)) for i, b in enumerate(here)]
        bays = tuple(b if b.energised is not F else s for b, s in zip(here, shown, strict=True))
        changes: dict[str, Any] = {"received_s": self.now_s, "heartbeat_changed_s": self.now_s, "bays": bays}
        status: RobotStatus | None = None if self.away else robot(**changes | self.robot)
        packs = {bay(n): self.pack(n) for n in range(1, 7)}
        return Snapshot(self.now_s, status, "", None, packs)  # type: ignore[arg-type]

    def cycle(self) -> Decision:
        """One cycle; the plant obeys the permits."""
        self.now_s += CYCLE_S
        before = {n: c.code for n, c in self.state.charging.items()}
        found = self.charger.decide(self.snapshot(), self.state, self.decision)
        self.state = replace(self.state, charging=found.charging)
        self.permits = found.charge_permits
        self.said += [(n, c.code) for n, c in found.charging.items() if before.get(n) != c.code]
        return found

    def run(self, seconds: float) -> Decision:
        for _ in range(round(seconds / CYCLE_S)):
            found = self.cycle()
        return found

    def clear(self) -> None:
        """A person's clear."""
        self.state = replace(self.state, clears=self.state.clears + 1)

    def code(self, number: int = 1) -> str:
        return self.state.charging[number].code

    def reason(self, number: int = 1) -> str:
        return self.state.charging[number].reason


def charging(*socs: float, **section: Any) -> Room:
    """A room in which charging is under way."""
    room = Room(*(socs or (50.0,)), **section)
    room.run(2.5)
    assert room.code() == "charging" and room.permits & 1
    return room


def _pack(**changes: Any) -> Callable[[Room], None]:
    return lambda room: room.packs[1].update(changes)


def _bay(**changes: Any) -> Callable[[Room], None]:
    return lambda room: room.bays.update({1: replace(DOCKED, **changes)})


def _plc(**changes: Any) -> Callable[[Room], None]:
    return lambda room: room.robot.update(changes)


def _decided(**changes: Any) -> Callable[[Room], None]:
    return lambda room: setattr(room, "decision", replace(OPEN, **changes))


def _old(name: str, value: Any, age_s: float) -> Callable[[Room], None]:
    return lambda room: room.packs[1].update({name: Reading(value, Quality.GOOD, room.now_s + CYCLE_S - age_s)})


TRIPS: list[tuple[str, Callable[[Room], None]]] = [
    ("emergency_stop", _plc(estop_released=F)),
    ("emergency_stop", _plc(estop_released=U)),
    ("fire_alarm", _plc(fire_clear=F)),
    ("fire_alarm", _plc(fire_clear=N)),
    ("smoke_in_bay", _bay(smoke_clear=F)),
    ("smoke_in_bay", _bay(smoke_clear=U)),
    ("thermal_event", _decided(thermal={bay(1): "70 degC"})),
    ("pack_not_docked", _bay(mated=F)),
    ("pack_not_docked", _bay(locked=U)),
    ("pack_not_docked", _bay(occupied=N)),
    ("pack_not_heard", _pack(link=PackLink.IDENTIFIED)),
    ("pack_not_heard", _pack(heard_s=900.0)),
    ("demand_lost", _pack(current_demand_a=NEVER)),
    ("demand_lost", _old("current_demand_a", 300.0, 1.001)),
    ("pack_alarm", _pack(thermal_event=T)),
    ("pack_alarm", _pack(thermal_event=None)),
    ("pack_alarm", _old("thermal_event", F, 0.501)),
    ("insulation_fault", _pack(insulation_fault=T)),
    ("insulation_fault", _pack(insulation_fault=None)),
    ("insulation_fault", _old("insulation_fault", F, 1.001)),
    ("insulation_low", _pack(insulation_ohm_per_v=99.9)),
    ("insulation_low", _pack(insulation_ohm_per_v=None)),
    ("overtemperature", _pack(overtemperature=T)),
    ("cell_voltage_fault", _pack(cell_voltage_fault=T)),
    ("overcurrent", _pack(overcurrent=T)),
    ("connector_fault", _pack(connector_fault=T)),
]
ENDS: list[tuple[str, Callable[[Room], None]]] = [
    ("thermal_doubt", _decided(suspect={bay(1): "rises"})),
    ("thermal_doubt", _decided(blind={bay(1): "no temperature"})),
    ("plc_silent", _plc(heartbeat_changed_s=900.0)),
    ("pack_hot", _pack(temperature_max_c=55.1)),
    ("pack_hot", _pack(temperature_max_c=None)),
    ("pack_cold", _pack(temperature_min_c=4.9)),
    ("charge_not_permitted", _pack(charge_permitted=F)),
    ("charge_not_permitted", _pack(charge_permitted=None)),
    ("pack_quarantined", lambda r: setattr(r, "state", replace(r.state, quarantined={"PACK-00000001": "hot"}))),
    ("pack_quarantined", lambda r: setattr(r, "state", replace(r.state, quarantined={"bay 1": "hot"}))),
    ("bay_handled", lambda r: setattr(r, "state", replace(r.state, pending=RobotCommand(1, Opcode.LIFT_FROM, 1)))),
]


@pytest.mark.parametrize(("cause", "spoil"), TRIPS)
def test_each_hazard_ends_charging_in_its_cycle_and_latches(cause: str, spoil: Callable[[Room], None]) -> None:
    room = charging()
    spoil(room)
    found = room.cycle()
    assert found.charge_permits == 0 and not found.charging[1].permitted
    assert room.code() == "tripped" and room.reason().startswith(f"{cause}: ") and "safe when" in room.reason()
    heal(room)
    room.run(20.0)
    assert room.code() == "tripped" and room.permits == 0  # the cause has gone, the latch has not
    room.clear()
    room.run(3.0)
    assert room.code() == "charging"


def heal(room: Room) -> None:
    room.packs[1] = {"soc_pct": 50.0}
    room.bays[1], room.decision = DOCKED, OPEN
    room.robot.clear()
    room.state = replace(room.state, quarantined={}, pending=None)


@pytest.mark.parametrize(("cause", "spoil"), ENDS)
def test_what_is_no_hazard_ends_charging_too_and_it_goes_on_by_itself(
    cause: str, spoil: Callable[[Room], None]
) -> None:
    room = charging()
    spoil(room)
    assert room.cycle().charge_permits == 0
    assert room.code() == "withheld" and room.reason().startswith(f"{cause}: ")
    heal(room)
    room.run(5.0)
    assert room.permits == 0  # not at once: the PLC sees the permit gone
    room.run(8.0)
    assert room.code() == "charging"


def test_each_cause_of_the_table_has_been_seen() -> None:
    elsewhere = {"supply_disobeys", "isolation_bay"}
    elsewhere |= {cause.name for cause in table.load().causes if cause.input.name in INPUTS}  # test_charge_faults
    assert {name for name, _ in TRIPS + ENDS} | elsewhere == {cause.name for cause in table.load().causes}


def test_a_silent_plc_permits_nothing() -> None:
    room = charging()
    room.away = True
    assert room.cycle().charge_permits == 0
    room.away = False
    room.run(12.0)
    assert room.permits == 0 and room.code() == "tripped"  # nobody knows what happened meanwhile
    room.clear()
    room.run(3.0)
    assert room.code() == "charging"


def test_nothing_charges_before_a_person_has_cleared_the_station() -> None:
    room = Room(50.0)
    room.decision = LATCHED
    room.run(5.0)
    assert room.permits == 0 and room.code() == "unconfirmed"
    room.decision = OPEN
    room.run(3.0)
    assert room.code() == "charging"
    room.decision = LATCHED  # a trip of the robot is no reason to end charging
    room.run(3.0)
    assert room.code() == "charging"


def test_a_trip_is_over_when_the_pack_has_left() -> None:
    room = charging()
    room.packs[1]["overtemperature"] = T
    room.cycle()
    assert room.code() == "tripped"
    del room.packs[1]
    room.bays[1] = EMPTY
    room.run(3.0)
    assert room.code() == "empty"
    room.packs[1], room.bays[1] = {"soc_pct": 30.0}, DOCKED
    room.run(13.0)
    assert room.code() == "charging"


@pytest.mark.parametrize("silent", [True, False])
def test_a_bay_that_reads_empty_for_a_moment_keeps_its_latch(silent: bool) -> None:
    room = charging()
    room.packs[1]["overtemperature"] = T
    room.cycle()
    pack = {"soc_pct": 50.0}  # its fault has gone meanwhile
    room.packs[1] = pack
    for _ in range(5):
        room.bays[1] = EMPTY
        if silent:
            del room.packs[1]
        room.run(1.1)  # one look of the ordinary ones at least
        room.bays[1], room.packs[1] = DOCKED, pack
        room.run(1.1)
        assert room.code() == "tripped"
    if not silent:
        room.bays[1] = EMPTY
        room.run(10.0)
        assert room.code() == "tripped"  # what talks is there, whatever its switches say
        room.bays[1] = DOCKED
    room.run(15.0)
    assert room.code() == "tripped" and room.permits == 0


def test_a_trip_is_over_when_another_pack_says_that_it_is_there() -> None:
    room = charging()
    room.packs[1]["overtemperature"] = T
    room.cycle()
    room.packs[1] = {"soc_pct": 30.0, "link": PackLink.HANDSHAKE}  # who it is nobody knows
    room.run(3.0)
    assert room.code() == "tripped"
    room.packs[1] = {"soc_pct": 30.0, "identity": PackIdentity("PACK-00000099", 3, 302.0, 566.4, 1)}
    room.run(15.0)
    assert room.code() == "charging"


def test_a_trip_says_what_tripped_it_not_what_reads_now() -> None:
    room = charging()
    room.packs[1]["insulation_ohm_per_v"] = 42.0
    room.cycle()
    room.packs[1]["insulation_ohm_per_v"] = 7.0
    room.run(2.0)
    assert "insulation_ohm_per_v is 42" in room.reason() and "100" in room.reason() and "ms old" in room.reason()


def test_only_a_measured_fault_of_its_own_quarantines_the_pack() -> None:
    own = {"insulation_fault": T}
    for spoil, serial in ((own, "PACK-00000001"), ({"insulation_fault": None}, ""), ({"overcurrent": T}, "")):
        room = charging()
        room.packs[1].update(spoil)
        assert room.cycle().charging[1].quarantine == serial
    room = charging()
    room.packs[1]["insulation_ohm_per_v"] = room.reading(1500.0, 0.6)  # too old, and good
    assert room.cycle().charging[1].quarantine == "" and room.code() == "tripped"
    room = charging()
    room.packs[1]["insulation_ohm_per_v"] = 50.0
    assert room.cycle().charging[1].quarantine == "PACK-00000001"


def test_a_full_pack_is_an_end_and_no_trip() -> None:
    room = charging(94.0)
    room.packs[1]["soc_pct"] = 95.0
    room.cycle()
    assert (room.code(), room.permits) == ("full", 0) and "target 95" in room.reason()
    room.packs[1]["soc_pct"] = 93.0
    room.run(20.0)
    assert room.code() == "full"  # self-discharge and rounding: not yet
    room.packs[1]["soc_pct"] = 91.0
    room.run(2.0)
    assert room.code() == "charging"


def test_a_bms_that_wants_nothing_gets_nothing() -> None:
    room = charging()
    room.packs[1]["current_demand_a"] = 0.0
    room.cycle()
    assert (room.code(), room.permits) == ("no_demand", 0)


def test_the_isolation_bay_never_charges() -> None:
    room = Room(50.0, 50.0, 50.0, 50.0, 50.0, 50.0, bays_at_once=24)
    room.run(3.0)
    assert room.permits == 0b011111 and room.code(6) == "isolation" and "isolation_bay" in room.reason(6)


def test_so_many_at_once_the_fullest_first_and_who_charges_goes_on() -> None:
    room = Room(20.0, 60.0, 40.0, bays_at_once=2)
    room.run(3.0)
    assert room.permits & 0b110 == 0b110 and room.code(1) == "queued" and "2 bays" in room.reason(1)
    room.packs[4], room.bays[4] = {"soc_pct": 90.0}, DOCKED
    room.run(3.0)
    assert room.permits == 0b110 and room.code(4) == "queued"
    room.packs[2]["soc_pct"] = 96.0
    room.run(3.0)
    assert room.permits == 0b1100
    assert Room(50.0, bays_at_once=0).run(3.0).charge_permits == 0


@pytest.mark.parametrize(("journal_s", "code"), [(0.55, "journal_stalled"), (0.1, "cycle_stalled")])
def test_a_supply_that_opened_because_the_controller_was_held_up_is_no_contactor(journal_s: float, code: str) -> None:
    room = charging()
    room.run(2.0)
    before = room.snapshot
    room.snapshot = lambda: replace(before(), silent_s=0.6, journal_s=journal_s)  # type: ignore[method-assign]
    assert room.cycle().charge_permits == 1, "its contact still reads closed"
    room.snapshot = before  # type: ignore[method-assign]
    room.bays[1] = replace(DOCKED, energised=N)
    assert room.cycle().charge_permits == 0
    assert room.code() == code and "said nothing for 0.60 s" in room.reason()
    room.charger.load(json.loads(json.dumps(room.charger.dump())))
    room.bays[1] = DOCKED
    room.run(12.0)
    assert room.code() == "charging"
    room.bays[1] = replace(DOCKED, energised=N)
    room.run(0.2)
    assert (1, "supply_open") in room.said, "much later it is the contactor again"


def test_a_supply_that_does_not_close_is_given_up_and_tried_again() -> None:
    room = charging()
    room.bays[1] = replace(DOCKED, energised=N)
    room.run(1.2)
    assert room.code() in ("supply_open", "pause") and room.permits == 0
    assert (1, "supply_open") in room.said
    room.bays[1] = DOCKED
    room.run(12.0)
    assert room.code() == "charging"


def test_a_supply_that_is_closed_without_leave_is_found_at_rest_too() -> None:
    room = Room(99.0, 50.0)
    room.run(3.0)
    assert room.code(1) == "full"
    room.welded = 1
    room.run(3.5)
    assert room.code(1) == "tripped" and room.reason(1).startswith("supply_disobeys: ") and room.code(2) == "charging"
    room.clear()
    room.run(3.0)
    assert room.code(1) == "tripped"  # it still is
    room.welded = 0
    room.clear()
    room.run(3.0)
    assert room.code(1) == "full"


def test_a_withdrawn_permit_gives_the_supply_its_time() -> None:
    room = charging(94.0)
    room.packs[1]["soc_pct"] = 95.0
    room.cycle()
    room.welded = 1  # the contactor is still on its way
    room.run(0.8)
    room.welded = 0
    room.run(3.0)
    assert room.code() == "full"


def test_bays_that_the_robot_handles_are_left_alone() -> None:
    exchange = Exchange(1, "TRUK-00000001", 10.0, 4, 2, "PACK-00000002", 90.0)
    swap = Swap("s", "v", "test", 80.0, "2026", (exchange,))
    evacuation = Evacuation(bay(3), 6, None, "hot")
    state = StationState(swap=swap, evacuation=evacuation, pending=RobotCommand(1, Opcode.PLACE_TO, destination=5))
    assert charger.handled_bays(state) == {2, 3, 4, 5, 6}
    assert charger.handled_bays(StationState(pending=RobotCommand(1, Opcode.LIFT_FROM, source=101))) == frozenset()
    assert charger.handled_bays(StationState()) == frozenset()


def test_when_the_service_is_stopped_all_permits_go() -> None:
    room = charging(50.0, 60.0)
    room.state = replace(room.state, shutting_down=True)
    assert room.cycle().charge_permits == 0
    assert room.code() == "shutdown"


def test_what_it_remembers_can_be_written_down_and_read_again() -> None:
    room = charging(50.0, 60.0)
    room.packs[1]["overtemperature"] = T
    room.cycle()
    memory = json.loads(json.dumps(room.charger.dump()))
    other = Room(50.0, 60.0)
    other.charger.load(memory)
    assert json.loads(json.dumps(other.charger.dump())) == memory
    other.__dict__.update({k: v for k, v in room.__dict__.items() if k != "charger"})
    at, state = room.snapshot(), room.state
    assert room.charger.decide(at, state, OPEN) == other.charger.decide(at, state, OPEN)
    wrong: list[dict[str, Any]] = [{}, memory | {"bays": {}}, memory | {"x": 1}]
    for broken in wrong:
        with pytest.raises(ValueError, match="memory"):
            other.charger.load(broken)


def test_a_table_that_breaks_a_rule_is_refused() -> None:
    text = resources.files("station_ctl.charging").joinpath("charging.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    assert parse(document, {"CHARGE": 1}, "x.toml").causes
    with pytest.raises(TableError, match="HEAT"):
        parse(document, {"CHARGE": 1, "HEAT": 2}, "x.toml")
    del document["causes"][0]["remedy"]
    with pytest.raises(TableError, match=r"x.toml, emergency_stop"):
        parse(document, {"CHARGE": 1}, "x.toml")


def test_a_pack_that_was_too_hot_charges_again_only_when_it_is_clearly_cooler() -> None:
    room = charging()
    room.packs[1]["temperature_max_c"] = 55.5
    room.run(11.0)
    room.packs[1]["temperature_max_c"] = 53.0
    room.run(13.0)
    assert room.code() == "withheld"
    room.packs[1]["temperature_max_c"] = 51.9
    room.run(2.0)
    assert room.code() == "charging"
    room.packs[1]["temperature_max_c"] = 55.5
    room.run(11.0)
    room.packs[1] |= {"temperature_max_c": 53.0, "identity": PackIdentity("PACK-00000099", 3, 302.0, 566.4, 1)}
    room.run(2.0)
    assert room.code() == "charging"  # another pack, which never was too hot
