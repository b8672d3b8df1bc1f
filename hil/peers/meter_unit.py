"""An energy meter on the wire: its last sample, in its registers."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.register_codec import Block
from drivers.registers import RegisterMap
from hil.plant.meter import Meter


class MeterUnit:
    """One meter as a unit of hil.peers.modbus_server; nothing of it is written."""

    writable = None

    def __init__(self, meter: Meter, register_map: RegisterMap) -> None:
        self.meter = meter
        self._identity = {"map_id": register_map.map_id, "map_version": register_map.version}
        self._status = register_map.block("status")

    @property
    def readable(self) -> Block:
        """The status block."""
        return self._status

    @property
    def mute(self) -> bool:
        """Whether it gives no answer."""
        return self.meter.faults.mute

    def words(self, now_s: float) -> tuple[int, ...]:
        """The last sample."""
        return self._status.encode({**self._identity, **self.meter.shown._asdict()})

    def receive(self, words: Sequence[int], now_s: float) -> bool:
        """Never called: nothing is writable."""
        return False
