"""From a type's data to the tables of the kernel: knots of the plateau and the knee, terms at every second degree."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from station_ctl.kernel import soc as kernel
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.type_rules import PLATEAU_END
from station_ctl.soc.type_sections import Terms

FIRST: Final = -0.12
STEP: Final = 1.26 / (kernel.KNOTS - 1)
ZERO_V: Final = 1e-7
"""A term of zero has no logarithm; this is nothing."""
BEYOND: Final = 0.7
"""Terms go on beyond the last temperature by this part of the last step of 1/T, then stay."""
REACH_K: Final = 7.0
"""So far below the coldest temperature of the terms a voltage is believed: beyond, they are made up, and steep."""


def coldest_c(cell_type: CellType) -> float:
    """In more cold than this a pack of the type coasts."""
    return cell_type.terms.at_c[0] - REACH_K


def kernel_type(cell_type: CellType) -> kernel.CellType:
    """The compiled kernel's form of a type."""
    plateau, knee = tables(cell_type)
    return kernel.CellType(
        row(cell_type), _matrix(plateau), array("d", knee), _matrix(terms(cell_type.terms)), FIRST, STEP
    )


def row(cell_type: CellType) -> tuple[float, ...]:
    """The numbers of `soc_types.Cell`, in its order."""
    d, t = cell_type.dynamics, cell_type.trust
    return (
        cell_type.capacity_ah, d.fast_gain, d.fast_s, d.branch_gain, d.branch_s, d.knee_lag,
        t.window_s, t.level_sd_v, t.model_sd_v, t.model_cold_per_k, t.model_length, t.model_s, t.graphite_sd,
        t.past_share, t.past_c, t.knee_sd, t.eta_sd, t.noise_v, t.swing_share, t.scale_sd, t.scale_aged, t.scale_wander,
        t.branch_sd, t.bias_sd_c, t.bias_wander_c, t.meter_noise_c, t.charge_wander, t.temper, t.huber,
        t.fresh_charge, t.rest_share, t.most_evidence, 1.5, 4.5, coldest_c(cell_type) + 273.15,
    )  # fmt: skip


def tables(cell_type: CellType) -> tuple[list[tuple[float, float, float]], list[float]]:
    """Plateau (V, V/K, half the hysteresis) from empty; knee (V) from full."""
    c = cell_type.curve
    middle = [(low + high) / 2 for low, high in zip(c.discharge_v, c.charge_v, strict=True)]
    half = [(high - low) / 2 for low, high in zip(c.discharge_v, c.charge_v, strict=True)]
    flat = _plateau(c.soc, middle, c.knee_from)
    rise = [max(v - p, 0.0) for v, p in zip(middle, flat, strict=True)]
    places = [FIRST + k * STEP for k in range(kernel.KNOTS)]
    plateau = [(beyond(c.soc, flat, x), _inside(c.soc, c.entropy_v_per_k, x), _inside(c.soc, half, x)) for x in places]
    return plateau, [max(beyond(c.soc, rise, 1 - d), 0.0) for d in places]


def terms(data: Terms) -> list[tuple[float, ...]]:
    """The six terms every 2 K from -40 degC: straight in logarithm against 1/T (Arrhenius between two measurements)."""
    against = [-1 / (t + 273.15) for t in data.at_c]
    columns = [data.lag_gain, data.lag_s, data.ohm_v, data.exchange_c, data.slow_v, data.slow_s]
    logs = [[math.log(max(value, ZERO_V)) for value in column] for column in columns]
    low = against[0] - BEYOND * (against[1] - against[0])
    high = against[-1] + BEYOND * (against[-1] - against[-2])
    places = [min(max(-1 / (2 * k - 40 + 273.15), low), high) for k in range(kernel.TEMPERATURES)]
    return [tuple(math.exp(beyond(against, log, place)) for log in logs) for place in places]


def at(data: Terms, temperature_c: float) -> tuple[float, ...]:
    """The six terms at the nearest temperature of the table."""
    table = terms(data)
    return table[min(max(round((temperature_c + 40) / 2), 0), len(table) - 1)]


def _plateau(soc: Sequence[float], middle: Sequence[float], knee_from: float) -> list[float]:
    """The middle curve, gone on straight above the knee with the slope of the 6 % before it (never falling)."""
    near = [k for k, z in enumerate(soc) if knee_from - PLATEAU_END - 1e-9 <= z <= knee_from + 1e-9]
    mean_z = sum(soc[k] for k in near) / len(near)
    mean_v = sum(middle[k] for k in near) / len(near)
    slope = sum((soc[k] - mean_z) * (middle[k] - mean_v) for k in near) / sum((soc[k] - mean_z) ** 2 for k in near)
    start_v = _inside(soc, middle, knee_from)
    return [
        v if z <= knee_from else start_v + max(slope, 0.0) * (z - knee_from) for z, v in zip(soc, middle, strict=True)
    ]


def _inside(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    return beyond(xs, ys, min(max(x, xs[0]), xs[-1]))


def beyond(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """Straight between the points and on beyond the ends."""
    k = min(max(bisect_right(xs, x) - 1, 0), len(xs) - 2)
    return ys[k] + (x - xs[k]) * (ys[k + 1] - ys[k]) / (xs[k + 1] - xs[k])


def _matrix(rows: Sequence[Sequence[float]]) -> object:
    flat = array("d", [value for line in rows for value in line])
    return memoryview(flat).cast("B").cast("d", (len(rows), len(rows[0])))
