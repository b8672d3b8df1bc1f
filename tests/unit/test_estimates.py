"""Estimates fed with snapshots: a whole charge, what it shows of the arrival, lost frames, other packs, gone packs."""

from __future__ import annotations

import json
import math
import os
import random
import zlib
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.charger_status import ChargerStatus
from drivers.errors import StationError
from drivers.meter_status import MeterDoubt, MeterStatus
from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import BaySensors
from station_ctl import service
from station_ctl.estimates import fits, places
from station_ctl.estimates.arrivals import DOUBTED, FINAL, PROVISIONAL, Arrivals
from station_ctl.estimates.followed import Followed
from station_ctl.estimates.records import MOST_WAITING, Records
from station_ctl.estimates.station import AWAY_S, Estimates, NoEstimates
from station_ctl.model.charge_estimate import ChargeEstimate, Grounds
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import BayCharge, StationState
from station_ctl.model.visit import Exchange, Swap
from station_ctl.model.words import Event
from station_ctl.sections import SocSection
from station_ctl.soc import curves, record
from station_ctl.soc.pack import PackEstimate
from station_ctl.swap import plan
from tests.safety.test_inputs import NOW, robot, truck
from tests.simulation.ground import station_config
from tests.soc_station import TYPE, AtOnce, estimator, prepared
from tests.support import run
from tests.unit.test_plan import at, stored

CONFIG = station_config(6)
COMPILED = curves.kernel_type(TYPE)
SERIAL = "SIMP-00000001"
IDENTITY = PackIdentity(SERIAL, 3, 302.0, 566.4, 10)
EXCHANGE = Exchange(1, SERIAL, 30.0, 1, 2, "SIMP-00000002", 95.0, accepted=True)
SWAP = Swap("S-7", "LTESTTRUCK0000001", "op", 80.0, "2026-01-31T07:05:09.123Z", (EXCHANGE,), installed=(1,))
CHARGING, FULL = BayCharge(True, "charging", ""), BayCharge(False, "full", "charge 95 %, target 95 %")
_MISSING: Reading[Any] = Reading(None, Quality.UNTRUSTED, NOW)


class Bay1:
    """A pack in bay 1, its charge as it truly is, its BMS's and its meter's word about it. A second a step."""

    def __init__(self, folder: Path, soc: float, *, metered: bool = True, lie: float = 0.0) -> None:
        self.worker, self.folder = AtOnce(), folder
        self.estimates = estimator(CONFIG, folder, self.worker)
        self.now_s, self.soc, self.metered, self.lie = NOW, soc, metered, lie
        self.rng = random.Random(1)
        self.place: Place | None = bay(1)
        self.lost = 0.0  # part of the frames
        self.warm_c: float | None = 25.0  # None: not told
        self.here = self.snapshot(0.0, 3.3)

    def comes(self) -> None:
        """A truck brings it: it is heard on its mount, then stands in the bay, the swap done but for the truck."""
        self.place = mount(1)
        self.run(0.0, 3)
        self.place = bay(1)
        self.run(0.0, 30)
        assert told(self, StationState(swap=SWAP)) == []

    def run(self, rate: float, seconds: int) -> None:
        """Charge at so many C (of the type's capacity) for so long, until full."""
        volts = array("d", bytes(8 * seconds))
        amps = rate * TYPE.capacity_ah
        charges = [self.soc + rate * k / 3600 for k in range(seconds)]
        rows = array("d", [x for soc in charges for x in (1.0, amps, 25.0, min(soc, 1.0))])
        COMPILED.predict(memoryview(rows).cast("B").cast("d", (seconds, 4)), 0.0, 1.0, volts)
        for soc, cell_v in zip(charges, volts, strict=True):
            if soc > 1.0:
                return
            self.soc = soc
            self.step(amps, cell_v)

    def step(self, amps: float, cell_v: float) -> None:
        self.now_s += 1.0
        self.here = self.estimates.feed(self.snapshot(amps, cell_v))

    def snapshot(self, amps: float, cell_v: float) -> Snapshot:
        if self.place is None:
            return replace(at({}), now_s=self.now_s)
        missing = self.rng.random() < self.lost
        pack = replace(
            stored(1, 0.0),
            soc_pct=self.read(100 * (self.soc + self.lie)),
            identity=self.read(IDENTITY),
            pack_current_a=_MISSING if missing else self.read(round(amps + self.rng.gauss(0, 0.1), 1)),
            pack_voltage_v=_MISSING if missing else self.read(round(177 * cell_v + self.rng.gauss(0, 0.05), 1)),
            temperature_max_c=self.warmth,
            temperature_min_c=self.warmth,
        )
        known = {self.place: pack}
        meters = {1: self.meter(amps)} if self.metered and self.place == bay(1) else {}
        empty = at({1: pack} if self.place == bay(1) else {})
        bays = (BaySensors(Signal.TRUE, Signal.FALSE, Signal.FALSE, Signal.TRUE, Signal(int(amps > 0))),)
        seen = replace(robot(), bays=bays + tuple(empty.robot.bays[1:]) if empty.robot else ())
        mounts = {p: PackStatus(0) for p in empty.packs}
        return replace(empty, now_s=self.now_s, packs={**mounts, **known}, meters=meters, robot=seen)

    def meter(self, amps: float) -> MeterStatus:
        nothing = self.read(0)
        return MeterStatus(
            self.now_s, self.now_s, 1, 7, MeterDoubt(0), self.read(590.0), self.read(amps), nothing, nothing, nothing
        )

    @property
    def warmth(self) -> Reading[Any]:
        return _MISSING if self.warm_c is None else self.read(self.warm_c)

    def read(self, value: Any) -> Reading[Any]:
        return Reading(value, Quality.GOOD, self.now_s)

    @property
    def value(self) -> ChargeEstimate:
        return self.here.estimates[SERIAL]


