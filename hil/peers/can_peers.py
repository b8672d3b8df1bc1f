"""All BMSs and the truck on one CAN bus: what the station hears in the field, from the bench's plant."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable

from drivers.can_frame import Frame, FrameBus
from drivers.can_state import BusError
from drivers.j1939 import parse_id
from hil.peers.pack_node import PackNode
from hil.peers.truck_node import TruckNode
from hil.plant.pack import Pack
from hil.plant.truck import Truck

_TICK_S = 0.005
_TICKS_A_LOOK = 4
_PHASE_STEP_S = 0.0137  # shifts each pack against the others, no divisor of any period


class CanPeers:
    """Plays every pack that talks and the truck, if one is there, on `bus` (whose `run` is the caller's to start).

    packs and truck are asked anew every 20 ms, so the world may change them at any time. Wire timing is wall time.
    send_failed: frames that the bus did not take.
    """

    def __init__(
        self,
        bus: FrameBus,
        packs: Callable[[], Iterable[Pack]],
        truck: Callable[[], Truck | None],
        *,
        truck_address: int = 0x27,
        station_address: int = 0x56,
    ) -> None:
        self.send_failed = 0
        self._bus = bus
        self._packs, self._truck = packs, truck
        self._truck_address, self._station = truck_address, station_address
        self._nodes: dict[str, PackNode] = {}
        self._truck_node: TruckNode | None = None
        self._woken = 0
        bus.subscribe(self._receive)

    async def run(self) -> None:
        """Send what is due until cancelled."""
        loop = asyncio.get_running_loop()
        for tick in itertools.count():
            now_s = loop.time()
            if tick % _TICKS_A_LOOK == 0:
                self._meet(now_s)
            self._poll(now_s)
            await asyncio.sleep(_TICK_S)

    def _meet(self, now_s: float) -> None:
        """A node for each pack that talks at its place, and for the truck that is there."""
        talking = {pack.serial: pack for pack in self._packs() if pack.talking}
        for serial, node in list(self._nodes.items()):
            pack = talking.get(serial)
            if pack is not node.pack or pack.address != node.address:
                del self._nodes[serial]
        for serial, pack in talking.items():
            if serial not in self._nodes and pack.address is not None:
                self._woken += 1
                phase_s = self._woken % 8 * _PHASE_STEP_S
                self._nodes[serial] = PackNode(pack, pack.address, self._station, now_s, phase_s)
        truck = self._truck()
        if truck is None or truck.faults.mute:
            self._truck_node = None
        elif self._truck_node is None or self._truck_node.truck is not truck:
            self._truck_node = TruckNode(truck, self._truck_address, self._station, now_s)

    def _poll(self, now_s: float) -> None:
        for node in self._nodes.values():
            self._send(node.poll(now_s))
        if self._truck_node is not None:
            self._send(self._truck_node.poll(now_s))

    def _receive(self, frame: Frame, now_s: float) -> None:
        destination = parse_id(frame.can_id).destination
        for node in self._nodes.values():
            if node.address == destination:
                self._send(node.receive(frame, now_s))
        if self._truck_node is not None:
            self._truck_node.receive(frame)

    def _send(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            try:
                self._bus.send(frame)
            except BusError:
                self.send_failed += 1
