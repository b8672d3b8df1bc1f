"""The sim as a process: its line protocol, and a real driver and real CAN frames against it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from drivers.can_bus import CanBus, Frame
from drivers.errors import DeviceError
from drivers.modbus import ModbusClient
from drivers.registers import load
from drivers.robot import Robot
from drivers.robot_protocol import CommandBlock, MotionClass, Opcode, RobotCommand
from hil.cli import main as cli
from tests.support import free_port, run

STATION = """
[station]
id = "sim-test"
[robot]
host = "127.0.0.1"
port = {port}
[[can]]
name = "packs"
interface = "udp_multicast"
channel = "239.74.163.2"
port = {can_port}
[mqtt]
[[bay]]
number = 1
can_address = 0x61
[[bay]]
number = 2
can_address = 0x62
[[bay]]
number = 3
can_address = 0x63
isolation = true
[[mount]]
number = 1
can_address = 0xA1
"""


class Sim:
    def __init__(self, process: asyncio.subprocess.Process, port: int, can_port: int) -> None:
        self.process, self.port, self.can_port = process, port, can_port
        self.events: list[dict[str, Any]] = []
        self._asked = 0

    async def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(10):
            line = await self.process.stdout.readline()
        assert line, "the sim has ended"
        message: dict[str, Any] = json.loads(line)
        return message

    async def raw(self, line: bytes) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        while "event" in (message := await self.line()):
            self.events.append(message)
        return message

    async def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        self._asked += 1
        answer = await self.raw(json.dumps({"do": do, "id": self._asked, **arguments}).encode())
        assert answer["id"] == self._asked
        return answer

    async def event(self, kind: str) -> dict[str, Any]:
        while True:
            found = next((e for e in self.events if e["event"] == kind), None)
            if found is not None:
                self.events.remove(found)
                return found
            self.events.append(await self.line())

    async def standing(self) -> None:
        while (await self.event("lane"))["driving"] != "standing":
            pass


@asynccontextmanager
async def sim(folder: Path, *options: str) -> AsyncIterator[Sim]:
    port, can_port = free_port(), free_port()
    station = folder / "station.toml"
    station.write_text(STATION.format(port=port, can_port=can_port))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hil.cli", "sim", "--station", str(station), *options, stdin=pipe, stdout=pipe
    )
    try:
        there = Sim(process, port, can_port)
        assert (await there.line())["event"] == "ready"
        yield there
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def test_a_truck_comes_and_the_truth_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with sim(tmp_path, "--speed", "50", "--packs-soc", "90,") as there:
            answer = await there.ask("truck_arrives", vin="LTESTTRUCK0000001", mounts=1, x_error_mm=80)
            assert answer["ok"] and answer["serials"] == ["TRK1-00000001"]
            await there.standing()
            assert (await there.ask("repark"))["ok"]
            truth = (await there.ask("truth"))["truth"]
            assert truth["mounts"] == {"1": "TRK1-00000001"} and truth["bays"]["1"] == "SIMP-00000001"
            assert truth["truck"]["driving"] == "reparking" and truth["motions"] == []

    run(main())


def test_bad_requests_are_answered_and_end_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with sim(tmp_path) as there:
            assert "not JSON" in (await there.raw(b"\xff\x00{"))["error"]
            assert "object" in (await there.raw(b"[1]"))["error"]
            assert "unknown request" in (await there.raw(b"{}"))["error"]
            assert "nearest: zone" in (await there.ask("zon"))["error"]
            assert "nearest: clear" in (await there.ask("zone", cleer=True))["error"]
            assert "wrong kind" in (await there.ask("truck_arrives", mounts="two"))["error"]
            assert "could move" in (await there.ask("repark"))["error"]
            assert "mount 1" in (await there.ask("contactor", mount=1, closed=True))["error"]
            assert "no bay 9" in (await there.ask("store", bay=9, serial="TEST-00000001"))["error"]
            assert "untrusted" in (await there.ask("estop", released="perhaps"))["error"]
            assert "mounts" in (await there.ask("truck_arrives", mounts=3))["error"]
            assert "wire-faults" in (await there.ask("fault", fault={"kind": "modbus.half_open"}))["error"]
            assert "nearest: can.loss" in (await there.ask("fault", fault={"kind": "can.los"}))["error"]
            assert "nearest: can.loss" in (await there.ask("heal", kind="can.los"))["error"]
            assert "can.* only" in (await there.ask("fault", fault={"kind": "people.fire"}))["error"]
            assert "bus 'x'" in (await there.ask("fault", fault={"kind": "can.loss", "bus": "x"}))["error"]
            assert (await there.ask("truth"))["ok"]

    run(main())


def test_every_request_does_what_it_says(tmp_path: Path) -> None:
    async def main() -> None:
        async with sim(tmp_path, "--speed", "50", "--packs-soc", ",", "--wire-faults") as there:
            await there.ask("truck_arrives", vin="LTESTTRUCK0000001", mounts=1, x_error_mm=1)
            await there.standing()
            for request in (
                {"do": "store", "bay": 2, "serial": "TEST-00000009", "soc_pct": 50},
                {"do": "zone", "clear": "untrusted"},
                {"do": "estop"},
                {"do": "doors", "closed": True},
                {"do": "fire"},
                {"do": "platform", "clear": "not_available"},
                {"do": "smoke", "bay": 1},
                {"do": "sensor", "name": "mount.1.locked", "shows": False},
                {"do": "sensor", "name": "mount.1.locked", "mended": True},
                {"do": "mode", "mode": "manual", "local_enable": True},
                {"do": "contactor", "mount": 1, "closed": True},
                {"do": "jam_lock", "mount": 1},
                {"do": "jam_lock", "bay": 1, "jammed": False},
                {"do": "pack_fault", "serial": "TEST-00000009", "fault": "thermal_event"},
                {"do": "truck_fault", "fault": "deaf"},
                {"do": "person", "acts": True},
                {"do": "fault", "fault": {"kind": "modbus.drop_replies", "count": 1}},
                {"do": "fault", "fault": {"kind": "can.loss", "rate": 0.1, "lasts_s": 0.05}},
                {"do": "heal", "kind": "modbus.drop_replies"},
                {"do": "wire"},
                {"do": "power_cut"},
                {"do": "power_return"},
            ):
                assert (await there.ask(**request)).get("ok"), request
            assert (await there.ask("truth"))["truth"]["bays"]["2"] == "TEST-00000009"

    run(main())


def test_modbus_and_can_are_on_the_wire(tmp_path: Path) -> None:
    async def main() -> None:
        async with sim(tmp_path, "--speed", "50") as there:
            client = ModbusClient("127.0.0.1", there.port, device_id=1, timeout_s=0.2, name="robot")
            bus = CanBus("packs", "udp_multicast", "239.74.163.2", port=there.can_port)
            heard = asyncio.Event()

            def hear(frame: Frame, now_s: float) -> None:
                if frame.can_id & 0xFF == 0x61:
                    heard.set()

            bus.subscribe(hear)
            tasks = [asyncio.ensure_future(client.run()), asyncio.ensure_future(bus.run())]
            async with asyncio.timeout(5):
                await heard.wait()
            async with asyncio.timeout(5):
                while not client.connected:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.01)
            assert (await client.read(0, 64))[:2] == (0x5343, 2)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    run(main())


def test_contactor_on_the_wire_is_timed(tmp_path: Path) -> None:
    """From the CAN frame that says 'closed' to the write that withdraws the permit."""

    async def main() -> None:
        async with sim(tmp_path, "--speed", "50") as there:
            client = ModbusClient("127.0.0.1", there.port, device_id=1, timeout_s=0.2, name="robot")
            robot = Robot(client, load("robot-plc-v2"), on_danger=lambda: None)
            tasks = [asyncio.ensure_future(client.run()), asyncio.ensure_future(robot.run())]
            await there.ask("truck_arrives", vin="LTESTTRUCK0000001", mounts=1, x_error_mm=1)
            await there.standing()
            command, heartbeat = RobotCommand(0, Opcode.NONE), 0
            truth: dict[str, Any] = {"dangers": []}
            async with asyncio.timeout(8):
                while not any(d["stopped_after_s"] is not None for d in truth["dangers"]):
                    heartbeat += 1
                    permits = MotionClass(0) if truth["dangers"] else MotionClass.LOCK
                    with suppress(DeviceError):
                        await robot.write(CommandBlock(heartbeat, 500, permits, 0, command))
                    await there.ask(
                        "pack_fault", serial="TRK1-00000001", fault="contactor_signal", value=heartbeat // 2 % 2
                    )
                    await asyncio.sleep(0.15)  # a PMS goes out every 100 ms
                    truth = (await there.ask("truth"))["truth"]
            assert truth["dangers"][0]["kind"] == "contactor" and truth["stop_latencies_s"][0] > 0
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    run(main())


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    async def main() -> None:
        async with sim(tmp_path) as there:
            there.process.terminate()
            async with asyncio.timeout(5):
                assert await there.process.wait() == 0

    run(main())


def test_unusable_station_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(["sim", "--station", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err
