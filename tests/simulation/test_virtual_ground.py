"""The virtual ground itself: its clock, its wires, and that the same seed gives the same run."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from drivers.can_frame import Frame
from drivers.can_state import BusError, BusState
from drivers.mqtt_values import LinkCounters, MqttDown, MqttMessage, MqttUnconfirmed, Will
from hil.faults.broker import BrokerWire
from hil.faults.can import CanWire
from hil.faults.catalogue import parse
from hil.virtual.broker import MemoryBroker
from hil.virtual.can import Segment
from hil.virtual.io import Io
from hil.virtual.loop import Deadlock, VirtualLoop

T = TypeVar("T")


def virtually(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.disable(logging.CRITICAL)


def test_an_hour_passes_at_once_and_to_the_microsecond() -> None:
    async def main() -> list[float]:
        loop, seen = asyncio.get_running_loop(), []
        for delay_s in (3600.0, 0.05, 0.0):
            await asyncio.sleep(delay_s)
            seen.append(round(loop.time(), 6))
        return seen

    assert virtually(main()) == [3600.0, 3600.05, 3600.05]


def test_tasks_that_wait_for_each_other_are_named_as_that_and_do_not_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match="nothing is due"):
        virtually(main())


def test_streams_keep_their_order_and_end() -> None:
    async def main() -> tuple[bytes, bytes]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(6))
            writer.close()

        server = await asyncio.start_server(serve, "plc", 502)
        reader, writer = await asyncio.open_connection("plc", 502)
        for part in (b"ab", b"cd", b"ef"):
            writer.write(part)
        got = await reader.readexactly(6)
        rest = await reader.read()
        writer.close()
        server.close()
        return got, rest

    assert virtually(main()) == (b"abcdef", b"")


def test_nobody_listens_is_refused_and_a_cut_reaches_both_ends() -> None:
    async def main() -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("plc", 502)
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            ended.set()

        await asyncio.start_server(serve, "plc", 502)
        reader, writer = await asyncio.open_connection("plc", 502)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.network.cut("plc", 502)
        assert await reader.read() == b""
        async with asyncio.timeout(1.0):
            await ended.wait()
        writer.close()

    virtually(main())


def test_a_can_segment_carries_both_ways_and_a_dead_controller_hears_and_sends_nothing() -> None:
    async def main() -> None:
        wire = CanWire(1)
        segment = Segment("packs", wire, 1.0, Io())
        heard: dict[str, list[bytes]] = {"plant": [], "station": []}
        segment.plant.subscribe(lambda f, _: heard["plant"].append(f.data))
        segment.station.subscribe(lambda f, _: heard["station"].append(f.data))
        runs = [asyncio.create_task(p.run(), name="port") for p in (segment.plant, segment.station)]
        await asyncio.sleep(0)
        segment.plant.send(Frame(0x18FF27F4, b"p"))
        segment.station.send(Frame(0x18FF56F4, b"s"))
        await asyncio.sleep(0.01)
        assert heard == {"plant": [b"s"], "station": [b"p"]}
        assert segment.station.state is BusState.UP
        wire.set(parse({"kind": "can.bus_off"}, "test"))  # type: ignore[arg-type]
        segment.plant.send(Frame(0x18FF27F4, b"lost"))
        with pytest.raises(BusError):
            segment.station.send(Frame(0x18FF56F4, b"lost"))
        await asyncio.sleep(0.01)
        assert heard == {"plant": [b"s"], "station": [b"p"]}
        assert segment.station.state is BusState.BUS_OFF
        for task in runs:
            task.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    virtually(main())


def test_the_broker_retains_speaks_wills_and_dies_with_its_sessions() -> None:
    async def main() -> None:
        wire = BrokerWire(1)
        broker = MemoryBroker(wire, "station", Io())
        will = Will("s/status", b"gone")
        station = broker.session(None, client_id="station", will=will, where="t", counters=LinkCounters())  # type: ignore[arg-type]
        await station.open()
        await station.publish(MqttMessage("s/state", b"1", retain=True), 1)
        person = broker.session(None, client_id="person", will=None, where="t", counters=LinkCounters())  # type: ignore[arg-type]
        await person.open()
        await person.subscribe(("s/#",))
        assert (await person.receive())[0] == MqttMessage("s/state", b"1", retain=True)
        broker.kill("station")
        assert (await person.receive())[0].payload == b"gone"
        with pytest.raises(MqttDown):
            await station.publish(MqttMessage("s/x", b""), 1)
        wire.set(parse({"kind": "broker.outage"}, "test"))  # type: ignore[arg-type]
        under_way = asyncio.create_task(person.publish(MqttMessage("s/y", b""), 1), name="publish")
        await asyncio.sleep(0)
        broker.outage()
        with pytest.raises(MqttUnconfirmed):
            await under_way
        with pytest.raises(MqttDown):
            await person.receive()
        with pytest.raises(MqttDown):
            await person.open()

    virtually(main())


_RUN = """
import logging
from hil.soak.case import Case
from hil.soak.run import run
logging.disable(50)
done = run(Case(5, 20.0, 100.0))
print(done.hash, len(done.events))
"""


@pytest.mark.timeout(180)
def test_the_same_seed_gives_the_same_log_in_another_process_with_another_hash_seed() -> None:
    root = Path(__file__).parents[2]
    hashes = {
        subprocess.run(
            [sys.executable, "-c", _RUN],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)},
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
            timeout=150,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(hashes) == 1
    found, events = hashes.pop().split()
    assert len(found) == 64 and int(events) > 100
