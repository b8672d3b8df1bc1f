"""Alarms of the production service over its wires, in virtual time: told, answered, there again after a power cut."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from hil.virtual.config import station_config
from hil.virtual.loop import VirtualLoop
from hil.virtual.station import VirtualStation
from station_ctl.alarms.record import State


async def _until_cycling(station: VirtualStation) -> None:
    await asyncio.sleep(3.0)
    assert station.controller.service is not None


def _state(station: VirtualStation, identifier: str) -> State:
    service = station.controller.service
    assert service is not None
    return service.runner._alarms._life.record(identifier).state


def test_what_a_person_did_to_alarms_survives_a_power_cut(tmp_path: Path) -> None:
    logging.disable(logging.CRITICAL)
    bus, bay = "can.error_passive:packs", "pack.bms_fault:bay-2"

    people = [{"name": "operator-*", "roles": ["operator", "supervisor"]}]

    async def main() -> None:
        async with VirtualStation(station_config(tmp_path, issuer=people), seed=1, speed=4.0) as station:
            await _until_cycling(station)
            operator = station.operator
            assert operator.alarms["station.aborted"].state == "unacknowledged"
            assert (await operator.send("ack", alarm="station.aborted")).verdict == "completed"
            assert (await operator.send("shelve", alarm=bus, minutes=1.0)).verdict == "completed"
            shelved_s = station.loop.time()
            assert (await operator.send("out_of_service", alarm=bay, why="BMS is being read")).verdict == "completed"
            refused = await operator.send("shelve", alarm="smoke.bay:bay-1", minutes=61.0)
            assert refused.verdict == "rejected" and "at most 60 min" in refused.reason
            assert operator.alarms[bus].shelved_by == operator.alarms[bay].out_of_service_by == "operator-1"
            await station.controller.kill()
            await asyncio.sleep(10.0)
            await station.controller.start()
            await _until_cycling(station)
            assert (_state(station, bus), _state(station, bay)) == (State.SHELVED, State.OUT_OF_SERVICE)
            service = station.controller.service
            assert service is not None
            until_s = service.runner._alarms._life.record(bus).shelved_until_s
            assert until_s is not None and until_s <= shelved_s + 60.1, "what was left of ten minutes, and no more"
            await asyncio.sleep(until_s - station.loop.time() - 0.1)
            assert _state(station, bus) is State.SHELVED
            await asyncio.sleep(0.3)
            assert _state(station, bus) is State.NORMAL
            assert (await operator.send("in_service", alarm=bay)).verdict == "completed"

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize(("frames", "told"), [(True, State.NORMAL), (False, State.UNACKNOWLEDGED)])
def test_a_bus_without_frames_is_told_while_packs_stand_there(tmp_path: Path, frames: bool, told: State) -> None:
    logging.disable(logging.CRITICAL)

    async def main() -> None:
        async with VirtualStation(station_config(tmp_path), seed=1, speed=4.0) as station:
            await _until_cycling(station)
            for pack in station.world.packs():
                pack.faults.mute = not frames
            await asyncio.sleep(6.0)
            assert _state(station, "can.silent:packs") is told

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
