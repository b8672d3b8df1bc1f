"""What a harness can ask of the running plant; the schema is in hil.sim's docstring."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from typing import Any

from drivers.robot_protocol import RobotMode
from hil import sim_faults
from hil.plant.lane import Parking
from hil.plant.pack import Pack
from hil.plant.places import Place
from hil.plant.truck import Truck
from hil.sim_args import Args, RequestError
from hil.sim_bench import Bench, truth
from hil.sim_damage import DAMAGE

SAFETY_INPUTS = {
    "zone": ("zone_clear", "clear"),
    "estop": ("estop_released", "released"),
    "doors": ("doors_closed", "closed"),
    "fire": ("fire_clear", "clear"),
    "platform": ("platform_clear", "clear"),
}


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
    place = _bay(bench, args)
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


def _safety_input(verb: str) -> Callable[[Bench, Args], Awaitable[dict[str, Any]]]:
    name, key = SAFETY_INPUTS[verb]

    async def command(bench: Bench, args: Args) -> dict[str, Any]:
        signal = args.signal(key, False)
        args.done()
        setattr(bench.world.inputs, name, signal)
        return {}

    return command


async def _smoke(bench: Bench, args: Args) -> dict[str, Any]:
    place, signal = _bay(bench, args), args.signal("clear", False)
    args.done()
    bench.world.inputs.smoke_clear[place.code] = signal
    return {}


async def _sensor(bench: Bench, args: Args) -> dict[str, Any]:
    name, mended = args.take("name", str), args.take("mended", bool, False)
    signal = args.signal("shows", "untrusted")
    args.done()
    bench.world.inputs.overrides.pop(name, None)
    if not mended:
        bench.world.inputs.overrides[name] = signal
    return {}


async def _mode(bench: Bench, args: Args) -> dict[str, Any]:
    name = args.take("mode", str, "production").upper()
    enable = args.signal("local_enable", False)
    args.done()
    if name not in RobotMode.__members__:
        raise ValueError(f"mode {name!r} is none of {', '.join(RobotMode.__members__)}")
    bench.world.inputs.mode, bench.world.inputs.local_enable = RobotMode[name], enable
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


def _bay(bench: Bench, args: Args) -> Place:
    number = args.take("bay", int)
    if number not in bench.world.bays:
        raise ValueError(f"there is no bay {number}")
    return bench.world.bays[number]


COMMANDS: dict[str, Callable[[Bench, Args], Awaitable[dict[str, Any]]]] = {
    "truck_arrives": _truck_arrives,
    "repark": _repark,
    "drive_off": _drive_off,
    "store": _store,
    "charge": _charge,
    "speed": _speed,
    **{verb: _safety_input(verb) for verb in SAFETY_INPUTS},
    "smoke": _smoke,
    "sensor": _sensor,
    "mode": _mode,
    **DAMAGE,
    "person": _person,
    "fault": sim_faults.fault,
    "heal": sim_faults.heal,
    "wire": sim_faults.wire,
    "power_cut": _power_cut,
    "power_return": _power_return,
    "truth": _truth,
}
