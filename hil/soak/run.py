"""One seed: a station with truck after truck and faults of every kind, on a loop of its own."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from hil.soak.busy import Arm, Busy
from hil.soak.case import Case, Outcome
from hil.soak.log import Log
from hil.soak.people import People
from hil.virtual.config import station_config
from hil.virtual.loop import VirtualLoop
from hil.virtual.station import VirtualStation
from station_ctl.uplink.message import Message
from station_ctl.uplink.record_messages import SwapRecord
from station_ctl.uplink.requests import ReplyMessage
from station_ctl.uplink.state_messages import StateMessage

CHARGED_PCT = 95.0


def _unarmed(_: VirtualStation, __: People) -> None:
    """Nothing but the drawn faults."""


def run(case: Case, arm: Arm = _unarmed) -> Outcome:
    """Run a case from its beginning to its end, in this process."""
    began_s = time.process_time()
    with (
        tempfile.TemporaryDirectory(prefix="soak-", dir=fast_folder()) as folder,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        outcome = runner.run(_run(case, Path(folder), arm))
    outcome.cpu_s = time.process_time() - began_s
    return outcome


def fast_folder() -> str | None:
    """Memory, where there is some: what a disk does wrong is a fault of the run, not of this machine."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


async def _run(case: Case, folder: Path, arm: Arm) -> Outcome:
    loop = asyncio.get_running_loop()
    log, outcome = Log(loop.time), Outcome(case)

    def seen(_: str, message: Message) -> None:
        match message:
            case StateMessage():
                log.add("state", f"{message.packml}/{message.step} {message.reason.code if message.reason else ''}")
                outcome.stood.update([_standing(message)] if message.packml in ("Held", "Aborted") else ())
            case SwapRecord() | ReplyMessage():
                kind = "record" if isinstance(message, SwapRecord) else "verdict"
                log.add(kind, message.model_dump_json())

    config = station_config(folder, bays=case.bays, grid_kw=case.grid_kw, soc=case.soc)
    stock: list[float | None] = [CHARGED_PCT] * max(1, case.bays - 3)
    async with VirtualStation(config, seed=case.seed, speed=case.speed, packs_soc=stock, on_message=seen) as station:
        await Busy(case, station, log, outcome).run(arm)
        station.close_books(unsure=True)
        outcome.round_trips = station.plc.requests
    _fill(outcome, station, log)
    return outcome


def _standing(message: StateMessage) -> str:
    return f"{message.packml}: {message.reason.code if message.reason else ''}"


def _fill(outcome: Outcome, station: VirtualStation, log: Log) -> None:
    outcome.simulated_s = station.loop.time()
    outcome.motions = station.plc.plc.retained.motions_started
    outcome.swaps = station.watched.recorded
    if not outcome.trucks or not outcome.swaps:
        station.findings.tell("nothing was swapped", f"{outcome.trucks} trucks left")
    outcome.violations, outcome.checks = station.findings.violations, station.findings.checks
    outcome.faults = station.injector.spans
    for violation in outcome.violations:
        log.add("violation", f"{violation.invariant}: {violation.text}")
    outcome.events, outcome.hash = log.events, log.hash
