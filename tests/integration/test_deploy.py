"""deploy/: the unit is one that systemd takes, and what install.sh makes uninstall.sh takes away."""

from __future__ import annotations

import asyncio
import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.mqtt_client import MqttClient
from drivers.mqtt_values import Endpoint, MqttMessage, MqttRefused
from hil.peers.broker import find_mosquitto
from tests.integration.mqtt_support import running, until
from tests.support import free_port, run

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "station-ctl.service"


def _script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(DEPLOY / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def _section(path: Path, name: str) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, encoding="utf-8")
    return dict(parser[name])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = tmp_path / "venv" / "bin" / "station-ctl"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/station-ctl/", f"{tmp_path}/"))
    found = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_unit_says_what_the_safety_case_needs() -> None:
    service = _section(UNIT, "Service")
    assert service["Type"] == "notify"
    assert service["WatchdogSec"] == "2"
    assert service["Restart"] == "on-failure"
    assert service["StateDirectory"] == "station-ctl"
    assert service["AmbientCapabilities"] == service["CapabilityBoundingSet"] == "CAP_NET_ADMIN"
    assert {"AF_CAN", "AF_NETLINK", "AF_UNIX", "AF_INET"} <= set(service["RestrictAddressFamilies"].split())


def test_can_files_say_250_kbit_and_come_back_after_bus_off() -> None:
    can = _section(DEPLOY / "80-can0.network", "CAN")
    assert (can["BitRate"], can["RestartSec"]) == ("250K", "100ms")
    assert _section(DEPLOY / "80-can0.link", "Link")["TransmitQueueLength"] == "128"


def test_install_twice_then_uninstall_leaves_the_configuration_only(tmp_path: Path) -> None:
    root = str(tmp_path)
    for _ in range(2):
        done = _script("install.sh", "--root", root, "--prefix", "/opt/swap", "--no-venv")
        assert (done.returncode, done.stderr) == (0, "")
    made = _files(tmp_path)
    assert {"etc/systemd/system/station-ctl.service", "etc/systemd/network/80-can0.network"} <= made
    assert not any(name.endswith(".new") for name in made)
    unit = (tmp_path / "etc/systemd/system/station-ctl.service").read_text()
    assert "ExecStart=/opt/swap/venv/bin/station-ctl run" in unit
    assert "/opt/station-ctl" not in unit
    config = tmp_path / "etc/station-ctl/station.toml"
    config.write_text("# mine\n")
    journal = tmp_path / "var/lib/private/station-ctl/journal.db"
    journal.parent.mkdir(parents=True)
    journal.write_text("x")
    _script("install.sh", "--root", root, "--prefix", "/opt/swap", "--no-venv")
    assert config.read_text() == "# mine\n"
    foreign = tmp_path / "opt/swap/somebody-elses"
    foreign.write_text("y")
    done = _script("uninstall.sh", "--root", root, "--prefix", "/opt/swap")
    assert (done.returncode, done.stderr) == (0, "")
    kept = {str(p.relative_to(tmp_path)) for p in (config, journal, foreign)}
    assert _files(tmp_path) == kept
    assert _script("uninstall.sh", "--root", root, "--prefix", "/opt/swap", "--purge").returncode == 0
    assert _files(tmp_path) == {"opt/swap/somebody-elses"}


COMMANDS = ("station-ctl", "station-console")


def _links(root: Path) -> dict[str, str]:
    return {p.name: str(p.readlink()) for p in sorted((root / "usr/local/bin").iterdir()) if p.is_symlink()}


def test_the_commands_are_on_the_path_and_uninstall_takes_them_away(tmp_path: Path) -> None:
    root = str(tmp_path)
    for _ in range(2):
        assert _script("install.sh", "--root", root, "--prefix", "/opt/swap", "--no-venv").returncode == 0
    assert _links(tmp_path) == {name: f"/opt/swap/venv/bin/{name}" for name in sorted(COMMANDS)}
    assert _script("uninstall.sh", "--root", root, "--prefix", "/opt/swap").returncode == 0
    assert _links(tmp_path) == {}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_found_by_its_bare_name_once_it_is_installed(command: str, tmp_path: Path) -> None:
    """As a person at the station types it; under the prefix the programs of this tree instead of a venv of its own."""
    prefix, root = tmp_path / "opt", tmp_path / "root"
    program = prefix / "venv/bin" / command
    program.parent.mkdir(parents=True)
    module = {"station-ctl": "station_ctl.cli", "station-console": "station_ctl.console.cli"}[command]
    program.write_text(f'#!/bin/sh\nPYTHONPATH={DEPLOY.parent} exec {sys.executable} -m {module} "$@"\n')
    program.chmod(0o755)
    assert _script("install.sh", "--root", str(root), "--prefix", str(prefix), "--no-venv").returncode == 0
    path = f"{root / 'usr/local/bin'}:/usr/bin:/bin"
    said = subprocess.run(
        [command, "--help"], env={"PATH": path}, capture_output=True, text=True, timeout=30, check=False
    )
    assert said.returncode == 0 and said.stdout.startswith(f"usage: {command}"), said.stderr


