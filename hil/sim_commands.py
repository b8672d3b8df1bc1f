"""What a harness can ask of the running plant; the schema is in hil.sim_lines' docstring."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from typing import Any

from hil import sim_faults
from hil.plant.lane import Parking
from hil.plant.pack import Pack
from hil.plant.truck import Truck
from hil.sim_args import Args, RequestError
from hil.sim_bench import Bench, truth
from hil.sim_cell import CELL
from hil.sim_damage import DAMAGE


async def answer(bench: Bench, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks and give the body of the answer. Raises RequestError."""
    verb = request.get("do")
    command = COMMANDS.get(verb) if isinstance(verb, str) else None
    if command is None:
        near = difflib.get_close_matches(str(verb), COMMANDS, 1, 0.4)
        remedy = f"nearest: {near[0]}" if near else f"known: {', '.join(COMMANDS)}"
        raise RequestError("unknown request", where="do", value=verb, remedy=remedy)
    args = Args(str(verb), {k: v for k, v in request.items() if k not in ("do", "id")})
    try:
        return await command(bench, args)
    except ValueError as e:  # the plant's own refusal
        raise RequestError(str(e), where=str(verb)) from e


async def _truck_arrives(bench: Bench, args: Args) -> dict[str, Any]:
    vin = args.take("vin", str, "LSTATION000000001")
    mounts, soc_pct = args.take("mounts", int, 2), args.number("soc_pct", 12.0)
    serials = args.take("serials", list, None) or [f"TRK{vin[-1]}-{n:08d}" for n in range(1, mounts + 1)]
    parking = _parking(args)
    args.done()
    packs = {n: Pack(str(serial), soc_pct) for n, serial in enumerate(serials, 1)}
    bench.world.arrive(Truck(vin, packs, mounts_fitted=mounts), parking)
    return {"vin": vin, "serials": serials}


async def _repark(bench: Bench, args: Args) -> dict[str, Any]:
    parking = _parking(args)
    args.done()
    bench.world.repark(parking)
    return {}


async def _drive_off(bench: Bench, args: Args) -> dict[str, Any]:
    args.done()
    bench.world.drive_off()
    return {}


def _parking(args: Args) -> Parking | None:
    """Where the truck comes to stand; None (drawn) if nothing is said of it."""
    errors = [args.take(k, (int, float), None) for k in ("x_error_mm", "y_error_mm", "angle_deg")]
    return None if errors == [None] * 3 else Parking(*(float(e or 0.0) for e in errors))


async def _store(bench: Bench, args: Args) -> dict[str, Any]:
    place = bench.bay(args.take("bay", int))
    pack = Pack(args.take("serial", str), args.number("soc_pct", 90.0))
    args.done()
    if place.pack is not None:
        raise ValueError(f"{place.name} is occupied")
    place.put(pack)
    return {}


async def _charge(bench: Bench, args: Args) -> dict[str, Any]:
    soc_pct = args.number("soc_pct", 95.0)
    args.done()
    if not 0 <= soc_pct <= 100:
        raise ValueError(f"soc_pct {soc_pct:g}: 0..100")
    stored = [place.pack for place in bench.world.bays.values() if place.pack is not None]
    for pack in stored:
        pack.soc_pct = soc_pct
    return {"packs": len(stored)}


async def _speed(bench: Bench, args: Args) -> dict[str, Any]:
    times = args.number("times", 1.0)
    args.done()
    if not 0 < times <= 1000:
        raise ValueError(f"times {times:g}: above 0, at most 1000")
    bench.world.speed = times
    return {}


async def _person(bench: Bench, args: Args) -> dict[str, Any]:
    bench.world.person_acts = args.take("acts", bool)
    args.done()
    return {}


async def _power_cut(bench: Bench, args: Args) -> dict[str, Any]:
    args.done()
    await bench.robot.power_cut()
    return {}


async def _power_return(bench: Bench, args: Args) -> dict[str, Any]:
    args.done()
    await bench.robot.power_return()
    return {}


async def _truth(bench: Bench, args: Args) -> dict[str, Any]:
    args.done()
    return {"truth": truth(bench)}


COMMANDS: dict[str, Callable[[Bench, Args], Awaitable[dict[str, Any]]]] = {
    "truck_arrives": _truck_arrives,
    "repark": _repark,
    "drive_off": _drive_off,
    "store": _store,
    "charge": _charge,
    "speed": _speed,
    **CELL,
    **DAMAGE,
    "person": _person,
    "fault": sim_faults.fault,
    "heal": sim_faults.heal,
    "wire": sim_faults.wire,
    "power_cut": _power_cut,
    "power_return": _power_return,
    "truth": _truth,
}
