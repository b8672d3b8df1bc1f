"""What a log's columns cannot mean: mV for V, a pack's voltage for a cell's, mA, K, ms, or a current of the other sign.

The estimator is told frame by frame and holds what cannot be for lost; over a whole log that is a mistake in the log or
of who made it, and an answer over lost frames alone would look like one that was measured.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from station_ctl.soc import curves
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.log import Array, Log, LogError
from station_ctl.soc.row import WARMTH_C

CELL_V: Final = (1.5, 4.5)
MOST_RATE_C: Final = 20.0
STEP_S: Final = (0.001, 900.0)
MOST_SWING: Final = 3.0
"""Charge that passed one way, in capacities: more is another unit or another pack, not a biased or frozen sensor."""
GAP_S: Final = 600.0
SHARE_WILD: Final = 0.05
STEPS_NEEDED: Final = 20
SHARE_AGAINST: Final = 0.9
SUDDEN_S: Final = 10.0
MOST_RESISTANCE: Final = 10.0
"""Of the type's at that temperature; an old or cold pack has two or three times as much."""
KELVINS_V: Final = 0.0514
"""2RT/F at 25 degC: slope of the charge transfer at no current, times its exchange current."""


def check(log: Log, cell_type: CellType, where: str) -> None:
    """Raises LogError."""
    dt_s = log.frames[:, 0]
    bms_a, volts, warm_c, meter_a = np.where(np.isfinite(log.frames[:, 1:]), log.frames[:, 1:], np.nan).T
    amps = np.where(np.isfinite(meter_a), meter_a, bms_a)  # as the estimator takes them
    _time(dt_s, where)
    _voltage(volts, cell_type.cells_in_series, where)
    if log.cells_v is not None:
        _in_range("V_cells_mV", log.cells_v.ravel() * 1e3, (CELL_V[0] * 1e3, CELL_V[1] * 1e3), "mV", where)
    _in_range("T", warm_c, WARMTH_C, "degC", where, "T is in degC, not K")
    _current(amps, cell_type.capacity_ah, where)
    _charge(dt_s, amps, cell_type.capacity_ah, where)
    _sign("I", dt_s, bms_a, volts, cell_type.capacity_ah, where)
    _sign("I_meter", dt_s, meter_a, volts, cell_type.capacity_ah, where)
    _resistance(log, amps, volts, cell_type, where)


def _time(dt_s: Array, where: str) -> None:
    steps = dt_s[dt_s > 0]
    if len(dt_s) > 1 and not len(steps):
        raise LogError("column t stands still", where=where, limit="a time in s for each row")
    if len(steps) and not STEP_S[0] <= (middle := float(np.median(steps))) <= STEP_S[1]:
        raise LogError(
            "column t is in steps that no log has", where=where, value=f"{middle:g}",
            limit=f"{STEP_S[0]:g} to {STEP_S[1]:g} s", remedy="t is in s, not ms or h",
        )  # fmt: skip


def _voltage(volts: Array, cells: int, where: str) -> None:
    known = volts[np.isfinite(volts)]
    if not len(known):
        raise LogError("column V has no value", where=where, limit="V of a cell, where valid is not 0")
    middle = float(np.median(known))
    if CELL_V[0] <= middle / 1e3 <= CELL_V[1]:
        remedy = "V is in V, not mV"
    elif CELL_V[0] <= middle / cells <= CELL_V[1]:
        remedy = f"a pack's voltage is to be divided by its {cells} cells in series"
    else:
        remedy = "V is of one cell, a pack's mean cell"
    _in_range("V", known, CELL_V, "V", where, remedy)


def _in_range(name: str, values: Array, limits: tuple[float, float], unit: str, where: str, remedy: str = "") -> None:
    """Half of the values have to be possible ones; nothing is asked of a column that has none."""
    known = values[np.isfinite(values)]
    if len(known) and not limits[0] <= (middle := float(np.median(known))) <= limits[1]:
        raise LogError(
            f"column {name} cannot be in {unit}", where=where, value=f"{middle:g} in the middle",
            limit=f"{limits[0]:g} to {limits[1]:g} {unit}", remedy=remedy,
        )  # fmt: skip


