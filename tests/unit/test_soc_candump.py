"""candump logs for the estimator: this station's packs, any other by a DBC file, and what is wrong with a log."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers import candump
from drivers.can_frame import Frame
from drivers.dbc import catalogue
from drivers.dbc_file import DbcError, DbcFile
from drivers.errors import StationError
from drivers.j1939 import build_id
from drivers.transport import Transport
from station_ctl import cli

np = pytest.importorskip("numpy")
from station_ctl.soc import candump_log, estimate_log  # noqa: E402
from station_ctl.soc.candump_log import How  # noqa: E402

STATION, BAY, MOUNT, CELLS = 0x56, 0xE4, 0xE5, 177
PACK = catalogue("pack")
OTHER_DBC = """VERSION ""
BU_: BMS
BO_ 291 BMS_1: 8 BMS
 SG_ Current : 7|16@0- (0.1,0) [-500|500] "A" X
 SG_ Voltage : 23|16@0+ (0.1,0) [0|1000] "V" X
BO_ 292 BMS_2: 8 BMS
 SG_ Page M : 0|8@1+ (1,0) [0|255] "" X
 SG_ CellMean m1 : 8|16@1+ (0.1,0) [0|5000] "mV" X
 SG_ Heat m2 : 8|16@1+ (0.1,0) [0|500] "K" X
 SG_ Same : 32|8@1+ (1,0) [0|255] "" X
BO_ 293 BMS_3: 8 BMS
 SG_ Same : 32|8@1+ (1,0) [0|255] "kV" X
