"""The drivers of chargers and meters against their peers, over real sockets."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from drivers.charger import Charger
from drivers.charger_status import OFF, ChargerMode, ChargerState, ChargerStatus, ChargerStop, SetPoint
from drivers.errors import DeviceError, DeviceRefused, MapMismatch, NoAnswer
from drivers.meter import Meter
from drivers.modbus import ModbusClient
from drivers.reading import Signal
from drivers.registers import RegisterMap
from hil.faults.catalogue import ModbusFault, parse
from hil.peers.charger_server import Address, ChargerServer, servers
from hil.peers.faults import FaultProxy
from hil.plant.charger import Charger as PlantCharger
from hil.plant.meter import Meter as PlantMeter
from hil.plant.world import World
from tests.charger_bench import MAP, METER_MAP
from tests.integration.test_modbus import running, until
from tests.plc_bench import make_world
from tests.support import run

HOST = "127.0.0.1"
CHARGE = SetPoint(ChargerMode.CHARGE, 60.0, 646.0, 240e3)
TEST = SetPoint(ChargerMode.INSULATION_TEST)


class Gateway:
    """Bays 1 and 2 with a charger (units 11, 12) and a meter (21, 22), the grid's meter (31), behind one address.

    wants: what the control cycle says for each bay, anew every 50 ms; None: its cycle is dead.
    """

    def __init__(self, charger_map: RegisterMap = MAP, speed: float = 30.0, timeout_s: float = 0.5) -> None:
        self.world: World = make_world(speed=speed, truck=False)
        electrics = self.world.electrics
        for n in (1, 2):
            electrics.fit(n, PlantCharger())
            electrics.meters[n] = PlantMeter(100 + n)
        electrics.grid_meter = PlantMeter(300)
        chargers, meters = ({n: Address(HOST, 0, k + n) for n in (1, 2)} for k in (10, 20))
        [self.server] = servers(electrics, (charger_map, METER_MAP), chargers, meters, Address(HOST, 0, 31))
        self.wants: dict[int, SetPoint | None] = {1: None, 2: None}
        self.chargers: dict[int, Charger] = {}
        self.meters: dict[int, Meter] = {}
        self.timeout_s = timeout_s
        self.client: ModbusClient
        self.proxy: FaultProxy

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Gateway]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(running(self.server.run(), self._live()))
            await self.server.ready.wait()
            self.proxy = FaultProxy((HOST, self.server.port), MAP, seed=3)
            await stack.enter_async_context(running(self.proxy.run()))
            await self.proxy.ready.wait()
            self.client = ModbusClient(
                HOST, self.proxy.port, device_id=1, timeout_s=self.timeout_s, name="charger gateway"
            )
            self.chargers = {n: Charger(self.client, MAP, 10 + n, poll_s=0.05) for n in (1, 2)}
            self.meters = {n: Meter(self.client, METER_MAP, u, poll_s=0.1) for n, u in ((1, 21), (2, 22), (0, 31))}
            duties = [charger.run() for charger in self.chargers.values()]
            duties += [meter.run() for meter in self.meters.values()]
            await stack.enter_async_context(running(self.client.run(), *duties, self._cycle()))
            await until(lambda: all(c.status or c.error for c in self.chargers.values()))
            yield self

    async def _live(self) -> None:
        before_s = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(0.01)
            now_s = asyncio.get_running_loop().time()
            self.world.advance(now_s - before_s)
            before_s = now_s

    async def _cycle(self) -> None:
        while True:
            for number, wanted in self.wants.items():
                if wanted is not None:
                    self.chargers[number].want(wanted, asyncio.get_running_loop().time())
            await asyncio.sleep(0.05)

    def status(self, number: int) -> ChargerStatus:
        status = self.chargers[number].status
        assert status is not None, self.chargers[number].error
        return status

    async def shows(self, number: int, condition: Callable[[ChargerStatus], bool]) -> None:
        def met() -> bool:
            status = self.chargers[number].status
            return status is not None and condition(status)

        await until(met, 8.0)

    async def charges(self, *numbers: int) -> None:
        for number in numbers:
            self.wants[number] = OFF
            await self.shows(number, lambda s: s.stop_reason is ChargerStop.COMMAND)
            self.wants[number] = TEST
            await self.shows(number, lambda s: s.insulation_tested is Signal.TRUE)
        supplies = self.world.supplies
        supplies.command(supplies.commanded | sum(1 << (n - 1) for n in numbers))
        for number in numbers:
            self.wants[number] = CHARGE
            await self.shows(number, lambda s: (s.output_current_a or 0.0) > 59.0)

    def fault(self, kind: str, **parameters: object) -> None:
        fault = parse({"kind": f"modbus.{kind}", **parameters}, "test")
        assert isinstance(fault, ModbusFault)
        self.proxy.set(fault)

    def pack_a(self, number: int) -> float:
        pack = self.world.bays[number].pack
        assert pack is not None
        return pack.current_a


def test_set_points_are_followed_unit_by_unit_on_one_connection() -> None:
    async def main() -> None:
        async with Gateway().up() as there:
            await there.charges(1)
            assert there.pack_a(1) == pytest.approx(60.0) and there.pack_a(2) == 0.0
            assert there.status(1).state is ChargerState.CHARGING and there.status(2).state is ChargerState.OFF
            there.wants[1] = dataclasses.replace(CHARGE, current_a=30.0)
            await there.shows(1, lambda s: s.set_current_a == 30.0 and (s.output_current_a or 99.0) < 31.0)
            await there.charges(2)
            assert there.status(1).relay_closed is there.status(2).relay_closed is Signal.TRUE
            await until(lambda: all(m.status is not None for m in there.meters.values()))
            serials = {n: m.status.serial for n, m in there.meters.items() if m.status is not None}
            assert serials == {1: 101, 2: 102, 0: 300}
            await until(lambda: (s := there.meters[2].status) is not None and (s.energy_in_wh.value or 0) > 10)
            assert there.client.stats.connections == 1 and there.client.stats.errors == 0
            with pytest.raises(DeviceRefused, match="unit 99"):
                await there.client.read(0, 22, unit=99)
            with pytest.raises(DeviceRefused, match="exception 2"):
                await there.client.write(0, [1, 2], unit=21)

    run(main())


def test_a_dead_cycle_ends_it_by_off_a_dead_process_by_the_lease() -> None:
    async def main() -> None:
        async with Gateway(timeout_s=0.2).up() as there:
            await there.charges(1, 2)
            there.wants[1] = None  # its cycle is dead, the driver lives
            await there.shows(1, lambda s: s.state is ChargerState.OFF)
            assert there.status(1).stop_reason is ChargerStop.COMMAND and there.pack_a(1) == 0.0
            there.fault("half_open")  # nothing comes through any more
            await until(lambda: there.pack_a(2) == 0.0)
            await until(lambda: there.chargers[2].status is None)
            there.proxy.wire.clear()
            await there.shows(2, lambda s: s.stop_reason is ChargerStop.LEASE)
            await asyncio.sleep(0.5)
            assert there.pack_a(2) == 0.0, "what is wanted all the time starts nothing"

    run(main())


def test_a_mute_unit_stops_nobody_else() -> None:
    async def main() -> None:
        async with Gateway(timeout_s=0.1).up() as there:
            await there.charges(2)
            there.world.electrics.chargers[1].faults.mute = True
            await until(lambda: there.chargers[1].status is None and there.chargers[1].error is not None)
            await asyncio.sleep(0.5)
            assert there.pack_a(2) == pytest.approx(60.0) and there.client.stats.connections == 1
            there.world.electrics.chargers[1].faults.mute = False
            await until(lambda: there.chargers[1].status is not None)

    run(main())


def test_a_row_of_dead_units_does_not_cost_the_others_their_connection() -> None:
    async def dead(client: ModbusClient, unit: int) -> None:
        for _ in range(4):
            with pytest.raises(NoAnswer):
                await client.read(0, 1, unit=unit)

    async def main() -> None:
        async with Gateway(timeout_s=0.05).up() as there:
            await there.charges(2)
            electrics = there.world.electrics
            assert electrics.grid_meter is not None
            for device in (electrics.chargers[1], *electrics.meters.values(), electrics.grid_meter):
                device.faults.mute = True
            async with asyncio.TaskGroup() as group:
                for unit in (11, 21, 22, 31):
                    group.create_task(dead(there.client, unit))
            assert there.client.stats.timeouts >= 16 and there.client.stats.connections == 1

    run(main())


def test_power_cut_and_return_over_the_wire() -> None:
    async def main() -> None:
        async with Gateway().up() as there:
            await there.charges(1)
            await there.server.power_cut()
            await until(lambda: there.chargers[1].status is None)
            assert there.pack_a(1) == 0.0
            await there.server.power_return()
            await there.shows(1, lambda s: s.stop_reason is ChargerStop.POWER)
            await asyncio.sleep(0.3)
            assert there.status(1).state is ChargerState.OFF and there.client.stats.connections >= 2
            await there.charges(1)

    run(main())


def test_a_lost_reply_is_not_repeated() -> None:
    async def main() -> None:
        async with Gateway(timeout_s=0.1).up() as there:
            await there.charges(1)
            program = there.server._programs[0]
            stale = program.counters["stale"]
            for _ in range(4):
                there.fault("drop_replies", count=1)
                await asyncio.sleep(0.2)
            assert there.client.stats.timeouts >= 2 and program.counters["stale"] == stale
            assert program.stop_reason in (ChargerStop.NONE, ChargerStop.LEASE)  # a slow machine may lose the lease

    run(main())


def test_to_another_map_nothing_is_written() -> None:
    async def main() -> None:
        async with Gateway(dataclasses.replace(MAP, version=2)).up() as there:
            there.wants[1] = OFF
            await asyncio.sleep(0.3)
            assert there.chargers[1].status is None and isinstance(there.chargers[1].error, MapMismatch)
            assert there.server._programs[0].counters == {}
            await until(lambda: there.meters[1].status is not None)

    run(main())


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x00\x00\x00\x2f\x0b\x03\x2c" + b"\xff" * 44,  # a whole block of ones
        b"\x00\x01\x00\x00\x00\x05\x0b\x03\x02\x00\x07",  # one register where 22 were asked for
        b"\x00\x01\x00\x00\x00\x2f\x0c\x03\x2c" + b"\x00" * 44,  # from another unit
        b"\xff" * 300,
    ],
)
def test_garbage_is_no_status_and_nothing_is_written(garbage: bytes) -> None:
    heard = bytearray()

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(512):
            heard.append(data[7])
            writer.write(data[:2] + garbage[2:])
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(babble, HOST, 0)
        port = server.sockets[0].getsockname()[1]
        client = ModbusClient(HOST, port, device_id=1, timeout_s=0.05, name="charger")
        charger = Charger(client, MAP, 11, poll_s=0.02)
        async with running(client.run(), charger.run()):
            await until(lambda: client.connected)
            charger.want(CHARGE, asyncio.get_running_loop().time())
            await until(lambda: isinstance(charger.error, DeviceError) and len(heard) >= 2)
            assert charger.status is None and set(heard) == {3}
        server.close()
        await server.wait_closed()

    run(main())


def test_an_address_that_stands_twice_is_refused() -> None:
    world = make_world(truck=False)
    world.electrics.fit(1, PlantCharger())
    world.electrics.meters[1] = PlantMeter(1)
    same = {1: Address(HOST, 0, 1)}
    with pytest.raises(ValueError, match="stands twice"):
        servers(world.electrics, (MAP, METER_MAP), same, same)
    with pytest.raises(ValueError, match="no bay 77"):
        world.electrics.fit(77, PlantCharger())
    assert isinstance(servers(world.electrics, (MAP, METER_MAP), same, {})[0], ChargerServer)
