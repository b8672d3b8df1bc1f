"""Scenarios on the grounds with wires: local, and a rig whose device under test is a process that stands elsewhere."""

from __future__ import annotations

import contextlib
import json
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hil.cli import main as station_hil
from hil.peers.broker import Broker
from hil.rig.controller_process import Controller
from hil.rig.setting import Setting, station_toml
from hil.scenario import environment, local, rig
from hil.scenario.load import load
from hil.scenario.model import Station, missing
from hil.scenario.play import play
from tests.support import run

KILLED = """\
title = "Killed in mid-lift, over real wires"
why = "Every word of a scenario that needs a process of its own."
within_s = 50.0

[station]
speed = 100.0

[[step]]
truck = { mounts = 1, x_error_mm = 5.0 }
[[step]]
until = { step = "unlock" }
[[step]]
do = "speed"
times = 5.0
[[step]]
until = { step = "extract", moving = true }
[[step]]
controller = "kill"
[[step]]
mark = "kill"
[[step]]
until = { moving = false }
within_s = 5.0
[[step]]
measure = "since"
mark = "kill"
at_most = "3 s"
[[step]]
controller = "start"
[[step]]
until = { packml = "Aborted", reason = "restarted" }
[[step]]
fault = { kind = "people.zone", lasts_s = 0.5 }
[[step]]
stays = { packml = "Aborted", moving = false }
for_s = 1.0
[[step]]
do = "speed"
times = 100.0
[[step]]
person = "recover"
[[step]]
until = { packml = "Held", reason = "interrupted", alarm = "station.held", choice = "resume" }
within_s = 15.0
[[step]]
fault = { kind = "modbus.delay", delay_ms = 5.0 }
[[step]]
send = "resume"
[[step]]
until = { records = 1, packml = "Idle" }
[[step]]
expect = { left_with = { "mount 1" = "SIMP-00000001" } }
"""


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scenario_on_the_local_ground(tmp_path: Path) -> None:
    scenario = load(_file(tmp_path, "killed.toml", KILLED))
    assert missing(scenario, local.CAPABILITIES) == []

    async def main() -> None:
        async with local.ground(scenario.station, 1) as ground:
            record = await play(scenario, ground, 1, print)
        assert record.passed, record.violations
        assert (record.ground, record.scenario) == ("local", "killed")
        assert [span.name for span in record.faults] == ["controller", "people.zone", "modbus.delay"]
        assert {event.kind for event in record.events} >= {
            "state",
            "step",
            "command",
            "sent",
            "verdict",
            "stop",
            "plant",
        }
        steps = [sample.step for sample in record.samples]
        assert steps == sorted(steps, key=lambda step: "waiting" in step) or "extract" in steps

    run(main(), timeout_s=55.0)


def _environment(folder: Path, station: Path, broker: Broker, power: bool) -> Path:
    device = tomllib.loads(station.read_text(encoding="utf-8"))
    touch = [sys.executable, "-c", f"open({str(folder / 'power')!r}, 'a').write('x')"]
    commands = f"power_off = {json.dumps(touch)}\npower_on = {json.dumps(touch)}\n" if power else ""
    bus = device["can"][0]
    text = (
        f'[device]\nstation = "{station.name}"\n{commands}\n[plc]\nlisten = "127.0.0.1"\n'
        f'port = {device["robot"]["port"]}\n\n[broker]\nhost = "127.0.0.1"\nport = {broker.port}\n\n[[can]]\n'
        f'name = "packs"\ninterface = "udp_multicast"\nchannel = "{bus["channel"]}"\nport = {bus["port"]}\n'
    )
    return _file(folder, "environment.toml", text)


@contextlib.asynccontextmanager
async def _device(folder: Path) -> AsyncIterator[tuple[environment.Environment, Controller]]:
    """The device under test, as if elsewhere: nothing of it is the bench's but addresses."""
    async with Broker("iotcore") as broker:
        station = _file(folder, "station.toml", station_toml(Setting(), folder, broker.port))
        controller = Controller(station, folder)
        await controller.start()
        try:
            yield environment.load(_environment(folder, station, broker, power=True)), controller
        finally:
            assert await controller.stop() == 0, controller.log()


def test_a_scenario_on_a_rig(tmp_path: Path) -> None:
    head, _, tail = KILLED.partition('[[step]]\nuntil = { step = "unlock" }\n')
    swap = head + tail[tail.index("[[step]]\nsend") :].replace('[[step]]\nsend = "resume"\n', "")
    scenario = load(_file(tmp_path, "swap.toml", swap))

    async def main() -> None:
        async with _device(tmp_path) as (there, controller):
            assert {"kill", "fault.controller"} <= rig.capabilities(there)
            async with rig.ground(there, scenario.station, 1, drive=True) as ground:
                record = await play(scenario, ground, 1, print)
                assert record.passed, record.violations
                await ground.kill()
                await ground.start()
            assert (tmp_path / "power").read_text() == "xx"
            assert controller.process is not None and controller.process.returncode is None

    run(main(), timeout_s=55.0)


def test_nothing_is_opened_on_a_rig_without_leave(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the command line nor the ground itself looks at an environment, let alone opens what it names."""
    absent = str(tmp_path / "absent.toml")
    assert station_hil(["run", "one_pack", "--ground", "rig", "--environment", absent]) == 2
    assert "--drive-real-hardware" in capsys.readouterr().err
    assert station_hil(["run", "one_pack", "--ground", "rig", "--drive-real-hardware"]) == 2
    assert "--environment" in capsys.readouterr().err
    broker_nobody_runs = Broker("iotcore")
    station = _file(tmp_path, "station.toml", station_toml(Setting(), tmp_path, broker_nobody_runs.port))
    there = environment.load(_environment(tmp_path, station, broker_nobody_runs, power=False))
    assert "kill" not in rig.capabilities(there)

    async def main() -> None:
        with pytest.raises(rig.NotAllowed):
            async with rig.ground(there, Station(), 1, drive=False):
                pytest.fail("it was opened")

    run(main())
