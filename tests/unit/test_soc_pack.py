"""The pack's estimate, its record between visits, and logs that people hand in."""

from __future__ import annotations

import dataclasses
import math
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_ctl.soc import cell_type, curves, record
from station_ctl.soc.pack import Grounds, PackEstimate

np = pytest.importorskip("numpy")
from drivers.errors import StationError  # noqa: E402
from station_ctl.soc import estimate_log, log, log_files  # noqa: E402

TYPE = cell_type.load("lfp-302ah-177s")
KERNEL = curves.kernel_type(TYPE)


def charged(pack: PackEstimate, soc: float, hours: float, amps: float = 150.0, bms_soc: float = math.nan) -> float:
    """A bay charge of the type's own cell; answers the charge at its end."""
    n = int(hours * 3600)
    z = soc + np.arange(n) * amps / 3600 / TYPE.capacity_ah
    rows = np.ascontiguousarray(np.column_stack([np.ones(n), np.full(n, amps), np.full(n, 20.0), z]))
    volts = np.empty(n)
    KERNEL.predict(rows, -1.0, 1.0, volts)
    for k in range(n):
        pack.frame(1.0, amps + 2.0, volts[k], 20.0, amps, bms_soc)
    return float(z[-1])


@pytest.fixture(scope="module")
def visited() -> tuple[PackEstimate, float]:
    pack = PackEstimate(TYPE, KERNEL)
    return pack, charged(pack, 0.3, 1.37)


def test_says_everything_the_station_wants(visited: tuple[PackEstimate, float]) -> None:
    pack, soc = visited
    now = pack.estimate()
    assert now.soc_p05 < soc < now.soc_p95
    assert now.reason in (Grounds.ANCHORED, Grounds.PLATEAU)
    assert pack.chance(soc - 0.05) > 0.95 > 0.05 > pack.chance(soc + 0.05)
    assert abs(pack.arrival()[0] - 0.3) < 0.02
    soh, low, high = pack.health()
    assert low < soh < high
    assert abs(now.current_bias_a - 2.0) < 0.1
    expected, least = pack.energy_kwh(80e3)
    assert least < expected
    assert expected == pytest.approx(soc * TYPE.capacity_ah * 177 * 3.22 / 1e3, rel=0.06)


def test_power_falls_with_time_and_with_cold(visited: tuple[PackEstimate, float]) -> None:
    pack, _ = visited
    ten, thirty, long = pack.power()
    assert ten.discharge_w >= thirty.discharge_w >= long.discharge_w > 0
    assert ten.charge_w >= thirty.charge_w >= long.charge_w >= 0
    warm_w = ten.discharge_w
    pack.temperature_c = -20.0
    assert pack.power()[0].discharge_w < warm_w
    pack.temperature_c = 20.0


def test_a_bms_that_cannot_be_right_is_flagged() -> None:
    for bms, wrong in ((0.45, False), (0.95, True)):
        pack = PackEstimate(TYPE, KERNEL)
        pack.start(0.3, 0.02)
        charged(pack, 0.3, 0.2, bms_soc=bms if wrong else 0.35)
        assert pack.bms_cannot_be_right is wrong


def test_the_record_brings_capacity_and_bias_back(visited: tuple[PackEstimate, float], tmp_path: Path) -> None:
    pack, _ = visited
    kept = pack.record("SN-0042")
    record.save(tmp_path, kept)
    back = record.load(tmp_path, "SN-0042", TYPE.name)
    assert back == kept
    assert isinstance(back, record.Record)
    again = PackEstimate(TYPE, KERNEL, back)
    assert abs(again.estimate().current_bias_a - 2.0) < 0.5
    assert again.estimate().soc_p95 - again.estimate().soc_p05 > 0.8  # its charge is unknown again
    assert again.record("SN-0042").visits == 2


def test_a_bad_record_means_unknown(visited: tuple[PackEstimate, float], tmp_path: Path) -> None:
    good = record.to_bytes(visited[0].record("A1"))
    assert isinstance(record.from_bytes(good, "A1", TYPE.name), record.Record)
    assert "checksum" in str(record.from_bytes(good.replace(b"bias", b"bios"), "A1", TYPE.name))
    assert "is of pack" in str(record.from_bytes(good, "A2", TYPE.name))
    assert "is of pack" in str(record.from_bytes(good, "A1", "other"))
    assert "longer" in str(record.from_bytes(b"x" * 5000, "A1", TYPE.name))
    for body, word in ((b"2 {}", "version"), (b"3 {}", "no record"), (b"3 [1", "no record")):
        assert word in str(record.from_bytes(b"%08x " % zlib.crc32(body) + body, "A1", TYPE.name))
    absurd = dataclasses.replace(visited[0].record("A1"), bias=(9.0, 0.1))
    assert "cannot be" in str(record.from_bytes(record.to_bytes(absurd), "A1", TYPE.name))
    assert "read" in str(record.load(tmp_path, "none", TYPE.name))
    assert record.path_of(tmp_path, "../../etc").parent == tmp_path


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_record(data: bytes) -> None:
    assert isinstance(record.from_bytes(data, "A1", TYPE.name), str)


def test_a_log_is_followed_and_written(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,I,V,T,other\n" + "\n".join(f"{k},100.0,{3.28 + k * 1e-5:.5f},20,x" for k in range(60)))
    found = log_files.read(path)
    answers = estimate_log.follow(TYPE, found, estimate_log.start("0.5+-0.05"))
    with (tmp_path / "out.csv").open("w") as file:
        estimate_log.write(file, found, answers)
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == estimate_log.HEADER
    assert len(lines) == 61
    assert lines[-1].endswith(("plateau", "anchored"))
    np.savez(
        tmp_path / "b.npz", t=found.t_s, I=found.frames[:, 1], V=found.frames[:, 2], V_cells_mV=np.full((60, 4), 3290.0)
    )
    with_cells = log_files.read(tmp_path / "b.npz")
    assert np.all(np.isfinite(estimate_log.follow(TYPE, with_cells, None)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("t,I\n0,1\n", "no column V"),
        ("t,I,V\n0,1,3.3\n2,1,3.3\n1,1,3.3\n", "time goes back"),
        ("t,I,V\n0,1,3.3\n,1,3.3\n", "gap"),
        ("t,I,V\n0,1\n", "line 2 has 2 columns"),
        ("t,I,V\n0,1,abc\n", "line 2"),
        ("t,I,V\n", "no rows"),
        ("", "no column"),
    ],
)
def test_a_log_says_what_is_wrong_with_it(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(log.LogError, match=says):
        log_files.read(path)


@pytest.mark.parametrize("text", ["55", "0.5", "1.5+-0.1", "0.5+-0", "..+-1", ""])
def test_a_start_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(StationError):
        estimate_log.start(text)


def test_valid_zero_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,I,V,valid\n0,1,3.3,1\n1,1,3.9,0\n")
    assert math.isnan(log_files.read(path).frames[1, 2])
    with pytest.raises(log.LogError, match="no log"):
        log_files.read(tmp_path / "a.txt")
