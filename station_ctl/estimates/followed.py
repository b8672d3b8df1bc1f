"""One pack that is followed: frames into its estimator, whatever is lost, and what is told and kept of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from drivers.pack_status import PackStatus
from station_ctl.model.charge_estimate import ChargeEstimate, ChargeSpan, Grounds
from station_ctl.model.places import Place, PlaceKind
from station_ctl.soc.pack import Estimate, PackEstimate
from station_ctl.soc.record import Record
from station_ctl.soc.row import BCS_OLDEST_S, good, row

SILENT_S: Final = 1.0
"""Without a new BCS for so long, this time passes for the estimator as well: it coasts."""
UNDOCKED_S: Final = 60.0
"""So long without a meter the kernel takes a pack for out of its bay: charge received is counted from 0 afterwards."""
LONGEST_UNSEEN_S: Final = 600.0
LONGEST_REST_S: Final = 7200.0
"""So long after its record was written a pack's charge is taken up again: of one that could give or take current, and
of one in a bay whose supply was open."""
SUREST: Final = 0.003
"""Standard deviation of a charge that is taken up from a record at least, parts of 1."""
RECORD_DOUBT: Final = 1e-4
"""How likely the charge of such a record is another one's: it is this station's own, of this place and serial."""
SD_OF_SPAN: Final = 3.29
"""From the 5 % to the 95 % point of a Gaussian, in standard deviations."""


class Followed:
    """One pack in the station or on the truck in its lane. Times are event-loop seconds.

    place: where it was heard last; heard_s: when it was there last. resting: no current can flow. docked: a meter
    counts what it gets; dockings: how often that began. looked_s, saved_s: when its value and its record were made
    last. came: it was met on a truck. swap_id: the swap whose final arrival charge is waited for.
    """

    def __init__(self, serial: str, estimator: PackEstimate, place: Place, now_s: float) -> None:
        self.serial, self.estimator, self.place = serial, estimator, place
        self.heard_s = self.looked_s = self.saved_s = now_s
        self.resting = self.docked = False
        self.dockings = 0
        self.came = place.kind is PlaceKind.MOUNT
        self.swap_id = ""
        self._frame_s = now_s
        self._unmetered_s = 0.0

    def resume(self, record: Record, age_s: float, meter_a: float) -> None:
        """Go on with the charge of a record of that age; the time since then has widened it (docs/soc.md).

        meter_a: NaN if this place has no meter; one that is there now keeps the pack from docking anew.
        """
        longest_s = LONGEST_REST_S if record.resting else LONGEST_UNSEEN_S
        if record.charge is None or not 0 <= age_s <= longest_s:  # below 0: the wall clock was set back
            return
        self.estimator.start(*record.charge, RECORD_DOUBT)
        self.estimator.visits -= 1  # it is the same visit
        at_meter_a = 0.0 if record.resting and math.isfinite(meter_a) else math.nan
        self._step(age_s, 0.0 if record.resting else math.nan, math.nan, math.nan, at_meter_a)

    def hear(self, status: PackStatus, place: Place, meter_a: float, now_s: float) -> None:
        """Look at what the BMS has said by now; a new BCS is a frame, none for a second is time nobody saw."""
        self.place, self.heard_s = place, now_s
        told_s = status.pack_current_a.received_s
        if told_s <= self._frame_s:
            self.miss(meter_a, now_s)
            return
        now = row(status, told_s, self.estimator.type.cells_in_series)
        bms_soc = good(status.soc_pct, told_s, BCS_OLDEST_S) / 100
        # what a voltage says hangs on the temperature: without it none is believed
        cell_v = now.cell_v if math.isfinite(now.temperature_c) else math.nan
        self._step(told_s - self._frame_s, now.current_a, cell_v, now.temperature_c, meter_a, bms_soc)
        self._frame_s = told_s

    def miss(self, meter_a: float, now_s: float, *, lifted: bool = False) -> None:
        """Nothing new from its BMS. lifted: its coupler is parted, so no current flows."""
        gone_s = now_s - self._frame_s
        if gone_s >= SILENT_S:
            self._step(gone_s, 0.0 if lifted else math.nan, math.nan, math.nan, math.nan if lifted else meter_a)
            self._frame_s = now_s

    def _step(
        self, dt_s: float, current_a: float, cell_v: float, temperature_c: float, meter_a: float, soc: float = math.nan
    ) -> None:
        self.estimator.frame(dt_s, current_a, cell_v, temperature_c, meter_a, soc)
        if math.isfinite(meter_a):
            self.dockings += not self.docked
            self.docked, self._unmetered_s = True, 0.0
            return
        self._unmetered_s += dt_s
        self.docked = self.docked and self._unmetered_s <= UNDOCKED_S

    def value(self, promised_pct: float, confidence_pct: float, drive_kw: float) -> ChargeEstimate:
        """What is told of it now."""
        now = self.estimator.estimate()
        charge = span(now)
        anchored = charge.grounds is Grounds.ANCHORED
        least_pct = 100 * self.estimator.least(confidence_pct / 100) if anchored else None
        sure = charge.grounds is not Grounds.DOUBTFUL  # one that doubts itself accuses nobody
        return ChargeEstimate(
            charge,
            round(now.capacity_ah, 1),
            round(self.estimator.energy_kwh(drive_kw * 1000)[0], 1),
            round(100 * max(self.estimator.chance(promised_pct / 100), 0.0), 1),
            None if least_pct is None else round(least_pct, 1),
            sure and self.estimator.bms_cannot_be_right,
        )

    def arrival(self) -> ChargeSpan:
        """The charge with which it was docked, with what is known now."""
        soc, low, high = self.estimator.arrival()
        return _span(soc, low, high, span(self.estimator.estimate()).grounds)

    def record(self, utc_s: float, *, left: bool) -> Record:
        """What to keep of it. utc_s: Unix time now. left: it is out of our hands, its charge will be another."""
        kept = self.estimator.record(self.serial)
        if left:
            return replace(kept, saved_s=utc_s)
        charge = _kept_charge(self.estimator.estimate())
        return replace(kept, charge=charge, saved_s=utc_s, resting=self.resting, swap_id=self.swap_id)


def span(now: Estimate) -> ChargeSpan:
    """An estimate in %."""
    return _span(now.soc, now.soc_p05, now.soc_p95, Grounds(now.reason.name.lower()))


def _span(soc: float, low: float, high: float, grounds: Grounds) -> ChargeSpan:
    """In %; nothing holds less than nothing, wherever an interval reaches."""
    soc_pct, low_pct, high_pct = (max(round(100 * value, 1), 0.0) for value in (soc, low, high))
    return ChargeSpan(soc_pct, low_pct, high_pct, grounds)


def _kept_charge(now: Estimate) -> tuple[float, float] | None:
    """The same interval as a Gaussian; None if it says no more than that there is a pack."""
    sd = max((now.soc_p95 - now.soc_p05) / SD_OF_SPAN, SUREST)
    middle = min(max((now.soc_p95 + now.soc_p05) / 2, 0.0), 1.05)
    return (middle, sd) if sd < 0.25 else None