def told(bay1: Bay1, state: StationState) -> list[Event]:
    return list(bay1.estimates.told(state))


def test_a_whole_charge_anchors_tells_the_arrival_and_finds_the_bms_that_lies(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.30, lie=0.1)
    bay1.comes()
    assert bay1.value.charge.grounds is Grounds.PLATEAU
    assert bay1.value.least_pct is None
    bay1.run(1.0, 2000)
    assert told(bay1, StationState(charging={1: CHARGING})) == [] or bay1.value.bms_wrong
    bay1.run(1.0, 1000)
    assert bay1.value.charge.grounds is Grounds.ANCHORED
    assert bay1.value.charge.soc_pct == pytest.approx(100 * bay1.soc, abs=1.0)
    assert bay1.value.bms_wrong
    assert bay1.value.capacity_ah == pytest.approx(TYPE.capacity_ah, rel=0.02)
    events = told(bay1, StationState(charging={1: FULL}))
    final = next(e for e in events if e.code == FINAL)
    assert final.details["swap"] == "S-7"
    assert final.details["pack"] == SERIAL
    assert final.details["soc_pct"] == pytest.approx(30.0, abs=1.5)
    assert float(final.details["soc_p05_pct"] or 0) < 30.0 < float(final.details["soc_p95_pct"] or 0)
    assert told(bay1, StationState(charging={1: FULL})) == [], "once"
    assert "cannot be right" in plan._known_better(bay1.value, 110.0, CONFIG, 80.0)


def test_an_anchored_pack_just_under_its_promise_is_refused_by_the_confidence(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.85)
    prepared(tmp_path, SERIAL, 0.85)
    bay1.run(0.0, 10)
    value = bay1.value
    assert value.charge.grounds is Grounds.ANCHORED
    assert value.least_pct is not None
    promised = (value.least_pct + value.charge.soc_pct) / 2
    assert value.least_pct < value.charge.soc_pct

    def why(promised_pct: float) -> str:
        here = replace(bay1.here, estimates={SERIAL: value})
        return plan._known_better(here.estimates[SERIAL], 86.0, CONFIG, promised_pct)

    assert "with 95 % confidence" in why(promised)
    assert why(value.least_pct - 0.1) == ""


def test_lost_and_wild_frames_are_never_nan_and_never_a_crash(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.5)
    bay1.lost = 0.3
    for seconds, rate in ((60, 0.0), (300, 1.0), (90, -0.5)):
        bay1.run(rate, seconds)
    for wild in (1e6, -1e300, 0.0):
        bay1.step(wild, wild)
        bay1.step(0.0, 3.3)
    numbers = [bay1.value.charge.soc_pct, bay1.value.charge.soc_p05_pct, bay1.value.charge.soc_p95_pct]
    numbers += [bay1.value.capacity_ah, bay1.value.energy_kwh, bay1.value.p_promised_pct]
    assert all(math.isfinite(x) for x in numbers)
    assert not bay1.estimates.off


