"""What a harness can break in chargers and meters; the schema is in hil.sim_lines' docstring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from drivers.reading import Signal
from hil.plant.meter import Meter
from hil.sim_args import Args
from hil.sim_bench import Bench

F = TypeVar("F")


def set_fault(faults: Any, args: Args) -> None:
    """Set a field of what can be wrong with something. Raises ValueError for one that it has not."""
    name, value = args.take("fault", str), args.take("value", (bool, int, float, str), True)
    args.done()
    known = [f.name for f in fields(faults)]
    if name not in known:
        raise ValueError(f"fault {name!r} is none of {', '.join(known)}")
    before = getattr(faults, name)
    if isinstance(before, Signal) or before is None:
        value = Signal[value.upper()] if isinstance(value, str) else Signal(value)
    setattr(faults, name, value)


async def _charger_fault(bench: Bench, args: Args) -> dict[str, Any]:
    set_fault(_fitted(bench.world.electrics.chargers, args, "charger").faults, args)
    return {}


async def _meter_fault(bench: Bench, args: Args) -> dict[str, Any]:
    set_fault(_meter(bench, args).faults, args)
    return {}


async def _meter_reset(bench: Bench, args: Args) -> dict[str, Any]:
    meter, serial = _meter(bench, args), args.take("serial", int, None)
    args.done()
    if serial is None:
        meter.reset()
    else:
        meter.exchange(serial)
    return {}


def _meter(bench: Bench, args: Args) -> Meter:
    """Of a bay, or the grid's."""
    electrics = bench.world.electrics
    if "bay" in args:
        return _fitted(electrics.meters, args, "meter")
    if electrics.grid_meter is None:
        raise ValueError("there is no grid meter; name a bay")
    return electrics.grid_meter


def _fitted(devices: Mapping[int, F], args: Args, what: str) -> F:
    number = args.take("bay", int)
    if number not in devices:
        raise ValueError(f"bay {number} has no {what}")
    return devices[number]


ELECTRICS: dict[str, Callable[[Bench, Args], Awaitable[dict[str, Any]]]] = {
    "charger_fault": _charger_fault,
    "meter_fault": _meter_fault,
    "meter_reset": _meter_reset,
}
