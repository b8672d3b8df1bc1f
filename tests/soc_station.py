"""The estimator in a station of memory: BMSs that lie, a disk that is done at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from drivers.pack_status import PackStatus
from station_ctl.config import Config
from station_ctl.estimates.records import Records
from station_ctl.estimates.station import Estimates
from station_ctl.sections import SocSection
from station_ctl.soc import cell_type, record
from station_ctl.soc.record import Record
from station_ctl.wall_clock import utc_now
from tests.simulation.ground import Ground

TYPE = cell_type.load("lfp-302ah-177s")
FRESH = tuple(h.row() for h in TYPE.health)
KNOWN = (
    (0.91, 1.0, 0.006, 1.0, 0.006), (0.03, 0.975, 0.015, 1.0, 0.016), (0.02, 0.94, 0.02, 1.0, 0.016),
    (0.01, 0.88, 0.03, 1.0, 0.016), (0.02, 0.975, 0.015, 0.98, 0.026), (0.01, 0.94, 0.03, 0.94, 0.036),
)  # fmt: skip
"""Healths as the kernel keeps them of a fresh pack that was at its knee."""


class AtOnce(Executor):
    """Works in its caller. hangs: never answers any more."""

    def __init__(self) -> None:
        self.hangs = False
        self.done = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        outcome: Future[Any] = Future()
        if self.hangs:
            return outcome
        self.done += 1
        try:
            outcome.set_result(fn(*args, **kwargs))
        except Exception as e:  # noqa: BLE001 - an executor hands over whatever its work raised
            outcome.set_exception(e)
        return outcome


def estimator(config: Config, folder: Path, worker: Executor) -> Estimates:
    """As the service makes it."""
    return Estimates(
        config.model_copy(update={"soc": SocSection(type=TYPE.name)}), TYPE, Records(folder, TYPE.name, worker)
    )


def prepared(folder: Path, serial: str, soc: float, sd: float = 0.004, *, age_s: float = 2.0, **changes: Any) -> Record:
    """A record of a pack that stood in its bay at rest so long ago, of known capacity."""
    kept = Record(serial, TYPE.name, KNOWN, (0.0, 0.0005), (1.0, 0.05), (0.0, 0.003))
    kept = replace(kept, charge=(soc, sd), saved_s=utc_now().timestamp() - age_s, resting=True)
    record.save(folder, kept := replace(kept, **changes))
    return kept


class EstimatedGround(Ground):
    """Ground with the estimator. lies: by serial, what its BMS adds to the charge, in %."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(**settings)
        self.folder, self.worker, self.lies = folder, AtOnce(), dict[str, float]()
        self.with_estimates()

    def with_estimates(self) -> None:
        """Start the estimator anew, as a restart does."""
        self.estimates = estimator(self.config, self.folder, self.worker)
        self.runner._plant = replace(self.runner._plant, estimates=self.estimates)

    def stored(self, number: int) -> str:
        """Serial of the pack in a bay."""
        found = self.world.bays[number].pack
        assert found is not None
        return found.serial

    def restart(self) -> None:
        super().restart()
        self.with_estimates()

    def _pack(self, address: int) -> PackStatus:
        said = super()._pack(address)
        identity = said.identity.value
        if identity is None or said.soc_pct.value is None:
            return said
        return replace(
            said, soc_pct=said.soc_pct._replace(value=said.soc_pct.value + self.lies.get(identity.serial, 0.0))
        )
