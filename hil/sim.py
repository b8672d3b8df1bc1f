"""`station-hil sim`: the plant and its peers on the real wires, in one process, led by lines of JSON.

One request a line on standard input: {"do": <verb>, "id": <anything, repeated in the answer>, ...arguments}. One answer
a line on standard output, {"id": ..., "ok": true, ...} or {"id": ..., "error": "..."}. Signals are true, false,
"untrusted" or "not_available". End of input, or SIGTERM, ends the process.

    truck_arrives  vin, mounts (2), soc_pct (12), serials ([...]), x_error_mm, y_error_mm, angle_deg (not given: drawn)
    repark         x_error_mm, y_error_mm, angle_deg (not given: drawn, in tolerance)
    drive_off      -: a truck that is not clamped leaves as it came
    store          bay, serial, soc_pct (90)
    charge         soc_pct (95): every pack that stands in a bay has this charge at once
    speed          times (1): the plant's motion is so many times faster from now on
    zone | fire | platform   clear (false)         doors   closed (false)         estop   released (false)
    smoke          bay, clear (false)
    sensor         name ("zone_clear", "mount.1.locked", "bay.3.occupied"), shows ("untrusted"), mended (false)
    mode           mode (production | maintenance | manual), local_enable (false)
    contactor      mount, closed: a main contactor of that pack welds or lets go
    wear           name (as for sensor; also "load_kg" and other measured values), mended (false); a switch: delay_s,
                   chatter_s (after each change); a measured value: noise (standard deviation), offset, frozen (false)
    jam_lock       mount or bay, jammed (true)
    supply_weld    bay, welded (true): the contactor of that bay's supply stays closed
    roll           speed_mm_s (40; + is backwards, 0 stops it), despite_clamps (false): the parking brake slips
    brake          applied (true), holds (true): of the truck in the lane
    thermal_runaway  serial, mount or bay, short_w (3000), alarm_s (0..300 after running away; not given: drawn),
                   fire_s (600 after running away): a cell of that pack shorts inside
    pack_fault     serial, mount or bay, fault (a field of hil.plant.pack.PackFaults), value (true)
    truck_fault    fault (a field of hil.plant.truck.TruckFaults), value (true)
    charger_fault  bay, fault (a field of hil.plant.charger.ChargerFaults), value (true; a number where it is one)
    meter_fault    bay (not given: the grid's), fault (a field of hil.plant.meter.MeterFaults), value (true)
    meter_reset    bay (not given: the grid's), serial (not given: the registers are set to zero; else: exchanged)
    person         acts: a person's time counts as none of the controller's
    fault          fault {"kind": ..., ...}: one of hil.faults.catalogue, modbus.* (with --wire-faults) or can.*
    heal           kind (not given: all)
    wire           what the faults did so far: {"counters": of Modbus, "can": {bus: counters}}, as fault and heal answer
    power_cut | power_return   of the PLC
    truth          {"truth": World.truth() with the PLC's motions, counters, dangers and stop latencies}

Unasked come {"event": "ready", ...} once all peers listen, {"event": "lane", "driving": ..., "vin": ...} when the truck
does something else, {"event": "stop", ...} when the PLC stops a motion, and {"event": "truck_rolls", ...} and
{"event": "truck_rolled", "moved_mm": ...} when a truck begins to roll and stands again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from drivers.errors import StationError
from drivers.registers import load as load_map
from drivers.robot_protocol import MotionClass
from drivers.tasks import end
from hil.faults.can import CanWire
from hil.fitted import charger_servers, fit
from hil.peers.can_peers import CanPeers
from hil.peers.faults import FaultProxy
from hil.peers.faulty_bus import FaultyBus
from hil.peers.robot_plc import RobotPlc
from hil.peers.watched_bus import WatchedBus
from hil.plant.world import World, stocked
from hil.sim_args import RequestError
from hil.sim_bench import Bench
from hil.sim_commands import answer
from station_ctl.config import Config, load

CONTACTOR_ENDANGERS = MotionClass.UNLOCK | MotionClass.LOCK | MotionClass.HANDLE_MOUNT
LONGEST_LINE = 65536
WATCH_S = 0.02
Emit = Callable[[dict[str, Any]], None]


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


def make_world(config: Config, seed: int, speed: float, packs_soc: list[float | None] | None = None) -> World:
    """The plant of a station.toml; bays are full but for as many as a truck has mounts, unless packs_soc says."""
    world = World(
        bays={b.number: b.can_address for b in config.bay},
        mounts={m.number: m.can_address for m in config.mount},
        isolation=[b.number for b in config.bay if b.isolation],
        seed=seed,
        speed=speed,
    )
    ordinary = len(world.bays) - len(world.isolation)
    full = max(0, ordinary - len(config.mount))
    fit(world, config)
    stocked(world, packs_soc if packs_soc is not None else [96.0 - 1.5 * n for n in range(full)])
    return world


async def serve(config: Config, world: World, *, wire_faults: bool = False, seed: int = 1) -> None:
    """Bring the peers up and answer requests until standard input ends."""
    host, port = config.robot.host, config.robot.port
    register_map, device_id = load_map(config.robot.register_map), config.robot.device_id
    robot = RobotPlc(world, register_map, host, 0 if wire_faults else port, device_id=device_id)
    bench = Bench(world, robot)
    lines: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=64)  # full: the reading thread waits
    _read_stdin(asyncio.get_running_loop(), lines)
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
        _emit({"event": "ready", "robot": f"{config.robot.host}:{config.robot.port}", "speed": world.speed})
        await _converse(bench, lines)
        await end(*tasks)


def _can_duties(config: Config, bench: Bench, seed: int) -> list[tuple[str, Coroutine[Any, Any, None]]]:
    """Every CAN bus that packs or truck are on, and what talks there."""
    world, dangers = bench.world, bench.robot.plc.dangers
    loop = asyncio.get_running_loop()
    on_truck = [config.truck.address, *(m.can_address for m in config.mount)]
    duties: list[tuple[str, Coroutine[Any, Any, None]]] = []
    for section in config.can:
        if section.name not in (config.packs.bus, config.truck.bus):
            continue
        bus = WatchedBus(section, on_truck, lambda: dangers.note("contactor", loop.time(), CONTACTOR_ENDANGERS))
        wire = CanWire(seed + len(bench.buses), config.packs.station_address)
        bench.buses[section.name] = faulty = FaultyBus(bus, wire)
        peers = CanPeers(
            faulty,
            packs=world.packs if section.name == config.packs.bus else list,
            truck=(lambda: world.truck) if section.name == config.truck.bus else (lambda: None),
            truck_address=config.truck.address,
            station_address=config.packs.station_address,
        )
        duties += [(f"CAN {section.name}", bus.run()), (f"peers on {section.name}", peers.run())]
        duties.append((f"faults on {section.name}", faulty.run()))
    return duties


async def _converse(bench: Bench, lines: asyncio.Queue[bytes | None]) -> None:
    while True:
        line = await lines.get()
        if line is None:
            return
        if line.strip():
            _emit(await reply(bench, line))


async def reply(bench: Bench, line: bytes) -> dict[str, Any]:
    """The answer to one line, whatever it holds."""
    try:
        request = json.loads(line)
    except ValueError as e:
        return {"error": f"not JSON: {e}"}
    if not isinstance(request, dict):
        return {"error": "a request is an object with 'do'"}
    head = {"id": request["id"]} if "id" in request else {}
    try:
        return head | {"ok": True} | await answer(bench, request)
    except RequestError as e:
        return head | {"error": str(e)}


async def _watch(world: World) -> None:
    """Tell what the plant does by itself."""
    driving, told = world.lane.driving, 0
    while True:
        if world.lane.driving is not driving:
            driving = world.lane.driving
            vin = world.lane.truck.vin if world.lane.truck is not None else None
            _emit({"event": "lane", "driving": driving.value, "vin": vin})
        for event in world.ledger.events[told:]:
            _emit({"event": event["kind"], **{k: v for k, v in event.items() if k != "kind"}})
        told = len(world.ledger.events)
        await asyncio.sleep(WATCH_S)


def _emit(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _read_stdin(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes | None]) -> None:
    """Lines from standard input, whatever it is (pipe, file, terminal), by a thread: not all of them can be polled."""

    def hand_over(line: bytes | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    def read() -> None:
        rest = b""
        with suppress(RuntimeError, asyncio.CancelledError):  # the loop has ended before the input
            while chunk := os.read(0, LONGEST_LINE):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    hand_over(line)
                rest = rest[-LONGEST_LINE:]
            hand_over(None)

    threading.Thread(target=read, name="stdin", daemon=True).start()


def _charges(text: str) -> list[float | None]:
    return [float(part) if part.strip() else None for part in text.split(",")]
