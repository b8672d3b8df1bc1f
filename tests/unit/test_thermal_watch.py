"""The thermal watch over all places: which pack is meant, what latches, who is attentive, what it costs."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from typing import Any

import pytest

from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import BaySensors, MotionClass, MountSensors
from station_ctl.kernel import thermal as kernel
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import Place, bay, mount
from station_ctl.thermal import limits as limits_room
from station_ctl.thermal.finding import Cause, Finding, Verdict
from station_ctl.thermal.limits import Limits, LimitsError
from station_ctl.thermal.watch import AWAY_S, BARE_S, Watch, tell
from tests.safety.test_inputs import robot, truck

T, F, U = Signal.TRUE, Signal.FALSE, Signal.UNTRUSTED
LIMITS = limits_room.load()
CELLS_V = (3.3,) * 177


class Yard:
    """A station of bays 1..3 and mounts 1..3 at a moment; `look` shows it to a watch a quarter of a second later."""

    def __init__(self) -> None:
        self.watch, self.now_s = Watch(LIMITS), 1000.0
        self.packs: dict[Place, PackStatus] = {}
        for place in (*map(bay, (1, 2, 3)), *map(mount, (1, 2, 3))):
            self.leave(place)
        self.smoke: dict[int, Signal] = {}
        self.occupied: dict[int, Signal] = {}
        self.fastened: dict[int, tuple[Signal, Signal]] = {}
        self.plc = True
        self.truck_present = T

    def leave(self, place: Place) -> None:
        """Its pack goes."""
        self.packs[place] = PackStatus(place.code)

    def stand(self, place: Place, serial: str | None = "CATL-00000001", **readings: Any) -> None:
        """A pack talks there; readings not named are sound."""
        self.packs[place] = PackStatus(place.code, PackLink.MONITORED, self.now_s)
        if serial is not None:
            who = Reading(PackIdentity(serial, 3, 302.0, 566.4, 10), Quality.GOOD, self.now_s)
            self.packs[place] = replace(self.packs[place], identity=who)
        self.tell(place, temperature_max_c=25.0, temperature_min_c=22.0, cell_voltages_v=CELLS_V, thermal_event=F)
        self.tell(place, **readings)

    def tell(self, place: Place, quality: Quality = Quality.GOOD, **readings: Any) -> None:
        """New readings of it."""
        new = {name: Reading(value, quality, self.now_s) for name, value in readings.items()}
        self.packs[place] = replace(self.packs[place], heard_s=self.now_s, **new)

    def look(self, after_s: float = 0.25) -> dict[Place, Finding]:
        """One cycle of the watch."""
        self.now_s += after_s
        return dict(self.watch.look(self.snapshot()))

    def snapshot(self) -> Snapshot:
        """As the drivers would have read it."""
        bays = tuple(self._bay(n, Signal(int(self._there(bay(n))))) for n in (1, 2, 3))
        mounts = tuple(MountSensors(s, s, F, s) for s in (Signal(int(self._there(mount(n)))) for n in (1, 2, 3)))
        sensors: dict[str, Any] = {"bays": bays, "mounts": mounts, "truck_present": self.truck_present}
        plc = robot(received_s=self.now_s, **sensors) if self.plc else None
        return Snapshot(self.now_s, plc, "", truck(), dict(self.packs))

    def _bay(self, number: int, there: Signal) -> BaySensors:
        locked, mated = self.fastened.get(number, (there, there))
        return BaySensors(self.occupied.get(number, there), locked, mated, self.smoke.get(number, T))

    def _there(self, place: Place) -> bool:
        return self.packs[place].link is not PackLink.SILENT

    def calm(self, place: Place, **more: Any) -> None:
        """A sound pack for two seconds."""
        self.stand(place, **more)
        for _ in range(8):
            self.tell(place, temperature_max_c=25.0, temperature_min_c=22.0)
            assert self.look() == {}

    def climb(self, place: Place, k_s: float, seconds: float) -> dict[Place, Finding]:
        """Its hottest probe gets warmer."""
        found: dict[Place, Finding] = {}
        for i in range(int(seconds * 4)):
            self.tell(place, temperature_max_c=float(round(25 + k_s * i / 4)), temperature_min_c=22.0)
            found = self.look()
        return found


def test_enumerations_are_the_kernels() -> None:
    assert [v.value for v in Verdict] == [kernel.NORMAL, kernel.SUSPECT, kernel.EVENT]
    assert all(cause.value == getattr(kernel, str(cause.name)) for cause in Cause)


def test_nothing_is_said_of_sound_packs_and_empty_places() -> None:
    yard = Yard()
    yard.calm(bay(1))
    yard.calm(mount(1), serial="CATL-00000002")
    assert yard.look() == {}


def test_the_packs_own_alarm_is_an_event_at_once_and_latches() -> None:
    yard = Yard()
    yard.calm(bay(1))
    yard.tell(bay(1), thermal_event=T)
    found = yard.look(0.05)[bay(1)]
    assert (found.verdict, found.causes, found.serial) == (Verdict.EVENT, Cause.BMS_ALARM, "CATL-00000001")
    assert found.text.startswith("the BMS reports a thermal event; measured 0.")
    yard.tell(bay(1), thermal_event=F)
    assert yard.look()[bay(1)] == found
    yard.packs[bay(1)] = PackStatus(1)  # its BMS dies, the bay still reads full
    yard.occupied[1] = T
    assert yard.look(60.0)[bay(1)] == found
    yard.plc = False
    assert yard.look()[bay(1)] == found
    yard.plc, yard.occupied[1] = True, F
    yard.look()
    assert yard.look(BARE_S) == {}


def burning() -> Yard:
    """The pack in bay 1 has an event, and its BMS is dead."""
    yard = Yard()
    yard.calm(bay(1))
    yard.tell(bay(1), thermal_event=T)
    yard.look()
    yard.packs[bay(1)] = PackStatus(1)
    yard.occupied[1], yard.fastened[1] = T, (T, T)
    return yard


@pytest.mark.parametrize("fastened", [(T, T), (T, F), (F, T), (U, F)])
def test_one_switch_that_reads_empty_takes_no_event_away(fastened: tuple[Signal, Signal]) -> None:
    yard = burning()
    event = yard.look()
    yard.occupied[1], yard.fastened[1] = F, fastened
    assert yard.look(0.02) == event
    for _ in range(20):
        assert yard.look(1.0) == event
    yard.occupied[1] = T
    assert yard.look() == event


def test_an_event_ends_when_all_switches_have_read_empty_for_two_seconds_on_end() -> None:
    yard = burning()
    event = yard.look()
    for _ in range(3):  # all three at once, but not for long: a PLC that starts
        yard.occupied[1], yard.fastened[1] = F, (F, F)
        assert yard.look(0.1) == event
        assert yard.look(BARE_S - 0.1) == event
        yard.plc = False
        assert yard.look() == event
        yard.plc, yard.occupied[1] = True, T
        assert yard.look() == event
    yard.occupied[1] = F
    assert yard.look() == event
    again = Watch(LIMITS)
    again.load(json.loads(json.dumps(yard.watch.dump())))
    assert yard.look(BARE_S) == {} == again.look(yard.snapshot())
    assert yard.watch.dump() == again.dump()


@pytest.mark.parametrize("quality", [Quality.UNTRUSTED, Quality.NOT_AVAILABLE])
def test_an_alarm_that_is_not_to_be_believed_is_none(quality: Quality) -> None:
    yard = Yard()
    yard.calm(bay(1))
    yard.tell(bay(1), quality, thermal_event=T)
    assert yard.look() == {}


def test_an_alarm_before_the_pack_has_said_who_it_is() -> None:
    yard = Yard()
    yard.stand(bay(2), serial=None, thermal_event=T)
    assert yard.look()[bay(2)].serial is None
    yard.stand(bay(2), serial="CATL-00000009")
    assert yard.look()[bay(2)].serial == "CATL-00000009"


def test_another_pack_begins_anew() -> None:
    yard = Yard()
    yard.stand(bay(1), thermal_event=T)
    assert bay(1) in yard.look()
    yard.stand(bay(1), serial="CATL-00000002")
    assert yard.look() == {}


@pytest.mark.parametrize("said", [U, Signal.NOT_AVAILABLE])
def test_smoke_is_an_event_after_two_seconds_and_doubt_is_not(said: Signal) -> None:
    yard = Yard()
    yard.calm(bay(1))
    yard.calm(mount(1), serial="CATL-00000002")
    yard.smoke[1] = said
    yard.tell(bay(1), temperature_max_c=25.0, temperature_min_c=22.0)
    assert yard.look() == {}
    yard.smoke[1] = F
    found = yard.look(1.9)
    assert (found[bay(1)].verdict, found[bay(1)].causes) == (Verdict.SUSPECT, Cause.SMOKE)
    found = yard.look(0.2)
    assert found[bay(1)].verdict is Verdict.EVENT
    assert list(found) == [bay(1)]


def test_a_climb_is_an_event_before_it_is_hot() -> None:
    yard = Yard()
    yard.calm(bay(1))
    found = yard.climb(bay(1), 0.4, 60)[bay(1)]
    assert found.verdict is Verdict.EVENT
    assert Cause.TEMPERATURE_RATE in found.causes
    assert "K further from the coldest in 10 s (limit 2 K, 4 times running)" in found.text
    assert found.blind is False


def test_a_cell_that_dies_in_a_hot_pack_is_an_event() -> None:
    yard = Yard()
    yard.calm(bay(1))
    found = yard.climb(bay(1), 0.025, 640)  # 1.5 K/min: no climb
    assert (found[bay(1)].verdict, found[bay(1)].causes) == (Verdict.SUSPECT, Cause.SPREAD)
    yard.tell(bay(1), cell_voltages_v=(1.2, *CELLS_V[1:]))
    found = yard.look()
    assert found[bay(1)].verdict is Verdict.EVENT
    assert "a cell at 1.20 V of 3.30 V (limit 2.47 V)" in found[bay(1)].text
    assert "(limit 15 K apart)" in found[bay(1)].text


def test_cells_that_are_not_measured_are_not_low() -> None:
    yard = Yard()
    yard.calm(bay(1))
    yard.tell(bay(1), Quality.UNTRUSTED, cell_voltages_v=(0.0, *CELLS_V[1:]))
    assert yard.look() == {}


def test_a_pack_without_temperatures_is_blind_and_no_event() -> None:
    yard = Yard()
    yard.calm(bay(1))
    assert yard.look(19.0) == {}
    found = yard.look(1.5)[bay(1)]
    assert (found.verdict, found.blind) == (Verdict.NORMAL, True)
    assert "no temperatures to be believed for 2" in found.text
    assert "(limit 20 s)" in found.text
    yard.tell(bay(1), Quality.UNTRUSTED, temperature_max_c=25.0, temperature_min_c=22.0)
    assert yard.look()[bay(1)] == found
    yard.tell(bay(1), temperature_max_c=25.0, temperature_min_c=22.0)
    assert yard.look() == {}


def test_a_full_bay_whose_bms_never_speaks_is_blind() -> None:
    yard = Yard()
    yard.occupied[1] = T
    assert yard.look() == {}
    for _ in range(20):
        assert yard.look(1.0) == {}
    assert yard.look(1.0)[bay(1)].blind


def test_no_bay_is_blind_only_because_the_plc_is_not_read() -> None:
    yard = Yard()
    yard.plc = False
    for _ in range(30):
        assert yard.look(5.0) == {}


def test_a_probe_that_jumps_is_told_as_blind() -> None:
    yard = Yard()
    yard.calm(bay(1))
    for _ in range(4):
        yard.tell(bay(1), temperature_max_c=190.0, temperature_min_c=22.0)
        found = yard.look()
    assert (found[bay(1)].verdict, found[bay(1)].blind) == (Verdict.SUSPECT, True)
    assert "show 22 to 190 degC without having grown there" in found[bay(1)].text


def test_a_truck_takes_its_findings_along() -> None:
    yard = Yard()
    yard.stand(mount(1), thermal_event=T)
    assert mount(1) in yard.look()
    yard.leave(mount(1))
    yard.truck_present = F
    assert mount(1) in yard.look()  # one bad read of the truck's detector is no departure
    assert yard.look(BARE_S) == {}


def _attentive(yard: Yard, place: Place) -> bool:
    """Whether 16 K between probes is too much there."""
    yard.look(60.0)
    yard.tell(place, temperature_max_c=38.0, temperature_min_c=22.0)
    found = yard.look()
    return place in found and Cause.SPREAD in found[place].causes


def test_attentive_for_two_hours_after_it_came_in() -> None:
    yard = Yard()
    yard.calm(bay(1))
    yard.tell(bay(1), temperature_max_c=25.0, temperature_min_c=22.0)
    for _ in range(7200 // 300):
        yard.look(300.0)
        yard.tell(bay(1), temperature_max_c=25.0, temperature_min_c=22.0)
    yard.look()
    assert not _attentive(yard, bay(1))
    yard.leave(bay(1))
    yard.look(30.0)
    yard.calm(bay(2))  # moved: still the same pack
    assert not _attentive(yard, bay(2))
    yard.leave(bay(2))
    yard.look(30.0)
    yard.calm(mount(1))
    yard.leave(mount(1))
    yard.look(30.0)
    yard.calm(bay(2))  # it was on a truck
    assert _attentive(yard, bay(2))


def test_attentive_again_after_a_restart_and_after_an_absence() -> None:
    yard = Yard()
    yard.calm(bay(1))
    for _ in range(30):
        yard.tell(bay(1), temperature_max_c=25.0, temperature_min_c=22.0)
        yard.look(300.0)
    yard.leave(bay(1))
    yard.look(AWAY_S + 1.0)
    yard.calm(bay(1))
    assert _attentive(yard, bay(1))


def test_what_is_remembered_survives_as_plain_values() -> None:
    yard, second = Yard(), Watch(LIMITS)
    yard.calm(bay(1))
    yard.calm(bay(2), serial="CATL-00000002")
    yard.tell(bay(2), thermal_event=T)
    yard.look()
    second.load(json.loads(json.dumps(yard.watch.dump())))
    assert second.dump() == yard.watch.dump()
    for i in range(200):
        yard.tell(bay(1), temperature_max_c=25.0 + i // 8, temperature_min_c=22.0)
        assert yard.look() == second.look(yard.snapshot())
    assert second.dump() == yard.watch.dump()


@pytest.mark.parametrize(
    "memory",
    [
        {},
        {"minders": []},
        {"minders": [["bay"]], "known": {}},
        {"minders": [], "known": {"x": 1}},
        {"minders": 3, "known": {}},
    ],
)
def test_a_memory_that_is_none_is_refused(memory: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="memory of the thermal watch cannot be read"):
        Watch(LIMITS).load(memory)


def test_the_decision_is_told_events_suspicions_and_blindness() -> None:
    decision = Decision(MotionClass(0), False, 0, None, {})
    assert tell(decision, {}) is decision

    def finding(verdict: Verdict, blind: bool) -> Finding:
        return Finding(verdict, Cause(0), blind, f"{verdict.name} {blind}", None, 0.0)

    found = {bay(1): finding(Verdict.EVENT, True), bay(2): finding(Verdict.SUSPECT, True)}
    told = tell(decision, found | {bay(3): finding(Verdict.NORMAL, True)})
    assert told.thermal == {bay(1): "EVENT True"}
    assert told.suspect == {bay(2): "SUSPECT True"}
    assert told.blind == {bay(2): "SUSPECT True", bay(3): "NORMAL True"}


def test_a_cycle_costs_little() -> None:
    """The budget is 0.1 ms for 20 packs; the bound is generous, the machine may be busy."""
    watch, now_s = Watch(LIMITS), 1000.0
    bays = tuple(BaySensors(T, T, T, T) for _ in range(20))
    spent = []
    for cycle in range(200):
        now_s += 0.05
        packs = {}
        for n in range(1, 21):
            age_s = (cycle + n) % 5 * 0.05
            readings = {
                name: Reading(value, Quality.GOOD, now_s - age_s)
                for name, value in (("temperature_max_c", 25.0), ("temperature_min_c", 22.0), ("thermal_event", F))
            }
            who = Reading(PackIdentity(f"CATL-{n:08d}", 3, 302.0, 566.4, 10), Quality.GOOD, now_s)
            packs[bay(n)] = PackStatus(n, PackLink.MONITORED, now_s, identity=who, **readings)
        snapshot = Snapshot(now_s, robot(bays=bays), "", truck(), packs)
        began_s = time.thread_time()
        assert watch.look(snapshot) == {}
        spent.append(time.thread_time() - began_s)
    assert sorted(spent)[100] < 0.001


def _document() -> dict[str, Any]:
    """The shipped limits as the file holds them."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in ((n, getattr(LIMITS, n)) for n in Limits.__slots__)
    }


