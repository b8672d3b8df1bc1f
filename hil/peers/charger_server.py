"""Chargers and meters on the wire: each at its own address, or several behind one gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from drivers.registers import RegisterMap
from hil.peers.charger_rules import ChargerProgram
from hil.peers.meter_unit import MeterUnit
from hil.peers.modbus_server import ModbusServer
from hil.plant.electrics import Electrics

SCAN_S = 0.02


class Address(NamedTuple):
    """Where a device is found."""

    host: str
    port: int
    unit: int = 1


class ChargerServer:
    """One address: its units are served, and the programs of the chargers among them scanned every 20 ms.

    Time passes in the plant by itself (World.advance), not by this.
    """

    def __init__(self, units: Mapping[int, ChargerProgram | MeterUnit], host: str = "127.0.0.1", port: int = 0) -> None:
        self.ready = asyncio.Event()
        self._programs = [unit for unit in units.values() if isinstance(unit, ChargerProgram)]
        self._server = ModbusServer("charger", units, host, port)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def requests(self) -> int:
        """How many have come."""
        return self._server.requests

    async def run(self) -> None:
        """Serve and scan until cancelled. Raises PeerError if the port is taken."""
        loop = asyncio.get_running_loop()
        try:
            await self._server.listen()
            self.ready.set()
            due_s = loop.time()
            while True:
                for program in self._programs:
                    program.scan(loop.time())
                due_s = max(due_s + SCAN_S, loop.time())
                await asyncio.sleep(due_s - loop.time())
        finally:
            await self._server.close()

    async def power_cut(self) -> None:
        """All that is served here loses its supply: links die, chargers fall open."""
        await self._server.close()
        for program in self._programs:
            program.power_cut()

    async def power_return(self) -> None:
        """The supply is back; the chargers boot and start nothing."""
        for program in self._programs:
            program.power_return()
        await self._server.listen()


def servers(
    electrics: Electrics,
    register_maps: tuple[RegisterMap, RegisterMap],
    chargers: Mapping[int, Address],
    meters: Mapping[int, Address],
    grid_meter: Address | None = None,
) -> list[ChargerServer]:
    """The servers for what is fitted in the plant, by address. register_maps: the charger's, the meter's.

    Raises KeyError for a bay without the device, ValueError for an address that stands twice.
    """
    charger_map, meter_map = register_maps
    found: list[tuple[Address, ChargerProgram | MeterUnit]] = [
        (where, ChargerProgram(electrics.chargers[number], charger_map)) for number, where in chargers.items()
    ]
    found += [(where, MeterUnit(electrics.meters[number], meter_map)) for number, where in meters.items()]
    if grid_meter is not None and electrics.grid_meter is not None:
        found.append((grid_meter, MeterUnit(electrics.grid_meter, meter_map)))
    return [ChargerServer(units, host, port) for (host, port), units in _by_address(found).items()]


def _by_address(
    found: Sequence[tuple[Address, ChargerProgram | MeterUnit]],
) -> dict[tuple[str, int], dict[int, ChargerProgram | MeterUnit]]:
    grouped: dict[tuple[str, int], dict[int, ChargerProgram | MeterUnit]] = {}
    for where, device in found:
        units = grouped.setdefault((where.host, where.port), {})
        if where.unit in units:
            raise ValueError(f"{where.host}:{where.port} unit {where.unit} stands twice")
        units[where.unit] = device
    return grouped
