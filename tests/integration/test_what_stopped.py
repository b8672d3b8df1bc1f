"""A person new to the project finds what stopped the robot: console, log and black box, over real wires."""

from __future__ import annotations

import asyncio
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from hil.peers.broker import Broker
from hil.rig.setting import STATION_ID
from tests.integration.station_support import Station, station
from tests.support import run

CAUSE = "person_in_zone: zone_clear is false ("


async def _said(*arguments: str) -> tuple[int | None, str]:
    """Exit status and output of a command, as a person runs it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    return process.returncode, out.decode()


def _why(there: Station) -> list[str]:
    port = str(there.rig.broker.port)
    return ["station_ctl.console.cli", "why", "--station", STATION_ID, "--port", port]


async def _black_box(there: Station) -> Path:
    """The file that the trip has left, once it is there."""
    journal = Path(tomllib.loads(there.rig.config.read_text())["station"]["journal"])
    async with asyncio.timeout(15):
        while not (found := list((journal.parent / "blackbox").glob("*Z.blackbox"))):  # noqa: ASYNC110 - a disk
            await asyncio.sleep(0.05)
    return found[0]


@pytest.mark.timeout(150)
def test_console_log_and_black_box_name_the_same_condition_in_one_line() -> None:
    async def main() -> None:
        async with station() as there:
            await there.up()
            status, out = await _said(*_why(there))
            assert status == 0 and "nothing stops the robot" in out
            await there.truck()
            await there.authorise()
            await there.moving_in("carry_to_bay", slow=10.0, after="extract")
            await there.rig.plant.ask("zone", clear=False)
            await there.rig.operator.reaches("Aborted")

            status, out = await _said(*_why(there))
            assert status == 0 and out.count("\n") == 1
            assert f"{STATION_ID}: Aborted, step carry_to_bay, since " in out and f"first-out {CAUSE}" in out
            for part in ("ms old), safe when zone_clear is true", "at most 300 ms old", "then clear", "you may send: "):
                assert part in out, out

            line = out.split("first-out ")[1].split(" [you may send")[0].strip()
            logged = [row for row in there.log().splitlines() if row.startswith("WARNING") and line in row]
            assert len(logged) == 1 and "stopped by person_in_zone" in logged[0]

            status, out = await _said("station_ctl.cli", "replay", str(await _black_box(there)))
            assert status == 0, out[-2000:]
            assert out.splitlines()[0].startswith("stopped by: ") and out.splitlines()[0].endswith(line)
            assert out.splitlines()[-1] == "decided again: the same"
            await there.rig.plant.ask("zone", clear=True)

    run(main(), timeout_s=120.0)


def _first_line_with(part: str, log: Path) -> str:
    return next(row for row in log.read_text(encoding="utf-8").splitlines() if part in row)


@pytest.mark.timeout(150)
def test_the_demos_stop_names_three_commands_that_work() -> None:
    """`make demo ARGS=--stop`, then what it says, word for word but for where the programs are."""

    async def main() -> None:
        demo = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "station_ctl.cli", "demo", "--stop", "--speed", "50"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert demo.stdin is not None and demo.stdout is not None
        commands = []
        async with asyncio.timeout(90):
            while not (line := (await demo.stdout.readline()).decode()).startswith("Press Enter"):
                assert line, "it ended before the robot was stopped"
                if line[:1] in "123" and ":" in line:
                    commands.append(shlex.split(line.split(":", 1)[1]))
        why, grep, replay = commands
        assert [Path(why[0]).name, grep[0], Path(replay[0]).name] == ["station-console", "grep", "station-ctl"]
        for module, command in (("station_ctl.console.cli", why), ("station_ctl.cli", replay)):
            status, out = await _said(module, *command[1:])
            assert status == 0 and CAUSE in out, out[-2000:]
        assert CAUSE in _first_line_with(grep[1], Path(grep[2]))
        async with asyncio.timeout(30):
            await demo.communicate(b"\n")
        assert demo.returncode == 0

    run(main(), timeout_s=140.0)


def test_a_station_that_is_not_there_is_told_apart() -> None:
    async def main() -> None:
        async with Broker("iotcore") as broker:
            port = str(broker.port)
            status, out = await _said("station_ctl.console.cli", "why", "--station", "NOBODY", "--port", port)
            assert status == 3 and "nothing retained of station NOBODY" in out

    run(main(), timeout_s=60.0)
