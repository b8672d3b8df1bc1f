"""One charge: its phases in order, warming, tapering, balancing, the ramp before the contactor, the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.charger_status import OFF, ChargerMode, ChargerState, ChargerStop
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import Opcode, RobotCommand
from station_ctl.charging import plan
from station_ctl.charging.phases import EDGES, PHASES, POWERED, RUNNING, SUPPLIED, TABLE
from station_ctl.charging.session import Session
from station_ctl.charging.session_rules import CLOSE_S, HANDSHAKE_S, OBEYS_S, RAMP_S, RULES, TEST_S, WARM_S
from station_ctl.charging.session_values import End, SessionLook
from station_ctl.model.visit import Exchange, Swap
from station_ctl.swap.changes import told
from station_ctl.swap.machine import EdgeError
from tests.charge_room import ChargeRoom


def test_a_charge_goes_through_its_phases_and_its_current_goes_before_the_contactor() -> None:
    room = ChargeRoom(94.0)
    room.until("charging").run(8.0)
    assert room.plant().current_a > 100.0
    room.packs[1] = {"soc_pct": 95.0}
    room.until("ramping_down")
    assert room.found.charge_permits == 1 and room.bay().code == "charging"
    assert (room.wanted().mode, room.wanted().current_a) == (ChargerMode.CHARGE, 0.0)
    while room.found.charge_permits:
        current_a = room.plant().current_a
        room.cycle()
    assert current_a < 6.0 and room.wanted() == OFF  # both go in one cycle, and hardly anything flowed any more
    assert room.bay().code == "full"
    phases = [phase for n, _, phase in room.said if n == 1 and phase]
    assert phases == ["handshake", "insulation_test", "closing", "charging", "ramping_down"]
    room.run(2.0)
    assert room.world.supplies.arcs[1] == 0 and not room.plant().relay_closed


def swapping(room: ChargeRoom, pending: RobotCommand | None = None) -> None:
    """Bay 1 is where the swap takes its charged pack from."""
    exchange = Exchange(1, "TRK1-00000001", 12.0, bay_in=5, bay_out=1, serial_in="PACK-00000001", soc_in_pct=94.0)
    swap = Swap("S-1", "LZZ5CLSB8NA000001", "operator", 90.0, "2026-03-02T07:00:00Z", (exchange,))
    room.state = replace(room.state, swap=swap, pending=pending)


def test_a_pack_that_the_robot_comes_for_ends_its_charge_without_an_arc_and_in_time() -> None:
    room = ChargeRoom(80.0)
    room.until("charging").run(8.0)
    assert room.plant().current_a > 100.0
    swapping(room)
    room.until("ramping_down", seconds=0.2)
    room.run(2.5)
    assert (room.found.charge_permits, room.bay().code, room.wanted()) == (0, "withheld", OFF)
    assert "bay_handled" in room.bay().reason and room.world.supplies.arcs[1] == 0
    room.run(20.0)
    assert room.found.charge_permits == 0, "nothing begins as long as the robot is to come"


def test_a_robot_that_may_be_there_already_is_not_kept_waiting_nor_one_that_a_charger_ignores() -> None:
    room = ChargeRoom(80.0)
    room.until("charging").run(8.0)
    swapping(room, RobotCommand(1, Opcode.LIFT_FROM, source=1))
    assert room.cycle().charge_permits == 0 and room.wanted() == OFF

    room = ChargeRoom(80.0)
    room.until("charging").run(8.0)
    room.plant().faults.ignores_set_point = True
    swapping(room)
    room.run(2.5)
    assert room.found.charge_permits == 0


def test_the_supply_closes_only_after_the_test_and_the_relay_before_any_current_is_asked_for() -> None:
    room = ChargeRoom(50.0)
    for _ in range(400):
        room.cycle()
        status = room.wires[1].status(room.now_s)
        assert status is not None
        if room.found.charge_permits:
            assert status.insulation_tested is Signal.TRUE
        if room.wanted().current_a > 0.0:
            assert status.relay_closed is Signal.TRUE and room.world.supplies.at(1)
    assert room.wanted().current_a > 0.0


def test_a_ramp_that_does_not_end_is_not_waited_for() -> None:
    room = ChargeRoom(94.0)
    room.until("charging").run(8.0)
    room.plant().faults.ignores_set_point = True
    room.packs[1] = {"soc_pct": 95.0}
    room.until("ramping_down")
    ends_s = room.now_s
    while room.found.charge_permits:
        room.cycle()
    assert room.now_s - ends_s <= RAMP_S + 0.1
    assert room.wanted() == OFF


def test_every_start_and_end_is_told_once_with_its_reason_and_its_energy() -> None:
    room = ChargeRoom(94.0)
    events = []
    before = room.state
    for _ in range(1000):
        if room.plant().current_a > 200.0:
            room.packs[1] = {"soc_pct": 95.0}
        room.cycle()
        events += [e for e in told(before, room.state) if e.code.startswith("charge.")]
        before = room.state
    assert [e.code for e in events] == ["charge.started", "charge.ended", "charge.metered"]
    assert events[1].details["why"] == "full"
    counted_kwh = room.world.electrics.meters[1].shown.energy_in_wh / 1000.0 - 1.0
    assert events[2].details["energy_kwh"] == pytest.approx(counted_kwh, abs=0.0011) and counted_kwh > 0.2


def test_a_cold_pack_is_warmed_first_and_nothing_flows_meanwhile() -> None:
    room = ChargeRoom(50.0)
    pack = room.world.bays[1].pack
    assert pack is not None
    pack.temperature_c = 4.0
    room.packs[1] = {"charge_permitted": Signal.FALSE, "current_demand_a": 0.0}  # a cold BMS forbids it
    room.until("warming").run(30.0)
    assert room.bay().code == "starting" and room.found.charge_permits == 0
    assert room.wanted().mode is ChargerMode.CONDITION and 7000.0 < room.plant().coolant_w <= 10_000.0
    pack.temperature_c = 6.5
    room.run(2.0)
    assert room.bay().phase == "warming"  # 5 degC: by its hysteresis not yet warm
    pack.temperature_c = 7.5
    room.packs.clear()
    room.until("charging")


def test_a_station_that_warms_nothing_withholds_as_before() -> None:
    room = ChargeRoom(50.0, warming_kw=0.0)
    room.packs[1] = {"temperature_min_c": 2.0}
    room.run(4.0)
    assert room.bay().code == "withheld" and room.bay().reason.startswith("pack_cold: ") and room.wanted() == OFF


def test_a_hazard_while_it_warms_ends_that_too() -> None:
    room = ChargeRoom(50.0)
    room.packs[1] = {"temperature_min_c": 2.0}
    room.until("warming")
    room.packs[1]["thermal_event"] = Signal.TRUE
    room.cycle()
    assert room.wanted() == OFF and room.bay().phase == "" and room.bay().code == "withheld"


def test_cells_that_differ_at_the_end_are_balanced_with_a_small_current_for_a_while() -> None:
    room = ChargeRoom(94.0, balance_min=0.5)
    room.until("charging").run(8.0)
    room.packs[1] = {"pack_voltage_v": 636.0, "cell_voltages_v": (3.30, 3.36)}
    room.until("tapering")
    room.packs[1]["soc_pct"] = 95.0
    room.until("balancing").run(4.0)
    assert 0.0 < room.wanted().current_a <= 0.05 * 302.0
    since_s = room.now_s
    room.until("ramping_down").until("")
    assert room.bay().code == "full" and 20.0 < room.now_s - since_s < 30.0


def test_even_cells_need_no_balancing() -> None:
    room = ChargeRoom(94.0)
    room.until("charging").run(3.0)
    room.packs[1] = {"pack_voltage_v": 636.0}
    room.until("tapering")
    room.packs[1]["soc_pct"] = 95.0
    room.until("ramping_down")
    assert "balancing" not in [phase for _, _, phase in room.said]


def test_a_plan_says_who_may_draw_how_much_and_when() -> None:
    room = ChargeRoom(50.0, 50.0)
    text = '{"schema": 1, "id": "p", "slot_s": 60, "power_w": {"1": [50000, 0], "2": [0, 90000]}}'
    room.plan = plan.parse(text, room.now_s, (1, 2))
    room.until("charging").run(10.0)
    assert room.bay().limited_by == "plan" and 40e3 < room.plant().input_w <= 50e3
    assert (room.bay(2).code, room.bay(2).phase) == ("planned", "")
    room.run(62.0)
    assert room.bay().code == "planned" and room.plant().input_w < 1000.0
    assert room.bay(2).phase == "charging" and room.plant(2).input_w <= 90e3
    room.run(60.0)  # the plan is over: the default
    assert room.plant().current_a > 200.0


def test_a_limit_that_leaves_nothing_starts_nobody_and_ends_who_charges() -> None:
    room = ChargeRoom(50.0, grid={"limit_kw": 60.0, "reserve_kw": 59.0, "meter": {"host": "g"}})
    room.run(20.0)
    assert room.bay().phase == "handshake" and room.bay().code == "starting" and room.found.charge_permits == 0
    other = ChargeRoom(50.0, grid={"limit_kw": 300.0, "reserve_kw": 100.0, "step_kw": 0.0, "meter": {"host": "g"}})
    other.grid = True
    other.until("charging").run(8.0)
    other.world.electrics.auxiliary_w = 299e3
    other.run(8.0)
    assert (1, "no_grid", "") in other.said and other.found.charge_permits == 0
    assert other.drawn_w <= 1000.0


def test_a_bay_that_prepares_has_its_turn() -> None:
    room = ChargeRoom(50.0, 60.0, bays_at_once=1)
    room.until("insulation_test", 2)
    assert room.bay(1).code == "queued"
    room.until("charging", 2)
    assert room.bay(1).code == "queued"


def test_when_the_service_stops_permit_and_output_go_at_once() -> None:
    room = ChargeRoom(50.0)
    room.until("charging").run(5.0)
    room.state = replace(room.state, shutting_down=True)
    found = room.cycle()
    assert found.charge_permits == 0 and room.wanted() == OFF and room.bay().code == "shutdown"


# ---- the state machine alone


def test_every_phase_has_its_words_and_its_rule_and_can_be_left() -> None:
    assert set(RULES) == set(RUNNING) == set(PHASES) - {"ready", "ended"}
    assert POWERED < SUPPLIED < RUNNING
    for phase in RUNNING:
        assert TABLE.allows(phase, "cut")
    assert all(edge.reason and edge.source in PHASES and edge.target in PHASES for edge in EDGES)
    with pytest.raises(EdgeError):
        TABLE.follow("ready", "closed")


def _status(room: ChargeRoom, **changes: Any) -> Any:
    status = room.wires[1].status(room.now_s)
    assert status is not None
    return replace(status, **changes)


@pytest.mark.parametrize(
    ("phase", "after_s", "state"),
    [
        ("handshake", HANDSHAKE_S, ChargerState.FAULT),
        ("insulation_test", TEST_S, ChargerState.INSULATION_TEST),
        ("closing", CLOSE_S, ChargerState.STANDBY),
        ("warming", OBEYS_S, ChargerState.OFF),
        ("warming", WARM_S, ChargerState.CONDITIONING),
        ("charging", 1.0, ChargerState.OFF),
    ],
)
def test_what_takes_too_long_is_given_up(phase: str, after_s: float, state: ChargerState) -> None:
    session, status = Session(), _status(ChargeRoom(50.0), state=state)
    session.mind.phase = phase
    look = SessionLook(0.0, status, cold=phase == "warming")
    assert session.step(look) is None
    assert session.step(replace(look, now_s=after_s)) is None and session.phase == phase
    ended = session.step(replace(look, now_s=after_s + 0.1))
    assert ended is not None and ended.failed and ended.code == "charger_failed" and session.phase == "ended"


def test_a_begun_charge_is_not_begun_again_and_one_that_is_over_is_not_cut() -> None:
    session = Session()
    session.cut(1.0)
    assert session.phase == "ready"
    session.begin(1.0)
    with pytest.raises(EdgeError):
        session.begin(2.0)
    session.cut(2.0)
    session.begin(3.0)
    assert session.phase == "handshake"


@pytest.mark.parametrize("phase", ["handshake", "warming", "insulation_test"])
def test_before_its_supply_is_closed_a_charge_ends_without_a_ramp(phase: str) -> None:
    session = Session()
    session.mind.phase = phase
    end = End("full", "enough")
    assert session.step(SessionLook(0.0, None, cold=True, finish=end)) == end and session.phase == "ended"


def supplied(phase: str) -> ChargeRoom:
    """A charge in one of the phases with a closed supply."""
    room = ChargeRoom(80.0, balance_spread_mv=5.0)
    if phase == "closing":
        return room.until("closing")
    room.until("charging").run(8.0)
    if phase == "tapering":
        room.packs[1] = {"pack_voltage_v": 637.0}
        room.until("tapering")
    if phase == "ramping_down":
        room.packs[1] = {"soc_pct": 95.0}
        room.until("ramping_down")
    return room


COLD = {"temperature_min_c": 3.0, "temperature_max_c": 5.0}
FORBIDDEN: tuple[dict[str, Any], ...] = (
    COLD,
    {**COLD, "charge_permitted": Signal.FALSE},
    {"charge_permitted": Signal.FALSE},
    {"temperature_min_c": Reading(20.0, Quality.UNTRUSTED, 1000.0)},
    {"overtemperature": Signal.TRUE},
    {"insulation_ohm_per_v": 80.0},
)


@pytest.mark.parametrize("said", FORBIDDEN, ids=str)
@pytest.mark.parametrize("phase", ["closing", "charging", "tapering", "ramping_down"])
def test_no_supply_outlives_what_forbids_it_not_even_where_the_pack_could_be_warmed(
    phase: str, said: dict[str, Any]
) -> None:
    room = supplied(phase)
    room.packs[1] = room.packs.get(1, {}) | said
    for _ in range(30):
        found = room.cycle()
        if not found.charge_permits:
            break
    assert found.charge_permits == 0 and room.wanted().mode is not ChargerMode.CHARGE
    for _ in range(200):
        room.cycle()
        assert not room.found.charge_permits


def test_a_pack_whose_temperature_is_in_doubt_is_not_warmed() -> None:
    room = ChargeRoom(50.0)
    room.packs[1] = {"temperature_min_c": Reading(-5.0, Quality.UNTRUSTED, 1000.0), "temperature_max_c": 40.0}
    room.run(30.0)
    assert {phase for _, _, phase in room.said} == {""} and room.wanted() == OFF


def test_a_pack_that_sees_another_current_than_its_charger_ends_the_charge() -> None:
    """A wrong unit id, two cables exchanged: what the charger is told happens to another pack."""
    room = ChargeRoom(50.0)
    room.until("charging").run(8.0)
    room.packs[1] = {"pack_current_a": 60.0}
    room.run(14.0)
    assert room.bay().code == "charging", "a ramp is not a difference"
    room.run(3.0)
    assert (room.bay().code, room.found.charge_permits) == ("tripped", 0)
    assert "measure different currents" in room.bay().trouble


def test_a_ramp_has_not_ended_as_long_as_the_pack_says_that_current_flows() -> None:
    room = ChargeRoom(94.0)
    room.until("charging").run(8.0)
    room.packs[1] = {"soc_pct": 95.0, "pack_current_a": -200.0}
    room.until("ramping_down")
    began_s = room.now_s
    while room.found.charge_permits:
        room.cycle()
    assert room.now_s - began_s > RAMP_S - 0.1


@pytest.mark.parametrize(
    ("field", "value"), [("insulation_tested", Signal.TRUE), ("stop_reason", ChargerStop.LEASE)], ids=str
)
def test_nothing_begins_on_the_insulation_test_of_a_charge_before(field: str, value: Any) -> None:
    room = ChargeRoom(50.0)
    told = room.wires[1].status

    def sticky(now_s: float) -> Any:
        status = told(now_s)
        return replace(status, insulation_ohm_per_v=5000.0, **{field: value}) if status is not None else None

    room.wires[1].status = sticky  # type: ignore[method-assign]
    room.run(HANDSHAKE_S + 3.0)
    assert "insulation_test" not in {phase for _, _, phase in room.said}
    assert room.bay().code in ("charger_failed", "pause") and not room.found.charge_permits


def test_a_test_without_a_value_is_none() -> None:
    room = ChargeRoom(50.0)
    told = room.wires[1].status

    def unmeasured(now_s: float) -> Any:
        status = told(now_s)
        return replace(status, insulation_ohm_per_v=None) if status is not None else None

    room.wires[1].status = unmeasured  # type: ignore[method-assign]
    room.run(40.0)
    assert not room.found.charge_permits and "closing" not in {phase for _, _, phase in room.said}


def test_nothing_is_asked_for_once_a_cell_is_charged_whatever_the_pack_is_rated_at() -> None:
    room = ChargeRoom(80.0)
    room.until("charging").run(8.0)
    room.packs[1] = {"cell_voltages_v": (3.41, 3.65)}
    room.cycle()
    assert room.wanted().current_a == 0.0
    room.packs[1] = {"cell_voltages_v": (3.41, 3.42)}
    room.cycle()
    assert room.wanted().current_a > 100.0
