"""`station-hil sim`: the plant and its peers on the real wires, in one process, led by lines of JSON (hil.sim_lines).

End of input, or SIGTERM, ends the process.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from drivers.errors import StationError
from drivers.registers import load as load_map
from drivers.robot_protocol import MotionClass
from drivers.tasks import end
from hil.faults.can import CanWire
from hil.fitted import can_peers, charger_servers, make_world
from hil.peers.faults import FaultProxy
from hil.peers.faulty_bus import FaultyBus
from hil.peers.robot_plc import RobotPlc
from hil.peers.watched_bus import WatchedBus
from hil.plant.world import World
from hil.sim_bench import Bench
from hil.sim_lines import converse, emit, read_stdin
from station_ctl.config import Config, load

CONTACTOR_ENDANGERS = MotionClass.UNLOCK | MotionClass.LOCK | MotionClass.HANDLE_MOUNT
WATCH_S = 0.02


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `sim` to station-hil."""
    verb = verbs.add_parser("sim", help="plant and peers on the wires of a station.toml")
    verb.add_argument("--station", type=Path, required=True, help="station.toml whose addresses are served")
    verb.add_argument("--speed", type=float, default=1.0, help="plant motion is so many times faster")
    verb.add_argument("--seed", type=int, default=1, help="seed of all that is random")
    verb.add_argument(
        "--packs-soc", type=_charges, default=None, help="charge per bay in order, '90,85,,' (none: empty)"
    )
    verb.add_argument("--wire-faults", action="store_true", help="put a fault proxy before the PLC (see 'fault')")
    verb.set_defaults(run=main)


def main(args: argparse.Namespace) -> int:
    """Run until the input ends. 0, or 2 with the reason on standard error."""
    try:
        config = load(args.station)
        world = make_world(config, args.seed, args.speed, args.packs_soc)
        return _run(serve(config, world, wire_faults=args.wire_faults, seed=args.seed))
    except StationError as e:
        sys.stderr.write(f"{e}\n")
        return 2


def _run(work: Coroutine[Any, Any, None]) -> int:
    status = 0
    try:
        with suppress(asyncio.CancelledError, KeyboardInterrupt):
            asyncio.run(work)
    except* StationError as group:
        sys.stderr.writelines(f"{e}\n" for e in group.exceptions)
        status = 2
    return status


async def serve(config: Config, world: World, *, wire_faults: bool = False, seed: int = 1) -> None:
    """Bring the peers up and answer requests until standard input ends."""
    host, port = config.robot.host, config.robot.port
    register_map, device_id = load_map(config.robot.register_map), config.robot.device_id
    robot = RobotPlc(world, register_map, host, 0 if wire_faults else port, device_id=device_id)
    bench = Bench(world, robot)
    lines: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=64)  # full: the reading thread waits
    read_stdin(asyncio.get_running_loop(), lines)
    main_task = asyncio.current_task()
    if main_task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main_task.cancel)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(robot.run(), name="robot PLC")]
        await robot.ready.wait()
        if wire_faults:
            bench.proxy = FaultProxy((host, robot.port), register_map, host=host, port=port, seed=seed)
            tasks.append(group.create_task(bench.proxy.run(), name="fault proxy"))
            await bench.proxy.ready.wait()
        for server in charger_servers(world, config):
            tasks.append(group.create_task(server.run(), name=f"chargers on port {server.port}"))
            await server.ready.wait()
        for name, coroutine in _can_duties(config, bench, seed):
            tasks.append(group.create_task(coroutine, name=name))
        tasks.append(group.create_task(_watch(world), name="watch"))
        emit({"event": "ready", "robot": f"{config.robot.host}:{config.robot.port}", "speed": world.speed})
        await converse(bench, lines)
        await end(*tasks)


def _can_duties(config: Config, bench: Bench, seed: int) -> list[tuple[str, Coroutine[Any, Any, None]]]:
    """Every CAN bus that packs or truck are on, and what talks there."""
    loop, dangers = asyncio.get_running_loop(), bench.robot.plc.dangers
    on_truck = [config.truck.address, *(m.can_address for m in config.mount)]
    duties: list[tuple[str, Coroutine[Any, Any, None]]] = []
    for section in config.can:
        if section.name not in (config.packs.bus, config.truck.bus):
            continue
        bus = WatchedBus(section, on_truck, lambda: dangers.note("contactor", loop.time(), CONTACTOR_ENDANGERS))
        wire = CanWire(seed + len(bench.buses), config.packs.station_address)
        bench.buses[section.name] = faulty = FaultyBus(bus, wire)
        peers = can_peers(bench.world, config, section.name, faulty)
        duties += [(f"CAN {section.name}", bus.run()), (f"peers on {section.name}", peers.run())]
        duties.append((f"faults on {section.name}", faulty.run()))
    return duties


async def _watch(world: World) -> None:
    """Tell what the plant does by itself."""
    driving, told = world.lane.driving, 0
    while True:
        if world.lane.driving is not driving:
            driving = world.lane.driving
            vin = world.lane.truck.vin if world.lane.truck is not None else None
            emit({"event": "lane", "driving": driving.value, "vin": vin})
        for event in world.ledger.events[told:]:
            emit({"event": event["kind"], **{k: v for k, v in event.items() if k != "kind"}})
        told = len(world.ledger.events)
        await asyncio.sleep(WATCH_S)


def _charges(text: str) -> list[float | None]:
    return [float(part) if part.strip() else None for part in text.split(",")]
