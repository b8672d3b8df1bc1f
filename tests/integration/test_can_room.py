"""Packs and truck over real datagrams: two buses on one multicast group of this host."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from drivers.can_bus import BusState, CanBus, Frame
from drivers.pack_status import PackLink, PackStatus
from drivers.packs import PackBus
from drivers.reading import Signal
from drivers.truck import TruckLink
from drivers.truck_status import SelfTest, TruckRequest, TruckStatus
from hil.peers.can_peers import CanPeers
from hil.plant.pack import Pack
from hil.plant.truck import Truck
from tests.can_support import until
from tests.support import free_port, run

GROUP = "239.74.163.2"
BAYS = (0x91, 0x92)
MOUNT = 0x81
VIN = "LZZ1CLSB8NA123456"


class Room:
    """A station's CAN room and, on a bus of its own, the peers of a plant that runs `speed` times as fast."""

    def __init__(self, speed: float = 4.0) -> None:
        port = free_port()
        self.station = CanBus("station", "udp_multicast", GROUP, port=port)
        self.field = CanBus("field", "udp_multicast", GROUP, port=port)
        self.dangers = 0
        addresses = [*BAYS, MOUNT, 0x99]
        self.packs = PackBus(self.station, addresses, on_danger=self._danger, others=[0x27], silent_after_s=0.5)
        self.link = TruckLink(self.station, on_danger=self._danger, silent_after_s=0.5)
        self.plant = [Pack(f"CATL-{n:08d}", 40.0 + n) for n in range(3)]
        for pack, address in zip(self.plant, (*BAYS, MOUNT), strict=True):
            pack.mate(address)
        self.truck: Truck | None = Truck(VIN, {1: self.plant[2]})
        self.peers = CanPeers(self.field, lambda: self.plant, lambda: self.truck)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._speed = speed

    def _danger(self) -> None:
        self.dangers += 1

    async def _world(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            for pack in self.plant:
                pack.advance(0.01 * self._speed)
            if self.truck is not None:
                self.truck.advance(0.01 * self._speed)

    @contextlib.asynccontextmanager
    async def live(self) -> AsyncIterator[Room]:
        parts = {
            "station": self.station.run(),
            "field": self.field.run(),
            "packs": self.packs.run(),
            "truck": self.link.run(),
            "peers": self.peers.run(),
            "world": self._world(),
        }
        self.tasks = {name: asyncio.create_task(part, name=name) for name, part in parts.items()}
        try:
            yield self
        finally:
            for name in parts:
                await self.stop(name)

    async def stop(self, name: str) -> None:
        """End one of the room's tasks."""
        self.tasks[name].cancel()
        await asyncio.gather(self.tasks[name], return_exceptions=True)

    def serials(self) -> dict[int, str]:
        """Serial by address of the packs that are monitored."""
        found = {}
        for address, status in self.packs.statuses.items():
            if status.link is PackLink.MONITORED and status.identity.value is not None:
                found[address] = status.identity.value.serial
        return found


ALL = {0x91: "CATL-00000000", 0x92: "CATL-00000001", 0x81: "CATL-00000002"}


def test_three_packs_on_one_bus_are_told_apart_and_the_truck_names_itself() -> None:
    async def main() -> None:
        async with Room().live() as room:
            await until(lambda: room.serials() == ALL)
            await until(lambda: room.link.status.vin.value == VIN)
            await until(lambda: room.packs.status(0x92).cell_voltages_v.value is not None)
            assert room.packs.status(0x99) == PackStatus(0x99)
            assert room.packs.status(0x92).soc_pct.value == 41
            assert room.packs.status(MOUNT).contactor_closed.value is Signal.TRUE
            assert room.station.state is BusState.UP
            counters = room.packs.counters
            assert counters.unknown_source == counters.broken_transport == counters.wrong_length == 0
            assert room.peers.send_failed == 0

    run(main())


def test_the_truck_isolates_reconnects_and_leaves() -> None:
    async def main() -> None:
        async with Room(speed=8.0).live() as room:
            await until(lambda: room.link.status.hv_off.value is Signal.FALSE)
            room.link.request = TruckRequest.ISOLATE
            await until(lambda: (room.link.status.link_voltage_v.value or 999.0) < 60.0)
            await until(lambda: room.packs.status(MOUNT).contactor_closed.value is Signal.FALSE)
            assert room.link.status.hv_off.value is Signal.TRUE
            seen = room.dangers
            room.plant[2].faults.contactor_welded = True
            await until(lambda: room.dangers > seen)
            room.plant[2].faults.contactor_welded = False
            room.link.request = TruckRequest.RECONNECT
            await until(lambda: room.link.status.self_test.value is SelfTest.PASSED)
            room.link.request = TruckRequest.LEAVE
            await until(lambda: room.link.status.swap_mode.value is Signal.FALSE)
            room.truck = None
            await until(lambda: room.link.status == TruckStatus())

    run(main())


def test_another_pack_at_the_same_address_is_never_taken_for_the_one_before() -> None:
    async def main() -> None:
        async with Room().live() as room:
            await until(lambda: room.serials() == ALL)
            first, second = room.plant[0], room.plant[1]
            first.part()
            second.part()
            second.mate(0x91)
            await until(lambda: room.serials().get(0x91) == "CATL-00000001")
            await until(lambda: room.packs.status(0x92) == PackStatus(0x92))
            assert room.packs.counters.conflicts == 0

    run(main())


def test_garbage_on_the_wire_is_counted_and_stops_nothing() -> None:
    async def main() -> None:
        async with Room().live() as room:
            await until(lambda: room.serials() == ALL)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
                noise.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
                for n in range(100):
                    noise.sendto(bytes((0xC1, n)), (GROUP, room.station._port or 0))
            for n in range(200):
                room.field.send(Frame(0x1CEC5600 | 0x91, bytes((16, n, 255, n, 255, 0, n, 0))))
                room.field.send(Frame(0x18105600 | 0x92, bytes(n % 8)))
                room.field.send(Frame(0x18105677, bytes(8)))
            await until(lambda: room.station.counters.garbage >= 100)
            await until(lambda: room.packs.counters.unknown_source >= 200)
            assert room.packs.counters.broken_transport > 0
            assert room.packs.counters.wrong_length > 0
            assert room.station.counters.reopened == 0
            await until(lambda: room.serials() == ALL)

    run(main())


def test_a_station_that_starts_again_finds_the_packs_that_already_talk() -> None:
    async def main() -> None:
        async with Room().live() as room:
            await until(lambda: room.serials() == ALL)
            for name in ("packs", "truck", "station"):
                await room.stop(name)
            again = CanBus("again", "udp_multicast", GROUP, port=room.station._port)
            packs = PackBus(again, [*BAYS, MOUNT], on_danger=lambda: None, others=[0x27])
            tasks = [asyncio.create_task(part) for part in (again.run(), packs.run())]
            await until(lambda: all(s.link is PackLink.MONITORED for s in packs.statuses.values()))
            named = {a: s.identity.value.serial for a, s in packs.statuses.items() if s.identity.value is not None}
            assert named == ALL and packs.counters.conflicts == 0
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    run(main())


def test_a_sender_does_not_hear_itself() -> None:
    async def main() -> None:
        port = free_port()
        one, two = (CanBus(name, "udp_multicast", GROUP, port=port) for name in ("one", "two"))
        heard: dict[str, list[Frame]] = {"one": [], "two": []}
        for bus in (one, two):
            bus.subscribe(lambda frame, _, name=bus.name: heard[name].append(frame))
        tasks = [asyncio.create_task(bus.run(), name=bus.name) for bus in (one, two)]
        await until(lambda: one.state is not BusState.DOWN and two.state is not BusState.DOWN)
        one.send(Frame(0x18FF0056, b"mine"))
        two.send(Frame(0x18FF0057, b"yours"))
        await until(lambda: heard["one"] and heard["two"])
        await asyncio.sleep(0.05)
        assert heard == {"one": [Frame(0x18FF0057, b"yours")], "two": [Frame(0x18FF0056, b"mine")]}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(main())
