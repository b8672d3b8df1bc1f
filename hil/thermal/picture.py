"""A pack that runs away, drawn as the watch saw it: what it was told, when it was sure, when the pack said so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from hil.report.markup import Markup, join, px, tag
from hil.thermal.runaways import Case, Heard, Outcome, Record, watch
from station_ctl.thermal import limits as shipped
from station_ctl.thermal.finding import Cause

SHOWN: Final = Case(seed=7, short_w=3000.0, alarm_s=120.0, temperature_c=25.0, charge_a=0.0, lost=0.01, attentive=True)
"""The plant's ordinary short; its BMS alarms two minutes after the cell has run away."""
_LEFT, _TOP, _WIDE, _TALL, _GAP = 60.0, 46.0, 820.0, 150.0, 26.0
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#1a2026}"
    ".small{font-size:11px;fill:#59646f}.title{font-weight:600}"
    ".hot{stroke:#c0151b}.cold{stroke:#0b5fa5}.cell{stroke:#8a5a00}polyline{fill:none;stroke-width:1.6}"
    ".rule{stroke:#d5dbe1}.seen{stroke:#17713f;stroke-width:1.6}.ran{stroke:#59646f;stroke-dasharray:4 3}"
    ".alarm{stroke:#c0151b;stroke-width:1.6}"
)


def draw(case: Case) -> str:
    """The picture as SVG."""
    outcome, heard = watch(case, shipped.load()), list(Record(case))
    end_s = math.ceil((outcome.alarm_s + 20) / 60) * 60
    below = _TALL + _GAP
    parts = [
        tag("rect", width="100%", height="100%", fill="#fff"),
        _marks(outcome, end_s),
        _panel(_TOP, end_s, "probes, degC", (0.0, 200.0, 50.0), _probes(heard)),
        _panel(_TOP + below, end_s, "lowest cell, V", (0.0, 4.0, 1.0), {"cell": [(h.at_s, h.low_v) for h in heard]}),
        _axis(_TOP + below + _TALL, end_s),
    ]
    height = _TOP + below + _TALL + 40
    head = tag("style", Markup(_STYLE))
    size = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {_LEFT + _WIDE + 40:.0f} {height:.0f}"}
    return tag("svg", head, *parts, **size) + "\n"


def _probes(heard: Iterable[Heard]) -> dict[str, list[tuple[float, float]]]:
    told = list(heard)
    return {"hot": [(h.at_s, h.hot_c) for h in told], "cold": [(h.at_s, h.cold_c) for h in told]}


def _x(at_s: float, end_s: float) -> float:
    return _LEFT + at_s / end_s * _WIDE


def _panel(
    top: float, end_s: float, name: str, scale: tuple[float, float, float], lines: dict[str, list[tuple[float, float]]]
) -> Markup:
    low, high, step = scale
    per_unit = _TALL / (high - low)
    rules = []
    for i in range(round((high - low) / step) + 1):
        y = top + _TALL - i * step * per_unit
        rules.append(tag("line", x1=_LEFT, x2=_LEFT + _WIDE, y1=y, y2=y, class_="rule"))
        rules.append(tag("text", f"{low + i * step:g}", x=_LEFT - 8, y=y + 4, text_anchor="end", class_="small"))
    drawn = [_line(kind, points, end_s, top, scale) for kind, points in lines.items()]
    return join(*rules, tag("text", name, x=_LEFT + 6, y=top + 14, class_="title"), *drawn)


def _line(
    kind: str, points: Sequence[tuple[float, float]], end_s: float, top: float, scale: tuple[float, float, float]
) -> Markup:
    low, high, _ = scale
    told = [(at_s, min(max(v, low), high)) for at_s, v in points if not math.isnan(v)]
    where = (f"{px(_x(t, end_s))},{px(top + _TALL * (1 - (v - low) / (high - low)))}" for t, v in told)
    return tag("polyline", points=" ".join(where), class_=kind)


def _marks(outcome: Outcome, end_s: float) -> Markup:
    """Upright lines through both panels, each with its word above."""
    seen_s = outcome.detected_s
    by = str(Cause(outcome.causes).name).lower().replace("_", " ").replace("|", " and ")
    words = [(outcome.short_s, "ran", "the cell shorts"), (outcome.ran_away_s, "ran", "it runs away")]
    words.append((outcome.alarm_s, "alarm", "the pack's own alarm"))
    if seen_s is not None:
        words.append((seen_s, "seen", f"the station is sure ({by})"))
    drawn = []
    for i, (at_s, kind, text) in enumerate(sorted(words)):
        x, y = _x(at_s, end_s), (14.0, 30.0)[i % 2]
        drawn.append(tag("line", x1=x, x2=x, y1=y + 4, y2=_TOP + 2 * _TALL + _GAP, class_=kind))
        drawn.append(tag("text", f"{text}, {at_s:.0f} s", x=x, y=y, text_anchor="middle", class_="small"))
    return join(*drawn)


def _axis(top: float, end_s: float) -> Markup:
    every_s = 60 if end_s <= 900 else 600
    marks = range(0, int(end_s) + 1, every_s)
    texts = (tag("text", f"{t} s", x=_x(t, end_s), y=top + 18, text_anchor="middle", class_="small") for t in marks)
    return join(*texts)
