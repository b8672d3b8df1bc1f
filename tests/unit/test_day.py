"""The simulated day: its parts judge rightly, a short day holds, and what is planted into it is found."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.charger_status import OFF, ChargerMode, SetPoint
from drivers.registers import load
from hil.cli import parser
from hil.day import cli, demand, picture, planted, report
from hil.day.accounts import CLOSES, Accounts, stored_wh
from hil.day.case import DAYS, PROMISED_PCT, RESERVE_KW, SHORT, SLOT_S, STEP_KW, Case
from hil.day.day import CYCLE_S, Day
from hil.day.lane import Handed
from hil.day.line import LEASE_S, Line
from hil.day.loads import MOST_W, RISE_W, Loads
from hil.day.outcome import Outcome
from hil.day.peak import Peak
from hil.day.strain import WINDOW, Strain, Worst, type_a
from hil.day.troubles import TROUBLES, Trouble, Troubles
from hil.day.yard import Yard
from hil.peers.charger_rules import ChargerProgram
from hil.plant import cells
from hil.plant.charger import Charger
from hil.plant.pack import Pack
from station_ctl.charging.grid import Grid

TINY = Case("tiny", 4, 400.0, seed=7, from_h=6.2, hours=0.1, stock_pct=60.0, planned=True)
TOLD = SetPoint(ChargerMode.CHARGE, 100.0, 646.0, 60e3)


# ---- demand and loads


def test_a_day_has_the_swaps_of_the_profile() -> None:
    trucks = demand.day(1)
    by_hour = Counter(int(truck.at_s // 3600) for truck in trucks)
    assert (len(trucks), sum(demand.HOURLY), max(by_hour.values())) == (67, 67, 8)
    assert [by_hour[hour] for hour in range(24)] == list(demand.HOURLY)
    used_kwh = [sum(demand.FULL_PCT - soc for soc in t.socs_pct) / 100.0 * cells.NOMINAL_KWH for t in trucks]
    assert sum(used_kwh) / len(used_kwh) == pytest.approx(410.0, rel=0.02)
    assert demand.day(1, 6.0, 1.0) == [t for t in trucks if 6 * 3600 <= t.at_s < 7 * 3600]
    assert demand.day(2) != trucks


def test_other_loads_jump_within_what_the_station_is_told_of_them() -> None:
    loads = Loads(3)
    drawn_w = [loads.draw(i * CYCLE_S, robot_moves=i % 400 > 100) for i in range(20_000)]
    assert max(drawn_w) <= MOST_W <= RESERVE_KW * 1000.0 and RISE_W <= STEP_KW * 1000.0
    jumps_w = [b - a for a, b in pairwise(drawn_w)]
    assert 20e3 < max(jumps_w) <= RISE_W


# ---- what judges


def test_what_is_in_a_pack_is_the_integral_of_its_rested_voltage() -> None:
    pack, steps = Pack("PACK-00000001", 12.345), 20_000
    wanted_wh = math.fsum(
        cells.ocv_v((i + 0.5) / steps * 61.1 + 12.345) * cells.CELLS * pack.capacity_ah * 0.611 / steps
        for i in range(steps)
    )
    low_wh = stored_wh(pack)
    pack.soc_pct = 73.445
    assert stored_wh(pack) - low_wh == pytest.approx(wanted_wh, rel=1e-7)
    pack.soc_pct = 100.0
    assert stored_wh(pack) / 1000.0 == pytest.approx(cells.NOMINAL_KWH, rel=0.03)


@pytest.mark.parametrize("name", ["grid", "grid_counted", "counted", "gained", "heat", "losses", "auxiliary"])
def test_no_account_can_be_wrong_unseen(name: str) -> None:
    sound = Accounts(1200.0, 1200.0, 80.0, 20.0, 100.0, 1000.0, 40.0, 960.0)
    assert sound.closed
    assert not replace(sound, **{name: getattr(sound, name) + 2.1 * CLOSES * 1200.0}).closed


def test_the_worst_instant_is_kept_and_each_step_over_the_limit_counted() -> None:
    peak = Peak(1000.0)
    for at_s, grid_w in enumerate((500.0, 950.0, 1000.0, 1000.1, 990.0)):
        peak.see(float(at_s), grid_w, 10.0, {1: grid_w - 10.0}, 0.5)
    assert (peak.over_steps, peak.over_s, peak.near_s, peak.steps) == (1, 0.5, 2.0, 5)
    assert peak.worst.at_s == 3.0 and peak.worst.by_w == {1: pytest.approx(990.1)}


def test_a_current_beyond_the_types_table_or_the_bms_is_seen() -> None:
    worst, pack = Worst(), Pack("PACK-00000001", 92.0)
    strain = Strain(1, worst)
    most_a = type_a(92, 25, 26)
    assert most_a == pytest.approx((0.8 - 0.3 * 2 / 5) * cells.CAPACITY_AH)
    strain.allow(pack)
    pack.current_a = most_a
    strain.see(pack, pack.voltage_v, 1.0)
    assert (worst.over_looks, worst.type_share) == (0, 1.0)
    pack.current_a = most_a + 2.0
    strain.see(pack, pack.voltage_v, 2.0)
    assert worst.over_looks == 1 and "type allows" in worst.over[0]
    strain.see(pack, pack.voltage_v, 2.5, disobeyed=True)
    assert (worst.over_looks, worst.borne_looks) == (1, 1)
    pack.current_a = most_a * 1.02 + 5.5
    strain.see(pack, pack.voltage_v, 2.6, disobeyed=True)
    assert (worst.over_looks, worst.borne_looks) == (2, 1)
    pack.current_a, pack.soc_pct = 100.0, 100.0
    for _ in range(WINDOW):
        strain.allow(pack)  # the BMS asks for nothing any more
    strain.see(pack, pack.voltage_v, 3.0)
    assert "BMS allows 0.0 A" in worst.over[-1]
    worst.over.clear()
    pack.current_a = 500.0
    strain.see(pack, pack.voltage_v, 4.0)
    assert any("a cell at" in line for line in worst.over)


def outcome(case: Case = SHORT) -> Outcome:
    accounts = Accounts(1200.0, 1200.0, 80.0, 20.0, 100.0, 1000.0, 40.0, 960.0)
    day = Outcome(case, Peak(900e3), accounts, Worst(), Day(TINY).lane.served)
    day.served.handed.append(Handed(1.0, 2, 90.0, 89.6))
    return day


def test_each_claim_can_fail() -> None:
    assert outcome().found == []
    over, lost, idle, short, low, strained = (outcome() for _ in range(6))
    over.peak.see(1.0, 900.1e3, 0.0, {}, 0.1)
    lost.accounts = replace(lost.accounts, counted=1010.0)
    idle.accounts = Accounts()
    short.served.handed.append(Handed(2.0, 3, PROMISED_PCT - 1.0, 89.9))
    low.served.handed.append(Handed(2.0, 3, PROMISED_PCT, 89.4))
    strained.worst.note("too much")
    found = [day.found for day in (over, lost, idle, short, low, strained)]
    assert found == [
        ["grid limit exceeded"],
        ["energy does not balance"],
        ["nothing was charged"],
        ["pack handed out below promise"],
        ["pack handed out below promise"],
        ["pack above its limits"],
    ]


# ---- wires and troubles


def line() -> Line:
    found = Line(ChargerProgram(Charger(), load("charger-v1")), 1, 1)
    found.want(OFF, 0.0)
    found.scan(0.0)
    return found


def test_a_change_may_come_late_and_silence_ends_the_lease() -> None:
    late_s = set()
    for seed in range(40):
        one = Line(ChargerProgram(Charger(), load("charger-v1")), seed, 1)
        one.want(OFF, 0.0)
        one.scan(0.0)
        one.want(TOLD, 1.0)
        late_s.add(next(i for i in range(5) if not one.waiting or one.scan(1.0 + i / 10) or not one.waiting))
        assert one.plant.set_point == TOLD
    assert late_s == {0, 1, 2, 3}
    one.cut = True
    one.want(TOLD, 1.9)
    assert one.status(1.9) is None
    one.scan(1.3 + LEASE_S)
    assert one.plant.set_point == OFF


def test_a_status_is_at_most_one_cycle_old() -> None:
    one, ages_s = line(), set()
    for i in range(1, 60):
        now_s = i * CYCLE_S
        one.scan(now_s)
        status = one.status(now_s)
        assert status is not None
        ages_s.add(round(now_s - status.received_s, 3))
    assert ages_s == {0.0, CYCLE_S}
    for i in range(20, 60):
        one.scan(i * 2.0)
        status = one.status(i * 2.0)
        assert status is not None and status.received_s == i * 2.0


def test_a_lease_is_kept_up_between_two_looks() -> None:
    one = line()
    one.want(TOLD, 1.0)
    one.scan(1.3)
    one.scan(3.3)
    one.want(TOLD, 7.0)
    assert one.plant.set_point == TOLD
    one.cut = True
    one.scan(7.9)
    assert one.plant.set_point == TOLD
    one.scan(8.0)
    assert one.plant.set_point == OFF


def test_every_trouble_begins_and_ends() -> None:
    yard = Yard(6, 1e6, 20.0)
    program = {n: ChargerProgram(c, load("charger-v1")) for n, c in yard.electrics.chargers.items()}
    lines = {n: Line(p, 1, n) for n, p in program.items()}
    yard.dock(2, yard.pack(50.0))
    for kind in sorted({trouble.kind for trouble in TROUBLES}):
        troubles = Troubles(yard, lines, (Trouble(0.1, 600.0, kind, 2, cleared=True),))
        troubles.plan(0.0, 86400.0)
        lines[2].plant.current_a = 100.0
        healthy = wrong_of(yard, lines)
        troubles.step(8639.9 - 2.0)
        assert wrong_of(yard, lines) == healthy and troubles.clears == 0
        troubles.step(9000.0)
        assert wrong_of(yard, lines) != healthy, kind
        troubles.step(86400.0)
        assert wrong_of(yard, lines) == healthy and troubles.clears == 1


def wrong_of(yard: Yard, lines: dict[int, Line]) -> list[object]:
    meters = [meter.faults.mute for meter in yard.electrics.meters.values()]
    point = yard.electrics.grid_meter
    chargers = [(one.cut, repr(one.plant.faults), one.plant.powered) for one in lines.values()]
    return [meters, point is not None and point.faults.mute, chargers, yard.supplies.welded]


def test_a_pack_is_not_lifted_under_voltage() -> None:
    yard = Yard(2, 1e6, 20.0)
    yard.dock(1, yard.pack(50.0))
    yard.supplies.command(1)
    with pytest.raises(ValueError, match="bay 1"):
        yard.lift(1)
    yard.supplies.command(0)
    assert yard.lift(1).soc_pct == 50.0
    with pytest.raises(ValueError, match="nothing there"):
        yard.lift(1)


# ---- days


def test_a_short_day_holds_and_is_the_same_again() -> None:
    first, again = Day(TINY).run(), Day(TINY).run()
    assert first.found == [] and first.accounts.counted > 10_000.0
    assert (first.peak, first.accounts, first.record) == (again.peak, again.accounts, again.record)
    assert first.peak.worst.grid_w > 0.75 * 400e3 and first.peak.steps > 360
    changed = Day(replace(TINY, seed=8)).run()
    assert changed.accounts != first.accounts


def test_a_truck_is_served_by_packs_that_are_ready() -> None:
    day = Day(Case("ready", 5, 600.0, seed=2, hours=0.3, troubled=False))
    found, served = day.run(), day.lane.served
    assert served.swaps >= 1 and len(served.handed) == served.returned >= 3 * served.swaps
    assert min(h.told_pct for h in served.handed) >= PROMISED_PCT and found.found == []
    assert sum(p.pack is not None for p in day.yard.bays.values()) == 4


@pytest.mark.parametrize("index", [1, 3, 4], ids=lambda i: planted.DEFECTS[i].finding)
def test_what_is_planted_is_found(index: int) -> None:
    """The quick ones; `station-hil day --planted` plays all."""
    defect = planted.DEFECTS[index]
    case = replace(defect.case, hours=0.04, troubled=False, planned=False)
    assert defect.finding in planted.play(defect._replace(case=case)).found


def test_patches_are_taken_back() -> None:
    before = Grid.budget_w
    with pytest.raises(ZeroDivisionError), planted.patched(((Grid, "budget_w", None),)):
        assert Grid.budget_w is None
        raise ZeroDivisionError
    assert Grid.budget_w is before


# ---- what is written


def test_the_plan_of_the_planned_days_is_one_that_the_service_takes() -> None:
    planned = [case for case in (*DAYS, SHORT) if case.planned]
    assert len(planned) >= 2
    plan = planned[0].plan()
    assert plan is not None and plan.slot_s == SLOT_S
    assert plan.at(1, 0.0) == plan.at(2, SLOT_S) and plan.at(1, 18 * 3600.0) == 0.0
    assert DAYS[0].plan() is None


def test_report_table_and_picture(tmp_path: Path) -> None:
    found = Day(replace(TINY, hours=0.04)).run()
    lines = report.told(found)
    assert any("worst instant" in line and "kW at 06:" in line for line in lines)
    assert report.clock(3661.25) == "01:01:01.2"
    table = report.table([found, found])
    assert len({line.count("|") for line in table}) == 1 and table[0].count(TINY.name) == 2
    picture.draw([found], tmp_path / "day.png")
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")


def test_the_verb_tells_and_its_status_says_whether_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "SHORT", replace(TINY, hours=0.02))
    page = tmp_path / "day.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    arguments = parser().parse_args(["day", "--short", "--page", str(page)])
    assert arguments.run(arguments) == 0
    assert "DOES NOT HOLD" not in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "| grid limit |" in text and "old" not in text
    assert (text.splitlines()[0], text.splitlines()[-1]) == ("before", "after")
    with pytest.raises(ValueError, match="no marks"):
        report.put("a page", [])
    monkeypatch.setattr(cli, "SHORT", replace(TINY, hours=0.0))
    assert arguments.run(arguments) == 1
    assert "DOES NOT HOLD: nothing was charged" in capsys.readouterr().out
