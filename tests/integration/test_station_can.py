"""CAN garbage in a swap: counted, nothing else. A truck that goes silent while its lock opens: a trip."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import can

from drivers.can_state import BusState
from drivers.dbc import catalogue
from drivers.j1939 import TP_CM, TP_DT, build_id
from drivers.systemd import Notifier
from hil.rig.setting import Setting, station_toml
from station_ctl import config
from station_ctl.journal import Journal
from station_ctl.swap.restart import recovered
from station_ctl.wires import real_wires
from station_ctl.wiring import Service, build
from tests.integration.mqtt_support import until
from tests.integration.station_support import SPEED, station, wrong
from tests.support import free_port, run

TRUCK_CAUSES = (
    "parking_brake_off",
    "swap_mode_off",
    "high_voltage_on",
    "truck_contactor_closed",
    "link_voltage_present",
)
STATION, BAY_8, MOUNT_1, TRUCK = 0x56, 0xB8, 0xA1, 0x27
PMS, BCS, TSC1 = (catalogue(f).infos[m].pgn for f, m in (("pack", "PMS"), ("pack", "BCS"), ("truck", "TSC1")))


class Babbler:
    """A broken node on the station's bus: `frames` are wrong in every way there is, and so are raw datagrams."""

    def __init__(self, group: str, port: int) -> None:
        self._rng = random.Random(7)
        self._bus = can.Bus(channel=group, interface="udp_multicast", port=port, hop_limit=0, ignore_config=True)
        self._raw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        self._address = (group, port)

    def close(self) -> None:
        self._bus.shutdown()
        self._raw.close()

    def burst(self) -> None:
        """One of everything."""
        for message in self._frames():
            self._bus.send(message)
        for datagram in (b"", b"\x00", b"garbage", b"\x80" * 9000, self._rng.randbytes(60)):
            self._raw.sendto(datagram, self._address)

    def _frames(self) -> Iterator[can.Message]:
        rng = self._rng

        def frame(pgn: int, source: int, data: bytes) -> can.Message:
            return can.Message(arbitration_id=build_id(6, pgn, source, STATION), data=data, is_extended_id=True)

        for source, pgn in ((MOUNT_1, PMS), (BAY_8, PMS), (BAY_8, BCS), (TRUCK, TSC1)):
            yield from (frame(pgn, source, rng.randbytes(length)) for length in (0, 1, 3))
        yield can.Message(arbitration_id=0x123, data=rng.randbytes(8), is_extended_id=False)
        yield can.Message(arbitration_id=0x7FF, is_extended_id=False, is_remote_frame=True, dlc=8)
        yield can.Message(arbitration_id=build_id(6, PMS, MOUNT_1, STATION), is_fd=True, data=rng.randbytes(64))
        yield from (frame(PMS, rng.choice((0x01, 0x77, 0xF0)), rng.randbytes(8)) for _ in range(5))
        yield from (frame(0xEF00, BAY_8, rng.randbytes(8)), frame(0xFFFF, 0xFE, rng.randbytes(8)))
        rts = bytes((16, 49, 0, 7, 255, 0, 2, 0))
        yield frame(TP_DT, BAY_8, bytes((1, *rng.randbytes(7))))  # data nobody announced
        yield frame(TP_CM, BAY_8, bytes((16, 255, 255, 1, 255, 0, 2, 0)))  # 65535 bytes in one packet
        yield frame(TP_CM, BAY_8, rts)
        yield frame(TP_DT, BAY_8, bytes((5, *rng.randbytes(7))))  # the fifth packet first
        yield frame(TP_CM, 0x77, bytes((32, 49, 0, 7, 255, 0, 2, 0)))  # a broadcast that never comes
        yield frame(TP_CM, BAY_8, rng.randbytes(8))


async def _babble(babbler: Babbler, every_s: float) -> None:
    while True:
        babbler.burst()
        await asyncio.sleep(every_s)


@contextlib.asynccontextmanager
async def _babbling(group: str, port: int, every_s: float = 0.05) -> AsyncIterator[None]:
    babbler = Babbler(group, port)
    task = asyncio.create_task(_babble(babbler, every_s), name="babbler")
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        babbler.close()


def test_swap_among_garbage_and_a_truck_that_goes_silent_in_mid_unlock() -> None:
    async def main() -> None:
        async with station() as there:
            bus = tomllib.loads(there.rig.config.read_text())["can"][0]
            await there.up()
            async with _babbling(bus["channel"], bus["port"]):
                before = await there.rig.plant.truth()
                own = await there.truck()
                await there.authorise()
                await there.at_step("approach_mount")
                await there.pace(2.0)
                await there.at_step("unlock")
                await there.rig.plant.ask("truck_fault", fault="mute")
                state = await there.rig.operator.reaches("Aborted")
                assert (state.interlock.first_out or "").split(":")[0] in TRUCK_CAUSES
                assert (await there.stands())["mounts"] == {"1": own[0]}
                await there.rig.plant.ask("truck_fault", fault="mute", value=False)
                await there.pace(SPEED)
                await there.to_held()
                await there.resume()
                await there.record()
                assert wrong(before, await there.rig.plant.truth(), own) == []

    run(main(), timeout_s=45.0)


@contextlib.asynccontextmanager
async def _service(folder: Path) -> AsyncIterator[Service]:
    """The service's wiring in this process, its buses running: so that its counters can be read."""
    station_file = folder / "station.toml"
    station_file.write_text(station_toml(Setting(), folder, free_port()), encoding="utf-8")
    journal = Journal(folder / "journal.db")
    await journal.open()
    service = build(config.load(station_file), journal, recovered(None), Notifier(""), real_wires())
    buses = [asyncio.create_task(bus.run(), name=f"can {name}") for name, bus in service.buses.items()]
    try:
        yield service
    finally:
        for task in buses:
            task.cancel()
        await asyncio.gather(*buses, return_exceptions=True)
        await journal.close()


def test_every_kind_of_garbage_is_counted(tmp_path: Path) -> None:
    async def main() -> None:
        async with _service(tmp_path) as service:
            bus, packs = service.buses["packs"], service.packs.counters
            await until(lambda: bus.state is BusState.SILENT or bus.state is BusState.UP)
            section = service.config.can[0]
            assert section.port is not None
            async with _babbling(section.channel, section.port, every_s=0.02):
                await until(lambda: bus.counters.garbage >= 5 and bus.counters.rejected >= 6)
                await until(lambda: packs.wrong_length >= 3 and packs.unknown_source >= 5)
                await until(lambda: packs.broken_transport >= 2)
            assert bus.state is BusState.UP and bus.counters.reopened == 0

    run(main())
