"""The deployed unit under a real systemd: notify, restart after SIGKILL, watchdog, and the one capability it has."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.can_link import query
from drivers.can_state import ControllerState
from hil.peers.broker import Broker
from hil.rig.operator import Operator
from hil.rig.plant_process import Plant, plant
from hil.rig.setting import STATION_ID, peers_toml, station_toml
from tests.integration.mqtt_support import until
from tests.support import run
from tests.system.support import ON_ADAPTERS, SETTING
from tests.system.wires import STATION, adapters, order

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif("RUN_IN_VM" not in os.environ, reason="installs a unit: only in the guest"),
    pytest.mark.skipif(not Path("/run/systemd/system").exists(), reason="systemd does not run here"),
]
ROOT = Path(__file__).parents[2]
UNIT = "station-ctl.service"
# What cannot be as deployed: the program is in this checkout, which may be in a home folder that others cannot read.
DROP_IN = """\
[Service]
ExecStart=
ExecStart={python} -m station_ctl.cli run --config {config}
WorkingDirectory={root}
Environment=PYTHONPATH={root}
DynamicUser=no
User=root
ProtectHome=no
PrivateTmp=no
ReadWritePaths={folder}
"""


def systemctl(*arguments: str) -> str:
    return subprocess.run(
        ["systemctl", *arguments], check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def shown(name: str) -> str:
    return systemctl("show", "--value", "-p", name, UNIT)


def journal() -> str:
    command = ["journalctl", "-u", UNIT, "-o", "cat"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


def install(folder: Path, config: Path) -> None:
    units = Path("/run/systemd/system")
    (units / f"{UNIT}.d").mkdir(exist_ok=True)
    (units / UNIT).write_text((ROOT / "deploy" / UNIT).read_text())
    text = DROP_IN.format(python=sys.executable, config=config, root=ROOT, folder=folder)
    (units / f"{UNIT}.d" / "checkout.conf").write_text(text)
    systemctl("daemon-reload")


@contextlib.asynccontextmanager
async def deployed(folder: Path) -> AsyncIterator[tuple[Plant, Operator]]:
    """A plant, a broker, an operator, and the unit started by systemd."""
    setting, config = replace(SETTING, **ON_ADAPTERS), folder / "station.toml"
    async with contextlib.AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Broker(setting.broker))
        config.write_text(station_toml(setting, folder, broker.port), encoding="utf-8")
        peers = peers_toml(setting, config)
        there = await stack.enter_async_context(
            plant(peers, speed=setting.speed, seed=1, wire_faults=False, on_event=lambda event: None)
        )
        operator = Operator(STATION_ID, broker.port)
        task = asyncio.create_task(operator.run(), name="operator")
        stack.push_async_callback(ended, task)
        await operator.connected()
        install(folder, config)
        await asyncio.to_thread(systemctl, "start", UNIT)  # returns when READY=1 has come
        stack.push_async_callback(asyncio.to_thread, systemctl, "stop", UNIT)
        yield there, operator


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def moving(there: Plant, operator: Operator) -> None:
    """A truck is authorised, and the robot moves for it."""
    for verb in ("clear", "reset"):
        assert (await operator.send(verb, timeout_s=60.0)).verdict == "completed"
    await operator.reaches("Idle")
    vin = "LTESTTRUCK0000001"
    await there.ask("speed", times=4.0)  # so that a motion outlasts the PLC's lease
    await there.ask("truck_arrives", vin=vin, mounts=1, x_error_mm=5.0, y_error_mm=-5.0, angle_deg=0.1)
    assert (await operator.send("authorise", wait=False, vin=vin)).verdict == "accepted"
    end_s = asyncio.get_running_loop().time() + 30.0
    while not (await there.truth())["robot"]["moving"]:
        assert asyncio.get_running_loop().time() < end_s, f"nothing moves: {operator.state}"
        await asyncio.sleep(0.02)  # the guest's one CPU is the service's too


async def comes_back(there: Plant, operator: Operator, restarts: str) -> None:
    """The robot stands by its lease, systemd starts the service again, and that moves nothing."""
    async with asyncio.timeout(20.0):
        while (await there.truth())["plc"]["state"] == "EXECUTING" or shown("NRestarts") != restarts:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    said = await operator.until(
        lambda: operator.state if operator.state and "restarted" in str(operator.state.reason) else None,
        20.0,
        "restart",
    )
    assert said.packml == "Aborted"
    started = (await there.truth())["plc"]["motions_started"]
    await asyncio.sleep(1.0)
    truth = await there.truth()
    assert (truth["plc"]["motions_started"], truth["robot"]["moving"]) == (started, False)


def test_killed_in_a_motion_systemd_brings_it_back_aborted(tmp_path: Path) -> None:
    async def main() -> None:
        async with deployed(tmp_path) as (there, operator):
            assert (shown("ActiveState"), shown("StatusText")) == ("active", "cycling")
            await moving(there, operator)
            systemctl("kill", "--kill-whom=main", "--signal=KILL", UNIT)
            await comes_back(there, operator, "1")
            stops = [e["reason"] for e in (await there.truth())["events"] if e["kind"] == "stop"]
            assert stops == ["LEASE"]

    with adapters():
        run(main(), 100.0)


def test_hung_it_is_ended_by_the_watchdog_and_bus_off_is_mended_with_its_one_capability(tmp_path: Path) -> None:
    async def main() -> None:
        async with deployed(tmp_path) as (_, operator):
            order(f"busoff {STATION}")
            await until(lambda: query(STATION).controller is ControllerState.BUS_OFF)
            await until(lambda: query(STATION).controller is ControllerState.ACTIVE)
            systemctl("kill", "--kill-whom=main", "--signal=STOP", UNIT)
            await until(lambda: shown("NRestarts") == "1", 20.0)
            await until(lambda: shown("ActiveState") == "active", 20.0)
            logged = journal()
            assert "Watchdog timeout" in logged
            assert f"{STATION} restarted after 1 s of bus-off" in logged
            await operator.reaches("Aborted")

    with adapters():
        run(main(), 100.0)