def test_the_shipped_limits_are_read_as_they_stand() -> None:
    assert limits_room.parse(_document()) == LIMITS
    assert len(LIMITS.row()) == 25


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("hot_c", [90.0, 65.0], "out of bounds"),
        ("hot_c", [65.0, 70.0], "looser"),
        ("rise_attentive_k", [4.0, 2.0, 2.0, 2.0], "looser"),
        ("slot_s", [3.0, 10.0, 30.0], "list of 4"),
        ("spread_k", 20.0, "list of 2"),
        ("confirmed", "4", "no number"),
        ("smoke_s", True, "no number"),
        ("jump_k", math.nan, "no number"),
        ("attentive_s", 7199.0, "out of bounds"),
    ],
)
def test_limits_out_of_bounds_are_refused(name: str, value: object, what: str) -> None:
    with pytest.raises(LimitsError, match=what) as caught:
        limits_room.parse(_document() | {name: value})
    assert caught.value.where == f"limits.toml, {name}"


def test_missing_and_unknown_limits_are_refused() -> None:
    with pytest.raises(LimitsError, match="gas_ppm"):
        limits_room.parse(_document() | {"gas_ppm": 5.0})
    with pytest.raises(LimitsError, match="smoke_s"):
        limits_room.parse({name: value for name, value in _document().items() if name != "smoke_s"})