def _current(amps: Array, capacity_ah: float, where: str) -> None:
    known = amps[np.isfinite(amps)]
    if not len(known):
        raise LogError("column I has no value", where=where, limit="A, where valid is not 0; > 0 charges")
    wild = np.abs(known) > MOST_RATE_C * capacity_ah
    if wild.sum() > max(SHARE_WILD * len(known), np.count_nonzero(known) / 2):
        raise LogError(
            "column I cannot be in A", where=where, value=f"{float(np.median(known[wild])):g} in the middle",
            limit=f"{MOST_RATE_C:g} C of {capacity_ah:g} Ah", remedy="I is in A, not mA, and of a pack of this --type",
        )  # fmt: skip


def _charge(dt_s: Array, amps: Array, capacity_ah: float, where: str) -> None:
    flows = (np.abs(amps) <= MOST_RATE_C * capacity_ah) & (dt_s <= GAP_S)  # false for NaN
    amps = np.where(flows, amps, 0.0)
    middle_a = np.median([np.roll(amps, 1), amps, np.roll(amps, -1)], axis=0)  # single wild frames are none
    passed_ah = np.cumsum(middle_a * np.where(flows, dt_s, 0.0)) / 3600
    swing = float(np.ptp(passed_ah)) / capacity_ah
    if swing > MOST_SWING:
        raise LogError(
            "more charge passes one way than a pack holds", where=where, value=f"{swing:.3g} times its capacity",
            limit=f"{MOST_SWING:g} times", remedy="t is in s, I in A of one string of cells; look at --type",
        )  # fmt: skip


def _sign(name: str, dt_s: Array, amps: Array, volts: Array, capacity_ah: float, where: str) -> None:
    """A voltage that falls whenever the current rises: A > 0 discharges in this log."""
    steps_a, steps_v = np.diff(amps), np.diff(volts)
    large = (np.abs(steps_a) > 0.05 * capacity_ah) & (np.abs(steps_a) <= MOST_RATE_C * capacity_ah) & (steps_v != 0)
    large &= np.isfinite(steps_v) & (dt_s[1:] <= SUDDEN_S)
    against = int(np.count_nonzero((steps_a[large] > 0) != (steps_v[large] > 0)))
    if large.sum() >= STEPS_NEEDED and against >= SHARE_AGAINST * large.sum():
        raise LogError(
            f"column {name} has the other sign", where=where, limit="A > 0 charges",
            value=f"the voltage falls at {against} of {int(large.sum())} steps up of the current",
            remedy=f"turn the sign; of a candump log by `--signal {name}=-NAME`",
        )  # fmt: skip


def _resistance(log: Log, amps: Array, volts: Array, cell_type: CellType, where: str) -> None:
    """A small cell's log with a large cell's type: its steps are many times what that type would make of them."""
    steps_c, steps_v = np.diff(amps) / cell_type.capacity_ah, np.diff(volts)
    sudden = (np.abs(steps_c) > 0.01) & (np.abs(steps_c) <= MOST_RATE_C) & (log.frames[1:, 0] <= SUDDEN_S)
    sudden &= np.abs(steps_v) < CELL_V[1] - CELL_V[0]
    if sudden.sum() < STEPS_NEEDED:
        return
    warm_c = log.frames[:, 3]
    known_c = warm_c[(warm_c > WARMTH_C[0]) & (warm_c < WARMTH_C[1])]
    row = curves.at(cell_type.terms, float(np.median(known_c)) if len(known_c) else cell_type.terms.at_c[0])
    expected = row[2] + KELVINS_V / row[3]
    times = float(np.median(steps_v[sudden] / steps_c[sudden])) / expected
    if times > MOST_RESISTANCE:
        raise LogError(
            "the voltage moves more with the current than a pack of this type's can", where=where,
            value=f"{times:.3g} times its resistance", limit=f"{MOST_RESISTANCE:g} times",
            remedy=f"is it a pack of --type {cell_type.name}?",
        )  # fmt: skip
