"""The rig: everything that a station.toml for this machine names, up and running."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers import tasks
from hil.peers.broker import Broker
from hil.rig.controller_process import Controller
from hil.rig.operator import Operator, Seen
from hil.rig.plant_process import Plant, plant
from hil.rig.setting import STATION_ID, Setting, peers_toml, station_toml
from station_ctl.uplink.message import Message


@dataclass(slots=True)
class Rig:
    """A station on this machine, and a person to run it."""

    broker: Broker
    plant: Plant
    controller: Controller
    operator: Operator
    config: Path

    async def start_up(self) -> None:
        """What a person does after power-up: look, clear, reset."""
        await self.operator.reaches("Aborted")
        await self.operator.send("clear")
        await self.operator.send("reset", timeout_s=120.0)


def _ignore_event(_: dict[str, Any]) -> None:
    """Default for what the plant says unasked."""


def _ignore_message(_topic: str, _message: Message) -> None:
    """Default for what the station says."""


@contextlib.asynccontextmanager
async def rig(
    setting: Setting,
    on_event: Callable[[dict[str, Any]], None] = _ignore_event,
    on_message: Seen = _ignore_message,
) -> AsyncIterator[Rig]:
    """Bring a station up: broker, plant, controller, operator; bring it down in reverse order, whatever happens."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="station-")))
        broker = await stack.enter_async_context(Broker(setting.broker))
        config = folder / "station.toml"
        config.write_text(station_toml(setting, folder, broker.port), encoding="utf-8")
        peer = await stack.enter_async_context(
            plant(
                peers_toml(setting, config),
                speed=setting.speed,
                seed=setting.seed,
                wire_faults=setting.wire_faults,
                on_event=on_event,
                packs_soc_pct=setting.packs_soc_pct,
            )
        )
        operator = Operator(STATION_ID, broker.port, on_message)
        task = asyncio.create_task(operator.run(), name="operator")
        stack.push_async_callback(tasks.end, task)
        await operator.connected()
        controller = Controller(config, folder)
        await controller.start()
        stack.push_async_callback(controller.stop)
        yield Rig(broker, peer, controller, operator, config)
