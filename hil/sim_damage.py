"""What a harness can break in the plant; the schema is in hil.sim_lines' docstring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from drivers.robot_protocol import MOUNT_CODE_BASE
from hil.plant.pack import Pack
from hil.plant.places import Place
from hil.plant.rolling import DRIFT_MM_S
from hil.plant.runaway import FIRE_S, SHORT_W
from hil.plant.sensors import Wear
from hil.plant.truck import Truck
from hil.sim_args import Args
from hil.sim_bench import Bench
from hil.sim_electrics import ELECTRICS, set_fault


async def _contactor(bench: Bench, args: Args) -> dict[str, Any]:
    mount, closed = args.take("mount", int), args.take("closed", bool)
    args.done()
    place = bench.world.place(MOUNT_CODE_BASE + mount)
    if place is None or place.pack is None:
        raise ValueError(f"no pack on mount {mount}")
    place.pack.faults.contactor_welded = closed
    return {}


async def _wear(bench: Bench, args: Args) -> dict[str, Any]:
    panel, name = bench.world.panel, args.take("name", str)
    delay_s, chatter_s = args.number("delay_s", 0.0), args.number("chatter_s", 0.0)
    noise, offset = args.number("noise", 0.0), args.number("offset", 0.0)
    frozen, mended = args.take("frozen", bool, False), args.take("mended", bool, False)
    args.done()
    if not panel.known(name):
        raise ValueError(f"no sensor {name!r} that could wear")
    if min(delay_s, chatter_s, noise) < 0:
        raise ValueError("delay_s, chatter_s and noise are 0 or more")
    panel.wear(name, None if mended else Wear(delay_s, chatter_s, noise, offset, frozen))
    return {}


async def _thermal_runaway(bench: Bench, args: Args) -> dict[str, Any]:
    pack = _pack(bench, args)
    short_w, fire_s = args.number("short_w", SHORT_W), args.number("fire_s", FIRE_S)
    alarm_s = args.take("alarm_s", (int, float), None)
    args.done()
    pack.run_away(short_w=short_w, alarm_s=alarm_s, fire_s=fire_s)
    return {"serial": pack.serial}


def _pack(bench: Bench, args: Args) -> Pack:
    """By its serial, or by the bay or mount it is in."""
    if "serial" in args:
        serial = args.take("serial", str)
        pack = next((p for p in bench.world.packs() if p.serial == serial), None)
    else:
        serial, pack = "there", _place(bench, args).pack
    if pack is None:
        raise ValueError(f"no pack {serial}")
    return pack


async def _roll(bench: Bench, args: Args) -> dict[str, Any]:
    speed_mm_s, despite_clamps = args.number("speed_mm_s", DRIFT_MM_S), args.take("despite_clamps", bool, False)
    args.done()
    truck = _standing(bench)
    rolling = bench.world.lane.rolling
    rolling.drift_mm_s, rolling.despite_clamps = speed_mm_s, despite_clamps
    truck.faults.brake_slips = speed_mm_s != 0.0
    return {}


async def _brake(bench: Bench, args: Args) -> dict[str, Any]:
    applied, holds = args.take("applied", bool, True), args.take("holds", bool, True)
    args.done()
    faults = _standing(bench).faults
    faults.brake_released, faults.brake_slips = not applied, not holds
    return {}


def _standing(bench: Bench) -> Truck:
    if bench.world.truck is None:
        raise ValueError("no truck in the lane")
    return bench.world.truck


async def _jam_lock(bench: Bench, args: Args) -> dict[str, Any]:
    place = _place(bench, args)
    jammed = args.take("jammed", bool, True)
    args.done()
    place.lock.jammed = jammed
    return {}


def _place(bench: Bench, args: Args) -> Place:
    key = "mount" if "mount" in args else "bay"
    number = args.take(key, int)
    place = bench.world.place(number + (MOUNT_CODE_BASE if key == "mount" else 0))
    if place is None:
        raise ValueError(f"there is no {key} {number} now")
    return place


async def _supply_weld(bench: Bench, args: Args) -> dict[str, Any]:
    number, welded = args.take("bay", int), args.take("welded", bool, True)
    args.done()
    bench.bay(number)
    bench.world.supplies.weld(number, welded)
    return {}


async def _pack_fault(bench: Bench, args: Args) -> dict[str, Any]:
    set_fault(_pack(bench, args).faults, args)
    return {}


async def _truck_fault(bench: Bench, args: Args) -> dict[str, Any]:
    set_fault(_standing(bench).faults, args)
    return {}


DAMAGE: dict[str, Callable[[Bench, Args], Awaitable[dict[str, Any]]]] = {
    "contactor": _contactor,
    "wear": _wear,
    "jam_lock": _jam_lock,
    "supply_weld": _supply_weld,
    "roll": _roll,
    "brake": _brake,
    "thermal_runaway": _thermal_runaway,
    "pack_fault": _pack_fault,
    **ELECTRICS,
    "truck_fault": _truck_fault,
}