def test_silence_widens_but_in_the_gripper_no_current_flows(tmp_path: Path) -> None:
    widths = []
    for lifted in (False, True):
        pack = Followed(SERIAL, PackEstimate(TYPE, COMPILED), bay(1), 0.0)
        pack.estimator.start(0.8, 0.005)
        for second in range(120):
            pack.miss(math.nan, float(second), lifted=lifted)
        charge = pack.value(80.0, 95.0, 100.0).charge
        assert charge.grounds is Grounds.COASTING
        widths.append(charge.soc_p95_pct - charge.soc_p05_pct)
    assert widths[0] > 4.0 > 2.5 > widths[1]


@pytest.mark.parametrize("how", ["no meter", "meter gone meanwhile", "onto a truck", "gone"])
def test_an_arrival_that_cannot_be_told_stays_provisional_by_name(how: str, tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.6, metered=how != "no meter")
    bay1.comes()
    told(bay1, StationState(charging={1: CHARGING}))
    bay1.run(1.0, 30)
    if how == "meter gone meanwhile":
        bay1.metered = False
        bay1.run(1.0, 90)
        bay1.metered = True
        bay1.run(1.0, 10)
    elif how == "onto a truck":
        bay1.place = mount(1)
        bay1.run(0.0, 5)
    elif how == "gone":
        bay1.place = None
        for _ in range(round(AWAY_S) + 2):
            bay1.step(0.0, 3.3)
        assert SERIAL not in bay1.here.estimates
    events = told(bay1, StationState(charging={1: FULL}))
    assert [e.code for e in events] == [PROVISIONAL]
    assert events[0].details["swap"] == "S-7"


def test_a_restart_in_the_charge_leaves_the_provisional_arrival(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.6)
    bay1.comes()
    bay1.run(0.0, 5)  # the record is written without anybody closing
    again = Bay1(tmp_path, 0.6)
    again.run(0.0, 5)
    told_at_once = told(again, StationState(swap=SWAP))
    assert [(e.code, e.details["swap"]) for e in told_at_once] == [(PROVISIONAL, "S-7")]
    third = Bay1(tmp_path, 0.6)
    third.run(0.0, 5)
    assert told(third, StationState()) == []


def test_a_restart_while_it_came_leaves_the_provisional_arrival(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.6)
    bay1.run(0.0, 5)
    (event,) = told(bay1, StationState(swap=SWAP))
    assert (event.code, event.details["why"]) == (PROVISIONAL, "the station was restarted while it came")
    assert told(bay1, StationState(swap=SWAP)) == []


def test_cells_that_are_told_late_end_an_estimate_of_another_type(tmp_path: Path) -> None:
    estimates = estimator(CONFIG, tmp_path, AtOnce())
    here = at({1: stored(1, 90.0)})
    for k in range(10):
        seen = estimates.feed(replace(here, now_s=NOW + 0.05 * k))
    assert SERIAL in seen.estimates
    cells = Reading((3.3,) * 96, Quality.GOOD, NOW)
    here = replace(here, packs={**here.packs, bay(1): replace(here.packs[bay(1)], cell_voltages_v=cells)})
    for k in range(50):
        seen = estimates.feed(replace(here, now_s=NOW + 1 + 0.05 * k))
    assert SERIAL not in seen.estimates
    assert "96 cells" in seen.not_estimated[SERIAL]


@pytest.mark.parametrize(
    ("energised", "current_a", "rests"),
    [
        ("FALSE", 0.3, True),
        ("FALSE", 30.0, False),
        ("FALSE", None, False),
        ("TRUE", 0.0, False),
        ("UNTRUSTED", 0.0, None),
    ],
)
def test_a_pack_rests_where_its_supply_is_measured_open(
    energised: str, current_a: float | None, rests: bool | None
) -> None:
    sensors = BaySensors(Signal.TRUE, Signal.TRUE, Signal.TRUE, Signal.TRUE, Signal[energised])
    seen = replace(robot(), bays=(sensors,) * 24)
    assert places.rests(seen, bay(1), current_a) is rests
    assert places.rests(None, bay(1), current_a) is None
    assert places.rests(seen, mount(1), 0.0) is False


