"""An estimate for each pack of a station, fed with each snapshot: synchronous, no clock, no file of its own.

Frames are counted as they come; one pack a cycle is looked at in turn, each about once a second, so that no cycle pays
for all. A pack in the gripper is silent and keeps its estimate; one that a truck took along leaves its record here.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import replace
from typing import Final

from drivers.pack_status import PackStatus
from station_ctl.config import Config
from station_ctl.estimates import places
from station_ctl.estimates.arrivals import Arrivals
from station_ctl.estimates.fits import unlike
from station_ctl.estimates.followed import Followed
from station_ctl.estimates.newcomers import Newcomers
from station_ctl.estimates.records import Records
from station_ctl.model.charge_estimate import ChargeEstimate
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place
from station_ctl.model.state import StationState
from station_ctl.model.words import Event
from station_ctl.soc import curves
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.pack import PackEstimate
from station_ctl.soc.record import Record
from station_ctl.wall_clock import utc_now

LOOK_S: Final = 1.0
SAVE_S: Final = 600.0
AWAY_S: Final = 600.0
"""A pack that was not heard for so long is no longer followed; its record says how it was."""
CLOSE_S: Final = 1.0
DEFECT: Final = "the charge estimator failed; it is off until the next start"

log = logging.getLogger(__name__)


class NoEstimates:
    """A station without a pack type: everything is as the BMSs say."""

    failed, off = 0, False

    def feed(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot as it is."""
        return snapshot

    def told(self, state: StationState) -> tuple[Event, ...]:
        """Nothing."""
        return ()

    async def close(self) -> None:
        """Nothing is kept."""


NO_ESTIMATES: Final = NoEstimates()


class Estimates:
    """Of one station. off: a defect has ended it until the next start."""

    def __init__(self, config: Config, of: CellType, records: Records) -> None:
        self._config, self._type, self._records = config, of, records
        self._compiled = curves.kernel_type(of)
        self._packs: dict[str, Followed] = {}
        self._newcomers = Newcomers(of, records)
        self._turns: deque[str] = deque()
        self._arrivals = Arrivals()
        self._values: dict[str, ChargeEstimate] = {}
        self.off = False

    @property
    def failed(self) -> int:
        """Records not written since the start."""
        return self._records.failed

    def feed(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the estimates of its packs. Never raises: a defect here leaves the BMSs' word."""
        if self.off:
            return snapshot
        try:
            self._take(snapshot)
        except Exception:  # a defect of the estimator is none of the station
            log.exception(DEFECT)
            self.off = True
            return snapshot
        return replace(snapshot, estimates=self._values, not_estimated=self._newcomers.why)

    def told(self, state: StationState) -> tuple[Event, ...]:
        """What a cycle brought that is worth telling. state: the one it ended in. Never raises."""
        if self.off:
            return ()
        try:
            return self._arrivals.look(state, self._packs)
        except Exception:  # as in `feed`
            log.exception(DEFECT)
            self.off = True
            return ()

    async def close(self) -> None:
        """Write every pack's record before the service ends; a second of a slow disk is waited for."""
        try:
            for pack in () if self.off else self._packs.values():
                self._save(pack, left=False)
        except Exception:  # as in `feed`
            log.exception(DEFECT)
        await self._records.close(CLOSE_S)

    def _take(self, snapshot: Snapshot) -> None:
        shown = places.shown(snapshot, {serial: pack.place for serial, pack in self._packs.items()})
        for serial, pack in list(self._packs.items()):
            if (here := shown.get(serial)) is not None:
                place, status = here
                pack.hear(status, place, places.meter_a(snapshot, place), snapshot.now_s)
            else:
                self._unheard(pack, snapshot)
        for serial, record in self._newcomers.meet(shown, self._packs, snapshot.now_s).items():
            self._follow(serial, shown[serial][0], record, snapshot)
        self._look(shown, snapshot)

    def _unheard(self, pack: Followed, snapshot: Snapshot) -> None:
        robot, now_s = snapshot.robot, snapshot.now_s
        left = places.left(robot, pack.place)
        if left or now_s - pack.heard_s > AWAY_S:
            self._forget(pack, left=left)
            return
        lifted = places.lifted(robot, pack.place)
        pack.miss(math.nan if lifted else places.meter_a(snapshot, pack.place), now_s, lifted=lifted)

    def _forget(self, pack: Followed, *, left: bool) -> None:
        self._save(pack, left=left)
        self._arrivals.gone(pack.serial)
        del self._packs[pack.serial]
        self._turns.remove(pack.serial)
        self._values = {serial: value for serial, value in self._values.items() if serial != pack.serial}

    def _follow(self, serial: str, place: Place, record: Record | None, snapshot: Snapshot) -> None:
        pack = Followed(serial, PackEstimate(self._type, self._compiled, record), place, snapshot.now_s)
        if record is not None:
            age_s = utc_now().timestamp() - record.saved_s
            pack.resume(record, age_s, places.meter_a(snapshot, place))
            if record.swap_id:
                self._arrivals.restarted(serial, record.swap_id)
                pack.saved_s = -math.inf
        pack.looked_s = -math.inf
        self._packs[serial] = pack
        self._turns.appendleft(serial)

    def _look(self, shown: places.Shown, snapshot: Snapshot) -> None:
        """The value of the pack whose turn it is, and its record when that is due."""
        if not self._turns or snapshot.now_s - self._packs[self._turns[0]].looked_s < LOOK_S:
            return
        pack = self._packs[self._turns[0]]
        self._turns.rotate(-1)
        pack.looked_s = snapshot.now_s
        status = shown[pack.serial][1] if pack.serial in shown else None
        identity = status.identity.value if status is not None else None
        if status is not None and identity is not None and unlike(identity, status, self._type):
            self._forget(pack, left=True)  # its cells were told only after its capacity
            return
        swap = self._config.swap
        value = pack.value(swap.soc_promised_pct, swap.soc_confidence_pct, self._config.soc.drive_kw)
        self._values = self._values | {pack.serial: value}
        self._arrivals.doubt(pack.serial, value, status.soc_pct.value if status else None)
        self._keep(pack, status, snapshot)

    def _keep(self, pack: Followed, status: PackStatus | None, snapshot: Snapshot) -> None:
        """Its record: when its supply is closed or opened, when it comes onto a truck, and every ten minutes."""
        current_a = status.pack_current_a.value if status is not None else 0.0
        resting = places.rests(snapshot.robot, pack.place, current_a)
        turned = resting is not None and resting != pack.resting
        if turned or snapshot.now_s - pack.saved_s >= SAVE_S:
            pack.resting = pack.resting if resting is None else resting
            pack.saved_s = snapshot.now_s
            self._save(pack, left=False)

    def _save(self, pack: Followed, *, left: bool) -> None:
        self._records.save(pack.record(utc_now().timestamp(), left=left))
