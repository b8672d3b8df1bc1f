"""The bench's broker: there when it says so, gone for sure afterwards."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from hil.peers.broker import Broker, BrokerError, Kind
from tests.integration.mqtt_support import both_brokers, listening
from tests.support import run


def _listens(port: int) -> bool:
    with socket.socket() as s:
        s.settimeout(1.0)
        return s.connect_ex(("127.0.0.1", port)) == 0


def _children() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    return {child for task in tasks for child in (task / "children").read_text().split()}


@both_brokers
def test_broker_is_there_inside_and_gone_outside(kind: Kind) -> None:
    async def main() -> None:
        async with Broker(kind) as broker:
            async with listening(broker.port):
                pass
            port = broker.port
        assert not _listens(port)
        await broker.stop()

    before = _children()
    run(main())
    assert _children() == before


def test_broker_on_a_taken_port_says_so_and_leaves_nothing() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BrokerError, match="taken"):
            await Broker("iotcore", port=taken.getsockname()[1]).start()

    before = _children()
    run(main())
    assert _children() == before


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.05, 0.2])
def test_cancelled_broker_leaves_nothing(after_s: float) -> None:
    async def main() -> None:
        async def stay() -> None:
            async with Broker("iotcore"):
                await asyncio.sleep(60)

        task = asyncio.create_task(stay())
        await asyncio.sleep(after_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    before = _children()
    run(main())
    assert _children() == before


def test_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.peers.broker.find_mosquitto", lambda: None)
    with pytest.raises(BrokerError, match=r"mosquitto: is not installed"):
        run(Broker("mosquitto").start())
    assert Broker().kind == "iotcore"
