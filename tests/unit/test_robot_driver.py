"""The robot driver over a client the test answers for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from drivers.errors import BadData, DeviceError, LinkDown, MapMismatch, NoAnswer
from drivers.modbus import ModbusClient
from drivers.reading import Signal
from drivers.register_codec import Block
from drivers.register_document import RegisterMapError
from drivers.register_points import EncodingError
from drivers.registers import load, parse
from drivers.robot import FORGET_S, Robot
from drivers.robot_protocol import CommandBlock, MotionClass, Opcode, RobotCommand, RobotMode
from hil.peers.plc_rules import Plc
from tests.plc_bench import MAP, make_world
from tests.support import run, run_virtually


class FakeClient:
    """Answers reads from a PLC that stands still, or with the error it is told to raise."""

    name = "robot"

    def __init__(self) -> None:
        self.plc = Plc(make_world(), MAP)
        self.connection = 1
        self.error: DeviceError | None = None
        self.change: Callable[[list[int]], None] = lambda words: None
        self.written: list[tuple[int, tuple[int, ...]]] = []

    async def read(self, address: int, count: int) -> tuple[int, ...]:
        if self.error is not None:
            raise self.error
        words = list(self.plc.status(0.0))
        self.change(words)
        return tuple(words)

    async def write(self, address: int, words: Sequence[int]) -> None:
        self.written.append((address, tuple(words)))


class Rig:
    def __init__(self) -> None:
        self.client = FakeClient()
        self.dangers = 0
        self.robot = Robot(cast(ModbusClient, self.client), MAP, on_danger=self._danger)

    def _danger(self) -> None:
        self.dangers += 1


def block(**fields: Any) -> CommandBlock:
    values: dict[str, Any] = {"heartbeat": 1, "lease_ms": 500, "permits": MotionClass.TRAVEL, "stop_category": 0}
    return CommandBlock(**values | fields, command=RobotCommand(7, Opcode.MOVE_TO, destination=101))


def test_a_poll_decodes_the_whole_status() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.robot.poll()
        status = rig.robot.status
        assert status is not None and rig.robot.error is None
        assert status.mode is RobotMode.PRODUCTION and status.x_mm == pytest.approx(-2400.0)
        assert status.mounts[0].locked is Signal.TRUE and status.mounts[2].locked is Signal.NOT_AVAILABLE
        assert status.bays[0].occupied is Signal.TRUE and status.bays[4].occupied is Signal.FALSE
        assert status.truck_x_error_mm == 10 and len(status.bays) == 24

    run(main())


def test_nothing_is_written_to_a_plc_with_another_map() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.robot.poll()
        await rig.robot.write(block())
        assert len(rig.client.written) == 1

        def other_version(words: list[int]) -> None:
            words[1] = 3

        rig.client.change = other_version
        await rig.robot.poll()
        assert rig.robot.status is None and isinstance(rig.robot.error, MapMismatch)
        assert "version 3" in str(rig.robot.error)
        with pytest.raises(MapMismatch):
            await rig.robot.write(block())
        assert len(rig.client.written) == 1

    run(main())


def test_nothing_is_written_before_the_map_is_seen_on_this_connection() -> None:
    async def main() -> None:
        rig = Rig()
        with pytest.raises(NoAnswer):
            await rig.robot.write(block())
        await rig.robot.poll()
        rig.client.connection = 2  # the link was lost and is back: it may be another PLC
        with pytest.raises(DeviceError):
            await rig.robot.write(block())
        assert rig.client.written == []
        await rig.robot.poll()
        await rig.robot.write(block())
        assert len(rig.client.written) == 1

    run(main())


def test_the_command_block_is_one_write_with_its_checksum() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.robot.poll()
        await rig.robot.write(block())
        [(address, words)] = rig.client.written
        assert address == 100 and len(words) == 15 and MAP.block("command").sealed(words)
        assert words[:8] == (1, 500, 1, 0, 7, 5, 0, 101)
        with pytest.raises(EncodingError, match="lease_ms"):
            await rig.robot.write(block(lease_ms=501))
        assert len(rig.client.written) == 1

    run(main())


def test_lost_link_is_known_at_once_a_lost_answer_only_ages() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.robot.poll()
        before = rig.robot.status
        for error in (NoAnswer("no answer", where="robot"), BadData("short", where="robot")):
            rig.client.error = error
            await rig.robot.poll()
            assert rig.robot.status is before and rig.robot.error is error
        await asyncio.sleep(FORGET_S + 0.05)
        await rig.robot.poll()
        assert rig.robot.status is None
        rig.client.error = None
        await rig.robot.poll()
        assert rig.robot.status is not None and rig.robot.error is None
        rig.client.error = LinkDown("gone", where="robot")
        await rig.robot.poll()
        assert rig.robot.status is None and isinstance(rig.robot.error, LinkDown)

    run_virtually(main())


@pytest.mark.parametrize("name", ["estop_released", "zone_clear", "doors_closed", "fire_clear", "platform_clear"])
@pytest.mark.parametrize("value", [Signal.FALSE, Signal.UNTRUSTED, Signal.NOT_AVAILABLE])
def test_a_safety_input_that_leaves_true_wakes(name: str, value: Signal) -> None:
    async def main() -> None:
        rig = Rig()
        await rig.robot.poll()
        setattr(rig.client.plc.world.inputs, name, value)
        await rig.robot.poll()
        assert rig.dangers == 1
        await rig.robot.poll()
        setattr(rig.client.plc.world.inputs, name, Signal.TRUE)
        await rig.robot.poll()
        assert rig.dangers == 1

    run(main())


def test_a_mount_sensor_that_changes_wakes_a_bay_sensor_does_not() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.robot.poll()
        rig.client.plc.world.inputs.overrides["bay.1.locked"] = Signal.FALSE
        await rig.robot.poll()
        assert rig.dangers == 0
        rig.client.plc.world.inputs.overrides["mount.1.locked"] = Signal.UNTRUSTED
        await rig.robot.poll()
        assert rig.dangers == 1

    run(main())


def test_heartbeat_that_stands_still_keeps_its_time() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.robot.poll()
        first = rig.robot.status
        await asyncio.sleep(0.02)
        await rig.robot.poll()
        second = rig.robot.status
        assert first is not None and second is not None
        assert second.heartbeat_changed_s == first.heartbeat_changed_s < second.received_s
        rig.client.plc.scan(0.0)
        await rig.robot.poll()
        third = rig.robot.status
        assert third is not None and third.heartbeat_changed_s == third.received_s

    run(main())


def test_unknown_codes_and_wild_numbers_are_not_believed() -> None:
    async def main() -> None:
        rig = Rig()

        def noise(words: list[int]) -> None:
            words[3], words[4], words[10], words[16], words[25] = 9, 99, 44, 0x7FFF, 60000

        rig.client.change = noise
        await rig.robot.poll()
        status = rig.robot.status
        assert status is not None
        assert (status.mode, status.state, status.echo_state, status.x_mm, status.load_kg) == (None,) * 5

    run(main())


def test_a_map_that_lacks_a_point_is_refused_at_start() -> None:
    document: dict[str, Any] = {
        "map": {"id": 1, "version": 1},
        "status": {"address": 0, "count": 2, "points": {"map_id": {"at": 0, "type": "u16"}}},
        "command": {"address": 9, "count": 1, "points": {"heartbeat": {"at": 0, "type": "u16"}}},
    }
    with pytest.raises(RegisterMapError, match="map_version"):
        Robot(cast(ModbusClient, FakeClient()), parse(document, "small.toml"), on_danger=lambda: None)
    whole = load("robot-plc-v2")
    block = whole.block("status")
    status = Block("status", block.address, block.count, block.points, (), checksum=block.checksum)
    with pytest.raises(RegisterMapError, match="lacks group mount, group bay"):
        ungrouped = replace(whole, blocks={**whole.blocks, "status": status})
        Robot(cast(ModbusClient, FakeClient()), ungrouped, on_danger=lambda: None)
    assert load("robot-plc-v2").source.endswith("robot-plc-v2.toml")