def test_somebody_elses_command_of_that_name_stays(tmp_path: Path) -> None:
    theirs = tmp_path / "usr/local/bin/station-console"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    (theirs.parent / "station-ctl").symlink_to("/elsewhere/station-ctl")
    done = _script("install.sh", "--root", str(tmp_path), "--no-venv")
    assert done.returncode == 0 and done.stderr.count("is not ours and stays") == 2
    assert _script("uninstall.sh", "--root", str(tmp_path)).returncode == 0
    assert theirs.read_text() == "theirs" and _links(tmp_path) == {"station-ctl": "/elsewhere/station-ctl"}


@pytest.mark.parametrize("arguments", [("--prefix", "relative"), ("--prefix", "/"), ("--what",), ("--root",)])
@pytest.mark.parametrize("script", ["install.sh", "uninstall.sh"])
def test_wrong_arguments_do_nothing(script: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = _script(script, "--root", str(tmp_path), *arguments)
    assert done.returncode != 0
    assert done.stderr
    assert _files(tmp_path) == set()


@pytest.mark.parametrize("script", ["install.sh", "uninstall.sh"])
def test_scripts_are_clean(script: str) -> None:
    assert os.access(DEPLOY / script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(DEPLOY / script)], timeout=10, check=False).returncode == 0
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(DEPLOY / script)], timeout=30, check=True)


@pytest.mark.mosquitto
@pytest.mark.skipif(
    find_mosquitto() is None or shutil.which("mosquitto_passwd") is None, reason="mosquitto not installed"
)
def test_access_list_lets_each_say_only_what_is_theirs(tmp_path: Path) -> None:
    port = free_port()
    passwords = tmp_path / "station.passwd"
    for number, user in enumerate(("JN-01", "operator", "supervisor", "service", "watcher")):
        flags = ["-b", "-c"] if number == 0 else ["-b"]
        subprocess.run(["mosquitto_passwd", *flags, str(passwords), user, "secret"], timeout=10, check=True)
    shutil.copy(DEPLOY / "mosquitto" / "acl", tmp_path / "station.acl")
    for file in (passwords, tmp_path / "station.acl"):
        file.chmod(0o600)
    config = tmp_path / "mosquitto.conf"
    text = (DEPLOY / "mosquitto" / "station.conf").read_text()
    text = text.replace("/etc/mosquitto", str(tmp_path)).replace("listener 1883", f"listener {port}")
    # started by root, the broker would become a user who cannot read this test's folder
    config.write_text(text + ("\nuser root\n" if os.geteuid() == 0 else ""))

    async def may(user: str, *topics: str) -> list[bool]:
        client = MqttClient(Endpoint("127.0.0.1", port, user, "secret"), client_id=user)
        async with running(client):
            return [await _published(client, topic) for topic in topics]

    async def main() -> None:
        broker = await asyncio.create_subprocess_exec(
            find_mosquitto() or "", "-c", str(config), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            own, other = "swap/v1/JN-01", "swap/v1/JN-02"
            spoken = (f"{own}/state", f"{own}/reply/x", f"{own}/cmd/hold", f"{other}/state", f"{other}/cmd/hold")
            assert await may("JN-01", *spoken) == [True, True, False, False, False]
            assert await may("operator", *spoken) == [False, False, True, False, True]
            assert await may("watcher", *spoken) == [False] * 5
            assert await may("JN-01", f"{own}/alarms", f"{other}/alarms") == [True, False]
            asked = [f"{own}/cmd/{verb}" for verb in ("abort", "clear", "evacuate", "release_truck", "step")]
            assert await may("operator", *asked) == [True, True, True, False, False]
            assert await may("supervisor", *asked) == [True, True, True, True, False]
            assert await may("service", *asked) == [True, True, False, False, True]
            stranger = MqttClient(Endpoint("127.0.0.1", port), client_id="stranger")
            async with running(stranger, wait=False):
                await until(lambda: stranger.last_error)
                assert stranger.counters.connects == 0
        finally:
            broker.terminate()
            await broker.wait()

    run(main(), 30)


async def _published(client: MqttClient, topic: str) -> bool:
    try:
        await client.publish(MqttMessage(topic, b"x"))
    except MqttRefused:
        return False
    return True
