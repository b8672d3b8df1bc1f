"""The Modbus client and the robot driver against real sockets: each trap of the library has its test."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from drivers.errors import DeviceError, DeviceRefused, LinkDown, MapMismatch, NoAnswer
from drivers.modbus import ModbusClient
from drivers.registers import RegisterMap
from drivers.robot import Robot
from drivers.robot_protocol import CommandBlock, EchoState, MotionClass, Opcode, RobotCommand
from hil.faults.catalogue import ModbusFault, parse
from hil.peers.faults import FaultProxy
from hil.peers.robot_plc import RobotPlc
from tests.plc_bench import MAP, make_world
from tests.support import free_port, run

SHORT_S = 0.1  # for tests that wait for an answer that does not come


@asynccontextmanager
async def running(*duties: Awaitable[None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(duty) for duty in duties]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


class Line:
    """PLC, proxy, client and driver, all on loopback."""

    def __init__(self, register_map: RegisterMap = MAP, speed: float = 50.0, timeout_s: float = 2.0) -> None:
        self.timeout_s = timeout_s
        self.plc = RobotPlc(make_world(speed=speed), register_map, port=0)
        self.robot: Robot
        self.proxy: FaultProxy
        self.client: ModbusClient
        self.heartbeat = 0

    @asynccontextmanager
    async def up(self, poll_s: float = 0.02, polling: bool = True) -> AsyncIterator[Line]:
        async with running(self.plc.run()):
            await self.plc.ready.wait()
            self.proxy = FaultProxy(("127.0.0.1", self.plc.port), MAP, seed=3)
            async with running(self.proxy.run()):
                await self.proxy.ready.wait()
                self.client = client_at(self.proxy.port, self.timeout_s)
                self.robot = Robot(self.client, MAP, poll_s=poll_s, on_danger=lambda: None)
                async with running(self.client.run(), *([self.robot.run()] if polling else [])):
                    await until(lambda: self.client.connected)
                    if polling:
                        await until(lambda: self.robot.status is not None or isinstance(self.robot.error, MapMismatch))
                    yield self

    def fault(self, kind: str, **parameters: object) -> None:
        fault = parse({"kind": f"modbus.{kind}", **parameters}, "test")
        assert isinstance(fault, ModbusFault)
        self.proxy.set(fault)

    def heal(self) -> None:
        self.proxy.wire.clear()

    async def write(self, command: RobotCommand) -> None:
        self.heartbeat += 1
        await self.robot.write(CommandBlock(self.heartbeat & 0xFFFF, 500, MotionClass(255), 0, command))


def client_at(port: int, timeout_s: float = SHORT_S) -> ModbusClient:
    return ModbusClient("127.0.0.1", port, device_id=1, timeout_s=timeout_s, name="robot")


async def read_at_last(client: ModbusClient) -> tuple[int, ...]:
    """The status block, however long a busy machine takes."""
    async with asyncio.timeout(5):
        while True:
            with suppress(DeviceError):
                return await client.read(0, 64)
            await asyncio.sleep(0.01)


def test_reads_and_writes_count_and_time() -> None:
    async def main() -> None:
        async with Line().up() as line:
            await line.write(RobotCommand(1, Opcode.HOME))
            assert line.plc.plc.retained.sequence == 1
            trip = line.client.stats.round_trip()
            assert trip is not None and 0 < trip.p50_ms <= trip.p99_ms <= trip.max_ms
            assert line.client.stats.errors == 0

    run(main())


def test_exceptions_name_the_code() -> None:
    async def main() -> None:
        async with Line().up(polling=False) as line:
            with pytest.raises(DeviceRefused, match=r"illegal data address.*exception 2"):
                await line.client.read(5000, 4)
            with pytest.raises(DeviceRefused, match="exception 2"):
                await line.client.write(0, [1, 2])  # the status block is not writable
            with pytest.raises(DeviceRefused, match="exception 2"):
                await line.client.write(100, [1, 2, 3])  # a part of the command block
            with pytest.raises(DeviceRefused, match="exception 3"):
                await line.client.write(100, [1] * 15)  # checksum
            line.fault("exception", count=1)
            with pytest.raises(DeviceRefused, match="busy"):
                await line.client.read(0, 64)
            assert line.client.stats.refused == 5 and line.client.connected

    run(main())


def test_a_lost_reply_is_not_repeated_and_the_echo_tells() -> None:
    """libraries.md: pymodbus resends writes whose answer was lost; the command would act twice."""

    async def main() -> None:
        async with Line(timeout_s=SHORT_S).up(polling=False) as line:
            await read_at_last(line.client)
            await line.robot.poll()
            line.fault("drop_replies", count=1)
            with pytest.raises(NoAnswer):
                await line.write(RobotCommand(1, Opcode.MOVE_TO, destination=3))
            await until(lambda: (1, Opcode.MOVE_TO) in line.plc.plc.outcomes)
            await line.robot.poll()
            status = line.robot.status
            assert status is not None and (status.echo_sequence, status.echo_state) == (1, EchoState.DONE)
            await line.write(RobotCommand(1, Opcode.MOVE_TO, destination=3))
            assert line.plc.plc.motions == {(1, Opcode.MOVE_TO): 1}
            assert line.plc.plc.counters["repeats"] == 1

    run(main())


def test_lost_link_fails_a_request_in_flight_at_once() -> None:
    """libraries.md: bare pymodbus waits out its timeout."""

    async def main() -> None:
        async with Line().up(polling=False) as line:
            line.fault("half_open")
            request = asyncio.ensure_future(line.client.read(0, 64))
            await until(lambda: line.proxy.wire.counters["dropped_requests"] == 1)
            started_s = asyncio.get_running_loop().time()
            line.proxy.cut()
            with pytest.raises(LinkDown):
                await request
            assert asyncio.get_running_loop().time() - started_s < line.timeout_s / 2
            with pytest.raises(LinkDown, match="not connected"):
                await line.client.read(0, 64)
            line.heal()
            await until(lambda: line.client.connected)
            assert len(await read_at_last(line.client)) == 64
            assert line.client.stats.connections >= 2

    run(main())


def test_silent_plc_is_dropped_after_three_requests_and_found_again() -> None:
    async def main() -> None:
        async with Line(timeout_s=SHORT_S).up(polling=False) as line:
            line.fault("half_open")
            for _ in range(3):
                with pytest.raises(NoAnswer, match="100 ms"):
                    await line.client.read(0, 64)
            with pytest.raises(LinkDown):
                await line.client.read(0, 64)
            line.heal()
            assert len(await read_at_last(line.client)) == 64

    run(main())


def test_first_connect_that_fails_is_repeated() -> None:
    """libraries.md: pymodbus gives up after a failed first connect."""

    async def main() -> None:
        port = free_port()
        client = client_at(port)
        async with running(client.run()):
            await asyncio.sleep(0.25)
            assert not client.connected
            with pytest.raises(LinkDown):
                await client.read(0, 1)
            plc = RobotPlc(make_world(), MAP, port=port)
            async with running(plc.run()):
                assert len(await read_at_last(client)) == 64

    run(main())


def test_cancelled_request_does_not_spoil_the_next() -> None:
    async def main() -> None:
        async with Line().up(polling=False) as line:
            for _ in range(3):
                line.fault("delay", delay_ms=300)
                request = asyncio.ensure_future(line.client.read(100, 15))
                await asyncio.sleep(0.01)
                request.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await request
                line.heal()
                words = await line.client.read(0, 64)
                assert words[:2] == (0x5343, 2)

    run(main())


def test_stale_reply_is_not_taken_for_the_next_request() -> None:
    """An answer that comes after its request was given up must not answer the request after it."""

    async def main() -> None:
        async with Line(timeout_s=SHORT_S).up(polling=False) as line:
            line.fault("delay", delay_ms=SHORT_S * 1200)
            with pytest.raises(NoAnswer):
                await line.client.read(100, 15)
            line.heal()
            for _ in range(3):
                assert (await read_at_last(line.client))[:2] == (0x5343, 2)

    run(main())


def test_wrong_map_version_writes_nothing() -> None:
    async def main() -> None:
        async with Line(dataclasses.replace(MAP, version=3)).up() as line:
            assert line.robot.status is None and isinstance(line.robot.error, MapMismatch)
            with pytest.raises(MapMismatch, match="version 3"):
                await line.write(RobotCommand(1, Opcode.HOME))
            assert line.plc.plc.retained.heartbeat is None

    run(main())


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x00\x00\x00\x03\x01\x63\x00",  # a function nobody asked for
        b"\x00\x01\x00\x07\x00\x05\x01\x03\x02\x00\x00",  # not Modbus
        b"\x00\x01\x00\x00\x00\x05\x01\x03\x7f\x00\x00",  # byte count beyond the frame
        b"\x00\x01\x00\x00\x00\x04\x01\x03\x01\x00",  # half a register
        b"\x00\x01\x00\x00\xff\xff\x01\x03" + b"\xff" * 300,
        b"\x00\x01\x00\x00\x00\x05\x01\x03\x02\x00\x07",  # one register where 64 were asked for
        b"\x00\x01\x00\x00\x00\x06\x01\x10\x00\x00\x00\x01",  # the answer to a write
        b"\xff" * 7,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
def test_garbage_is_an_error_never_a_crash(garbage: bytes) -> None:
    """An undecodable answer raises inside pymodbus's protocol and kills the connection; here it is just no answer."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(512):
            writer.write(garbage)
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        client = client_at(server.sockets[0].getsockname()[1])
        async with running(client.run()):
            await until(lambda: client.connected)
            for _ in range(2):
                with pytest.raises(DeviceError):
                    await client.read(0, 64)
            assert client.stats.errors >= 2
        server.close()
        await server.wait_closed()

    run(main())


