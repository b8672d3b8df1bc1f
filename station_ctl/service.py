"""The service: runs what was wired until it is told to stop, the robot first."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from pathlib import Path

from drivers import tasks
from drivers.systemd import Notifier
from station_ctl import __version__
from station_ctl.config import Config
from station_ctl.journal import Journal
from station_ctl.swap.restart import recovered
from station_ctl.wires import real_wires
from station_ctl.wiring import Service, build

log = logging.getLogger(__name__)


def check(config: Config) -> None:
    """Read all that a start needs beside the configuration itself, and fit it together; nothing is opened or started.

    Raises StationError for a register map, a cause table, an alarm catalogue, a pack type, a password or certificate
    file that cannot be used.
    """
    build(config, Journal(Path(config.station.journal)), recovered(None), Notifier(""), real_wires())


async def run(config: Config) -> None:
    """Run a station until SIGTERM or SIGINT; the robot is brought to a stop before anything is closed.

    Raises StationError as check does, and if the journal cannot be used.
    """
    check(config)
    journal, notifier = Journal(Path(config.station.journal)), Notifier()
    await journal.open()
    try:
        service = build(config, journal, recovered(await journal.restore()), notifier, real_wires())
        log.info("station %s, version %s: %s", config.station.id, __version__, _why(service))
        gc.collect()
        gc.freeze()  # a full collection then walks what the running made, not every imported module: no long pauses
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, service.blackbox.ask, "SIGUSR1")
        await serve(service, stop)
    finally:
        await journal.close()
        notifier.close()


def _why(service: Service) -> str:
    reason = service.runner.state.reason
    return reason.text if reason else ""


async def serve(service: Service, stop: asyncio.Event) -> None:
    """Run what was wired until `stop` is set; then bring the robot to a stop first, and end. The journal is open."""
    async with asyncio.TaskGroup() as group:
        devices = [
            group.create_task(service.client.run(), name="modbus link"),
            group.create_task(service.robot.run(), name="robot poll"),
            group.create_task(service.packs.run(), name="packs"),
            group.create_task(service.truck.run(), name="truck"),
            *(group.create_task(bus.run(), name=f"can {name}") for name, bus in service.buses.items()),
            *(group.create_task(duty, name=name) for name, duty in service.equipment.duties()),
        ]
        uplink = group.create_task(service.uplink.run(), name="uplink")
        cycle = group.create_task(service.runner.run(), name="control cycle")
        await stop.wait()
        service.notifier.send("STOPPING=1")
        log.info("stopping")
        await tasks.end(cycle)
        await service.runner.stop()
        await service.blackbox.close()
        await service.estimates.close()
        await tasks.end(uplink)
        await tasks.end(*devices)
