"""Chargers and meters as the service makes them, tells them what is wanted, and counts what they bring."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.charger_status import OFF, ChargerMode, SetPoint
from drivers.errors import StationError
from drivers.register_points import EncodingError
from drivers.robot_protocol import MotionClass
from hil.virtual.config import station_config
from station_ctl.charging.energy import Energy
from station_ctl.charging.stay import Stay
from station_ctl.config import Config, parse
from station_ctl.equipment import Equipment
from station_ctl.health import Health
from station_ctl.model.look import Decision
from station_ctl.output import Output
from station_ctl.plans import Plans
from station_ctl.uplink.admission import Admitted
from station_ctl.uplink.arguments import ChargePlanArguments
from station_ctl.uplink.requests import ChargePlanCommand
from tests.uplink_examples import NOW

BEHIND_ONE_GATEWAY = {"host": "gateway", "port": 1502}


def configured(**bay: Any) -> Config:
    places = [{"number": n, "can_address": 0xB0 + n} for n in (1, 2, 3)]
    for place in places[:2]:
        place |= {
            "charger": {**BEHIND_ONE_GATEWAY, "unit": place["number"], **bay},
            "meter": {**BEHIND_ONE_GATEWAY, "unit": 100 + int(place["number"])},
        }
    return parse(
        {
            "station": {"id": "T-01"},
            "robot": {"host": "plc"},
            "can": [{"name": "packs"}],
            "bay": places,
            "mount": [{"number": 1, "can_address": 0xA1}],
            "grid": {"limit_kw": 500.0, "meter": {"host": "grid"}},
        },
        "test",
    )


def test_units_of_one_address_share_a_connection_and_every_device_gets_its_task() -> None:
    made = Equipment.of(configured())
    assert sorted(made.clients) == [("gateway", 1502), ("grid", 502)]
    assert (sorted(made.chargers), sorted(made.meters), made.grid is not None) == ([1, 2], [1, 2], True)
    duties = dict(made.duties())
    for duty in duties.values():
        duty.close()
    links = ["chargers gateway:1502 link", "chargers grid:502 link"]
    assert list(duties) == [
        *links,
        *(f"{what} {n} poll" for what in ("charger", "meter") for n in (1, 2)),
        "grid meter poll",
    ]
    assert set(made.counters()) == {"timeouts", "refused", "garbage", "link_losses"}


def test_a_station_without_chargers_has_no_equipment(tmp_path: Any) -> None:
    made = Equipment.of(station_config(tmp_path))
    assert (made.clients, made.chargers, made.meters, made.grid, list(made.duties())) == ({}, {}, {}, None, [])


def test_an_unknown_register_map_is_refused_before_anything_is_started() -> None:
    with pytest.raises(StationError, match="charger-v9"):
        Equipment.of(configured(map="charger-v9"))


class Port:
    """A charger's driver that remembers."""

    def __init__(self, most_a: float = 1000.0) -> None:
        self.wanted: list[tuple[SetPoint, float]] = []
        self._most_a = most_a

    def want(self, set_point: SetPoint, now_s: float) -> None:
        if set_point.current_a > self._most_a:
            raise EncodingError("out of range", where="current_a", value=set_point.current_a, limit=self._most_a)
        self.wanted.append((set_point, now_s))


def test_a_set_point_that_cannot_be_said_is_counted_and_holds_up_no_other() -> None:
    narrow, other, health = Port(100.0), Port(), Health()
    output = Output(configured(), SimpleNamespace(), health, {1: narrow, 2: other})  # type: ignore[arg-type, dict-item]
    asked = SetPoint(ChargerMode.CHARGE, 200.0, 640.0, 120e3)
    output.want(Decision(MotionClass(0), 0, False, None, {}, set_points={1: asked, 2: OFF}), 7.0)
    assert (narrow.wanted, other.wanted) == ([], [(OFF, 7.0)])
    assert (list(output.unsaid), health.unsaid, health.failed_writes) == ([1], 1, 0)  # no alarm of the robot's PLC
    assert "current_a" in output.unsaid[1]


