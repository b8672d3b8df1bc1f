"""Killed in the middle of a swap, an evacuation or a charge: what the station says it found, against the plant's truth.

The controller loses its power at a write to its journal, or at an instant drawn from the seed; in half of the runs the
PLC is restarted meanwhile, and in some people exchange a pack before anybody confirms, or change the configuration.
After the restart nothing moves, and `recovery` names what is where; then people put the station right, and the work
comes to its end.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from drivers.errors import StationError
from hil.soak.case import GRID_KW
from hil.soak.kill import BAYS, SPEED, STOCK, Found, Kill, Work
from hil.soak.run import fast_folder
from hil.soak.shift import Shift
from hil.virtual.config import station_config
from hil.virtual.loop import VirtualLoop
from hil.virtual.station import VirtualStation


def one(kill: Kill) -> Found:
    """Run it, in this process."""
    with (
        tempfile.TemporaryDirectory(prefix="kill-", dir=fast_folder()) as folder,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        return runner.run(_one(kill, Path(folder)))


async def _one(kill: Kill, folder: Path) -> Found:
    config = station_config(folder, bays=BAYS, grid_kw=GRID_KW if kill.work == "charge" else None)
    stock = STOCK[kill.work]
    async with VirtualStation(config, seed=kill.seed, speed=SPEED[kill.work], packs_soc=stock) as station:
        shift = Shift(kill, station)
        await shift.run()
        station.close_books(unsure=True)
    shift.found.violations = tuple(station.findings.violations)
    return shift.found


def lasts_s(work: Work, seed: int) -> float:
    """How long the work takes undisturbed. Raises StationError if it does not come to its end."""
    found = one(Kill(work, seed))
    if not found.good:
        raise StationError("does not come to its end undisturbed", where=work, value=found.ended or found.violations)
    return found.took_s
