"""The plant of a station.toml, and its peers on the wires."""

from __future__ import annotations

from collections.abc import Iterable

from drivers.can_frame import FrameBus
from drivers.errors import StationError
from drivers.registers import load
from hil.peers.can_peers import CanPeers
from hil.peers.charger_server import Address, ChargerServer, servers
from hil.plant.charger import Charger
from hil.plant.meter import Meter
from hil.plant.world import World, stocked
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


def can_peers(world: World, config: Config, name: str, bus: FrameBus) -> CanPeers:
    """Those of packs and truck that are on the CAN bus of that name, on `bus`."""
    return CanPeers(
        bus,
        packs=world.packs if name == config.packs.bus else list,
        truck=(lambda: world.truck) if name == config.truck.bus else (lambda: None),
        truck_address=config.truck.address,
        station_address=config.packs.station_address,
    )


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
