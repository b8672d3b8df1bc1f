"""Chargers and meters of one station: their drivers, made of the configuration. Units of one address share a client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers import registers
from drivers.charger import Charger
from drivers.meter import Meter
from drivers.modbus import ModbusClient
from station_ctl.addresses import canonical
from station_ctl.config import Config
from station_ctl.sections import ChargerSection, MeterSection

TIMEOUT_S = 0.15
"""A unit that does not answer keeps the others of its address waiting for so long, well within a charger's lease."""


@dataclass(slots=True)
class Equipment:
    """All of it; empty for a station whose chargers follow the BMS by themselves.

    clients: by host (its canonical form) and port. chargers, meters: by bay. grid: the meter at the connection point.
    """

    clients: dict[tuple[str, int], ModbusClient] = field(default_factory=dict)
    chargers: dict[int, Charger] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=dict)
    grid: Meter | None = None

    @classmethod
    def of(cls, config: Config) -> Equipment:
        """Drivers that are not started yet. Raises RegisterMapError for a register map that cannot be used."""
        made = cls()
        for section in config.bay:
            if section.charger is not None:
                found, charger_map = section.charger, registers.load(section.charger.map)
                made.chargers[section.number] = Charger(made._client(found), charger_map, found.unit)
            if section.meter is not None:
                made.meters[section.number] = made._meter(section.meter)
        if config.grid.meter is not None:
            made.grid = made._meter(config.grid.meter)
        return made

    def duties(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What has to run, each with its task's name: connections first."""
        for client in self.clients.values():
            yield f"{client.name} link", client.run()
        for number, charger in self.chargers.items():
            yield f"charger {number} poll", charger.run()
        for number, meter in self.meters.items():
            yield f"meter {number} poll", meter.run()
        if self.grid is not None:
            yield "grid meter poll", self.grid.run()

    def counters(self) -> Mapping[str, int]:
        """What went wrong on all connections together, by what."""
        found: Counter[str] = Counter()
        for client in self.clients.values():
            stats = client.stats
            found["timeouts"] += stats.timeouts
            found["refused"] += stats.refused
            found["garbage"] += stats.garbage
            found["link_losses"] += stats.link_losses
        return found

    def _client(self, section: ChargerSection | MeterSection) -> ModbusClient:
        where = (canonical(section.host), section.port)
        if where not in self.clients:
            address = (section.host, section.port)
            name = "chargers " + ":".join(map(str, address))
            self.clients[where] = ModbusClient(*address, device_id=section.unit, timeout_s=TIMEOUT_S, name=name)
        return self.clients[where]

    def _meter(self, section: MeterSection) -> Meter:
        return Meter(self._client(section), registers.load(section.map), section.unit)
