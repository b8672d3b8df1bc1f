"""The time line of a run: steps against robot axes, permits, faults, events and violations, as SVG."""

from __future__ import annotations

from hil.record import Record
from hil.report import bands, lines, marks
from hil.report.markup import Markup, join, px, tag
from hil.report.scale import GUTTER_PX, RULER_PX, Lane, Scale, end_s, ruler, scale, stacked, ticks

_STRIP_PX = 150.0


def timeline(record: Record) -> Markup:
    """The whole figure: labels that stay at the left, and the lanes beside them, which scroll if they are wide."""
    wide = scale(record)
    body, labels, height_px = stacked(_lanes(wide, record))
    under = marks.fault_shades(wide, record.faults, height_px)
    over = join(_grid(wide, height_px), marks.violation_lines(wide, record.violations, height_px))
    return tag(
        "div",
        _svg("labels", GUTTER_PX, height_px, labels),
        _svg("lanes", wide.width_px, height_px, join(under, body, over)),
        class_="timeline",
    )


def strip(record: Record) -> Markup:
    """The run at a glance: PackML states and violations, one line high."""
    narrow = Scale(end_s(record), _STRIP_PX, pad_px=0.0)
    red = marks.violation_lines(narrow, record.violations, 12.0, top=0.0)
    return _svg("strip", _STRIP_PX, 12.0, join(bands.strip(record.samples, narrow), red))


def _lanes(wide: Scale, record: Record) -> list[Lane]:
    samples = record.samples
    return [
        ruler(wide),
        *marks.violations(wide, record.violations),
        *marks.faults(wide, record.faults),
        bands.states(wide, samples),
        bands.steps(wide, samples),
        *lines.lanes(wide, samples),
        bands.permits(wide, samples),
        *bands.causes(wide, samples),
        *marks.events(wide, record.events),
    ]


def _grid(wide: Scale, height_px: float) -> Markup:
    drawn = "".join(f"M{px(wide.x(at_s))} {px(RULER_PX)}V{px(height_px)}" for at_s in ticks(wide))
    return tag("path", d=drawn, class_="grid")


def _svg(kind: str, width_px: float, height_px: float, inner: Markup) -> Markup:
    """The drawing; --w lets the print style keep the parts of a figure to one scale."""
    size = {"width": px(width_px), "height": px(height_px), "viewBox": f"0 0 {px(width_px)} {px(height_px)}"}
    return tag("svg", inner, class_=kind, style=f"--w:{px(width_px)}", **size)
