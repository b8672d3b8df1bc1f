"""The drivers of charger and meter over a client the test answers for, on virtual time."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import tasks
from drivers.charger import LEASE_S, WANT_S, Charger
from drivers.charger_status import OFF, ChargerMode, ChargerState, ChargerStop, SetPoint
from drivers.errors import BadData, DeviceError, DeviceRefused, LinkDown, MapMismatch, NoAnswer
from drivers.meter import Meter
from drivers.meter_status import MeterDoubt
from drivers.modbus import ModbusClient
from drivers.reading import Quality, Signal
from drivers.register_codec import Block
from drivers.register_document import RegisterMapError
from drivers.register_points import EncodingError, Group
from drivers.registers import RegisterMap, parse
from hil.peers.charger_server import Address, servers
from hil.peers.meter_unit import MeterUnit
from hil.plant.meter import Meter as PlantMeter
from hil.virtual.loop import VirtualLoop
from tests.charger_bench import BAY, MAP, METER_MAP, ChargerBench

TIMEOUT_S = 0.15
COMMAND = MAP.block("command")
CHARGE = SetPoint(ChargerMode.CHARGE, 100.0, 640.0, 60e3)


def play(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main)


class FakeClient:
    """Hands each request to a charger's program after `delay_s`; `read_error`, `write_error`: what is raised instead.

    taken: whether a write that is not answered has come through. written: time and points of each write.
    """

    name = "chargers"

    def __init__(self) -> None:
        self.bench = ChargerBench()
        self.connection = 1
        self.delay_s = 0.005
        self.read_error: DeviceError | None = None
        self.write_error: DeviceError | None = None
        self.taken = False
        self.change: Callable[[list[int]], None] = lambda words: None
        self.reads = 0
        self.written: list[tuple[float, dict[str, Any]]] = []

    async def read(self, address: int, count: int, *, unit: int | None = None) -> tuple[int, ...]:
        assert (address, unit) == (0, 3)
        self.reads += 1
        await self._pass(self.read_error)
        words = list(self.bench.program.words(self.now_s))
        self.change(words)
        return tuple(words)

    async def write_made(self, address: int, make: Callable[[], Sequence[int]], *, unit: int | None = None) -> None:
        assert (address, unit) == (100, 3)
        words, error = make(), self.write_error
        assert COMMAND.sealed(words)
        self.written.append((self.now_s, COMMAND.decode(words).points))
        if error is None or self.taken:
            assert self.bench.program.receive(words, self.now_s)
        await self._pass(error)

    async def _pass(self, error: DeviceError | None) -> None:
        await asyncio.sleep(TIMEOUT_S if isinstance(error, NoAnswer) else self.delay_s)
        if error is not None:
            raise error

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()


class Rig:
    def __init__(self, **options: Any) -> None:
        self.client = FakeClient()
        self.charger = Charger(cast(ModbusClient, self.client), MAP, 3, **options)

    @contextmanager
    def running(self) -> Iterator[None]:
        task = asyncio.get_running_loop().create_task(self.charger.run(), name="charger")
        try:
            yield
        finally:
            assert not task.done(), task
            task.cancel()

    def want(self, set_point: SetPoint) -> None:
        self.charger.want(set_point, self.client.now_s)

    async def wanting(self, set_point: SetPoint, seconds: float) -> None:
        """The control cycle: says it anew every 50 ms."""
        for _ in range(round(seconds / 0.05)):
            self.want(set_point)
            await asyncio.sleep(0.05)

    @property
    def last(self) -> dict[str, Any]:
        return self.client.written[-1][1]


async def _end() -> None:
    await asyncio.sleep(0)
    await tasks.end(*(t for t in asyncio.all_tasks() if t.get_name() in ("charger", "meter")))


def test_a_poll_decodes_the_whole_status() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.charger.poll()
        status = rig.charger.status
        assert status is not None and rig.charger.error is None
        assert (status.state, status.stop_reason) == (ChargerState.OFF, ChargerStop.COMMAND)
        assert (status.relay_closed, status.insulation_tested) == (Signal.FALSE, Signal.FALSE)
        assert (status.current_max_a, status.power_max_w, status.cabinet_temperature_c) == (400.0, 240e3, 20.0)
        assert (status.input_power_w, status.insulation_ohm_per_v) == (150, None)

    play(main())


def test_nothing_is_written_before_anything_is_wanted() -> None:
    async def main() -> None:
        rig = Rig()
        with rig.running():
            await asyncio.sleep(2.0)
            assert rig.client.written == [] and rig.client.reads in (20, 21)
        await _end()

    play(main())


def test_what_is_wanted_is_written_ten_times_a_second_with_what_is_left_of_the_lease() -> None:
    async def main() -> None:
        rig = Rig()
        with rig.running():
            await asyncio.sleep(0.02)
            await rig.wanting(CHARGE, 2.0)
            assert 18 <= len(rig.client.written) <= 22
            for _, points in rig.client.written:
                assert LEASE_S * 1e3 - 60 <= points["lease_ms"] <= LEASE_S * 1e3
                assert (points["mode"], points["current_a"], points["power_w"]) == (2, 100.0, 60000)
            counters = [points["counter"] for _, points in rig.client.written]
            assert all(b - a == 1 for a, b in itertools.pairwise(counters))
        await _end()

    play(main())


def test_no_want_for_300_ms_is_off_and_then_nothing() -> None:
    async def main() -> None:
        rig = Rig()
        with rig.running():
            await rig.wanting(CHARGE, 1.0)
            last_want_s = rig.client.now_s - 0.05
            await asyncio.sleep(1.0)
            at_s, points = next(w for w in rig.client.written if w[1]["mode"] == 0)
            assert WANT_S <= at_s - last_want_s <= WANT_S + 0.02
            assert points["lease_ms"] == 0
            held = [(s, p["lease_ms"]) for s, p in rig.client.written if p["mode"] == 2 and s > last_want_s]
            assert held and all(s + ms / 1e3 <= last_want_s + LEASE_S + 1e-6 for s, ms in held)
            n = len(rig.client.written)
            assert rig.client.bench.program.state is ChargerState.OFF and not rig.client.bench.program.rests
            await asyncio.sleep(1.0)
            assert len(rig.client.written) == n, "OFF was taken: nobody says any more"
        await _end()

    play(main())


@pytest.mark.parametrize(
    "less",
    [
        SetPoint(ChargerMode.CHARGE, 99.0, 640.0, 60e3),
        SetPoint(ChargerMode.CHARGE, 100.0, 639.0, 60e3),
        SetPoint(ChargerMode.CHARGE, 100.0, 640.0, 59e3),
        SetPoint(ChargerMode.CHARGE, 200.0, 640.0, 59e3),
        SetPoint(ChargerMode.CONDITION, power_w=8e3),
        OFF,
    ],
)
def test_less_is_written_at_once_more_with_the_next_poll(less: SetPoint) -> None:
    async def main() -> None:
        rig = Rig()
        with rig.running():
            await rig.wanting(CHARGE, 1.0)
            await asyncio.sleep(0.02)
            n, now_s = len(rig.client.written), rig.client.now_s
            rig.want(SetPoint(ChargerMode.CHARGE, 120.0, 640.0, 60e3))
            await asyncio.sleep(0.005)
            assert len(rig.client.written) == n
            rig.want(less)
            await asyncio.sleep(0.001)
            assert len(rig.client.written) == n + 1 and rig.last["mode"] == less.mode
            assert rig.client.written[-1][0] == now_s + 0.005
        await _end()

    play(main())


def test_a_want_that_changes_while_its_write_waits_is_sent_as_it_is_then() -> None:
    async def main() -> None:
        rig = Rig()
        turn = asyncio.Event()
        send = rig.client.write_made

        async def queued(address: int, make: Callable[[], Sequence[int]], *, unit: int | None = None) -> None:
            await turn.wait()
            await send(address, make, unit=unit)

        cast(Any, rig.client).write_made = queued
        await rig.charger.poll()
        rig.want(CHARGE)
        telling = asyncio.get_running_loop().create_task(rig.charger.tell())
        await asyncio.sleep(0.2)
        turn.set()
        await telling
        assert rig.last["lease_ms"] == 200
        turn.clear()
        telling = asyncio.get_running_loop().create_task(rig.charger.tell())
        await asyncio.sleep(0.2)
        turn.set()
        await telling
        assert (rig.last["mode"], rig.last["lease_ms"]) == (0, 0), "it has run out while it waited"

    play(main())


@pytest.mark.parametrize("taken", [True, False])
def test_a_write_without_an_answer_is_followed_by_a_read_never_by_itself(taken: bool) -> None:
    async def main() -> None:
        rig = Rig()
        await rig.charger.poll()
        rig.client.write_error, rig.client.taken = NoAnswer("no answer", where="charger"), taken
        rig.want(CHARGE)
        reads = rig.client.reads
        await rig.charger.tell()
        assert (rig.client.reads, len(rig.client.written)) == (reads + 1, 1)
        assert rig.charger.write_error is rig.client.write_error and rig.charger.status is not None
        assert (rig.charger.status.echo_counter == rig.charger.counter) is taken
        rig.client.write_error = None
        rig.want(OFF)
        with rig.running():
            await asyncio.sleep(0.1)
        counters = [points["counter"] for _, points in rig.client.written]
        assert len(set(counters)) == len(counters) and rig.last["mode"] == 0
        assert rig.charger.write_error is None
        await _end()

    play(main())


def test_a_lost_answer_now_and_then_does_not_end_the_lease() -> None:
    async def main() -> None:
        rig = Rig()
        rig.want(OFF)
        with rig.running():
            await rig.wanting(OFF, 0.2)
            await rig.wanting(SetPoint(ChargerMode.CONDITION, power_w=5e3), 0.5)
            for kind in ("read_error", "write_error"):
                setattr(rig.client, kind, NoAnswer("no answer", where="charger"))
                await rig.wanting(SetPoint(ChargerMode.CONDITION, power_w=5e3), 0.1)
                setattr(rig.client, kind, None)
                await rig.wanting(SetPoint(ChargerMode.CONDITION, power_w=5e3), 0.5)
            assert rig.client.bench.program.stop_reason is ChargerStop.NONE
        await _end()

    play(main())


def test_a_lost_command_is_said_anew_at_once_but_not_again_and_again() -> None:
    async def main() -> None:
        rig = Rig()
        with rig.running():
            await rig.wanting(CHARGE, 1.0)
            await asyncio.sleep(0.02)
            rig.client.write_error = NoAnswer("no answer", where="charger")
            n, now_s = len(rig.client.written), rig.client.now_s
            rig.want(OFF)
            await asyncio.sleep(TIMEOUT_S + 0.02)
            assert len(rig.client.written) == n + 2 and rig.client.written[-1][0] <= now_s + TIMEOUT_S + 0.02
            await rig.wanting(OFF, 3.0)
            assert len(rig.client.written) - n <= 3.2 / (TIMEOUT_S + 0.005)
        await _end()

    play(main())


def test_who_is_silent_is_asked_seldom_and_written_to_no_more() -> None:
    async def main() -> None:
        rig = Rig()
        with rig.running():
            await rig.wanting(CHARGE, 1.0)
            rig.client.read_error = rig.client.write_error = NoAnswer("no answer", where="charger")
            await rig.wanting(CHARGE, 5.0)
            assert rig.charger.status is None and isinstance(rig.charger.error, NoAnswer)
            reads, writes = rig.client.reads, len(rig.client.written)
            for n in range(200):  # less and less in each cycle: no reason to ask more often
                rig.want(SetPoint(ChargerMode.CHARGE, 100.0 - n / 2, 640.0, 60e3))
                await asyncio.sleep(0.05)
            assert rig.client.reads - reads <= 10 and len(rig.client.written) == writes
            rig.client.read_error = rig.client.write_error = None
            await rig.wanting(OFF, 1.5)
            assert rig.charger.status is not None and rig.last["mode"] == 0
        await _end()

    play(main())


def test_nothing_is_written_to_another_map_nor_before_it_is_seen_on_this_connection() -> None:
    async def main() -> None:
        rig = Rig()
        rig.want(CHARGE)
        await rig.charger.tell()
        await rig.charger.poll()
        rig.client.connection = 2
        await rig.charger.tell()
        assert rig.client.written == []
        await rig.charger.poll()
        await rig.charger.tell()
        assert len(rig.client.written) == 1
        rig.client.change = lambda words: words.__setitem__(1, 2)
        await rig.charger.poll()
        await rig.charger.tell()
        assert rig.charger.status is None and isinstance(rig.charger.error, MapMismatch)
        assert "unit 3" in str(rig.charger.error) and len(rig.client.written) == 1

    play(main())


def test_a_new_connection_goes_on_from_the_chargers_counter_never_back() -> None:
    async def main() -> None:
        rig = Rig()
        rig.want(OFF)
        await rig.charger.poll()
        await rig.charger.tell()
        assert rig.charger.counter == 502  # the bench has counted to 501
        for connection, echo, counter in ((2, 900, 901), (3, 700, 902), (4, 0xFFFF, 903), (5, 20000, 20001)):
            rig.client.connection = connection
            rig.client.change = lambda words, echo=echo: words.__setitem__(6, echo)  # type: ignore[misc]
            await rig.charger.poll()
            rig.want(OFF)
            await rig.charger.tell()
            assert rig.charger.counter == counter

    play(main())


def test_lost_link_is_known_at_once_a_lost_answer_only_ages() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.charger.poll()
        before = rig.charger.status
        for error in (NoAnswer("no", where="c"), BadData("short", where="c"), DeviceRefused("gateway", where="c")):
            rig.client.read_error = error
            await rig.charger.poll()
            assert rig.charger.status is before and rig.charger.error is error
        await asyncio.sleep(0.5)
        await rig.charger.poll()
        assert rig.charger.status is None
        rig.client.read_error = None
        await rig.charger.poll()
        assert rig.charger.status is not None and rig.charger.error is None
        rig.client.read_error = LinkDown("gone", where="c")
        await rig.charger.poll()
        assert rig.charger.status is None

    play(main())


def test_a_heartbeat_that_stands_still_keeps_its_time() -> None:
    async def main() -> None:
        rig = Rig()
        await rig.charger.poll()
        first = rig.charger.status
        await rig.charger.poll()
        second = rig.charger.status
        rig.client.bench.program.scan(0.0)
        await rig.charger.poll()
        third = rig.charger.status
        assert first is not None and second is not None and third is not None
        assert second.heartbeat_changed_s == first.heartbeat_changed_s < second.received_s
        assert third.heartbeat_changed_s == third.received_s

    play(main())


def test_wild_numbers_are_not_believed() -> None:
    async def main() -> None:
        rig = Rig()

        def noise(words: list[int]) -> None:
            words[3], words[5], words[8], words[10], words[21] = 9, 9, 0xFFFF, 60000, 0x8000

        rig.client.change = noise
        await rig.charger.poll()
        status = rig.charger.status
        assert status is not None and (status.state, status.stop_reason) == (None, None)
        assert (status.output_voltage_v, status.cabinet_temperature_c) == (None, None)
        assert status.relay_closed is Signal.NOT_AVAILABLE

    play(main())


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 1000.2])
def test_a_want_out_of_range_is_refused_and_the_charger_is_off_at_once(value: float) -> None:
    async def main() -> None:
        rig = Rig()
        await rig.charger.poll()
        rig.want(CHARGE)
        with pytest.raises(EncodingError, match="current_a"):
            rig.want(SetPoint(ChargerMode.CHARGE, value, 640.0, 60e3))
        await rig.charger.tell()
        assert (rig.last["mode"], rig.last["lease_ms"], rig.last["current_a"]) == (ChargerMode.OFF, 0, 0.0)
        rig.want(CHARGE)
        await rig.charger.tell()
        assert rig.last["current_a"] == 100.0

    play(main())


def test_a_lease_out_of_range_and_a_map_that_lacks_a_point_are_refused() -> None:
    with pytest.raises(ValueError, match="lease_s"):
        Rig(lease_s=1.1)
    document: dict[str, Any] = {
        "map": {"id": 1, "version": 1},
        "status": {"address": 0, "count": 2, "points": {"map_id": {"at": 0, "type": "u16"}}},
        "command": {"address": 9, "count": 1, "points": {"counter": {"at": 0, "type": "u16"}}},
    }
    for driver in (Charger, Meter):
        with pytest.raises(RegisterMapError, match="map_version"):
            driver(cast(ModbusClient, FakeClient()), parse(document, "small.toml"))


@pytest.mark.parametrize("driver, given", [(Charger, MAP), (Meter, METER_MAP)])
def test_a_map_with_a_group_where_a_point_is_needed_is_refused(
    driver: type[Charger | Meter], given: RegisterMap
) -> None:
    block = given.block("status")
    group = Group("state" if driver is Charger else "energy_in_wh", 0, 1, ())
    points = [p for p in block.points if p.name != group.name]
    grouped = Block("status", block.address, block.count, points, (group,), checksum=block.checksum)
    odd = replace(given, blocks={**given.blocks, "status": grouped})
    with pytest.raises(RegisterMapError, match=f"lacks {group.name}"):
        driver(cast(ModbusClient, FakeClient()), odd)


def test_a_map_that_cannot_say_off_is_refused() -> None:
    block = MAP.block("command")
    points = [replace(p, low=10.0) if p.name == "current_a" else p for p in block.points]
    narrow = Block("command", block.address, block.count, points, (), checksum=True)
    with pytest.raises(RegisterMapError, match="cannot say OFF"):
        Charger(cast(ModbusClient, FakeClient()), replace(MAP, blocks={**MAP.blocks, "command": narrow}))


@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 1e6))
def test_what_goes_over_the_wire_is_never_more_than_wanted(current_a: float, voltage_v: float, power_w: float) -> None:
    charger = Charger(cast(ModbusClient, FakeClient.__new__(FakeClient)), MAP)
    words = charger._words(SetPoint(ChargerMode.CHARGE, current_a, voltage_v, power_w), 7, 300)
    points = COMMAND.decode(words).points
    assert (points["counter"], points["lease_ms"], points["mode"]) == (7, 300, 2)
    for name, wanted, step in (("current_a", current_a, 0.1), ("voltage_v", voltage_v, 0.1), ("power_w", power_w, 1)):
        sent = points[name]
        assert sent is not None and wanted - step < sent <= wanted + 1e-5 * step


def test_charger_and_meter_behind_one_address_on_the_virtual_network_twice_alike() -> None:
    async def main() -> None:
        bench = ChargerBench()
        place = {BAY: Address("gateway", 502, 3)}
        beside = {BAY: Address("gateway", 502, 4)}
        [server] = servers(bench.world.electrics, (MAP, METER_MAP), place, beside)
        client = ModbusClient("gateway", 502, device_id=1, timeout_s=TIMEOUT_S, name="gateway")
        charger, meter = Charger(client, MAP, 3), Meter(client, METER_MAP, 4)
        loop = asyncio.get_running_loop()
        duties = [loop.create_task(d) for d in (server.run(), client.run(), charger.run(), meter.run())]
        bench.supply()
        for n in range(200):
            mode = (ChargerMode.OFF, ChargerMode.INSULATION_TEST)[n > 20] if n < 100 else ChargerMode.CHARGE
            charger.want(SetPoint(mode, 50.0, 646.0, 1e5), loop.time())
            for _ in range(5):
                await asyncio.sleep(0.01)
                bench.world.advance(0.01)
        assert bench.pack.current_a == pytest.approx(50.0)
        seen.append((charger.status, meter.status, client.stats.requests, client.stats.connections))
        await tasks.end(*duties)

    seen: list[tuple[Any, ...]] = []
    play(main())
    play(main())
    assert seen[0] == seen[1] and seen[0][3] == 1
    assert seen[0][0].output_current_a == seen[0][1].current_a.value == pytest.approx(50.0)


class MeterClient:
    """Answers for a meter."""

    name, connection = "meters", 1

    def __init__(self) -> None:
        self.meter = PlantMeter(4711, energy_in_wh=123_456.0)
        self.change: Callable[[list[int]], None] = lambda words: None

    async def read(self, address: int, count: int, *, unit: int | None = None) -> tuple[int, ...]:
        words = list(MeterUnit(self.meter, METER_MAP).words(0.0))
        self.change(words)
        return tuple(words)


def test_a_meter_s_readings_have_their_quality() -> None:
    async def main() -> None:
        client = MeterClient()
        meter = Meter(cast(ModbusClient, client), METER_MAP, 9)
        client.meter.measure(612.3, -12.34, -7555.0, 0.5)
        await meter.poll()
        status = meter.status
        assert status is not None and (status.serial, status.energy_in_wh.value) == (4711, 123_456)
        flow = [reading.value for reading in (status.voltage_v, status.current_a, status.power_w)]
        assert flow == pytest.approx([612.3, -12.34, -7555.0])
        assert status.current_a.quality is Quality.GOOD and status.current_a.unit == "A"
        client.meter.faults.doubts = int(MeterDoubt.CURRENT) | 64
        client.meter.measure(600.0, 1.0, 600.0, 0.5)
        client.change = lambda words: words.__setitem__(6, 60000)
        await meter.poll()
        status = meter.status
        assert status is not None and MeterDoubt.CURRENT in status.doubts
        assert status.voltage_v.value is None and status.voltage_v.quality is Quality.UNTRUSTED
        assert (status.current_a.value, status.current_a.quality) == (1.0, Quality.UNTRUSTED)
        assert status.power_w.quality is Quality.UNTRUSTED and status.energy_in_wh.quality is Quality.GOOD

    play(main())
