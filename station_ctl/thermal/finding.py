"""What the thermal watch says of one place, and in which words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

from station_ctl.thermal.limits import Limits


class Verdict(IntEnum):
    """What a pack's readings amount to; the kernel's numbers."""

    NORMAL = 0
    SUSPECT = 1
    EVENT = 2


class Cause(IntFlag):
    """What it was seen by; the kernel's bits."""

    BMS_ALARM = 1
    SMOKE = 2
    TEMPERATURE = 4
    TEMPERATURE_RATE = 8
    CELL_VOLTAGE_DROP = 16
    SPREAD = 32


class Measured(NamedTuple):
    """What a verdict was made from, as `Detector.measured` gives it. slot: index of the slot length of the rise."""

    hot_c: float
    cold_c: float
    rise_k: float
    slot: int
    low_v: float
    mid_v: float
    age_s: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where something is not as it should be.

    verdict: EVENT stays until the place reads empty or another serial is there. causes: what it was seen by.
    blind:   it cannot be watched: no temperatures, or such as cannot be believed. Never a reason to evacuate.
    text:    one sentence with measured value, limit and age, as they were when verdict, causes or blind last changed.
    since_s: event-loop time of that.
    """

    verdict: Verdict
    causes: Cause
    blind: bool
    text: str
    serial: str | None
    since_s: float


def sentence(causes: Cause, blind: bool, measured: Measured, limits: Limits, attentive: bool) -> str:
    """One sentence: what was seen, measured value and limit of each, how old."""
    parts = _seen(causes, measured, limits, attentive)
    if blind:
        parts.append(_blind(measured, limits, attentive))
    return "; ".join(parts) + (f"; measured {measured.age_s:.1f} s ago" if math.isfinite(measured.hot_c) else "")


def _seen(causes: Cause, m: Measured, limits: Limits, attentive: bool) -> list[str]:
    rise_k = (limits.rise_attentive_k if attentive else limits.rise_ordinary_k)[m.slot]
    hot_c, spread_k = limits.hot_c[attentive], limits.spread_k[attentive]
    words = {
        Cause.BMS_ALARM: "the BMS reports a thermal event",
        Cause.SMOKE: f"the smoke detector responds (limit {limits.smoke_s:g} s)",
        Cause.TEMPERATURE_RATE: f"hottest probe {m.hot_c:.0f} degC, {m.rise_k:.0f} K further from the coldest"
        f" in {limits.slot_s[m.slot]:g} s (limit {rise_k:g} K, {limits.confirmed:g} times running)",
        Cause.CELL_VOLTAGE_DROP: f"a cell at {m.low_v:.2f} V of {m.mid_v:.2f} V"
        f" (limit {limits.cell_share * m.mid_v:.2f} V)",
        Cause.SPREAD: f"hottest probe {m.hot_c:.0f} degC, coldest {m.cold_c:.0f} degC (limit {spread_k:g} K apart)",
        Cause.TEMPERATURE: f"hottest probe {m.hot_c:.0f} degC, coldest {m.cold_c:.0f} degC (limit {hot_c:g} degC)",
    }
    return [text for cause, text in words.items() if cause in causes]


def _blind(m: Measured, limits: Limits, attentive: bool) -> str:
    unseen_s = limits.unseen_s[attentive]
    if not m.age_s <= unseen_s:
        return f"no temperatures to be believed for {m.age_s:.0f} s (limit {unseen_s:g} s)"
    return f"its probes show {m.cold_c:.0f} to {m.hot_c:.0f} degC without having grown there: not to be believed"
