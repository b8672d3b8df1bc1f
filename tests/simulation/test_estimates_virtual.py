"""The estimator in the service on the virtual ground: its records over a power cut, and the same run twice."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from hil.virtual.config import station_config
from hil.virtual.loop import VirtualLoop
from hil.virtual.station import EPOCH, VirtualStation
from station_ctl.estimates.station import Estimates
from station_ctl.soc import record
from station_ctl.uplink.message import Message
from station_ctl.uplink.place_messages import BayMessage
from tests.soc_station import TYPE, prepared

SERIAL = "SIMP-00000001"


def life(folder: Path) -> list[str]:
    """A station whose PC loses power for ten seconds: what it said of bay 1."""
    logging.disable(logging.CRITICAL)
    said: list[str] = []

    def seen(_: str, message: Message) -> None:
        if isinstance(message, BayMessage) and message.bay == 1:
            said.append(message.json_bytes().decode())

    async def main() -> None:
        prepared(folder / "soc", SERIAL, 0.75, saved_s=EPOCH.timestamp(), age_s=0.0)
        config = station_config(folder, bays=3, soc={"type": TYPE.name})
        async with VirtualStation(config, seed=1, speed=1.0, packs_soc=[75.0], on_message=seen) as station:
            await asyncio.sleep(15.0)
            before = BayMessage.model_validate_json(said[-1])
            assert before.serial == SERIAL
            assert before.soc_reason in ("anchored", "plateau")
            kept = record.load(folder / "soc", SERIAL, TYPE.name)
            assert isinstance(kept, record.Record)
            assert kept.resting
            assert kept.saved_s > EPOCH.timestamp()
            await station.controller.kill()
            await asyncio.sleep(10.0)
            await station.controller.start()
            await asyncio.sleep(15.0)
            after = BayMessage.model_validate_json(said[-1])
            assert after.soc_p05_pct is not None and before.soc_p05_pct is not None
            assert after.soc_p95_pct is not None and before.soc_p95_pct is not None
            assert after.soc_p95_pct - after.soc_p05_pct < before.soc_p95_pct - before.soc_p05_pct + 5.0
            service = station.controller.service
            assert service is not None
            assert isinstance(service.estimates, Estimates)
            assert not service.estimates.off
            assert service.estimates.failed == 0

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert isinstance(left := record.load(folder / "soc", SERIAL, TYPE.name), record.Record)
    assert left.saved_s > EPOCH.timestamp() + 39.0, "written when it was stopped"
    return said


def test_records_outlive_a_power_cut_and_a_run_is_the_same_twice(tmp_path: Path) -> None:
    said = life(tmp_path / "a")
    assert len(said) > 5
    assert said == life(tmp_path / "b")
