"""Days drawn: what was drawn from the grid against its limit, packs that were ready, trucks that waited."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hil.day.outcome import Outcome

COLOURS = ("#4c78a8", "#9ecae9", "#bab0ac")


def draw(outcomes: Sequence[Outcome], path: Path) -> None:
    """Two panels a day, one above the other, two days beside each other; written as PNG."""
    rows, columns = math.ceil(len(outcomes) / 2), min(len(outcomes), 2)
    figure: Any = Figure(figsize=(8.0 * columns, 6.5 * rows), layout="constrained")
    axes = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=(2, 1) * rows)
    top_kw = max(outcome.case.limit_kw for outcome in outcomes) * 1.08
    for index, outcome in enumerate(outcomes):
        row, column = divmod(index, 2)
        _power(axes[2 * row][column], outcome, top_kw)
        _stock(axes[2 * row + 1][column], outcome)
    for index in range(len(outcomes), rows * columns):
        for panel in (0, 1):
            axes[2 * (index // 2) + panel][index % 2].set_visible(False)
    handles = [part for axis in (axes[0][0], axes[1][0]) for part in axis.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=9)
    figure.savefig(path, dpi=80)


def _power(axis: Any, outcome: Outcome, top_kw: float) -> None:
    hours = [m.at_s / 3600.0 for m in outcome.record]
    stack = [[getattr(m, name) / 1000.0 for m in outcome.record] for name in ("packs_w", "losses_w", "others_w")]
    axis.stackplot(hours, *stack, labels=("into the packs", "lost in chargers", "all else"), colors=COLOURS)
    axis.plot(hours, [m.most_w / 1000.0 for m in outcome.record], "k", linewidth=0.6, label="most in the minute")
    axis.axhline(outcome.case.limit_kw, color="#c0151b", linewidth=1.5, label="grid limit")
    worst = outcome.peak.worst
    axis.plot(worst.at_s / 3600.0, worst.grid_w / 1000.0, "v", color="#c0151b", markersize=6, label="worst instant")
    axis.set(title=outcome.case.name, ylabel="kW at the connection point", ylim=(0, top_kw), xlim=_span(outcome))


def _stock(axis: Any, outcome: Outcome) -> None:
    hours = [m.at_s / 3600.0 for m in outcome.record]
    axis.step(hours, [m.ready for m in outcome.record], where="post", color="#17713f", label="packs ready")
    axis.step(
        hours, [m.charging for m in outcome.record], where="post", color="#8a8f98", linewidth=0.8, label="bays busy"
    )
    axis.step(hours, [m.waiting for m in outcome.record], where="post", color="#c0151b", label="trucks waiting")
    axis.set(xlabel="hour of the day", xlim=_span(outcome), ylim=(0, None))


def _span(outcome: Outcome) -> tuple[float, float]:
    return outcome.case.from_h, outcome.case.from_h + outcome.case.hours
