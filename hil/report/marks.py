"""What happened at a moment, and what was broken for a while: marks with their text, faults, violations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hil.record import Event, Span, Violation
from hil.report.markup import Markup, clock, cut, join, px, tag
from hil.report.scale import LETTER_PX, RULER_PX, Lane, Scale

_ROWS = {"sent": "person", "command": "robot command", "verdict": "verdict", "alarm": "alarm", "stop": "stop"}
_BANDS = ("state", "step")
"""Kinds that the bands show."""
_GLYPHS = {
    "sent": "M-4 4L0-4L4 4z",
    "alarm": "M-5 0L0-5L5 0L0 5z",
    "stop": "M-4-4H4V4H-4z",
}
_DOT = "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0"
_NEAR_PX = 3.0
_LEVEL_PX = 13.0
_BAR_PX = 15.0
_LETTERS = 52
_TITLE = 300


@dataclass(slots=True)
class Mark:
    """What happened at one place: moments and texts."""

    x: float
    found: list[tuple[float, str]]

    def label(self) -> str:
        """What happened, in few words."""
        texts = Counter(cut(text, _LETTERS) for _, text in self.found)
        return cut(", ".join(f"{text} ×{n}" if n > 1 else text for text, n in texts.items()), _LETTERS)

    def title(self) -> str:
        """All texts with their moments, within reason."""
        lines = [f"{clock(at_s)}  {cut(text, _TITLE)}" for at_s, text in self.found[:6]]
        return "\n".join(lines + ([f"and {len(self.found) - 6} more"] if len(self.found) > 6 else []))


@dataclass(slots=True)
class Levels:
    """Places labels so that none runs into another: the first level that is free from here on."""

    most: int
    _taken_px: list[float] = field(default_factory=list)

    def place(self, left: float, right: float) -> int | None:
        """The level, 0 the topmost; None if there is no room."""
        for level, taken in enumerate(self._taken_px):
            if taken <= left:
                self._taken_px[level] = right
                return level
        if len(self._taken_px) >= self.most:
            return None
        self._taken_px.append(right)
        return len(self._taken_px) - 1

    @property
    def height_px(self) -> float:
        """Of the levels in use."""
        return max(len(self._taken_px), 1) * _LEVEL_PX + 3


def gathered(scale: Scale, found: Sequence[tuple[float, str]]) -> list[Mark]:
    """Marks in order of time; those too near to be told apart are one."""
    marks: list[Mark] = []
    for at_s, text in sorted(found, key=lambda one: scale.x(one[0])):
        x = scale.x(at_s)
        if marks and x - marks[-1].x < _NEAR_PX:
            marks[-1].found.append((at_s, text))
        else:
            marks.append(Mark(x, [(at_s, text)]))
    return marks


def events(scale: Scale, found: Sequence[Event]) -> list[Lane]:
    """A lane for each kind of event that occurred and is not shown as a band."""
    kinds = [k for k in _ROWS if any(e.kind == k for e in found)]
    kinds += [k for k in dict.fromkeys(e.kind for e in found) if k not in _ROWS and k not in _BANDS]
    return [_row(scale, kind, [(e.at_s, e.text) for e in found if e.kind == kind]) for kind in kinds]


def violations(scale: Scale, found: Sequence[Violation]) -> list[Lane]:
    """The lane that names them; none without any."""
    if not found:
        return []
    return [_row(scale, "violation", [(v.at_s, f"{v.invariant}: {v.text}") for v in found])]


def violation_lines(scale: Scale, found: Sequence[Violation], height_px: float, top: float = RULER_PX) -> Markup:
    """A line through all lanes at each violation."""
    marks = gathered(scale, [(v.at_s, f"{v.invariant}: {v.text}") for v in found])
    drawn = ((tag("title", m.title()), f"M{px(m.x)} {px(top)}V{px(height_px)}") for m in marks)
    return join(*(tag("path", title, d=d, class_="violated") for title, d in drawn))


def faults(scale: Scale, found: Sequence[Span]) -> list[Lane]:
    """A bar for each fault while it was on; from the eleventh at a time on without words. No lane without any."""
    if not found:
        return []
    levels, bars, rows = Levels(10), [], 0
    for span in sorted(found, key=lambda s: scale.x(s.from_s)):
        left, right = _edges(scale, span)
        words = cut(f"{span.name}: {span.text}" if span.text else span.name, 60)
        wide = len(words) * LETTER_PX + 8
        start = min(left + 4, scale.width_px - wide)
        level = levels.place(min(left, start), max(right, start + wide))
        row = levels.most if level is None else level
        bars.append(_fault(span, left, right, row * _BAR_PX, "" if level is None else words, start))
        rows = max(rows, row + 1)
    return [Lane(rows * _BAR_PX + 3, join(*bars), ((12.0, "fault", "name"),))]


def fault_shades(scale: Scale, found: Sequence[Span], height_px: float) -> Markup:
    """Faults through all lanes, as a light shade."""
    edges, tall = [_edges(scale, span) for span in found], height_px - RULER_PX
    return join(*(tag("rect", x=a, y=RULER_PX, width=b - a, height=tall, class_="shade") for a, b in edges))


def _edges(scale: Scale, span: Span) -> tuple[float, float]:
    left = scale.x(span.from_s)
    return left, max(scale.width_px if span.until_s is None else scale.x(span.until_s), left + 1.0)


def _fault(span: Span, left: float, right: float, top: float, words: str, start: float) -> Markup:
    until = "the end" if span.until_s is None else clock(span.until_s)
    title = tag("title", cut(f"{span.name}: {span.text}", _TITLE), f"\n{clock(span.from_s)} to {until}")
    bar = tag("rect", title, x=left, y=top + 1, width=right - left, height=_LEVEL_PX, class_="fault")
    return join(bar, tag("text", words, x=start, y=top + 11, class_="on halo")) if words else bar


def _row(scale: Scale, kind: str, found: Sequence[tuple[float, str]]) -> Lane:
    """Marks with their texts on a few levels; marks whose text has no room stand on a level of their own below."""
    levels, drawn, bare = Levels(3), [], []
    for mark in gathered(scale, found):
        words = mark.label()
        wide = len(words) * LETTER_PX + 10
        left_side = mark.x + wide > scale.width_px
        level = levels.place(mark.x - wide if left_side else mark.x - 6, mark.x + (6 if left_side else wide))
        if level is None:
            bare.append(mark)
        else:
            drawn.append(_glyph(mark, kind, level * _LEVEL_PX, _words(words, left_side)))
    drawn += [_glyph(mark, kind, levels.height_px - 3, Markup()) for mark in bare]
    body = tag("g", *drawn, class_=f"mark {kind}" if kind in (*_ROWS, "violation") else "mark")
    height_px = levels.height_px + (_LEVEL_PX if bare else 0)
    return Lane(height_px, body, ((12.0, cut(_ROWS.get(kind, kind), 20), "name"),))


def _glyph(mark: Mark, kind: str, top: float, words: Markup) -> Markup:
    shape = tag("path", tag("title", mark.title()), d=_GLYPHS.get(kind, _DOT))
    return tag("g", shape, words, transform=f"translate({px(mark.x)} {px(top + 8)})")


def _words(words: str, left_side: bool) -> Markup:
    return tag("text", words, x=-7 if left_side else 7, y=3.5, text_anchor="end" if left_side else None)
