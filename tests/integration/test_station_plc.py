"""A PLC that is absent, of another map, silent, or answers with exceptions: said, and recovered by a person."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from drivers import registers
from hil.peers.broker import Broker
from hil.rig.controller_process import Controller
from hil.rig.operator import Operator
from hil.rig.plant_process import plant
from hil.rig.setting import STATION_ID, station_toml
from station_ctl.uplink.state_messages import StateMessage
from tests.integration.station_support import QUICK, Station, station, wrong
from tests.support import free_port, run

MAP = (Path(registers.__file__).parent / "maps" / "robot-plc-v2.toml").read_text(encoding="utf-8")
READ = 3


class Wiretap:
    """Passes Modbus/TCP on to the PLC and counts the function codes that the controller sends."""

    def __init__(self, port: int, upstream: int) -> None:
        self.functions: Counter[int] = Counter()
        self._port, self._upstream = port, upstream
        self._links: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        try:
            yield
        finally:
            server.close()
            for link in self._links:
                link.cancel()
            await asyncio.gather(*self._links, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(asyncio.get_running_loop().create_task(self._serve(reader, writer), name="wiretap"))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up = await asyncio.open_connection("127.0.0.1", self._upstream)
        back = asyncio.get_running_loop().create_task(self._copy(up_reader, writer), name="wiretap back")
        try:
            while True:
                head = await reader.readexactly(6)
                frame = await reader.readexactly(int.from_bytes(head[4:6], "big"))
                self.functions[frame[1]] += 1
                up.write(head + frame)
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            for end in (writer, up):
                end.transport.abort()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)


@contextlib.asynccontextmanager
async def _operator(port: int) -> AsyncIterator[Operator]:
    operator = Operator(STATION_ID, port)
    task = asyncio.create_task(operator.run(), name="operator")
    try:
        await operator.connected()
        yield operator
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _refuses_to_clear(operator: Operator, *why: str) -> None:
    answer = await operator.send("clear")
    assert answer.verdict == "failed"
    for text in why:
        assert text in answer.reason, answer.reason
    state = await operator.reaches("Aborted")
    assert state.interlock.latched and "plc_not_alive" in state.interlock.active and state.robot.state == "unknown"


def test_absent_plc_then_one_of_another_map_then_the_right_one() -> None:
    """The service is there all the time; to a PLC of another map nothing is ever written."""

    async def main(folder: Path) -> None:
        wire, upstream = free_port(), free_port()
        map_file, config, plant_config = (folder / name for name in ("map.toml", "station.toml", "plant.toml"))
        map_file.write_text(MAP.replace("version = 2", "version = 3"), encoding="utf-8")
        async with Broker("iotcore") as broker, _operator(broker.port) as operator:
            text = station_toml(replace(QUICK), folder, broker.port)
            port_line = next(line for line in text.splitlines() if line.startswith("port ="))
            config.write_text(
                text.replace(port_line, f'port = {wire}\nregister_map = "{map_file}"', 1), encoding="utf-8"
            )
            plant_config.write_text(text.replace(port_line, f"port = {upstream}", 1), encoding="utf-8")
            controller = Controller(config, folder)
            await controller.start()  # returns at READY=1
            try:
                state = await operator.reaches("Aborted")
                assert "plc_not_alive" in state.interlock.active and state.robot.state == "unknown"
                assert f"no status: robot PLC at 127.0.0.1:{wire}" in controller.log()
                tap = Wiretap(wire, upstream)
                rules = {"speed": QUICK.speed, "seed": 1, "wire_faults": False}
                async with plant(plant_config, **rules, on_event=lambda _: None) as peer, tap.listening():  # type: ignore[arg-type]
                    async with asyncio.timeout(10.0):
                        while tap.functions[READ] < 5:  # noqa: ASYNC110
                            await asyncio.sleep(0.02)
                    await _refuses_to_clear(operator, "another register map", "version 2", "version 3")
                    assert set(tap.functions) == {READ}
                    assert controller.log().count("no status") == 2, "an outage is said once"
                    await controller.stop()
                    map_file.write_text(MAP, encoding="utf-8")
                    await controller.start()
                    await operator.until(lambda: _sees_the_plc(operator), 10.0, "restart")
                    assert (await operator.send("clear")).verdict == "completed"
                    assert (await operator.send("reset")).verdict == "completed"
                    assert set(tap.functions) == {READ, 16}
                    assert (await peer.truth())["violations"] == []
            finally:
                code = await controller.stop()
                assert code == 0, controller.log()

    with tempfile.TemporaryDirectory() as name:
        run(main(Path(name)), timeout_s=45.0)


def _sees_the_plc(operator: Operator) -> StateMessage | None:
    state = operator.state
    return state if state and state.packml == "Aborted" and "plc_not_alive" not in state.interlock.active else None


async def _alive_again(there: Station) -> None:
    operator = there.rig.operator
    await operator.until(lambda: _sees_the_plc(operator), 15.0, "PLC back")


def test_silent_plc_and_exceptions_in_mid_motion_abort_and_a_person_recovers() -> None:
    async def main() -> None:
        async with station(wire_faults=True) as there:
            plc = there.rig.plant
            await there.up()
            before = await plc.truth()
            own = await there.truck()
            await there.authorise()
            await there.moving_in("extract", slow=10.0, after="approach_mount")
            await plc.ask("fault", fault={"kind": "modbus.half_open"})
            await _aborted_by_loss(there)
            assert (await there.stands())["plc"]["stop_reason"] in ("LEASE", "HEARTBEAT")
            await plc.ask("heal", kind="modbus.half_open")
            await _alive_again(there)
            await there.to_held()
            await there.resume()
            await there.moving_in("carry_to_bay", slow=4.0, after="carry_to_bay")
            await plc.ask("fault", fault={"kind": "modbus.exception"})
            await _aborted_by_loss(there)
            await there.stands()
            await plc.ask("heal")
            await _alive_again(there)
            await there.to_held()
            await there.resume()
            await there.record()
            after = await plc.truth()
            assert wrong(before, after, own) == []
            assert len(there.stops()) == 2

    run(main(), timeout_s=50.0)


async def _aborted_by_loss(there: Station) -> None:
    state = await there.rig.operator.reaches("Aborted", 5.0)
    assert (state.interlock.first_out or "").startswith("plc_not_alive")
    assert "check the PLC, its network cable" in (state.interlock.first_out or "")
