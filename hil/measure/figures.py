"""Figures beside the bars they are held to, for a person and as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. bar: what it must stay below (`inclusive`: at most that), None for a value without one."""

    name: str
    value: float
    unit: str = ""
    bar: float | None = None
    inclusive: bool = False

    @property
    def held(self) -> bool:
        """True if the bar holds; a value that is not a number holds none."""
        if self.bar is None:
            return True
        return self.value <= self.bar if self.inclusive else self.value < self.bar

    def text(self) -> str:
        """One line, the bar beside the value."""
        line = f"  {self.name:<34} {_number(self.value):>10} {self.unit:<4}"
        if self.bar is None:
            return line.rstrip()
        sign = "at most" if self.inclusive else "below"
        return (
            f"{line} bar: {sign} {_number(self.bar)} {self.unit}".rstrip() + f"  {'held' if self.held else 'NOT HELD'}"
        )


@dataclass(slots=True)
class Section:
    """What one part of the bench found: figures, lines of explanation, and values for --json only."""

    name: str
    says: str
    figures: list[Figure] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str = "", bar: float | None = None, inclusive: bool = False) -> None:
        """One more figure."""
        self.figures.append(Figure(name, value, unit, bar, inclusive))

    def add_spread(self, name: str, values: Sequence[float], unit: str, p99_bar: float | None = None) -> None:
        """Median, 99th percentile and maximum of a distribution; NaN (no bar holds) without any value."""
        for share, label in ((0.5, "p50"), (0.99, "p99"), (1.0, "max")):
            self.add(f"{name} {label}", quantile(values, share), unit, p99_bar if label == "p99" else None)

    @property
    def held(self) -> bool:
        """True if every bar of the section holds."""
        return all(figure.held for figure in self.figures)

    def text(self) -> str:
        """The section as lines."""
        return "\n".join([f"{self.name}: {self.says}", *(f.text() for f in self.figures), *self.lines, ""])

    def as_dict(self) -> dict[str, Any]:
        """The section as plain values."""
        figures = [
            {"name": f.name, "value": _finite(f.value), "unit": f.unit, "bar": f.bar, "held": f.held}
            for f in self.figures
        ]
        return {"name": self.name, "says": self.says, "held": self.held, "figures": figures, "details": self.details}


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that `share` (0..1) of all do not exceed; NaN if there is none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def _number(value: float) -> str:
    if math.isnan(value):
        return "none"
    return (
        f"{value:.0f}"
        if value == int(value) and abs(value) < 1e9
        else f"{value:.3g}"
        if abs(value) < 1
        else f"{value:.2f}"
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
