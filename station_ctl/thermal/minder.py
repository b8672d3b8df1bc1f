"""One pack at one place and its detector: asked what is new, put into words, and remembered."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

from drivers.pack_status import PackStatus
from drivers.reading import Quality, Signal
from station_ctl.kernel.thermal import EVENT, Detector
from station_ctl.thermal.finding import Cause, Finding, Measured, Verdict, sentence
from station_ctl.thermal.limits import Limits
from station_ctl.thermal.look import lowest, number

TICK_S: Final = 1.0
"""A detector without news is asked so often: time alone makes a pack blind."""
_NEVER_S: Final = -math.inf


@dataclass(slots=True)
class Minder:
    """One pack at one place.

    hot_s, cells_s: receipt of what the detector has had; asked_s: when it was last asked. bare_s: receipt of the first
    status block in a row by which no switch sees the pack.
    """

    detector: Detector
    limits: Limits
    serial: str | None = None
    hot_s: float = _NEVER_S
    cells_s: float = _NEVER_S
    asked_s: float = _NEVER_S
    bare_s: float | None = None
    finding: Finding | None = None

    def ask(self, pack: PackStatus, smoke: Signal, now_s: float, attentive: bool) -> None:
        """Give the detector what is new; nothing if nothing is and it was asked lately."""
        hot, cells = pack.temperature_max_c, pack.cell_voltages_v
        alarm = pack.thermal_event.value if pack.thermal_event.quality is Quality.GOOD else Signal.NOT_AVAILABLE
        alarmed = alarm is Signal.TRUE or smoke is Signal.TRUE
        news = hot.received_s != self.hot_s or cells.received_s != self.cells_s
        if not (news or alarmed or now_s - self.asked_s >= TICK_S):
            return
        hot_c = cold_c = low_v = mid_v = math.nan
        if hot.received_s != self.hot_s:
            self.hot_s, hot_c, cold_c = hot.received_s, number(hot), number(pack.temperature_min_c)
        if cells.received_s != self.cells_s:
            self.cells_s = cells.received_s
            low_v, mid_v = lowest(cells)
        self.asked_s = now_s
        answer = self.detector.update(now_s, hot_c, cold_c, low_v, mid_v, smoke, alarm or 0, attentive)
        self._note(answer, now_s, attentive)

    def _note(self, answer: tuple[int, int, bool], now_s: float, attentive: bool) -> None:
        """Remember what the detector said, in words where it is new. An event stays as it was first seen."""
        verdict, causes, blind = answer
        old = self.finding
        if old is not None and old.verdict == EVENT:
            if old.serial != self.serial:
                self.finding = replace(old, serial=self.serial)
        elif not verdict and not blind:
            self.finding = None
        elif old is None or (old.verdict, old.causes, old.blind, old.serial) != (*answer, self.serial):
            measured = Measured(*self.detector.measured())
            text = sentence(Cause(causes), blind, measured, self.limits, attentive)
            self.finding = Finding(Verdict(verdict), Cause(causes), blind, text, self.serial, now_s)

    def dump(self) -> list[Any]:
        """All it remembers, in plain values, for `loaded`."""
        times = [self.hot_s, self.cells_s, self.asked_s, self.bare_s]
        return [self.detector.dump().hex(), self.serial, *times, _plain(self.finding)]


def loaded(detector: Detector, limits: Limits, memory: list[Any]) -> Minder:
    """One that remembers this. Raises ValueError or TypeError for what no `dump` of this release gave."""
    state, serial, hot_s, cells_s, asked_s, bare_s, found = memory
    detector.load(bytes.fromhex(state))
    finding = Finding(Verdict(found[0]), Cause(found[1]), *found[2:]) if found is not None else None
    return Minder(detector, limits, serial, hot_s, cells_s, asked_s, bare_s, finding)


def _plain(finding: Finding | None) -> list[Any] | None:
    if finding is None:
        return None
    f = finding
    return [f.verdict.value, f.causes.value, f.blind, f.text, f.serial, f.since_s]
