"""Chargers and meters of a station.toml, in the plant and on the wire."""

from __future__ import annotations

from collections.abc import Iterable

from drivers.errors import StationError
from drivers.registers import load
from hil.peers.charger_server import Address, ChargerServer, servers
from hil.plant.charger import Charger
from hil.plant.meter import Meter
from hil.plant.world import World
from station_ctl.config import Config
from station_ctl.sections import ChargerSection, MeterSection

GRID_METER, BAY_METERS = 9000, 1000
"""Serial of the grid's meter; of the bays' meters, before the bay's number."""


def fit(world: World, config: Config) -> None:
    """Give the plant what the configuration names."""
    for section in config.bay:
        if section.charger is not None:
            world.electrics.fit(section.number, Charger())
        if section.meter is not None:
            world.electrics.meters[section.number] = Meter(BAY_METERS + section.number)
    world.cells_in_time = bool(config.soc.type)
    if config.grid.meter is not None:
        world.electrics.grid_meter = Meter(GRID_METER)


def charger_servers(world: World, config: Config) -> list[ChargerServer]:
    """A server for each address; none without chargers. Raises StationError for more than one register map a kind."""
    chargers = {b.number: b.charger for b in config.bay if b.charger is not None}
    meters = {b.number: b.meter for b in config.bay if b.meter is not None}
    grid = config.grid.meter
    charger_map = load(_one_map(chargers.values(), "charger-v1"))
    meter_map = load(_one_map([*meters.values(), *([grid] if grid is not None else [])], "meter-v1"))
    return servers(
        world.electrics,
        (charger_map, meter_map),
        {number: _address(section) for number, section in chargers.items()},
        {number: _address(section) for number, section in meters.items()},
        _address(grid) if grid is not None else None,
    )


def _address(section: ChargerSection | MeterSection) -> Address:
    return Address(section.host, section.port, section.unit)


def _one_map(sections: Iterable[ChargerSection | MeterSection], default: str) -> str:
    named = sorted({section.map for section in sections})
    if len(named) > 1:
        raise StationError("the bench speaks one register map a kind", where="chargers and meters", value=named)
    return named[0] if named else default
