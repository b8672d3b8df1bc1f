"""What stood for a while: PackML states, steps of the swap, causes that withhold, permits by motion class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from drivers.robot_protocol import MotionClass
from hil.record import Sample
from hil.report.markup import Markup, clock, cut, join, px, tag
from hil.report.reduce import Stretch, joined, stretches, without_slivers
from hil.report.scale import LABEL_PX, LETTER_PX, Lane, Scale

V = TypeVar("V")

_KINDS = {
    **dict.fromkeys(("Idle", "Complete", "Stopped"), "resting"),
    **dict.fromkeys(("Clearing", "Resetting", "Starting", "Execute", "Completing"), "acting"),
    **dict.fromkeys(("Holding", "Held", "Unholding", "Suspending", "Suspended", "Unsuspending"), "waiting"),
    **dict.fromkeys(("Stopping", "Aborting", "Aborted"), "aborted"),
}
_ORDER = [(m.name or "").lower() for m in MotionClass]
_UPRIGHT_PX = 92.0
_ROW_PX = 14.0
_LEAST_PX = 0.7


def states(scale: Scale, samples: Sequence[Sample]) -> Lane:
    """PackML states; coloured by whether the station rests, acts, waits for somebody, or was aborted."""
    found = _visible(scale, samples, lambda s: s.packml)
    body = join(*(_band(scale, one, 22.0, _KINDS.get(one.value, "resting")) for one in found))
    return Lane(24.0, body, ((15.0, "PackML", "name"),))


def strip(samples: Sequence[Sample], scale: Scale) -> Markup:
    """PackML states as a strip without words, for the table of runs."""
    found = stretches(samples, lambda s: _KINDS.get(s.packml, "resting"), scale.end_s)
    return join(*(_box(scale, one, 12.0, one.value) for one in without_slivers(found, scale.seconds(2.0))))


def steps(scale: Scale, samples: Sequence[Sample]) -> Lane:
    """Steps of the swap, in two shades by turns; narrow ones carry their name upright."""
    found = _visible(scale, samples, lambda s: s.step)
    upright = any(not _fits(scale, s) for s in found)
    height_px = _UPRIGHT_PX if upright else 22.0
    body = (_band(scale, one, height_px, ("step", "step odd")[i % 2], upright) for i, one in enumerate(found))
    return Lane(height_px + 4, join(*body), ((min(height_px / 2 + 4, 50.0), "step", "name"),))


def causes(scale: Scale, samples: Sequence[Sample]) -> list[Lane]:
    """Causes of the interlock that stand; none if none ever did."""
    found = [s for s in _visible(scale, samples, lambda s: s.causes) if s.value]
    named = [Stretch(_several(s.value), s.from_s, s.until_s) for s in found]
    body = join(*(_band(scale, one, 16.0, "cause") for one in named))
    return [Lane(19.0, body, ((12.0, "interlock causes", "name"),))] if found else []


def permits(scale: Scale, samples: Sequence[Sample]) -> Lane:
    """One row for each motion class that was ever permitted."""
    names = sorted({p for s in samples for p in s.permits}, key=_rank)
    rows = (_permit(scale, samples, name, 1.0 + row * _ROW_PX) for row, name in enumerate(names))
    labels = [(10.0 + row * _ROW_PX, cut(name, 15), "small") for row, name in enumerate(names)]
    title = [(10.0, "permit", "name")] if names else []
    return Lane(len(names) * _ROW_PX + 4, join(*rows), (*title, *labels))


def _permit(scale: Scale, samples: Sequence[Sample], name: str, top: float) -> Markup:
    found = (s for s in stretches(samples, lambda s: name in s.permits, scale.end_s) if s.value)
    drawn = "".join(_bar(scale, s, top) for s in joined(found, scale.seconds(1.0)))
    back = tag("rect", x=0, y=top, width=scale.width_px, height=_ROW_PX - 2, class_="row")
    return join(back, tag("path", tag("title", f"permit {name}"), d=drawn, class_="permit"))


def _rank(name: str) -> tuple[int, str]:
    known = name.lower()
    return (_ORDER.index(known) if known in _ORDER else len(_ORDER), name)


def _visible(scale: Scale, samples: Sequence[Sample], key: Callable[[Sample], V]) -> list[Stretch[V]]:
    return without_slivers(stretches(samples, key, scale.end_s), scale.seconds(_LEAST_PX))


def _several(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}: {', '.join(names[1:])}"


def _fits(scale: Scale, one: Stretch[V]) -> bool:
    return len(str(one.value)) * LETTER_PX + 4 <= scale.x(one.until_s) - scale.x(one.from_s)


def _bar(scale: Scale, one: Stretch[V], top: float) -> str:
    left, right = scale.x(one.from_s), scale.x(one.until_s)
    return f"M{px(left)} {px(top + 2)}H{px(max(right, left + 1))}v8H{px(left)}z"


def _box(scale: Scale, one: Stretch[V], height_px: float, kind: str, *inside: Markup) -> Markup:
    left, right = scale.x(one.from_s), scale.x(one.until_s)
    return tag("rect", *inside, x=left, y=0, width=max(right - left, 0.7), height=height_px, class_=kind)


def _band(scale: Scale, one: Stretch[V], height_px: float, kind: str, upright: bool = False) -> Markup:
    name = cut(str(one.value), 300)
    title = tag("title", f"{name}: {clock(one.from_s)} to {clock(one.until_s)}")
    return join(_box(scale, one, height_px, kind, title), _name(scale, one, name, height_px, upright))


def _name(scale: Scale, one: Stretch[V], name: str, height_px: float, upright: bool) -> Markup:
    left, right = scale.x(one.from_s), scale.x(one.until_s)
    x, y = (left + right) / 2, height_px / 2
    if _fits(scale, one):
        return tag("text", name, x=x, y=y + 3.5, text_anchor="middle", class_="on")
    if upright and right - left >= LABEL_PX - 2:
        words = cut(name, int(height_px / LETTER_PX))
        turned = f"translate({px(x + 3.5)} {px(height_px - 3)}) rotate(-90)"
        return tag("text", words, transform=turned, class_="on")
    room = int((right - left - 4) / LETTER_PX)
    return tag("text", cut(name, room), x=left + 2, y=y + 3.5, class_="on") if room >= 4 else Markup()
