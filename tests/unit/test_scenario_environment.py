"""The environment file of a rig: refused with its line, and turned into the bench's own end of each wire."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from hil.rig.processes import RigError
from hil.rig.setting import Setting, station_toml
from hil.scenario import environment, rig
from hil.scenario.environment import EnvironmentFileError
from station_ctl import config

GOOD = """\
without = ["plc_power"]

[device]
station = "station.toml"
power_off = ["true"]
power_on = ["true"]

[plc]
listen = "192.0.2.10"

[broker]
host = "192.0.2.20"
port = 1884

[[can]]
name = "packs"
channel = "can1"
"""
EXAMPLE = Path(__file__).parents[2] / "deploy" / "environment.example.toml"


def _load(folder: Path, text: str) -> environment.Environment:
    path = folder / "environment.toml"
    path.write_text(text, encoding="utf-8")
    return environment.load(path)


def test_the_example_and_what_it_cannot_do(tmp_path: Path) -> None:
    there = environment.load(EXAMPLE)
    assert there.device.station == EXAMPLE.parent / "station.toml"
    assert "kill" not in rig.capabilities(there) and "plc_power" in rig.capabilities(there)
    able = rig.capabilities(_load(tmp_path, GOOD))
    assert "kill" in able and "plc_power" not in able


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        ("channel", "chanel", 17, "nearest: channel"),
        ('"192.0.2.20"', "5", 12, "valid string"),
        ("port = 1884", "port = 70000", 13, "65535"),
        ('power_on = ["true"]\n', "", 3, "belong together"),
        ("[plc]", "[plk]", 8, "nearest: plc"),
        ("plc_power", "plc_powr", 1, "nearest: plc_power"),
        ('host = "192.0.2.20"\n', "", 11, "host is missing"),
    ],
)
def test_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int, text: str) -> None:
    with pytest.raises(EnvironmentFileError) as refused:
        _load(tmp_path, GOOD.replace(old, new))
    assert refused.value.where.endswith(f"environment.toml:{line}"), refused.value
    assert text in str(refused.value)


def test_the_bench_takes_its_own_end_of_each_wire(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(station_toml(Setting(), tmp_path, 1), encoding="utf-8")
    device = config.load(path)
    bench = config.parse(tomllib.loads(rig.bench_toml(device, _load(tmp_path, GOOD))), "bench")
    assert (bench.robot.host, bench.robot.port, bench.can[0].channel) == ("192.0.2.10", 502, "can1")
    assert (bench.bay, bench.mount, bench.packs, bench.truck) == (device.bay, device.mount, device.packs, device.truck)
    with pytest.raises(RigError, match="packs"):
        rig.bench_toml(device, _load(tmp_path, GOOD.replace('"packs"', '"other"')))
