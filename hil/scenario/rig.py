"""The rig: the device under test is another machine; the bench takes its plant's place on real wires.

Nothing is opened, and so nothing driven, unless the caller says for this run that real hardware may be.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from drivers import tasks
from drivers.errors import StationError
from hil.faults.catalogue import Fault
from hil.rig.operator import Operator
from hil.rig.plant_process import Plant, plant
from hil.rig.processes import RigError
from hil.scenario.environment import Device, Environment
from hil.scenario.local import CAN_KINDS, ask_plant
from hil.scenario.model import Station
from hil.scenario.site import CannotDo, Switched
from station_ctl import config

HEARD_S = 15.0
"""The device says something on MQTT at least every 10 s."""


class NotAllowed(StationError):
    """Real hardware was to be driven without permission for this run; nothing was opened."""


def capabilities(environment: Environment) -> frozenset[str]:
    """What scenarios may need of this rig."""
    able = {"truth", "plc_power", "fault.modbus", "fault.people", "fault.plc", *(f"fault.can.{k}" for k in CAN_KINDS)}
    if environment.device.power_off is not None:
        able |= {"kill", "fault.controller"}
    return frozenset(able - set(environment.without))


class RigGround:
    """A device under test with the bench around it, in the shape that scenarios are played on."""

    name = "rig"

    def __init__(self, environment: Environment, peer: Plant, operator: Operator) -> None:
        self.capabilities = capabilities(environment)
        self.operator = operator
        self._device, self._plant = environment.device, peer
        self._faults = Switched(self, {"controller.kill": (self.kill, self.start)})

    async def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """One request to the bench's plant. Raises RigError if it is refused or the plant is gone."""
        return await ask_plant(self._plant, do, arguments)

    async def inject(self, fault: Fault) -> None:
        """Switch a fault on. Raises StationError if it cannot be done here."""
        await self._faults.inject(fault)

    async def heal(self, kind: str | None = None) -> None:
        """Switch faults of a kind off; None: all of them."""
        await self._faults.heal(kind)

    async def kill(self) -> None:
        """Take the device's power. Raises RigError if its command fails, CannotDo if there is none."""
        await command(self._device, self._device.power_off)

    async def start(self) -> None:
        """Give the device its power back."""
        await command(self._device, self._device.power_on)

    async def prepare(self) -> None:
        """The device stands as after power-up: aborted. Raises RigError if it is not there."""
        await self.operator.until(lambda: self.operator.state, HEARD_S, "state message of the device under test")
        if self.operator.now.split("/")[0] != "Aborted":
            await self.operator.send("abort")


async def command(device: Device, words: tuple[str, ...] | None) -> None:
    """Run one of the device's commands. Raises RigError if it fails or takes too long, CannotDo if there is none."""
    if words is None:
        raise CannotDo("the environment names no command for it", where="device power")
    process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(device.command_timeout_s):
            code = await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        code = None
    if code != 0:
        raise RigError("the command failed", where=" ".join(words), value=code, limit=f"{device.command_timeout_s:g} s")


@contextlib.asynccontextmanager
async def ground(environment: Environment, station: Station, seed: int, *, drive: bool) -> AsyncIterator[RigGround]:
    """The bench at its places while the context lasts.

    drive: somebody has said, for this run, that real hardware may be driven. Raises NotAllowed before anything is
    opened if not, ConfigError for the device's station.toml, RigError if a part does not come up.
    """
    if not drive:
        raise NotAllowed("real hardware is not driven", where="rig", remedy="say --drive-real-hardware for this run")
    device = config.load(environment.device.station)
    with tempfile.TemporaryDirectory(prefix="rig-") as folder:
        place = Path(folder) / "plant.toml"
        place.write_text(bench_toml(device, environment), encoding="utf-8")
        async with contextlib.AsyncExitStack() as stack:
            peer = await stack.enter_async_context(
                plant(
                    place,
                    speed=station.speed,
                    seed=seed,
                    wire_faults=True,
                    on_event=lambda event: None,
                    packs_soc_pct=station.packs_soc_pct,
                )
            )
            operator = Operator(device.station.id, environment.broker.port, host=environment.broker.host)
            task = asyncio.create_task(operator.run(), name="operator")
            stack.push_async_callback(tasks.end, task)
            await operator.connected()
            there = RigGround(environment, peer, operator)
            await there.prepare()
            yield there


def bench_toml(device: config.Config, environment: Environment) -> str:
    """The device's own configuration with the bench's end of each wire. Raises RigError if a bus is not named."""
    here = {section.name: section for section in environment.can}
    if missing := sorted({section.name for section in device.can} - set(here)):
        raise RigError("the environment names no interface for a bus of the device", where="can", value=missing)
    whole = device.model_dump(mode="json", exclude_none=True)
    whole["can"] = [here[section.name].model_dump(mode="json", exclude_none=True) for section in device.can]
    whole["robot"] |= {"host": environment.plc.listen, "port": environment.plc.port}
    return "".join(f"{line}\n" for line in _toml(whole))


def _toml(sections: dict[str, Any]) -> Iterator[str]:
    """A configuration as TOML: tables and arrays of tables of plain values, which JSON writes the same way."""
    for name, content in sections.items():
        for table in content if isinstance(content, list) else [content]:
            yield f"[[{name}]]" if isinstance(content, list) else f"[{name}]"
            yield from (f"{key} = {json.dumps(value)}" for key, value in table.items())
