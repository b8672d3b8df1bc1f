"""The robot's axes and its load against time, as the plant really moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hil.record import Sample
from hil.report.markup import amount, join, px, tag
from hil.report.reduce import drawable, line
from hil.report.scale import Lane, Scale

_HEIGHT_PX = 50.0
_PAD_PX = 5.0
_SHOWN: tuple[tuple[str, str, float, Callable[[Sample], float]], ...] = (
    ("x", "mm", 100.0, lambda s: s.x_mm),
    ("y", "mm", 100.0, lambda s: s.y_mm),
    ("z", "mm", 100.0, lambda s: s.z_mm),
    ("load", "kg", 100.0, lambda s: s.load_kg),
)
"""Name, unit, the least range shown (noise of a thing at rest must not fill its lane), the value."""


def lanes(scale: Scale, samples: Sequence[Sample]) -> list[Lane]:
    """A lane for each axis and for the load; its range is written at the left."""
    return [_lane(scale, samples, *shown) for shown in _SHOWN]


def _lane(
    scale: Scale, samples: Sequence[Sample], name: str, unit: str, least: float, value: Callable[[Sample], float]
) -> Lane:
    values = [value(s) for s in samples]
    low, high = _range([v for v in values if drawable(v)], least)
    per_unit = (_HEIGHT_PX - 2 * _PAD_PX) / (high - low)
    points = line([(scale.x(s.at_s), _PAD_PX + (high - v) * per_unit) for s, v in zip(samples, values, strict=True)])
    bottom, top = amount(low, unit), amount(high, unit)
    title = tag("title", f"{name}: {bottom} to {top}")
    drawn = " ".join(f"{px(x)},{px(y)}" for x, y in points)
    back = tag("rect", x=0, y=0, width=scale.width_px, height=_HEIGHT_PX, class_="row")
    body = join(back, tag("polyline", title, points=drawn, class_="load" if unit == "kg" else "axis"))
    labels = ((_HEIGHT_PX / 2 + 3, name, "name"), (9.0, top, "small"), (47.0, bottom, "small"))
    return Lane(_HEIGHT_PX + 4, body, labels)


def _range(values: Sequence[float], least: float) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=0.0)
    return (low, high) if high - low >= least else (low, low + least)
