"""What a harness can do to the cell: inputs, sensors, key switch; the schema is in hil.sim_lines' docstring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from drivers.robot_protocol import RobotMode
from hil.sim_args import Args
from hil.sim_bench import Bench

SAFETY_INPUTS = {
    "zone": ("zone_clear", "clear"),
    "estop": ("estop_released", "released"),
    "doors": ("doors_closed", "closed"),
    "fire": ("fire_clear", "clear"),
    "platform": ("platform_clear", "clear"),
}


def _safety_input(verb: str) -> Callable[[Bench, Args], Awaitable[dict[str, Any]]]:
    name, key = SAFETY_INPUTS[verb]

    async def command(bench: Bench, args: Args) -> dict[str, Any]:
        signal = args.signal(key, False)
        args.done()
        setattr(bench.world.inputs, name, signal)
        return {}

    return command


async def _smoke(bench: Bench, args: Args) -> dict[str, Any]:
    place, signal = bench.bay(args.take("bay", int)), args.signal("clear", False)
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


CELL: dict[str, Callable[[Bench, Args], Awaitable[dict[str, Any]]]] = {
    **{verb: _safety_input(verb) for verb in SAFETY_INPUTS},
    "smoke": _smoke,
    "sensor": _sensor,
    "mode": _mode,
}
