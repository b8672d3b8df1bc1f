"""Time against pixels, and the lanes of a time line one below the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hil.record import Record
from hil.report.markup import MINUTES_FROM_S, Markup, clock, join, minutes, tag
from hil.report.reduce import drawable, stretches

GUTTER_PX = 132.0
WIDTH_PX = 1100.0
WIDEST_PX = 4400.0
RULER_PX = 18.0
LABEL_PX = 13.0
"""What an upright label needs across."""
LETTER_PX = 5.7
"""Width of a letter of the 10 px labels, on the safe side."""
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds of the run to pixels from the left; pad_px stay free at both ends, for marks."""

    end_s: float
    width_px: float
    pad_px: float = 6.0

    def x(self, at_s: float) -> float:
        """Pixels from the left; what is before or after the run is at its edge."""
        inside_s = min(max(at_s, 0.0), self.end_s) if not math.isnan(at_s) else 0.0
        return self.pad_px + inside_s / self.end_s * (self.width_px - 2 * self.pad_px)

    def seconds(self, wide_px: float) -> float:
        """How long so many pixels are."""
        return wide_px / (self.width_px - 2 * self.pad_px) * self.end_s


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane: what it shows from y 0 to height_px, and its labels: y, text, "name" or "small"."""

    height_px: float
    body: Markup
    labels: tuple[tuple[float, str, str], ...] = ()


def end_s(record: Record) -> float:
    """Where the time line ends: the run's duration, or whatever is known to have happened later."""
    ends_s = [record.duration_s, *(s.at_s for s in record.samples[-1:])]
    ends_s += [e.at_s for e in record.events]
    ends_s += [v.at_s for v in record.violations]
    return max([0.1, *(t for t in ends_s if drawable(t))])


def scale(record: Record) -> Scale:
    """As wide as the page; wider (it scrolls) if that is needed for most steps' names to be readable."""
    last_s = end_s(record)
    steps = sorted(s.lasted_s for s in stretches(record.samples, lambda s: s.step, last_s) if s.lasted_s > 0)
    short_s = steps[len(steps) // 5] if steps else last_s
    return Scale(last_s, min(max(WIDTH_PX, LABEL_PX / short_s * last_s), WIDEST_PX))


def ticks(scale: Scale) -> Iterator[float]:
    """Moments to write on the axis: round ones, not closer than 70 px."""
    step_s = next((s for s in _STEPS_S if s >= scale.seconds(70.0)), scale.end_s)
    for i in range(int(scale.end_s / step_s + 1e-6) + 1):
        yield i * step_s


def ruler(scale: Scale) -> Lane:
    """The axis of time."""
    marks = []
    for at_s in ticks(scale):
        x = scale.x(at_s)
        anchor = "start" if x < 20 else "end" if x > scale.width_px - 20 else "middle"
        words = minutes(at_s) if scale.end_s >= MINUTES_FROM_S else clock(at_s)
        marks.append(tag("text", words, x=x, y=12, text_anchor=anchor, class_="tick"))
    return Lane(RULER_PX, join(*marks), ((12.0, "time", "name"),))


def stacked(lanes: list[Lane]) -> tuple[Markup, Markup, float]:
    """Lanes below each other: what they show, their labels (right-aligned in the gutter), the height of all."""
    bodies, labels, top = [], [], 0.0
    for lane in lanes:
        bodies.append(tag("g", lane.body, transform=f"translate(0 {top:.0f})"))
        labels += [_label(top + y, text, kind) for y, text, kind in lane.labels]
        top += math.ceil(lane.height_px)
    return join(*bodies), join(*labels), top


def _label(y: float, text: str, kind: str) -> Markup:
    """Names of lanes stand at the left, figures beside the lane."""
    if kind == "small":
        return tag("text", text, x=GUTTER_PX - 6, y=y, text_anchor="end", class_="small")
    return tag("text", text, x=2, y=y, class_="name")
