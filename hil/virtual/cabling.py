"""Everything between the virtual ground's controller and its plant, with the faults in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drivers.registers import RegisterMap
from hil.faults.broker import BrokerWire
from hil.faults.can import CanWire
from hil.faults.disk import Disk
from hil.faults.modbus import ModbusWire
from hil.virtual.broker import MemoryBroker
from hil.virtual.can import Segment
from hil.virtual.io import Io
from hil.virtual.network import Network
from hil.watch.tap import Tap, Written
from station_ctl.config import Config


class Cabling:
    """Of one station: Modbus with a tap, CAN, broker, disk. io counts what the controller sends on any of them.

    on_block: called with each command block. on_power_cut: called when power goes in the middle of a write to the disk.
    """

    def __init__(
        self,
        config: Config,
        register_map: RegisterMap,
        seed: int,
        on_block: Callable[[Written], None],
        on_power_cut: Callable[[], None],
    ) -> None:
        self.io = Io()
        self.modbus = ModbusWire(register_map, seed)
        self.can = {c.name: CanWire(f"{seed} {c.name}", config.packs.station_address) for c in config.can}
        self.segments = {
            c.name: Segment(c.name, self.can[c.name], c.silent_after_ms / 1000, self.io) for c in config.can
        }
        self.broker_wire = BrokerWire(seed)
        self.broker = MemoryBroker(self.broker_wire, f"station-{config.station.id}", self.io)
        self.disk = Disk(seed, on_power_cut, Path(config.station.journal))
        self._plc = (config.robot.host, config.robot.port)
        self._tap = Tap(self.modbus, register_map, on_block, self.io)

    def lay(self, network: Network) -> None:
        """Put the Modbus wire before the PLC, for every connection made from now on."""
        network.wires[self._plc] = self._tap

    def cut_modbus(self, network: Network) -> None:
        """Pull the cable of every connection that stands."""
        network.cut(*self._plc)

    def clear(self, kind: str) -> None:
        """Heal a kind of fault wherever it is."""
        for clear in (self.modbus.clear, self.broker_wire.clear, self.disk.clear):
            clear(kind)
        for wire in self.can.values():
            wire.clear(kind)