def test_power_cut_and_return_over_the_wire() -> None:
    async def main() -> None:
        async with Line(speed=1.0).up() as line:
            await line.write(RobotCommand(1, Opcode.MOVE_TO, destination=101))
            await until(lambda: not line.plc.world.robot.still)
            await line.plc.power_cut()
            await until(lambda: line.robot.status is None)
            await line.plc.power_return()
            await until(lambda: line.robot.status is not None)
            status = line.robot.status
            assert status is not None and status.echo_state is EchoState.STOPPED and status.x_speed_mm_s == 0
            await line.write(RobotCommand(1, Opcode.MOVE_TO, destination=101))
            assert line.plc.world.robot.still and sum(line.plc.plc.motions.values()) == 1

    run(main())


def test_every_command_runs_exactly_once_over_a_bad_wire() -> None:
    """Lost requests, lost replies, delays, refusals and cuts; the controller re-writes its block as its cycle does."""

    async def main() -> None:
        async with Line(speed=200.0, timeout_s=SHORT_S).up() as line:
            rates = {"drop_request": 0.05, "drop_reply": 0.08, "exception": 0.03, "delay": 0.1, "cut": 0.01}
            line.fault("noise", delay_min_ms=10, delay_max_ms=200, **{f"{k}_rate": v for k, v in rates.items()})
            plc = line.plc.plc
            for sequence in range(1, 21):
                command = RobotCommand(sequence, Opcode.MOVE_TO, destination=1 + sequence % 8)
                async with asyncio.timeout(10):
                    while not finished(line, sequence):
                        with suppress(DeviceError):  # what became of it, the echo will say
                            await line.write(command)
                        await asyncio.sleep(0.02)
            assert sorted(plc.motions.values()) == [1] * 20
            faults = line.proxy.wire.counters
            assert faults["dropped_replies"] + faults["dropped_requests"] + faults["refused"] > 0

    run(main(), timeout_s=50)


def finished(line: Line, sequence: int) -> bool:
    status = line.robot.status
    ended = (EchoState.DONE, EchoState.STOPPED)  # a cut longer than the lease stops the motion: that is its end
    return status is not None and status.echo_sequence == sequence and status.echo_state in ended


def test_polling_does_not_catch_up_in_a_burst() -> None:
    async def main() -> None:
        async with Line().up() as line:
            line.fault("delay", delay_ms=120)
            await asyncio.sleep(0.3)
            line.heal()
            await asyncio.sleep(0.15)
            loop, before = asyncio.get_running_loop(), line.client.stats.requests
            began_s = loop.time()
            await asyncio.sleep(0.2)
            assert line.client.stats.requests - before <= (loop.time() - began_s) / 0.02 + 1

    run(main())
