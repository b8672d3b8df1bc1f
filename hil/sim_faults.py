"""What a harness can ask of the wires of the running plant: faults on, faults off, what they did."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable
from typing import Any

from hil.faults.catalogue import FAULTS, CanFault, Fault, FaultError, ModbusFault, parse
from hil.sim_args import Args, RequestError
from hil.sim_bench import Bench


async def fault(bench: Bench, args: Args) -> dict[str, Any]:
    """Switch a fault of a wire on; if it has a lasts_s it goes off by itself."""
    data = args.take("fault", dict)
    args.done()
    try:
        wanted = parse(data, "fault")
    except FaultError as e:
        raise RequestError(e.what, where=e.where, value=e.value, limit=e.limit, remedy=e.remedy) from e
    healers = _switch_on(bench, wanted)
    if wanted.lasts_s is not None:
        for heal_it in healers:
            asyncio.get_running_loop().call_later(wanted.lasts_s, heal_it)
    return counters(bench)


async def heal(bench: Bench, args: Args) -> dict[str, Any]:
    """Switch the faults of a kind off, or all."""
    kind = args.take("kind", str, None)
    args.done()
    if kind is not None and kind not in FAULTS:
        near = difflib.get_close_matches(kind, FAULTS, 1, 0.4)
        raise RequestError("unknown fault", where="heal", value=kind, remedy=f"nearest: {near[0]}" if near else "")
    if bench.proxy is not None:
        bench.proxy.wire.clear(kind)
    for bus in bench.buses.values():
        bus.wire.clear(kind)
    return counters(bench)


async def wire(bench: Bench, args: Args) -> dict[str, Any]:
    """What the faults did so far."""
    args.done()
    return counters(bench)


def counters(bench: Bench) -> dict[str, Any]:
    """Of the Modbus wire, and of each CAN bus by its name."""
    modbus = dict(bench.proxy.wire.counters) if bench.proxy is not None else {}
    return {"counters": modbus, "can": {name: dict(bus.wire.counters) for name, bus in bench.buses.items()}}


def _switch_on(bench: Bench, wanted: Fault) -> list[Callable[[], None]]:
    """Switch on, and what switches off again, unless another of the kind has come meanwhile."""
    if isinstance(wanted, ModbusFault):
        return [_on_proxy(bench, wanted)]
    if isinstance(wanted, CanFault):
        return _on_buses(bench, wanted)
    raise ValueError(f"{wanted.kind}: the sim makes modbus.* and can.* only")


def _on_proxy(bench: Bench, wanted: ModbusFault) -> Callable[[], None]:
    proxy = bench.proxy
    if proxy is None:
        raise ValueError("start the sim with --wire-faults")
    proxy.set(wanted)
    return lambda: proxy.wire.clear(wanted.kind) if proxy.wire.is_on(wanted) else None


def _on_buses(bench: Bench, wanted: CanFault) -> list[Callable[[], None]]:
    if wanted.bus is not None and wanted.bus not in bench.buses:
        raise ValueError(f"bus {wanted.bus!r} is none of {', '.join(bench.buses)}")
    wires = [bus.wire for name, bus in bench.buses.items() if wanted.bus in (None, name)]

    def heal_it() -> None:
        for can in wires:
            if can.is_on(wanted):
                can.clear(wanted.kind)

    for can in wires:
        can.set(wanted)
    return [heal_it]
