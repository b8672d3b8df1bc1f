"""The production service with chargers on the virtual ground: a swap beside them, a kill, a plant that judges."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from drivers.charger_status import ChargerMode
from hil.virtual.config import station_config
from hil.virtual.loop import VirtualLoop
from hil.virtual.station import VirtualStation
from station_ctl.journal import Entry
from station_ctl.model.words import Event

VIN = "LTESTTRUCK0000001"
GRID_KW = 300.0


def station(folder: Path, packs_soc: list[float | None], work: Callable[[VirtualStation], Awaitable[None]]) -> None:
    """Bays 1 to 3 with chargers, cleared and reset; the plant moves at its own speed until `work` says otherwise."""
    logging.disable(logging.CRITICAL)

    async def main() -> None:
        config = station_config(folder, bays=3, grid_kw=GRID_KW)
        async with VirtualStation(config, seed=1, speed=1.0, packs_soc=packs_soc) as there:
            await there.operator.reaches("Aborted")
            await there.operator.send("clear")
            await there.operator.send("reset")
            await work(there)
        assert there.findings.violations == []

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())


async def flows(there: VirtualStation, number: int) -> None:
    """Until the charger of a bay gives current."""
    for _ in range(600):
        if there.world.electrics.chargers[number].current_a >= 50.0:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"bay {number} does not charge: {there.operator.bays.get(number)}")


def test_a_pack_that_charges_is_handed_out_and_its_contactor_opens_without_current(tmp_path: Path) -> None:
    async def work(there: VirtualStation) -> None:
        await flows(there, 1)
        await there.ask("truck_arrives", vin=VIN, mounts=1, x_error_mm=0.0, y_error_mm=0.0, angle_deg=0.0)
        await there.operator.send("authorise", wait=False, vin=VIN)
        charger = there.world.electrics.chargers[1]
        for _ in range(1200):
            if charger.set_point.mode is ChargerMode.OFF:
                break
            await asyncio.sleep(0.1)
        assert (charger.set_point.mode, len(there.operator.records)) == (ChargerMode.OFF, 0)
        await there.ask("speed", times=10.0)  # the pack is freed for the robot; the rest is a swap like any
        await there.operator.until(lambda: next(iter(there.operator.records), None), 600.0, "record")
        record = there.operator.records[0]
        assert [e.serial_in for e in record.exchanges] == ["SIMP-00000001"]
        assert record.exchanges[0].charged_kwh is None, "it was there before the controller"
        assert there.world.supplies.arcs == {1: 0, 2: 0, 3: 0, 4: 0}

    station(tmp_path, [93.0, 40.0], work)


def test_a_controller_that_dies_leaves_no_charger_on_and_the_next_one_starts_nothing(tmp_path: Path) -> None:
    async def work(there: VirtualStation) -> None:
        await flows(there, 1)
        await there.kill()
        await asyncio.sleep(1.0)
        charger = there.world.electrics.chargers[1]
        assert (charger.current_a, charger.set_point.mode, charger.relay_closed) == (0.0, ChargerMode.OFF, False)
        await there.start()
        await asyncio.sleep(20.0)
        assert charger.current_a == 0.0 and not there.world.supplies.energised
        assert there.operator.bays[1].charging == "unconfirmed"

    station(tmp_path, [60.0], work)


@pytest.mark.parametrize("stall_s", [0.4, 0.6, 1.2])
def test_a_charge_that_ends_because_the_journal_stalls_says_so(stall_s: float, tmp_path: Path) -> None:
    async def work(there: VirtualStation) -> None:
        await flows(there, 2)
        journal = there.controller.journal
        append, waited, ends = journal.append, list[Entry](), list[Event]()

        async def slow(entry: Entry) -> None:
            ends.extend(e for e in entry.events if e.code == "charge.ended")
            if entry.intent is not None and not waited:
                waited.append(entry)
                await asyncio.sleep(stall_s)
            await append(entry)

        journal.append = slow  # type: ignore[method-assign]
        await there.ask("speed", times=5.0)
        await there.ask("truck_arrives", vin=VIN, mounts=1, x_error_mm=0.0, y_error_mm=0.0, angle_deg=0.0)
        await there.operator.send("authorise", wait=False, vin=VIN)
        for _ in range(600):
            if ends:
                break
            await asyncio.sleep(0.1)
        assert waited and [e.details["why"] for e in ends] == ["journal_stalled"]
        charger = there.world.electrics.chargers[2]
        assert charger.current_a == 0.0 and there.world.supplies.arcs[2] == 0
        await flows(there, 2)  # it begins again by itself

    station(tmp_path, [95.0, 40.0], work)
