"""Runs of single cells and packs, as an estimator would see them: behind sensors with bias, offset, noise and steps.

A folder holds `NAME.npz` (t, I, V, T, soc, Q; V_cells for a pack) and `NAME.json` (kind, seed, known_start, dock_at_s;
after: the run whose pack this is, which then has a record).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hil.soc.porous.truth import Truth

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sensors:
    """What the instruments do to the truth. bias_a, gain: the BMS's shunt; the station's meter is ten times finer."""

    name: str = "good sensors"
    bias_a: float = 0.0
    gain: float = 1.0
    offset_v: float = 0.0
    noise_v: float = 0.0005
    step_v: float = 0.001
    noise_a: float = 0.1
    step_a: float = 0.1
    lost: float = 0.0
    """Part of the frames that do not come."""
    frozen: float = 0.0
    """Part of the time in which frames repeat, 30 s at a time."""


CASES: Final = (
    Sensors(),
    Sensors("bias +2.5 A", bias_a=2.5),
    Sensors("bias -2.5 A", bias_a=-2.5),
    Sensors("offset +10 mV", offset_v=0.010),
    Sensors("offset -10 mV", offset_v=-0.010),
    Sensors("lost and frozen", lost=0.05, frozen=0.05),
)


@dataclass(frozen=True, slots=True)
class Run:
    """As the estimator sees it (frames: dt_s, A, V, degC, meter A), and the truth."""

    name: str
    kind: str
    frames: Array
    t_s: Array
    soc: Array
    capacity_ah: float
    docked_s: float
    start: tuple[float, float] | None
    """Known charge and its sd; None: unknown."""
    cells_v: Array | None = None
    after: str | None = None
    """The run in which this pack was here before."""


def read(folder: Path, sensors: Sensors) -> Iterator[Run]:
    """Every run of a folder behind these sensors, by name; noise from each run's own seed."""
    for file in sorted(folder.glob("*.npz")):
        about = json.loads(file.with_suffix(".json").read_text("utf-8"))
        with np.load(file) as content:
            truth = {k: np.asarray(content[k], dtype=float) for k in content.files}
        yield _seen(file.stem, about, truth, sensors)


def write(
    folder: Path, name: str, truth: Truth, cells_v: Array | None = None, about: Mapping[str, object] | None = None
) -> None:
    """`NAME.npz` and `NAME.json`, as `read` wants them."""
    more = {} if cells_v is None else {"V_cells": cells_v}
    np.savez_compressed(
        folder / f"{name}.npz",
        allow_pickle=False,
        t=truth.t_s,
        I=truth.current_a,
        V=truth.voltage_v,
        T=truth.temperature_c,
        soc=truth.soc,
        Q=np.array(truth.capacity_ah),
        **more,
    )
    (folder / f"{name}.json").write_text(json.dumps(about or {}) + "\n", encoding="utf-8")


def _seen(name: str, about: dict[str, object], truth: dict[str, Array], sensors: Sensors) -> Run:
    random = np.random.default_rng(int(str(about["seed"])))
    t_s, n = truth["t"], len(truth["t"])
    amps = _stepped(truth["I"] * sensors.gain + sensors.bias_a + random.normal(0, sensors.noise_a, n), sensors.step_a)
    volts = _stepped(truth["V"] + sensors.offset_v + random.normal(0, sensors.noise_v, n), sensors.step_v)
    meter = _stepped(truth["I"] + random.normal(0, sensors.noise_a / 5, n), sensors.step_a / 10)
    docked_s = float(str(about.get("dock_at_s", "nan")))
    meter[: n if np.isnan(docked_s) else int(np.searchsorted(t_s, docked_s))] = np.nan
    lost = random.random(n) < sensors.lost
    amps[lost], volts[lost] = np.nan, np.nan
    _freeze(amps, volts, t_s, sensors.frozen, random)
    steps = np.diff(t_s, prepend=t_s[0])
    frames = np.ascontiguousarray(np.column_stack([steps, amps, volts, np.round(truth["T"] * 2) / 2, meter]))
    start = (float(truth["soc"][0]) - 0.02, 0.03) if about.get("known_start") else None
    docked_s = 0.0 if np.isnan(docked_s) else docked_s
    after = str(about["after"]) if "after" in about else None
    return Run(
        name,
        str(about["kind"]),
        frames,
        t_s,
        truth["soc"],
        float(truth["Q"]),
        docked_s,
        start,
        truth.get("V_cells"),
        after,
    )


def _stepped(values: Array, step: float) -> Array:
    return np.round(values / step) * step


def _freeze(amps: Array, volts: Array, t_s: Array, share: float, random: np.random.Generator) -> None:
    begin = 60.0
    while share and begin < t_s[-1]:
        begin += random.exponential(30 / share)
        k, end = np.searchsorted(t_s, [begin, begin + 30])
        if k < len(amps):
            amps[k:end], volts[k:end] = amps[k], volts[k]
