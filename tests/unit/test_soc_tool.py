"""`station-ctl soc` as a person calls it: what it would overwrite, which options go together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from station_ctl import cli
from station_ctl.soc import cell_type

np = pytest.importorskip("numpy")
from station_ctl.soc import candump_log, log  # noqa: E402
from station_ctl.soc.candump_log import How  # noqa: E402
from station_ctl.soc.candump_rows import Signals  # noqa: E402
from tests.soc_logs import columns, text_of  # noqa: E402

TYPE = "lfp-302ah-177s"
DBC = """VERSION ""
BU_: BMS
BO_ 291 BMS_1: 8 BMS
 SG_ Current : 7|16@0- (0.1,0) [-500|500] "A" X
 SG_ Voltage : 23|16@0+ (0.1,0) [0|1000] "V" X
"""


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    path = tmp_path / "drive.csv"
    path.write_text(text_of(columns()), encoding="utf-8")
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Its one line on stderr."""
    assert cli.main(["soc", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_what_is_read_is_never_overwritten(drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = drive.read_bytes()
    (tmp_path / "again.png").symlink_to(drive)
    base = ("estimate", str(drive), "--type", TYPE)
    for option, path in (("--out", drive), ("--plot", tmp_path / "again.png")):
        assert "would replace what is read" in refused(capsys, *base, option, str(path))
    run = str(tmp_path / "run.npz")
    np.savez(run, **columns(), soc=columns()["t"])
    kept = Path(run).read_bytes()
    fit = ("fit", run, "--like", TYPE, "--at", "-10,0,25")
    assert "would replace what is read" in refused(capsys, *fit, "--out", run)
    assert drive.read_bytes() == before
    assert Path(run).read_bytes() == kept


def test_what_cannot_be_written_is_said_before_the_work(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = ("fit", "no-run.npz", "--like", TYPE, "--at", "-10,0,25")
    for wrong in (
        ("estimate", str(drive), "--type", "no-type", "--out", str(tmp_path)),
        ("estimate", "no-log.csv", "--type", TYPE, "--out", str(tmp_path / "no" / "a.csv")),
        (*fit, "--out", str(tmp_path / "no" / "a.toml")),
    ):
        assert "cannot be written" in refused(capsys, *wrong)
    assert "--report: is no picture" in refused(capsys, *fit, "--out", str(tmp_path / "a.toml"), "--report", "a.pdf")


def test_temperatures_may_begin_below_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--at -10,0,25` is no option; the run that is not there is what is wrong."""
    fit = ("fit", "no-run.npz", "--like", TYPE, "--out", str(tmp_path / "a.toml"))
    assert "no-run.npz" in refused(capsys, *fit, "--at", "-10,0,25.5")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"soc": None}, "has no array soc; accepted: t, I, V, T, soc"),
        ({"t": np.array(1.0)}, "column t is no row of numbers"),
        ({"V": np.full(9, 3.3)}, "column V does not fit t"),
        ({"V": columns()["V"] * 1e3}, "V is in V, not mV"),
        ({"I": -columns()["I"]}, "column I has the other sign"),
        ({"T": columns()["T"] + 273.15}, "T is in degC, not K"),
        ({"soc": np.full(400, 55.0)}, "array soc is no charge; got '55 to 55'; accepted: 0 to 1"),
        ({"soc": np.r_[np.full(399, 0.5), np.nan]}, "row 400: array soc has a gap"),
        ({name: values[:9] for name, values in columns().items()} | {"soc": np.zeros(9)}, "is too short; got 9"),
        ({"t": np.array([None] * 400)}, "Object arrays"),
    ],
)
def test_a_run_that_nothing_can_be_fitted_to_is_refused(
    change: dict[str, Any], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = columns() | {"soc": np.full(400, 0.5)} | change
    np.savez(tmp_path / "run.npz", **{name: values for name, values in found.items() if values is not None})
    fit = ("fit", str(tmp_path / "run.npz"), "--like", TYPE, "--out", str(tmp_path / "a.toml"))
    assert says in refused(capsys, *fit, "--at", "-10,0,25")
    (tmp_path / "run.npz").write_bytes((tmp_path / "run.npz").read_bytes()[:700])
    assert "run.npz: cannot be read" in refused(capsys, *fit, "--at", "-10,0,25")


@pytest.mark.parametrize("at", ["25", "25,0,-10", "-10,0,25,25", "nan,0,25", "263,273,298", "-300,0,25", "cold", ""])
def test_temperatures_of_a_fit_rise(at: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = ("fit", "no-run.npz", "--like", TYPE, "--out", str(tmp_path / "a.toml"), f"--at={at}")
    assert "--at: are no temperatures" in refused(capsys, *fit)


def test_a_reader_that_has_seen_enough_is_no_error(drive: Path) -> None:
    command = [sys.executable, "-m", "station_ctl.cli", "soc", "estimate", str(drive), "--type", TYPE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tool:
        assert tool.stdout is not None
        assert tool.stderr is not None
        tool.stdout.close()
        assert tool.stderr.read() == b""
        assert tool.wait(60) == 0


def test_options_of_a_candump_log_need_its_dbc(drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (("--signal", "I=-Current"), ("--address", "0xE4"), ("--interface", "can0")):
        assert "are of a candump log" in refused(capsys, "estimate", str(drive), "--type", TYPE, *wrong)
    with pytest.raises(SystemExit):
        cli.main(["soc", "estimate", str(drive), "--type", TYPE, "--address", "bay 2"])
    assert "'bay 2' is no address like 0xE4" in capsys.readouterr().err
    with pytest.raises(log.LogError, match="only a current has another sign; got 'T=-Heat'"):
        Signals.parse(("I=-Current", "V=Mean", "T=-Heat"))
    dbc, path = tmp_path / "a.dbc", tmp_path / "a.log"
    dbc.write_text(DBC, encoding="utf-8")
    path.write_text("(1.0) can0 123#0064170000000000\n", encoding="utf-8")
    names = ("I=-Current", "V_pack=Voltage")
    with pytest.raises(log.LogError, match="takes no address"):
        candump_log.read(path, How(str(dbc), names, address=0xE4), 177)
    with pytest.raises(log.LogError, match=r"a\.log, bus can9: has no pack: never has I=Current, V_pack=Voltage$"):
        candump_log.read(path, How(str(dbc), names, interface="can9"), 177)


def test_an_endless_candump_log_is_refused_at_once() -> None:
    with pytest.raises(candump_log.candump.CandumpError, match="line 1: is no line of candump"):
        candump_log.read(Path("/dev/zero"), How("pack"), 177)


def test_a_log_of_the_wrong_unit_is_refused_by_the_verb(drive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive.write_text(text_of(columns() | {"V": columns()["V"] * 177}), encoding="utf-8")
    said = refused(capsys, "estimate", str(drive), "--type", TYPE)
    assert "divided by its 177 cells" in said


def test_the_picture_says_what_it_is_of(drive: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    named = drive.rename(tmp_path / "a<b>.csv")
    page = tmp_path / "a.html"
    assert (
        cli.main(["soc", "estimate", str(named), "--type", TYPE, "--out", str(tmp_path / "o"), "--plot", str(page)])
        == 0
    )
    assert f"<title>a&lt;b&gt;.csv, type {cell_type.load(TYPE).name}, start unknown</title>" in page.read_text("utf-8")
