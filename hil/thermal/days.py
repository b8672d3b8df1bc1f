"""Station-days of packs that do not run away: climate, charging, rest, docking, lost messages.

Written as one array a stay: what the station hears of one pack from its docking to its leaving, once a second (the
wire brings four times as many: fewer readings in a slot make a rise easier to feign, not harder).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from hil.thermal.sensor_faults import Array, Faults
from station_ctl.kernel.thermal import Detector

BAYS: Final = 8
DAY_S: Final = 86400
ROW: Final = np.dtype(
    [
        ("now_s", "f8"),
        *((n, "f4") for n in ("hot", "cold", "low", "mid")),
        *((n, "u1") for n in ("smoke", "alarm", "new")),
    ]
)
"""As the kernel's `run` takes it."""
_GRID_S, _BMV_S, _ATTENTIVE_S = 60, 10, 7200
_CAPACITY_AH, _HEAT_J_K, _COOLING_S, _LIMIT_C = 302.0, 1.1e6, 7200.0, 58.0
_SOC_PCT = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 70.0, 90.0, 97.0, 100.0)
_OCV_V = (2.6, 2.95, 3.1, 3.2, 3.25, 3.29, 3.33, 3.34, 3.36, 3.55)
_WEAKEST_V = (0.25, 0.18, 0.1, 0.05, 0.02, 0.01, 0.01, 0.01, 0.03, 0.08)


@dataclass(frozen=True, slots=True)
class Stay:
    """One pack in one bay. fault: name of what is broken, '' for nothing."""

    rows: Array
    fault: str


def _follow(rng: np.random.Generator, ambient_c: Array, seconds: int) -> tuple[Array, Array, Array]:
    """Body temperature, gradient over the pack and state of charge of one stay, on the grid."""
    body_c, soc, slow_k, spread_k = ambient_c[0] + rng.uniform(0, 20), rng.uniform(3, 40), 0.0, 3.0
    rate, starts_s = rng.choice((0.3, 0.5, 0.7, 1.0)), rng.exponential(1800)
    pauses = rng.random(seconds // _GRID_S + 1) < 0.05
    out = np.empty((3, seconds // _GRID_S + 1))
    for i in range(out.shape[1]):
        out[:, i] = body_c, spread_k, soc
        cold_pack = 0.3 if body_c < 5 else 1.0
        on = i * _GRID_S > starts_s and soc < 98 and body_c < _LIMIT_C and not pauses[i]
        charge_a = _CAPACITY_AH * rate * cold_pack if on else 0.0
        ohm = 0.06 * 2.718 ** (0.02 * (25 - min(max(body_c, -30), 60))) + 0.03
        climate_w = 12e3 if body_c < 10 else -12e3 if body_c > 35 else 0.0
        body_c += (charge_a**2 * ohm + climate_w) * _GRID_S / _HEAT_J_K
        body_c += (ambient_c[min(i, len(ambient_c) - 1)] - body_c) * _GRID_S / _COOLING_S
        slow_k += (abs(climate_w) / 2400 - slow_k) * _GRID_S / 300
        spread_k = 3 + slow_k + charge_a / 151
        soc += charge_a * _GRID_S / 36 / _CAPACITY_AH
    return out[0], out[1], out[2]


class Station:
    """Days of one station. climate: mean ambient of the day in degC. faulty: share of stays with something broken."""

    def __init__(self, seed: int, faulty: float) -> None:
        self._rng = np.random.default_rng(seed)
        self._faulty = faulty
        self._noise = self._rng.normal(0, 1, 2_000_000).astype("f4")
        self._faults = Faults(self._rng)

    def day(self, mean_c: float) -> Iterator[Stay]:
        """All stays of one day in all bays."""
        hours = np.arange(DAY_S // _GRID_S + 1) * _GRID_S / 3600
        ambient_c = mean_c + self._rng.uniform(2, 9) * np.sin((hours - 9) / 24 * 2 * np.pi)
        for _ in range(BAYS):
            at_s = 0
            while at_s < DAY_S:
                until_s = min(DAY_S, at_s + int(self._rng.uniform(0.5, 10) * 3600))
                yield self._stay(ambient_c[at_s // _GRID_S :], until_s - at_s)
                at_s = until_s + int(self._rng.uniform(60, 600))

    def _stay(self, ambient_c: Array, seconds: int) -> Stay:
        body_c, spread_k, soc = _follow(self._rng, ambient_c, seconds)
        rows, at_s = np.zeros(seconds, ROW), np.arange(seconds, dtype="f8")
        grid_s = np.arange(len(body_c)) * float(_GRID_S)
        noise_k = self._rng.uniform(0.1, 0.5)
        rows["now_s"] = at_s + self._rng.uniform(0, 0.05)
        rows["hot"] = np.interp(at_s, grid_s, body_c + spread_k / 2) + noise_k * self._draw(seconds)
        rows["cold"] = np.interp(at_s, grid_s, body_c - spread_k / 2) + noise_k * self._draw(seconds)
        rows["low"] = rows["mid"] = np.nan
        cells = rows[::_BMV_S]
        charge = np.interp(at_s[::_BMV_S], grid_s, soc)
        cells["mid"] = np.interp(charge, _SOC_PCT, _OCV_V)
        cells["low"] = cells["mid"] - np.interp(charge, _SOC_PCT, _WEAKEST_V) * self._rng.uniform(0.2, 2)
        rows["new"] = at_s < _ATTENTIVE_S
        fault = str(self._rng.choice(list(self._faults.kinds))) if self._rng.random() < self._faulty else ""
        if fault:
            self._faults.kinds[fault](rows)
        for name in ("hot", "cold"):
            rows[name] = np.rint(rows[name])
        for name in ("low", "mid"):
            cells[name] = np.rint(cells[name] * 100) / 100
        lost = self._rng.integers(0, seconds, seconds // 300)
        for name in ("hot", "cold", "low", "mid"):
            rows[name][lost] = np.nan
        return Stay(rows, fault)

    def _draw(self, count: int) -> Array:
        begin = int(self._rng.integers(0, len(self._noise) - count))
        return self._noise[begin : begin + count]


def judge(stay: Stay, limits: tuple[float, ...]) -> Array:
    """Verdict, causes and blind for each second of a stay."""
    answers = np.empty(3 * len(stay.rows), "u1")
    Detector(limits).run(stay.rows.view("u1"), answers)
    return answers.reshape(-1, 3)
