"""A fitted type as a file, and what its fit leaves, as a table and in pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import BaseModel

from station_ctl.soc.cell_type import CellType
from station_ctl.soc.fit import Left, voltage
from station_ctl.soc.fit_runs import Run
from station_ctl.soc.type_sections import Trust

WIDTH: Final = 110
THROUGH: Final = 1 / 3
"""Of the capacity: a run that goes so far one way shows the branch of that way."""


def to_toml(cell_type: CellType) -> str:
    """The type as `cell_type.load` reads it."""
    lines = ["# A pack type, made by `station-ctl soc fit`; docs/soc.md explains every field."]
    tables: list[tuple[str, BaseModel]] = []
    for name, value in cell_type:
        if isinstance(value, BaseModel):
            tables.append((f"[{name}]", value))
        elif name == "health":
            tables.extend(("[[health]]", health) for health in value)
        else:
            lines.append(f"{name} = {_value(value)}")
    for header, table in tables:
        lines += ["", header, *(f"{name} = {_value(value)}" for name, value in table)]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return _array([_value(v) for v in value])
    if isinstance(value, float):
        text = f"{value:.9g}"
        return text if any(c in text for c in ".en") else text + ".0"
    return str(value)


def _array(parts: Sequence[str]) -> str:
    whole = ", ".join(parts)
    if len(whole) < WIDTH:
        return f"[{whole}]"
    lines, line = [], ""
    for part in parts:
        if len(line) + len(part) + 2 > WIDTH:
            lines.append(line)
            line = ""
        line += f"{part}, "
    return "[\n" + "".join(f"  {text.rstrip()}\n" for text in [*lines, line]) + "]"


def table(left: Sequence[Left]) -> str:
    """Markdown: what is left of each run."""
    rows = ["| run | degC | mV rms (5-93 %) | mV mean | knee, % of charge |", "|---|---|---|---|---|"]
    for one in left:
        knee = "" if math.isnan(one.knee_pct) else f"{one.knee_pct:.2f}"
        rows.append(f"| {one.name} | {one.temperature_c:.0f} | {one.rms_mv:.1f} | {one.mean_mv:+.1f} | {knee} |")
    return "\n".join(rows) + "\n"


def trust_line(like: Trust, found: Trust) -> str:
    """What of `[trust]` the fit had to widen."""
    pairs = zip(found, like, strict=True)
    wider = [f"{name} {value:.3g} ({before:.3g})" for (name, value), (_, before) in pairs if value != before]
    return "trust less than --like: " + (", ".join(wider) or "nothing") + "\n"


def direction_line(runs: Sequence[Run]) -> str:
    """Says where no run charges, or none discharges, through a third of the capacity; '' if both are there."""
    soc = [run.frames[:, 3] for run in runs]
    gained = max(float(np.max(z - np.minimum.accumulate(z))) for z in soc)
    lost = max(float(np.max(np.maximum.accumulate(z) - z)) for z in soc)
    missing = [way for way, through in (("charges", gained), ("discharges", lost)) if through < THROUGH]
    return "".join(
        f"no run {way} by a third: what the type makes of one that does is not measured\n" for way in missing
    )


def plot(path: Path, cell_type: CellType, runs: Sequence[Run]) -> None:
    """The curve, the terms over temperature, and each run's error over its charge."""
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(12, 10), layout="constrained")
    curve, terms, error = figure.subplots(3, 1)
    c = cell_type.curve
    curve.plot(c.soc, c.discharge_v, label="discharge")
    curve.plot(c.soc, c.charge_v, label="charge")
    curve.legend()
    curve.set(
        xlabel="charge", ylabel="V", ylim=(2.9, 3.5), title=f"{cell_type.name}: open-circuit voltage, both branches"
    )
    for name in _shown(cell_type):
        terms.semilogy(cell_type.terms.at_c, getattr(cell_type.terms, name), "o-", label=name)
    terms.set(xlabel="degC", title="terms")
    terms.legend()
    coldest_first = sorted(runs, key=lambda run: float(np.mean(run.frames[:, 2])))
    for run in coldest_first:  # they err most: below the others
        error.plot(run.frames[:, 3], (voltage(cell_type, run) - run.voltage_v) * 1e3, linewidth=0.5, label=run.name)
    error.set(xlabel="charge", ylabel="model less measured, mV", ylim=(-30, 30))
    error.legend(fontsize=6, ncols=4)
    figure.savefig(path)


def _shown(cell_type: CellType) -> tuple[str, ...]:
    """The slow resistor's terms only where there is one."""
    always = ("lag_gain", "lag_s", "ohm_v", "exchange_c")
    return (*always, "slow_v", "slow_s") if max(cell_type.terms.slow_v) > 0 else always