"""


def line(t_s: float, can_id: int, data: bytes, bus: str = "can0") -> str:
    return f"({t_s:.6f}) {bus} {can_id:08X}#{data.hex().upper()}\n"


def told(name: str, source: int, t_s: float, **values: float) -> Iterator[str]:
    """The frames of one message of a pack as they cross the bus, with what the station answers."""
    info = PACK.infos[name]
    data = PACK.encode(name, values)
    if len(data) <= 8:
        yield line(t_s, build_id(info.priority, info.pgn, source, STATION), data)
        return
    bms, station = Transport(source), Transport(STATION)
    under_way: list[Frame] = bms.send(info.pgn, STATION, data, t_s).frames
    while under_way:
        frame = under_way.pop(0)
        yield line(t_s, frame.can_id, frame.data)
        under_way += bms.receive(frame, t_s).frames + station.receive(frame, t_s).frames + bms.poll(t_s).frames


def identity(source: int, t_s: float, number: int) -> Iterator[str]:
    maker = int.from_bytes(b"HILP", "little")
    return told("BRM", source, t_s, chemistry=3, maker=maker, serial_number=number, rated_capacity_ah=302.0)


def own_log(source: int = BAY, serials: tuple[int, ...] = (1,), count: int = 8) -> list[str]:
    lines: list[str] = []
    for k in range(count):
        t_s = 1.7e9 + 0.25 * k
        if k % (count // len(serials)) == 0:
            lines += identity(source, t_s, serials[k * len(serials) // count])
        lines += told("BSM", source, t_s, temperature_max_c=24, temperature_min_c=20)
        lines += told("BCS", source, t_s, pack_voltage_v=584.1, pack_current_a=-150.0 - k, soc_pct=40)
    return lines


@pytest.fixture
def log_of(tmp_path: Path) -> Callable[[list[str]], Path]:
    def write(lines: list[str]) -> Path:
        path = tmp_path / "a.log"
        path.write_text("".join(lines), encoding="utf-8")
        return path

    return write


def test_the_stations_own_packs_are_read_as_the_station_reads_them(log_of: Callable[[list[str]], Path]) -> None:
    log = candump_log.read(log_of(own_log()), How("pack"), CELLS)
    assert len(log.frames) == 8
    assert log.frames[0] == pytest.approx([0, 150.0, 584.1 / CELLS, 22.0, math.nan], nan_ok=True)
    assert log.frames[:, 1].tolist() == [150.0 + k for k in range(8)]
    assert log.t_s[-1] == 1.7e9 + 1.75


def test_one_pack_is_never_taken_for_another(log_of: Callable[[list[str]], Path]) -> None:
    both = sorted(own_log() + own_log(MOUNT, (2,)), key=lambda text: text.split(")")[0])
    with pytest.raises(StationError, match=r"several packs.*0xe4.*0xe5.*--address"):
        candump_log.read(log_of(both), How("pack"), CELLS)
    assert len(candump_log.read(log_of(both), How("pack", address=MOUNT), CELLS).frames) == 8
    with pytest.raises(StationError, match="no such pack"):
        candump_log.read(log_of(both), How("pack", address=0x12), CELLS)
    with pytest.raises(StationError, match="HILP-00000001, HILP-00000002; cut"):
        candump_log.read(log_of(own_log(serials=(1, 2))), How("pack"), CELLS)


def test_what_a_bms_does_not_know_is_not_known(log_of: Callable[[list[str]], Path]) -> None:
    log = candump_log.read(log_of(list(told("BCS", BAY, 5.0))), How("pack"), CELLS)
    assert np.isnan(log.frames[0, 1:]).all()


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.dbc"
    path.write_text(OTHER_DBC, encoding="utf-8")
    return path


def signals(*more: str) -> tuple[str, ...]:
    return ("I=-Current", *more)


def bms_1(t_s: float, amps: float, volts: float) -> str:
    data = int(amps * 10).to_bytes(2, "big", signed=True) + int(volts * 10).to_bytes(2, "big") + bytes(4)
    return f"({t_s}) can0 123#{data.hex()}\n"


def test_any_pack_is_read_by_names_and_units(log_of: Callable[[list[str]], Path], other: Path) -> None:
    mean = (32871).to_bytes(2, "little").hex()
    warm = (2931).to_bytes(2, "little").hex()
    lines = [
        f"(1.0) can0 124#01{mean}0000000000\n", f"(1.1) can0 124#02{warm}0000000000\n", bms_1(1.2, -120.5, 580.0),
        "(1.3) can0 123#R\n", "(1.4) can0 20000004#0000000000000000\n", bms_1(9.0, 12.0, 581.0),
        " (9.5)  can0  123   [4]  00 0A 16 00\n", bms_1(9.6, -900.0, 580.0),
    ]  # fmt: skip
    log = candump_log.read(log_of(lines), How(str(other), signals("V=CellMean", "T=Heat")), CELLS)
    assert log.frames[0] == pytest.approx([0, 120.5, 3.2871, 19.95, math.nan], nan_ok=True)
    assert math.isnan(log.frames[1, 2])  # the voltage is eight seconds old
    assert log.frames[1, 3] == pytest.approx(19.95)
    assert log.frames[2, 1] == pytest.approx(-1.0)  # a short frame has its first signals
    assert math.isnan(log.frames[3, 1])  # out of the range in the file
    packs = candump_log.read(log_of(lines), How(str(other), signals("V_pack=BMS_1.Voltage")), CELLS)
    assert packs.frames[0, 2] == pytest.approx(580.0 / CELLS)


def test_a_j1939_file_finds_messages_by_their_group_whoever_sends(log_of: Callable[[list[str]], Path]) -> None:
    shipped = str(Path(candump.__file__).parent / "dbc" / "pack.dbc")
    how = How(shipped, ("I=-BCS.pack_current_a", "V_pack=BCS.pack_voltage_v", "T=temperature_max_c"))
    log = candump_log.read(log_of(own_log(MOUNT)), how, CELLS)
    assert log.frames[3] == pytest.approx([0.25, 153.0, 584.1 / CELLS, 24.0, math.nan], nan_ok=True)
    absent = candump_log.read(log_of([*own_log(MOUNT, count=1), *told("BCS", MOUNT, 1.8e9)]), how, CELLS)
    assert np.isnan(absent.frames[1, 1:3]).all()


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (("V=CellMean",), "misses a signal"),
        (("I=Current",), "misses a signal"),
        (("I=Current", "V=CellMean", "V_pack=Voltage"), "misses a signal"),
        (("I=Current", "I=Voltage"), "twice"),
        (("Amps=Current",), "is no signal"),
        (("I=",), "is no signal"),
        (("I=Curent", "V=CellMean"), "no such signal.*Current"),
        (("I=Same", "V=CellMean"), "several messages.*BMS_2.Same, BMS_3.Same"),
        (("I=BMS_3.Same", "V=CellMean"), "unit.*kV"),
        (("I=Current", "V=CellMean"), "never has V=CellMean"),
        (("I=BMS_2.Same", "V_pack=Voltage"), "has no pack: never has I=BMS_2.Same"),
    ],
)
def test_a_missing_signal_is_named(
    texts: tuple[str, ...], says: str, log_of: Callable[[list[str]], Path], other: Path
) -> None:
    with pytest.raises(StationError, match=says):
        candump_log.read(log_of([bms_1(1.0, 1.0, 580.0)]), How(str(other), texts), CELLS)


def test_a_log_that_cannot_be_followed_says_so(
    log_of: Callable[[list[str]], Path], other: Path, tmp_path: Path
) -> None:
    how = How(str(other), signals("V_pack=Voltage"))
    for lines, says in (
        ([bms_1(2.0, 1, 580), bms_1(1.0, 1, 580)], "line 2: time goes back"),
        ([bms_1(2.0, 1, 580), "what is this\n"], "line 2: is no line of candump"),
        ([bms_1(2.0, 1, 580), bms_1(3.0, 1, 580).replace("can0", "can1")], "more than one bus.*--interface"),
        ([], "has no pack: never has I=Current"),
    ):
        with pytest.raises(StationError, match=says):
            candump_log.read(log_of(lines), how, CELLS)
    two = log_of([bms_1(2.0, 1, 580), bms_1(3.0, 1, 580).replace("can0", "can1")])
    assert len(candump_log.read(two, How(how.dbc, how.signals, interface="can1"), CELLS).frames) == 1
    with pytest.raises(StationError, match="BCS was never heard"):
        candump_log.read(log_of([bms_1(2.0, 1, 580)]), How("pack"), CELLS)
    with pytest.raises(StationError, match="takes no signals"):
        candump_log.read(two, How("pack", ("I=Current",)), CELLS)
    with pytest.raises(StationError, match="cannot be read"):
        candump_log.read(tmp_path / "none.log", how, CELLS)
    (tmp_path / "bad.dbc").write_text("BO_ nonsense", encoding="utf-8")
    for bad in ("bad.dbc", "none.dbc"):
        with pytest.raises(DbcError, match="no DBC file"):
            DbcFile(tmp_path / bad)


def test_the_verb_writes_the_table_and_the_picture(
    log_of: Callable[[list[str]], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    log, out = str(log_of(own_log(count=40))), tmp_path / "out.csv"
    base = ["soc", "estimate", log, "--type", "lfp-302ah-177s", "--start", "0.4+-0.05"]
    assert cli.main([*base, "--dbc", "pack", "--out", str(out), "--plot", str(tmp_path / "a.png")]) == 0
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == estimate_log.HEADER == (
        "t,soc,soc_p05,soc_p95,capacity_ah,capacity_p05,capacity_p95,current_bias_a,reason"
    )  # fmt: skip
    assert len(lines) == 41
    assert float(lines[-1].split(",")[1]) == pytest.approx(0.4, abs=0.04)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert cli.main([*base, "--dbc", "pack", "--plot", str(tmp_path / "a.html")]) == 0
    assert capsys.readouterr().out.startswith(estimate_log.HEADER)
    assert "data:image/png;base64" in (tmp_path / "a.html").read_text(encoding="utf-8")
    for wrong, says in (
        ([], "--dbc"),
        (["--dbc", "pack", "--plot", "a.xyz"], ".png or .html"),
        (["--dbc", "pack", "--out", str(tmp_path / "no" / "a.csv")], "cannot be written"),
    ):
        assert cli.main([*base, *wrong]) == 2
        assert says in capsys.readouterr().err
