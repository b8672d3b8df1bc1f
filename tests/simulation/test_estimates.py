"""The charge estimator in the control cycle: who is handed out, what a restart finds, what a bad record is worth."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.verdict import VIN
from station_ctl.estimates import newcomers, station
from station_ctl.model.charge_estimate import Grounds
from station_ctl.model.look import Snapshot
from station_ctl.soc import record
from station_ctl.swap import plan
from station_ctl.wall_clock import utc_now
from tests.blackbox_support import attached, decided_again, files, recording
from tests.simulation.ground import CYCLE_S
from tests.soc_station import KNOWN, TYPE, EstimatedGround, prepared
from tests.support import run


def lying(folder: Path, lie_pct: float) -> EstimatedGround:
    """Bay 1: a pack of 75 %, known from its record, whose BMS says so much more."""
    ground = EstimatedGround(folder, speed=1.0)
    pack = ground.world.bays[1].pack
    assert pack is not None
    pack.soc_pct, ground.lies[pack.serial] = 75.0, lie_pct
    prepared(folder, pack.serial, 0.75)
    return ground


async def cycles(ground: EstimatedGround, seconds: float) -> Snapshot:
    for _ in range(round(seconds / CYCLE_S)):
        await ground.cycle()
    return ground.runner._read(ground.now_s)


def ready(ground: EstimatedGround, here: Snapshot) -> str:
    return plan.readiness(1, ground.state, here, ground.config, 80.0)


def test_a_pack_whose_bms_says_ten_percent_more_is_not_handed_out(tmp_path: Path) -> None:
    async def main() -> None:
        ground = lying(tmp_path, 10.0)
        serial = ground.stored(1)
        here = await cycles(ground, 2.0)
        assert here.pack(next(iter(here.packs))).soc_pct.value == pytest.approx(85.0, abs=0.1)
        assert here.estimates[serial].charge.grounds is Grounds.ANCHORED
        assert here.estimates[serial].charge.soc_pct == pytest.approx(75.0, abs=1.0)
        assert here.estimates[serial].p_promised_pct < 1.0
        assert "estimated charge 75" in ready(ground, here)
        assert "promised 80 %" in ready(ground, here)
        assert plan.ready_bays(ground.state, here, ground.config, 80.0) == [2, 3]
        here = await cycles(ground, station.LOOK_S + 70.0)
        assert "cannot be right: estimated 7" in ready(ground, here)
        told = [e for entry in ground.journal.entries for e in entry.events if e.code == "soc.bms_doubted"]
        assert [e.details["pack"] for e in told] == [serial]
        bays = [m for m in ground.uplink.states if getattr(m, "bay", 0) == 1]
        assert bays[-1].bms_soc_wrong
        assert bays[-1].soc_pct > 84.9
        assert bays[-1].soc_p05_pct < bays[-1].soc_estimate_pct < bays[-1].soc_p95_pct < 80.0
        assert "cannot be right" in bays[-1].reason

    run(main(), 60.0)


def test_the_estimator_never_makes_a_pack_ready_that_its_bms_says_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        ground = EstimatedGround(tmp_path, speed=1.0)
        ground.lies[ground.stored(1)] = -20.0
        prepared(tmp_path, ground.stored(1), 0.95)
        here = await cycles(ground, 2.0)
        assert here.estimates[ground.stored(1)].p_promised_pct > 99.0
        assert ready(ground, here).startswith("charge 7")

    run(main())


def test_a_pack_of_which_nothing_is_known_has_its_bms_word(tmp_path: Path) -> None:
    async def main() -> None:
        ground = EstimatedGround(tmp_path, speed=1.0)
        here = await cycles(ground, 2.0)
        value = here.estimates[ground.stored(1)]
        assert value.charge.grounds is not Grounds.ANCHORED
        assert value.least_pct is None
        assert ready(ground, here) == ""

    run(main())


def test_a_restart_goes_on_from_the_records(tmp_path: Path) -> None:
    async def main() -> None:
        ground = lying(tmp_path, 10.0)
        serial = ground.stored(1)
        before = (await cycles(ground, 3.0)).estimates[serial]
        saved = record.load(tmp_path, serial, TYPE.name)
        assert isinstance(saved, record.Record)
        assert saved.charge == pytest.approx((0.75, 0.004), abs=0.002)
        assert saved.visits == 1
        ground.pass_time(5.0)
        ground.restart()
        after = (await cycles(ground, 1.0)).estimates[serial]
        assert after.charge.soc_pct == pytest.approx(before.charge.soc_pct, abs=0.5)
        assert after.charge.grounds is Grounds.ANCHORED
        told = ready(ground, await cycles(ground, 1.0))
        assert "estimated charge 75" in told or "estimated charge 74.9" in told

    run(main())


def test_what_passed_since_a_record_widens_it_and_a_clock_set_back_forgets_it(tmp_path: Path) -> None:
    async def main() -> None:
        widths = []
        for age_s, resting in (
            (5.0, True),
            (120.0, False),
            (3600.0, True),
            (3 * 3600.0, True),
            (900.0, False),
            (-60.0, True),
        ):
            ground = EstimatedGround(tmp_path / f"{age_s}", speed=1.0)
            prepared(ground.folder, ground.stored(1), 0.95, age_s=age_s, resting=resting)
            charge = (await cycles(ground, 0.4)).estimates[ground.stored(1)].charge
            widths.append(charge.soc_p95_pct - charge.soc_p05_pct)
        assert widths[0] < widths[1] < widths[2]
        assert widths[0] < 3.0
        assert min(widths[3:]) > 80.0, "nothing is known"

    run(main())


def test_a_bad_record_is_an_unknown_pack_and_no_crash(tmp_path: Path) -> None:
    async def main() -> None:
        ground = lying(tmp_path, 10.0)
        serial = ground.stored(1)
        path = record.path_of(tmp_path, serial)
        path.write_bytes(path.read_bytes().replace(b"0.75", b"0.85"))
        (tmp_path / f"{ground.stored(2)}.soc").mkdir()  # not even a file, and cannot be replaced by one
        here = await cycles(ground, 3.0)
        assert here.estimates[serial].least_pct is None
        assert ready(ground, here) == ""
        assert set(here.estimates) == {ground.stored(n) for n in (1, 2, 3)}
        assert ground.estimates.failed > 0
        assert not ground.estimates.off
        await ground.estimates.close()
        assert isinstance(record.load(tmp_path, serial, TYPE.name), record.Record)

    run(main())


def test_a_disk_that_hangs_stops_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        ground = EstimatedGround(tmp_path, speed=1.0)
        ground.worker.hangs = True
        here = await cycles(ground, 1.0)
        assert set(here.not_estimated.values()) == {"unread: its record is being read"}
        here = await cycles(ground, newcomers.LOAD_S + 2.0)
        assert set(here.estimates) == {ground.stored(n) for n in (1, 2, 3)}
        assert ground.state.packml == "Aborted"
        assert not ground.estimates.off

    run(main())


def test_a_swap_says_what_its_packs_held_and_what_left_is_unknown_when_it_comes_back(tmp_path: Path) -> None:
    async def main() -> None:
        ground = EstimatedGround(tmp_path)
        for n, soc in ((1, 0.95), (2, 0.94), (3, 0.93)):
            prepared(tmp_path, ground.stored(n), soc)
        best = ground.stored(1)
        await ground.ready()
        ground.send("authorise", vin=VIN)
        ground.arrive(1)
        await ground.until(lambda: bool(ground.finished()), 300.0)
        (exchange,) = ground.finished()[0].exchanges
        assert exchange.serial_in == best
        assert exchange.charge_in is not None
        assert exchange.charge_out is not None
        assert exchange.charge_in.soc_pct == pytest.approx(95.0, abs=2.0)
        assert exchange.charge_out.soc_p05_pct < 12.0 + 5.0
        sent = next(m for m in ground.uplink.said if hasattr(m, "swap_id"))
        assert sent.exchanges[0].arrival_provisional.soc_pct == exchange.charge_out.soc_pct
        assert sent.exchanges[0].outgoing.reason in set(Grounds)
        await ground.until(lambda: best not in ground.runner._read(ground.now_s).estimates, 300.0)
        left = record.load(tmp_path, best, TYPE.name)
        assert isinstance(left, record.Record)
        assert left.charge is None
        assert left.healths[0] == pytest.approx(KNOWN[0], abs=0.02)

    run(main(), 60.0)


def test_a_recording_with_estimates_is_decided_again_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        ground = lying(tmp_path / "soc", 10.0)
        box = attached(ground, tmp_path / "box")
        await ground.ready()
        ground.send("authorise", vin=VIN)
        ground.arrive(1)
        await cycles(ground, 20.0)
        await box.close()

    run(main(), 60.0)
    (path,) = files(tmp_path / "box")
    found = recording(path)
    assert decided_again(found) == []
    last = list(found.cycles)[-1]
    assert last.seen is not None
    assert len(last.seen.snapshot.estimates) >= 3


def test_the_wall_clock_only_labels_records(tmp_path: Path) -> None:
    async def main() -> None:
        ground = EstimatedGround(tmp_path, speed=1.0)
        await cycles(ground, 3.0)
        saved = record.load(tmp_path, ground.stored(1), TYPE.name)
        assert isinstance(saved, record.Record)
        assert 0 <= utc_now().timestamp() - saved.saved_s < 3.0

    run(main())