def test_a_set_point_that_cannot_be_said_is_complained_of_once_for_each_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    port, health = Port(100.0), Health()
    output = Output(configured(), SimpleNamespace(), health, {1: port})  # type: ignore[arg-type, dict-item]

    def say(*currents_a: float) -> int:
        for current_a in currents_a:
            asked = SetPoint(ChargerMode.CHARGE, current_a, 640.0, 120e3)
            output.want(Decision(MotionClass(0), 0, False, None, {}, set_points={1: asked}), 7.0)
        return len(caplog.records)

    assert say(*[200.0] * 20) == 1
    unsaid = output.unsaid
    assert say(200.0, 0.0, 200.0) == 1, "tried again: the same reason"
    assert unsaid and say(300.0, 300.0) == 2
    assert say(50.0) == 2 and not output.unsaid
    assert say(200.0) == 3 and health.unsaid == 3


def test_silence_towards_the_chargers_is_told_once_it_is_longer_than_a_want_holds() -> None:
    output = Output(configured(), SimpleNamespace(), Health(), {1: Port()})  # type: ignore[arg-type, dict-item]
    assert output.silent_s(100.0) == 0.0, "nothing was ever said"
    output.want(Decision(MotionClass(0), 0, False, None, {}, set_points={1: OFF}), 100.0)
    assert (output.silent_s(100.2), output.silent_s(100.5)) == (0.0, 0.5)


def planned(power_w: dict[str, tuple[float, ...]], slot_s: float = 900.0) -> Admitted:
    command = ChargePlanCommand(
        schema=1,
        id="planner-00000001",
        issued_at=NOW,
        expires_at=NOW + timedelta(seconds=10),
        issuer="planner",
        arguments=ChargePlanArguments(id="night-1", slot_s=slot_s, power_w=power_w),
    )
    return Admitted("charge_plan", command, None, None)


def test_a_plan_holds_from_its_coming_to_its_end_and_a_bad_one_changes_nothing() -> None:
    told: list[tuple[str, str]] = []
    uplink = SimpleNamespace(answer=lambda admitted, verdict, reason="": told.append((verdict, reason)))
    plans = Plans([1, 2, 3], uplink)  # type: ignore[arg-type]
    plans.ask(planned({"1": (50e3, 0.0)}), 100.0)
    assert [verdict for verdict, _ in told] == ["accepted", "completed"]
    assert plans.plan is not None and plans.plan.at(1, 100.0) == 50e3 and plans.plan.at(1, 1000.0) == 0.0
    for bad in (
        {"7": (1.0,)},
        {"0_1": (1.0,)},
        {"01": (1.0,)},
        {"one": (1.0,)},
        {"1": ()},
        {"1": (1.0,), "2": (1.0, 2.0)},
        {"1": (-1.0,)},
    ):
        told.clear()
        plans.ask(planned(bad), 200.0)
        assert [verdict for verdict, _ in told] == ["rejected"] and "charge plan" in told[0][1]
        assert plans.plan is not None and plans.plan.start_s == 100.0
    plans.look(1899.0)
    assert plans.plan is not None
    plans.look(1900.0)
    assert plans.plan is None


def test_an_empty_plan_ends_the_one_that_holds() -> None:
    plans = Plans([1], SimpleNamespace(answer=lambda *_: None))  # type: ignore[arg-type]
    plans.ask(planned({"1": (50e3,)}), 0.0)
    plans.ask(planned({}), 1.0)
    assert plans.plan is None


def charged(energy: Energy, stay: Stay, kwh: float | None, serial: str = "A") -> None:
    """One charge, metered or not."""
    energy.begin()
    stay.look(serial, energy, empty=False)
    energy.mind.running, energy.mind.final = False, True
    energy.mind.serial, energy.mind.wh = (None, 0) if kwh is None else (7, round(kwh * 1000))
    energy.mind.why = "the meter was silent" if kwh is None else ""
    stay.look(serial, energy, empty=False)


def test_the_charges_of_one_stay_are_added_up_and_one_that_nobody_knows_spoils_the_sum() -> None:
    energy, stay = Energy(), Stay()
    charged(energy, stay, 10.0)
    assert stay.mind.kwh is None, "it was here when the controller started: what it took before is not known"
    stay.look(None, energy, empty=True)
    charged(energy, stay, 40.0, "B")
    charged(energy, stay, 2.5, "B")
    stay.look(None, energy, empty=False)  # silent for a moment
    assert stay.mind.kwh == 42.5
    charged(energy, stay, None, "B")
    assert stay.mind.kwh is None
    charged(energy, stay, 1.0, "C")  # another pack, without the bay having been seen empty
    assert stay.mind.kwh == 1.0