def test_an_unknown_pack_type_is_refused_before_anything_starts() -> None:
    unknown = CONFIG.model_copy(update={"soc": SocSection(type="nmc-1")})
    with pytest.raises(StationError, match="no such pack type; accepted: lfp-302ah-177s"):
        service.check(unknown)


def test_a_charger_counts_where_no_meter_does(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.6, metered=False)
    values: dict[str, Any] = {f.name: None for f in fields(ChargerStatus)}
    values |= {"received_s": NOW, "heartbeat_changed_s": NOW, "output_current_a": 120.0}
    here = replace(bay1.here, chargers={1: ChargerStatus(**values)}, now_s=NOW)
    assert places.meter_a(here, bay(1)) == 120.0
    assert math.isnan(places.meter_a(replace(here, now_s=NOW + 5.0), bay(1)))
    assert math.isnan(places.meter_a(here, mount(1)))


@pytest.mark.parametrize(
    ("identity", "cells", "why"),
    [
        (IDENTITY, 177, ""),
        (IDENTITY, None, ""),
        (replace(IDENTITY, rated_capacity_ah=280.0), None, "280 Ah"),
        (replace(IDENTITY, rated_voltage_v=640.0), None, "640 V"),
        (IDENTITY, 180, "180 cells"),
    ],
)
def test_packs_of_another_type_are_not_estimated(
    identity: PackIdentity, cells: int | None, why: str, tmp_path: Path
) -> None:
    volts = Reading(None if cells is None else (3.3,) * cells, Quality.GOOD, NOW)
    status = replace(stored(1, 90.0), identity=Reading(identity, Quality.GOOD, NOW), cell_voltages_v=volts)
    assert why in fits.unlike(identity, status, TYPE)
    here = replace(at({}), packs={bay(1): status})
    estimates = estimator(CONFIG, tmp_path, AtOnce())
    seen = [estimates.feed(replace(here, now_s=NOW + 0.05 * k)) for k in range(4)][-1]
    assert (SERIAL in seen.estimates) is not bool(why)
    assert why in seen.not_estimated.get(SERIAL, "")


def test_one_serial_at_two_places_is_the_pack_where_it_was(tmp_path: Path) -> None:
    here = at({1: stored(1, 90.0)})
    twice = replace(here, packs={mount(2): here.packs[bay(1)], bay(1): here.packs[bay(1)]})
    assert places.shown(twice, {})[SERIAL][0] == mount(2)
    assert places.shown(twice, {SERIAL: bay(1)})[SERIAL][0] == bay(1)


def test_one_pack_a_cycle_is_looked_at(tmp_path: Path) -> None:
    estimates = estimator(CONFIG, tmp_path, AtOnce())
    here = at({n: stored(n, 90.0) for n in range(1, 6)})
    values: list[dict[str, ChargeEstimate]] = []
    for k in range(100):
        values.append(dict(estimates.feed(replace(here, now_s=NOW + 0.05 * k)).estimates))
    renewed = [sum(a.get(s) is not b[s] for s in b) for a, b in pairwise(values)]
    assert max(renewed) == 1
    assert sum(renewed) in range(20, 45), "8 packs, each about once a second, for five seconds"


@pytest.mark.parametrize(("room", "name"), [(Followed, "hear"), (Arrivals, "look")])
def test_a_defect_leaves_the_bms_word(room: type, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bay1 = Bay1(tmp_path, 0.9)
    bay1.run(0.0, 5)
    monkeypatch.setattr(room, name, lambda *_: 1 / 0)
    told(bay1, StationState())
    bay1.step(0.0, 3.3)
    assert bay1.estimates.off
    assert bay1.here.estimates == {}
    assert told(bay1, StationState()) == []
    run(bay1.estimates.close())


def test_a_truck_that_leaves_takes_the_charge_along(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.6)
    bay1.place = mount(1)
    bay1.run(0.0, 5)
    gone = replace(at({}), now_s=bay1.now_s + 1, robot=replace(robot(), truck_present=Signal.FALSE))
    gone = replace(gone, packs={mount(1): PackStatus(0xA1, PackLink.SILENT)}, truck=truck())
    assert SERIAL not in bay1.estimates.feed(gone).estimates
    left = record.load(tmp_path, SERIAL, TYPE.name)
    assert isinstance(left, record.Record)
    assert left.charge is None
    assert not left.resting


def test_records_are_not_waited_for_and_do_not_pile_up(tmp_path: Path) -> None:
    async def main() -> None:
        worker = AtOnce()
        records = Records(tmp_path, TYPE.name, worker)
        kept = prepared(tmp_path, SERIAL, 0.5)
        worker.hangs = True
        for _ in range(MOST_WAITING + 3):
            records.save(kept)
        assert records.failed == 3
        assert "does not answer" in records.trouble
        await records.close(0.05)
        good = Records(tmp_path / "file", TYPE.name, AtOnce())
        (tmp_path / "file").write_text("no folder")
        good.save(kept)
        good.look()
        assert good.failed == 1
        (tmp_path / "file").unlink()
        good.save(kept)
        good.look()
        assert (good.failed, good.trouble) == (1, "")

    run(main())


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a terabyte of nothing: reading all of it would end in MemoryError


NO_RECORDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda path: None, "cannot be read"),
    "a folder": (Path.mkdir, "it is no file"),
    "a pipe that nobody writes to": (os.mkfifo, "it is no file"),
    "a device without an end": (lambda path: path.symlink_to("/dev/zero"), "it is no file"),
    "a link to itself": (lambda path: path.symlink_to(path), "cannot be read"),
    "a file without an end": (_huge, "longer than 4096 bytes"),
    "an empty file": (Path.touch, "checksum"),
    "no text": (lambda path: path.write_bytes(b"\xff" * 4096), "checksum"),
}


def _sealed(body: bytes) -> bytes:
    """With the checksum that is right."""
    return b"%08x " % zlib.crc32(body) + body + b"\n"


@pytest.mark.parametrize("name", NO_RECORDS)
def test_what_is_no_record_is_unknown_and_neither_hangs_nor_fills_the_memory(name: str, tmp_path: Path) -> None:
    make, why = NO_RECORDS[name]
    make(record.path_of(tmp_path, SERIAL))
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with ThreadPoolExecutor(1) as worker:
        found = Records(tmp_path, TYPE.name, worker).load(SERIAL).result(timeout=30)
    assert isinstance(found, str) and why in found
    assert len(list(Path("/proc/self/fd").iterdir())) <= open_before


def test_infinities_in_a_record_are_no_record() -> None:
    text = json.dumps(asdict(PackEstimate(TYPE, COMPILED).record("A1")))
    for wrong in (text.replace('"visits": 1', '"visits": Infinity'), text.replace('"visits": 1', '"visits": NaN')):
        assert wrong != text and "is no record" in str(
            record.from_bytes(_sealed(b"%d " % record.VERSION + wrong.encode()), "A1", TYPE.name)
        )


def test_without_a_type_everything_is_as_it_was() -> None:
    here = at({})
    nothing = NoEstimates()
    assert nothing.feed(here) is here
    assert nothing.told(StationState()) == ()
    assert run(nothing.close()) is None


@given(st.floats(0, 1.05), st.floats(1e-4, 0.9), st.floats(0, 1e10), st.booleans(), st.text(max_size=64))
@settings(max_examples=50, deadline=None)
def test_a_record_comes_back_as_it_was(soc: float, sd: float, saved_s: float, resting: bool, swap_id: str) -> None:
    pack = PackEstimate(TYPE, COMPILED).record("A1")
    kept = replace(pack, charge=(soc, sd), saved_s=saved_s, resting=resting, swap_id=swap_id)
    data = record.to_bytes(kept)
    assert len(data) <= 4096
    assert record.from_bytes(data, "A1", TYPE.name) == kept


@pytest.mark.parametrize(
    "changes", [{"charge": (1.2, 0.1)}, {"charge": (0.5, 0.0)}, {"saved_s": -1.0}, {"saved_s": 1e12}]
)
def test_a_record_that_cannot_be_is_none(changes: dict[str, Any]) -> None:
    pack = replace(PackEstimate(TYPE, COMPILED).record("A1"), **changes)
    assert "cannot be" in str(record.from_bytes(record.to_bytes(pack), "A1", TYPE.name))


def test_the_code_of_a_doubted_bms_is_told_once(tmp_path: Path) -> None:
    bay1 = Bay1(tmp_path, 0.75, lie=0.1)
    prepared(tmp_path, SERIAL, 0.75)
    codes: list[str] = []
    for _ in range(8):
        bay1.run(0.0, 20)
        codes += [e.code for e in told(bay1, StationState())]
    assert codes == [DOUBTED]
    assert isinstance(bay1.estimates, Estimates)
